"""Results in files: the kind of each line, and the contents of several files.

Each line is recognised by its own shape, so that one file may hold records and measurements
together. The kind of a file is that of its first line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from vtbench.data.closed_form import Formula, refuse_unreadable
from vtbench.data.files.lines import Line, decoded, read_lines
from vtbench.data.launches import combined
from vtbench.data.measurement import SCHEMA, Measurement
from vtbench.data.record import CONVENTION, Record
from vtbench.data.workload import Workload
from vtbench.errors import BadInput

Kind = Literal["records", "measurements", "forms", "baseline"]
"""The contents of a file: counts, timings and peaks, closed forms, or a baseline."""
KINDS: tuple[Kind, ...] = get_args(Kind)
RESULTS: tuple[Kind, ...] = ("records", "measurements", "forms")
"""The kinds that are kept result by result; a baseline is written whole."""
Result = Record | Measurement | Formula

_ONE: dict[Kind, str] = {
    "records": "record",
    "measurements": "measurement",
    "forms": "closed form",
    "baseline": "line of a baseline",
}
_BELONGS: dict[Kind, str] = {
    "records": "`vtbench check --from`",
    "measurements": "`vtbench report` or `vtbench check --from`",
    "forms": "`vtbench formula --from`",
    "baseline": "`vtbench check --against`",
}
_BEGINS: dict[Kind, bytes] = {
    "records": b'{"workload":{',
    "measurements": b'{"schema":"vtbench-measurement/',
    "forms": b'{"model":',
}
"""The beginning of every line that is kept result by result; no other line is ever cut off."""
_ABSENT = msgspec.Raw(b"")


class _Shape(msgspec.Struct):
    """The fields that tell one kind of line from another."""

    schema: Any = None
    kind: Any = None
    workload: msgspec.Raw = _ABSENT
    protocol: msgspec.Raw = _ABSENT
    model: msgspec.Raw = _ABSENT
    macs: msgspec.Raw = _ABSENT

    @property
    def recognised(self) -> Kind | None:
        """The kind of the line; None if vtbench does not know it."""
        if self.kind in ("baseline", "model", "module"):
            return "baseline"
        if str(self.schema).startswith("vtbench-measurement/") or bytes(self.protocol):
            return "measurements"
        if bytes(self.workload):
            return "records"
        return "forms" if bytes(self.model) and bytes(self.macs) else None


class Results(msgspec.Struct):
    """The contents of files, in the order of files and lines."""

    records: dict[Workload, Record] = {}
    """Workload that was asked for -> its record; the last one if there are several."""
    measurements: list[Measurement] = []
    """All measurements."""
    forms: list[Formula] = []
    """All closed forms."""

    def add(self, result: Result) -> None:
        """Add one more result."""
        if isinstance(result, Record):
            self.records[result.asked or result.workload] = result
        elif isinstance(result, Measurement):
            self.measurements.append(result)
        else:
            self.forms.append(result)


def kind_of(path: Path) -> Kind:
    """The kind of a file by its first line that is not empty; BadInput if it is not known."""
    lines = read_lines(path, "results")
    if not lines:
        raise BadInput(f"The file {path} is empty: it holds no results.")
    kind = _recognised(lines[0])
    if kind is None:
        raise BadInput(
            f"The file {path} does not hold results of vtbench: its first line is neither a "
            "record, a measurement, a closed form, nor the first line of a baseline."
        )
    return kind


def read_results(paths: Iterable[Path], wanted: Sequence[Kind] = RESULTS) -> Results:
    """All results of some files; a line of a kind that is not wanted is refused.

    A line of an unknown kind is read as the first kind that is wanted, so that the error can say
    what it lacks. A torn last line is ignored.
    """
    found = Results()
    what = wanted[0] if len(wanted) == 1 else "results"
    for path in paths:
        for line in read_lines(path, what, beginnings(wanted)):
            found.add(result_of(line, wanted))
    return found


def read_records(path: Path) -> dict[Workload, Record]:
    """The records of a file by workload; those of another counting convention are refused."""
    return read_results([path], ("records",)).records


def read_measurements(path: Path) -> list[Measurement]:
    """The measurements of a file in order, the launches of a cell as one.

    Those of another schema are refused.
    """
    return combined(read_results([path], ("measurements",)).measurements)


def beginnings(kinds: Iterable[Kind]) -> tuple[bytes, ...]:
    """How lines of some kinds begin, as far as they are kept result by result."""
    return tuple(_BEGINS[kind] for kind in kinds if kind in _BEGINS)


def result_of(line: Line, wanted: Sequence[Kind] = RESULTS) -> Result:
    """The result of one line, which has to be of a kind that is wanted."""
    kind = _recognised(line) or wanted[0]
    if kind not in wanted:
        raise BadInput(
            f"{line.where}: this is not a {_ONE[wanted[0]]}: the file holds {_held(kind)}. Give "
            f"the file to {_BELONGS[kind]}."
        )
    if kind == "records":
        return _record(line)
    if kind == "measurements":
        return _measurement(line)
    return _form(line)


def line_of(result: Result) -> str:
    """A result as a line, with its line break; a measurement leaves out the default values.

    Its schema is never left out: a later vtbench has another default.
    """
    if isinstance(result, Measurement):
        schema = {"schema": result.schema, **msgspec.to_builtins(result)}
        return msgspec.json.encode(schema).decode() + "\n"
    return msgspec.json.encode(result).decode() + "\n"


def _recognised(line: Line) -> Kind | None:
    """The kind of a line; None of one that cannot be read, which its decoding will say."""
    try:
        return msgspec.json.decode(line.text, type=_Shape).recognised
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def _held(kind: Kind) -> str:
    return {"baseline": "a baseline", "forms": "closed forms"}.get(kind, kind)


def _record(line: Line) -> Record:
    record: Record = decoded(line, Record, _ONE["records"])
    if record.convention != CONVENTION:
        raise BadInput(
            f"{line.where}: this record has the convention {record.convention}, and this vtbench "
            f"counts by {CONVENTION}; count again."
        )
    return record


def _form(line: Line) -> Formula:
    form: Formula = decoded(line, Formula, _ONE["forms"])
    try:
        refuse_unreadable(form)
    except BadInput as error:
        raise BadInput(f"{line.where}: this is not a {_ONE['forms']}: {error}") from error
    return form


class _Schema(msgspec.Struct):
    """The one field that says whether the rest can be read."""

    schema: str = SCHEMA


def _measurement(line: Line) -> Measurement:
    schema: str = decoded(line, _Schema, _ONE["measurements"]).schema
    if schema == SCHEMA:
        measurement: Measurement = decoded(line, Measurement, _ONE["measurements"])
        return measurement
    raise BadInput(
        f"{line.where}: this measurement has the schema {schema}, and this vtbench reads "
        f"{SCHEMA}; use the version of vtbench that wrote it, or measure again."
    )
