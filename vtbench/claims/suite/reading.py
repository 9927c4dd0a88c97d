"""Reading a suite: TOML in, claims out, every mistake named with its file and line."""

from __future__ import annotations

import fnmatch
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from vtbench.claims.suite.lines import Lines
from vtbench.claims.suite.making import add_claim, add_quantity
from vtbench.claims.suite.mistakes import Reading
from vtbench.claims.suite.names import check_names
from vtbench.claims.suite.shape import (
    Cell,
    Column,
    Header,
    RowHead,
    Single,
    SuiteFile,
    TableHead,
    Unprinted,
)
from vtbench.claims.suite.types import CONVENTIONS, Axis, Claim, Fitted, HeldOut, Suite
from vtbench.errors import BadSuite

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_suite(path: Path) -> Suite:
    """The claims of a suite file; a BadSuite names every mistake, one to a line."""
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise BadSuite(f"The suite {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadSuite(f"{path}: this is not TOML: {error}.") from error
    reading = Reading(path, path.stem, Lines(text))
    suite = _read(reading, data)
    check_names(reading.claims, reading.quantities, reading.mistake, reading.lines)
    if reading.mistakes or suite is None:
        raise BadSuite("\n".join(reading.mistakes))
    return suite


def _read(reading: Reading, data: dict[str, Any]) -> Suite | None:
    known = SuiteFile.__struct_fields__
    for key in sorted(set(data) - set(known)):
        line = reading.lines.of_key(reading.lines.of_header(key), key)
        reading.mistake(line, f"{key}: there is no such field; there are {', '.join(known)}.")
    if not reading.name.isidentifier():
        reading.mistake(1, f"A suite is named after its file, and {reading.name!r} is no name: "
                        "use letters, digits and _.")  # fmt: skip
    header = reading.convert(data.get("suite", {}), Header, reading.lines.of_header("suite"))
    if header is not None:
        reading.header = header
    for line, unprinted in _each(reading, data, "quantity", Unprinted):
        add_quantity(reading, unprinted, line)
    for index, table in enumerate(reading.tables(data, "table")):
        _read_table(reading, table, reading.lines.of_header("table", index))
    for line, single in _each(reading, data, "claim", Single):
        add_claim(reading, single, line)
    fits = _each(reading, data, "fitted", Fitted)
    fitted = [fit for _, fit in fits]
    _check_fits(reading, fits)
    held_out = [held for _, held in _each(reading, data, "held_out", HeldOut)]
    search = _search(reading, data.get("search", {}))
    if header is None:
        return None
    if not (reading.claims or reading.mistakes):
        reading.mistake(1, "The suite holds no claim: give it a [[table]] or a [[claim]].")
    return Suite(
        name=reading.name,
        title=header.title,
        source=header.source,
        path=str(reading.path),
        claims=tuple(_with_fits(claim, fitted) for claim in reading.claims),
        quantities=tuple(reading.quantities.values()),
        search=search,
        fitted=tuple(fitted),
        held_out=tuple(held_out),
    )


def _each(reading: Reading, data: dict[str, Any], key: str, kind: Any) -> list[tuple[int, Any]]:
    """The ``[[key]]`` of a file that can be read, each with its line."""
    found = []
    for index, each in enumerate(reading.tables(data, key)):
        line = reading.lines.of_header(key, index)
        made = reading.convert(each, kind, line)
        if made is not None:
            found.append((line, made))
    return found


def _search(reading: Reading, data: Any) -> dict[str, Axis]:
    """Where the search may look; a plain list is an axis of every workload."""
    start = reading.lines.of_header("search")
    if not isinstance(data, dict):
        line = reading.lines.of_key(1, "search")
        reading.mistake(line, "search: is written as a [search] table.")
        return {}
    axes: dict[str, Axis] = {}
    for name, given in data.items():
        text = {"values": given} if isinstance(given, list) else given
        line = reading.lines.of_header(f"search.{name}")
        at = reading.lines.of_key(start, name) if line == 1 else line
        axis = reading.convert(text, Axis, at)
        if axis is not None:
            axes[name] = axis
            _check_values(reading, name, axis, at)
    return axes


def _check_values(reading: Reading, name: str, axis: Axis, line: int) -> None:
    """Sizes are positive numbers, and modes are the two that there are."""
    if name == "resolution" and not all(type(v) is int and v > 0 for v in axis.values):
        reading.mistake(line, "search.resolution: its values are positive whole numbers.")
    if name == "mode" and not set(axis.values) <= {"eval", "train"}:
        reading.mistake(line, "search.mode: its values are 'eval' and 'train'.")


def _check_fits(reading: Reading, fitted: Iterable[tuple[int, Fitted]]) -> None:
    """Every pattern of a fit speaks of some claim."""
    local = [claim.id.partition(".")[2] for claim in reading.claims]
    for line, fit in fitted:
        for pattern in (*fit.claims, *fit.deduced_from):
            if not fnmatch.filter(local, pattern):
                reading.mistake(line, f"fitted: no claim matches {pattern!r}.")


def _with_fits(claim: Claim, fitted: Iterable[Fitted]) -> Claim:
    local = claim.id.partition(".")[2]
    choices = tuple(
        fit.choice for fit in fitted if any(fnmatch.fnmatch(local, p) for p in fit.claims)
    )
    return msgspec.structs.replace(claim, fitted=choices) if choices else claim


def _read_table(reading: Reading, data: dict[str, Any], line: int) -> None:
    table = reading.convert({**data, "row": []}, TableHead, line)
    if table is None:
        return
    for index, row in enumerate(reading.tables(data, "row", line)):
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
            cell = _cell(reading, key, value, where)
            if cell is not None:
                _add_cell(reading, table, head, (key, cell), where)


def _cell(reading: Reading, key: str, value: Any, line: int) -> Cell | None:
    if isinstance(value, str):
        return Cell(printed=value)
    if isinstance(value, int | float):
        reading.mistake(line, f'{key}: printed digits stand in quotes, as in "{value}", so that '
                        "none is lost.")  # fmt: skip
        return None
    return reading.convert(value, Cell, line)


def _add_cell(
    reading: Reading, table: TableHead, row: RowHead, cell: tuple[str, Cell], line: int
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
        by=found.by,
        needs=found.needs or column.needs or row.needs,
        workload=found.workload or row.workload,
        stages=column.stages,
        hardware=column.hardware,
        conditions=column.conditions,
        arithmetic=found.arithmetic,
    )
    counted = column.metric in CONVENTIONS and row.group
    add_claim(reading, single, line, column=f"{row.group if counted else table.id}.{key}")
