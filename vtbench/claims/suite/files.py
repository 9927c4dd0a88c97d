"""Suite files: which there are, and reading one, every mistake named with its file and line."""

from __future__ import annotations

import fnmatch
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from vtbench.claims.suite.claims import add_claim, add_quantity
from vtbench.claims.suite.expected import by_mistakes
from vtbench.claims.suite.names import check_names, without_bounds
from vtbench.claims.suite.reader import Lines, SuiteReader
from vtbench.claims.suite.schema import (
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
from vtbench.data.spelling import closest
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
        raise BadSuite(f"{path}: this is not a TOML file: {error}.") from error
    except ValueError as error:  # Python does not read an integer of thousands of digits
        raise BadSuite(f"{path}: a number of the file has too many digits.") from error
    reader = SuiteReader(path, path.stem, Lines(text))
    suite = _read(reader, data)
    check_names(reader.claims, reader.quantities, reader.mistake, reader.lines)
    if reader.mistakes or suite is None:
        raise BadSuite("\n".join(reader.mistakes))
    return suite


def _read(reader: SuiteReader, data: dict[str, Any]) -> Suite | None:
    known = SuiteFile.__struct_fields__
    for key in sorted(set(data) - set(known)):
        line = reader.lines.of_key(reader.lines.of_header(key), key)
        reader.mistake(line, f"{key}: there is no such field; use one of {', '.join(known)}.")
    if not reader.name.isidentifier():
        reader.mistake(1, f"A suite is named after its file, and {reader.name!r} is not a name: "
                        "rename the file; use letters, digits and _.")  # fmt: skip
    header = reader.convert(data.get("suite", {}), Header, reader.lines.of_header("suite"))
    if header is not None:
        reader.header = header
    reader.ids = list(_ids(data))
    for line, unprinted in _each(reader, data, "quantity", Unprinted):
        add_quantity(reader, unprinted, line)
    for index, table in enumerate(reader.tables(data, "table")):
        _read_table(reader, table, reader.lines.of_header("table", index))
    for line, single in _each(reader, data, "claim", Single):
        add_claim(reader, single, line)
    reader.claims = without_bounds(reader.claims)
    fits = _each(reader, data, "fitted", Fitted)
    fitted = [fit for _, fit in fits]
    _check_fits(reader, fits)
    held_out = [held for _, held in _each(reader, data, "held_out", HeldOut)]
    search = _search(reader, data.get("search", {}))
    _check_readings(reader, search)
    if header is None:
        return None
    if not (reader.claims or reader.mistakes):
        reader.mistake(1, "The suite holds no claim: give it a [[table]] or a [[claim]].")
    return Suite(
        name=reader.name,
        title=header.title,
        source=header.source,
        path=str(reader.path),
        claims=tuple(_with_fits(reader.claims, fitted)),
        quantities=tuple(reader.quantities.values()),
        search=search,
        fitted=tuple(fitted),
        held_out=tuple(held_out),
    )


def _ids(data: dict[str, Any]) -> Iterator[str]:
    """The ids of quantities, cells and claims, as far as the file is in order."""
    heads = set(RowHead.__struct_fields__)
    for table in _tables(data.get("table")):
        for row in _tables(table.get("row")):
            for key in (key for key in row if key not in heads):
                yield f"{table.get('id')}.{row.get('id')}.{key}"
    for key in ("quantity", "claim"):
        yield from (str(each.get("id")) for each in _tables(data.get(key)))


def _tables(given: Any) -> list[dict[str, Any]]:
    found = given if isinstance(given, list) else []
    return [each for each in found if isinstance(each, dict)]


def _each(reader: SuiteReader, data: dict[str, Any], key: str, kind: Any) -> list[tuple[int, Any]]:
    """The ``[[key]]`` of a file that can be read, each with its line."""
    found = []
    for index, each in enumerate(reader.tables(data, key)):
        line = reader.lines.of_header(key, index)
        made = reader.convert(each, kind, line)
        if made is not None:
            found.append((line, made))
    return found


def _search(reader: SuiteReader, data: Any) -> dict[str, Axis]:
    """Where the search may look; a plain list is an axis of every workload."""
    start = reader.lines.of_header("search")
    if not isinstance(data, dict):
        line = reader.lines.of_key(1, "search")
        reader.mistake(line, "search: expected a [search] table.")
        return {}
    axes: dict[str, Axis] = {}
    for name, given in data.items():
        text = {"values": given} if isinstance(given, list) else given
        line = reader.lines.of_header(f"search.{name}")
        at = reader.lines.of_key(start, name) if line == 1 else line
        axis = reader.convert(text, Axis, at)
        if axis is not None:
            axes[name] = axis
            _check_values(reader, name, axis, at)
    return axes


def _check_readings(reader: SuiteReader, search: dict[str, Axis]) -> None:
    """Every reading that a claim expects can be tried."""
    for claim in reader.claims:
        line = reader.lines.of_claim(claim.id)
        for sentence in by_mistakes(claim, search):
            reader.mistake(reader.lines.of_key(line, "by"), f"{claim.id}: {sentence}")


def line_of_axis(suite: Suite, axis: str) -> int:
    """The line of a suite's file on which an axis of its search stands."""
    lines = Lines(Path(suite.path).read_text(encoding="utf-8"))
    own = lines.of_header(f"search.{axis}")
    return own if own != 1 else lines.of_key(lines.of_header("search"), axis)


def _check_values(reader: SuiteReader, name: str, axis: Axis, line: int) -> None:
    """Sizes are positive numbers, and modes are the two that there are."""
    if name == "resolution" and not all(type(v) is int and v > 0 for v in axis.values):
        reader.mistake(line, "search.resolution: expected positive whole numbers.")
    if name == "mode" and not set(axis.values) <= {"eval", "train"}:
        reader.mistake(line, "search.mode: expected 'eval' or 'train'.")


def _check_fits(reader: SuiteReader, fitted: Iterable[tuple[int, Fitted]]) -> None:
    """Every pattern of a fit speaks of some claim."""
    local = [claim.id.partition(".")[2] for claim in reader.claims]
    for line, fit in fitted:
        for pattern in (*fit.claims, *fit.deduced_from):
            if not fnmatch.filter(local, pattern):
                reader.mistake(line, f"fitted: no claim matches {pattern!r}.")


def _with_fits(claims: Sequence[Claim], fitted: Iterable[Fitted]) -> Iterator[Claim]:
    """Every claim with the choices that were fitted to it."""
    names = {claim.id.partition(".")[2]: claim.id for claim in claims}
    choices: dict[str, list[str]] = {}
    for fit in fitted:
        for name in {name for each in fit.claims for name in fnmatch.filter(names, each)}:
            choices.setdefault(names[name], []).append(fit.choice)
    for claim in claims:
        found = choices.get(claim.id)
        yield msgspec.structs.replace(claim, fitted=tuple(found)) if found else claim


def _read_table(reader: SuiteReader, data: dict[str, Any], line: int) -> None:
    table = reader.convert({**data, "row": []}, TableHead, line)
    if table is None:
        return
    for index, row in enumerate(reader.tables(data, "row", line)):
        at = reader.lines.of_row(line, index)
        head_keys = set(RowHead.__struct_fields__)
        head = reader.convert({k: v for k, v in row.items() if k in head_keys}, RowHead, at)
        if head is None:
            continue
        for key, value in row.items():
            where = reader.lines.of_key(at, key)
            if key in head_keys:
                continue
            if key not in table.columns:
                columns = ", ".join(table.columns)
                reader.mistake(where, f"Table {table.id} has no column {key!r}; it has {columns}.")
                continue
            cell = _cell(reader, key, value, where)
            if cell is not None:
                _add_cell(reader, table, head, (key, cell), where)


def _cell(reader: SuiteReader, key: str, value: Any, line: int) -> Cell | None:
    if isinstance(value, str):
        return Cell(printed=value)
    if isinstance(value, int | float):
        reader.mistake(line, f'{key}: write the printed digits in quotes, as in "{value}", so '
                        "that no digit is lost.")  # fmt: skip
        return None
    return reader.convert(value, Cell, line)


def _add_cell(
    reader: SuiteReader, table: TableHead, row: RowHead, cell: tuple[str, Cell], line: int
) -> None:
    key, found = cell
    column: Column = table.columns[key]
    single = Single(
        id=f"{table.id}.{row.id}.{key}",
        where=f"{table.where}, {row.where or row.id}",
        printed=found.printed,
        source_kind=column.source_kind or table.source_kind,
        unit=column.unit if found.unit is None else found.unit,
        kind=column.kind,
        relation=found.relation or column.relation,
        average=column.average,
        metric=column.metric,
        convention=column.convention,
        of=found.of or column.of,
        expect=found.expect,
        why=found.why,
        by=found.by,
        needs=found.needs or column.needs or row.needs,
        workload=found.workload or row.workload,
        stages=column.stages,
        zeros=column.zeros,
        hardware=column.hardware,
        conditions=column.conditions,
        arithmetic=found.arithmetic,
    )
    counted = column.metric in CONVENTIONS and row.group
    add_claim(reader, single, line, column=f"{row.group if counted else table.id}.{key}")


def shipped() -> dict[str, Path]:
    """Suite name -> file, of the suites that come with the package."""
    folder = _folder()
    return {path.stem: path for path in sorted(folder.glob("*.toml"))} if folder else {}


def _folder() -> Path | None:
    """``vtbench/suites`` where the package is installed, ``suites`` in a checkout."""
    package = Path(str(resources.files("vtbench")))
    candidates = (package / "suites", package.parent / "suites")
    return next((folder for folder in candidates if folder.is_dir()), None)


def find(names: list[str]) -> list[Suite]:
    """Suites by name or by file; all that ship where none is named."""
    known = shipped()
    if not names:
        if not known:
            raise BadSuite("No suite ships with this installation; name a file.")
        return [read_suite(path) for path in known.values()]
    suites = []
    for name in names:
        path = known.get(name, Path(name))
        if name not in known and not path.is_file():
            near = closest(name, known)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise BadSuite(f"There is no suite {name!r} and no such file.{hint}")
        suites.append(read_suite(path))
    return suites


def tables_in(suite: Suite) -> list[tuple[int, TableHead]]:
    """The tables of a suite that was read, in order, each with the line on which it begins."""
    text = Path(suite.path).read_text(encoding="utf-8")
    lines, tables = Lines(text), tomllib.loads(text).get("table", [])
    return [
        (lines.of_header("table", index), msgspec.convert(table, TableHead))
        for index, table in enumerate(tables)
    ]
