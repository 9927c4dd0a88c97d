"""Results in files: of which kind each line is, and all that some files hold.

Each line is recognised by its own shape, so that one file may hold records and measurements
together. The kind of a file is that of its first line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from vtbench.data.closed_form import Formula
from vtbench.data.files.lines import Line, decoded, read_lines
from vtbench.data.measurement import SCHEMA, Measurement
from vtbench.data.record import CONVENTION, Record
from vtbench.data.workload import Workload
from vtbench.errors import BadInput

Kind = Literal["records", "measurements", "forms", "baseline"]
"""What a file of ours holds: counts, timings and peaks, closed forms, or a baseline."""
KINDS: tuple[Kind, ...] = get_args(Kind)
RESULTS: tuple[Kind, ...] = ("records", "measurements", "forms")
"""What is kept result by result; a baseline is written whole."""
Result = Record | Measurement | Formula

_ONE: dict[Kind, str] = {
    "records": "record",
    "measurements": "measurement",
    "forms": "form",
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
"""How every line begins that is kept result by result: only what does is ever cut off."""
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
        """The kind of the line; None where it is none of ours."""
        if self.kind in ("baseline", "model", "module"):
            return "baseline"
        if str(self.schema).startswith("vtbench-measurement/") or bytes(self.protocol):
            return "measurements"
        if bytes(self.workload):
            return "records"
        return "forms" if bytes(self.model) and bytes(self.macs) else None


class Results(msgspec.Struct):
    """What files hold, in the order of files and lines."""

    records: dict[Workload, Record] = {}
    """By the workload that was asked for; of several of one workload, the last."""
    measurements: list[Measurement] = []
    forms: list[Formula] = []

    def add(self, result: Result) -> None:
        """One more."""
        if isinstance(result, Record):
            self.records[result.asked or result.workload] = result
        elif isinstance(result, Measurement):
            self.measurements.append(result)
        else:
            self.forms.append(result)


def kind_of(path: Path) -> Kind:
    """What a file holds, by its first line that is not empty; BadInput where it is none of ours."""
    lines = read_lines(path, "results")
    if not lines:
        raise BadInput(f"The file {path} is empty: it holds no results.")
    kind = _recognised(lines[0])
    if kind is None:
        raise BadInput(
            f"The file {path} is none of vtbench's files of results: its first line is neither a "
            "record, a measurement, a form, nor the first line of a baseline."
        )
    return kind


def read_results(paths: Iterable[Path], wanted: Sequence[Kind] = RESULTS) -> Results:
    """Everything that some files hold; a line of a kind that is not wanted is refused.

    A line of no known kind is held to be of the first kind that is wanted, so that what it lacks
    can be said. A torn last line is ignored.
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
    """The measurements of a file in order; those of another schema are refused."""
    return read_results([path], ("measurements",)).measurements


def beginnings(kinds: Iterable[Kind]) -> tuple[bytes, ...]:
    """How lines of some kinds begin, as far as they are kept result by result."""
    return tuple(_BEGINS[kind] for kind in kinds if kind in _BEGINS)


def result_of(line: Line, wanted: Sequence[Kind] = RESULTS) -> Result:
    """The result of one line, which has to be of a kind that is wanted."""
    kind = _recognised(line) or wanted[0]
    if kind not in wanted:
        raise BadInput(
            f"{line.where}: this is no {_ONE[wanted[0]]}: the file holds {_held(kind)}; it belongs "
            f"to {_BELONGS[kind]}."
        )
    if kind == "records":
        return _record(line)
    if kind == "measurements":
        return _measurement(line)
    form: Formula = decoded(line, Formula, _ONE["forms"])
    return form


def line_of(result: Result) -> str:
    """A result as a line, with its line break; of a measurement what is default is left out.

    Its schema never is: a later vtbench has another default.
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
    return "a baseline" if kind == "baseline" else kind


def _record(line: Line) -> Record:
    record: Record = decoded(line, Record, _ONE["records"])
    if record.convention != CONVENTION:
        raise BadInput(
            f"{line.where}: counted by the convention {record.convention}, and this is "
            f"{CONVENTION}; count again."
        )
    return record


class _Schema(msgspec.Struct):
    """The one field that says whether the rest can be read."""

    schema: str = SCHEMA


def _measurement(line: Line) -> Measurement:
    schema: str = decoded(line, _Schema, _ONE["measurements"]).schema
    if schema == SCHEMA:
        measurement: Measurement = decoded(line, Measurement, _ONE["measurements"])
        return measurement
    raise BadInput(
        f"{line.where}: written as {schema}, and this vtbench reads {SCHEMA}; "
        "use the version of vtbench that wrote it, or measure again."
    )
