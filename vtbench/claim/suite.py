"""Reading a suite: TOML in, claims out, every mistake named with its file and line."""

from __future__ import annotations

import fnmatch
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from vtbench.claim.interval import SCALES, interval
from vtbench.claim.lines import Lines
from vtbench.claim.names import check_names, full_expression
from vtbench.claim.shape import (
    Cell,
    Column,
    Header,
    RowHead,
    Single,
    SuiteFile,
    TableHead,
    WorkloadText,
)
from vtbench.claim.types import Claim, Fitted, Suite
from vtbench.errors import BadSuite
from vtbench.workload import Workload, freeze_options

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")


@dataclass
class _Reading:
    """One file while it is being read; mistakes are collected, not raised."""

    path: Path
    name: str
    lines: Lines
    header: Header = field(default_factory=lambda: Header(title="", source=""))
    mistakes: list[str] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)

    def mistake(self, line: int, sentence: str) -> None:
        self.mistakes.append(f"{self.path}:{line}: {sentence}")

    def convert(self, data: Any, kind: type[T], line: int) -> T | None:
        """Data as a struct, or a mistake that names the field."""
        try:
            return msgspec.convert(data, kind)
        except msgspec.ValidationError as error:
            text = str(error)
            key = text.partition("`$.")[2].partition("`")[0].split(".")[0].split("[")[0]
            self.mistake(self.lines.of_key(line, key), f"{text}.")
            return None


def read_suite(path: Path) -> Suite:
    """The claims of a suite file; a BadSuite names every mistake, one to a line."""
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise BadSuite(f"The suite {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSuite(f"{path}: this is not TOML: {error}.") from error
    reading = _Reading(path, path.stem, Lines(text))
    suite = _read(reading, data)
    check_names(reading.claims, reading.mistake, reading.lines)
    if reading.mistakes or suite is None:
        raise BadSuite("\n".join(reading.mistakes))
    return suite


def _read(reading: _Reading, data: dict[str, Any]) -> Suite | None:
    known = set(SuiteFile.__struct_fields__)
    for key in sorted(set(data) - known):
        reading.mistake(reading.lines.of_key(1, key), f"A suite has no {key!r}.")
    header = reading.convert(data.get("suite", {}), Header, reading.lines.of_header("suite"))
    if header is not None:
        reading.header = header
    for index, table in enumerate(data.get("table", [])):
        _read_table(reading, table, reading.lines.of_header("table", index))
    for index, single in enumerate(data.get("claim", [])):
        line = reading.lines.of_header("claim", index)
        found = reading.convert(single, Single, line)
        if found is not None:
            _add_single(reading, found, line)
    fitted = reading.convert(data.get("fitted", []), list[Fitted], 1) or []
    search = reading.convert(data.get("search", {}), dict[str, list[Any]], 1) or {}
    if header is None:
        return None
    return Suite(
        name=reading.name,
        title=header.title,
        source=header.source,
        path=str(reading.path),
        claims=tuple(_with_fits(claim, fitted) for claim in reading.claims),
        search={axis: tuple(values) for axis, values in search.items()},
        fitted=tuple(fitted),
    )


def _with_fits(claim: Claim, fitted: Iterable[Fitted]) -> Claim:
    local = claim.id.partition(".")[2]
    choices = tuple(
        fit.choice for fit in fitted if any(fnmatch.fnmatch(local, p) for p in fit.claims)
    )
    return msgspec.structs.replace(claim, fitted=choices) if choices else claim


def _read_table(reading: _Reading, data: dict[str, Any], line: int) -> None:
    table = reading.convert({**data, "row": []}, TableHead, line)
    if table is None:
        return
    for index, row in enumerate(data.get("row", [])):
        at = reading.lines.of_row(line, index)
        head_keys = set(RowHead.__struct_fields__)
        head = reading.convert({k: v for k, v in row.items() if k in head_keys}, RowHead, at)
        if head is None:
            continue
        for key, value in row.items():
            where = reading.lines.of_key(at, key)
            if key in head_keys:
                continue
            if key not in table.columns:
                columns = ", ".join(table.columns)
                reading.mistake(where, f"Table {table.id} has no column {key!r}; it has {columns}.")
                continue
            cell = _cell(reading, value, where)
            if cell is not None:
                _add_cell(reading, table, head, (key, cell), where)


def _cell(reading: _Reading, value: Any, line: int) -> Cell | None:
    if isinstance(value, str):
        return Cell(printed=value)
    return reading.convert(value, Cell, line)


def _add_cell(
    reading: _Reading, table: TableHead, row: RowHead, cell: tuple[str, Cell], line: int
) -> None:
    key, found = cell
    column: Column = table.columns[key]
    single = Single(
        id=f"{table.id}.{row.id}.{key}",
        where=f"{table.where}, {row.where or row.id}",
        printed=found.printed,
        unit=column.unit,
        kind=column.kind,
        metric=column.metric,
        convention=column.convention,
        of=found.of or column.of,
        expect=found.expect,
        why=found.why,
        needs=found.needs or column.needs or row.needs,
        workload=found.workload or row.workload,
        arithmetic=found.arithmetic,
    )
    _add_single(reading, single, line, column=f"{table.id}.{key}")


def _add_single(reading: _Reading, single: Single, line: int, column: str = "") -> None:
    """A figure, and for a derived one its twin against the printed figures alone."""
    if single.unit not in SCALES:
        units = ", ".join(repr(unit) for unit in SCALES)
        reading.mistake(line, f"{single.id}: the unit {single.unit!r} is none of {units}.")
        return
    if single.expect != "holds" and not single.why:
        reading.mistake(line, f"{single.id}: expects {single.expect!r} and does not say why.")
    if (single.of is None) == (single.kind in ("ratio", "difference", "bound", "arithmetic")):
        wants = "needs" if single.of is None else "is no derived figure and takes no"
        reading.mistake(line, f"{single.id}: a {single.kind} {wants} arithmetic `of` claims.")
        return
    try:
        claim = _claim(reading, single, column or single.id)
    except BadSuite as error:
        reading.mistake(line, f"{single.id}: {error}")
        return
    reading.lines.remember(claim.id, line)
    reading.claims.append(claim)
    if single.kind in ("ratio", "difference", "bound"):
        twin = msgspec.structs.replace(
            claim,
            id=f"{claim.id}.printed",
            kind="arithmetic",
            expect=single.arithmetic.expect,
            why=single.arithmetic.why,
            unknown=None,
            column=f"{claim.column}.printed",
        )
        reading.lines.remember(twin.id, line)
        reading.claims.append(twin)


def _claim(reading: _Reading, single: Single, column: str) -> Claim:
    digits = interval(single.printed, single.unit)
    derived = single.of is not None
    return Claim(
        id=f"{reading.name}.{single.id}",
        suite=reading.name,
        where=single.where,
        kind="reference" if single.needs == "weights" and not derived else single.kind,
        metric=single.metric,
        printed=single.printed,
        unit=single.unit,
        low=digits.low,
        high=digits.high,
        column=f"{reading.name}.{column}",
        workload=None if derived else _workload(reading.header, single.workload),
        expression=full_expression(single.of, reading.name, single.id) if single.of else None,
        convention=single.convention or reading.header.conventions.get(single.metric, "full"),
        expect=single.expect,
        why=single.why,
        unknown=single.needs,
    )


def _workload(header: Header, text: WorkloadText | None) -> Workload | None:
    if text is None:
        return None
    size = text.resolution or header.resolution
    height, width = (size, size) if isinstance(size, int) else size
    if min(height, width, text.batch_size) < 1:
        raise BadSuite("sizes and batch sizes are positive.")
    if text.mode not in ("eval", "train"):
        raise BadSuite(f"the mode is 'eval' or 'train', not {text.mode!r}.")
    return Workload(
        model=text.model,
        resolution=(height, width),
        batch_size=text.batch_size,
        options=freeze_options(dict(text.options)),
        mode="train" if text.mode == "train" else "eval",
    )
