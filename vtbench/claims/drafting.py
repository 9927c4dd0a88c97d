"""Drafts of suites: one claim for each cell of a printed table."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping

import msgspec

from vtbench.claims.audit.auditing import derivations
from vtbench.claims.audit.columns import PrintedColumn, columns_of
from vtbench.claims.audit.derivations import Derivation
from vtbench.claims.audit.printed import PrintedFigure, PrintedTable
from vtbench.claims.drafted_cells import drafted, size_of, spelt_out, toml
from vtbench.claims.suite.interval import SCALES
from vtbench.claims.suite.schema import RowHead
from vtbench.errors import BadOption

_METRICS = {"macs": "macs", "flops": "flops", "params": "params"}
_NEEDS = {"throughput": "hardware", "latency": "hardware", "accuracy": "weights"}
_RESERVED = frozenset(RowHead.__struct_fields__)
_ASIDE = ("resolution", "device")
"""Quantities of columns that are no claims."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a table does not say by itself."""

    title: str
    source: str
    units: Mapping[str, str]
    """Heading -> unit."""
    models: Mapping[str, str]
    """Row -> model."""
    guessed: Collection[str] = ()
    """Rows whose model is a guess from their name."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a table becomes a suite."""

    asked: Draft
    columns: tuple[PrintedColumn, ...]
    units: Mapping[int, str]
    """Place of a column -> its unit."""
    made: Mapping[int, Derivation]
    """Place of a derived column -> how it follows from another."""
    sizes: Mapping[int, tuple[int, int]]
    """Row -> the size that the table prints for it."""


def open_questions(table: PrintedTable, asked: Draft) -> list[str]:
    """The counted columns with a figure whose unit neither heading, cell nor user says."""
    units = {c.quantity: units_of(table, c, asked) for c in columns_of(table) if c.role == "plain"}
    return [
        column.head
        for column in _figures(table)
        if column.quantity in _METRICS and column.role in ("plain", "difference")
        and not (column.unit or asked.units.get(column.head))
        and not (column.role == "difference" and units.get(column.quantity))
        and any(not (figure.unit or spelt_out(figure)) for figure in _printed(table, column))
    ]  # fmt: skip


def units_of(table: PrintedTable, column: PrintedColumn, asked: Draft) -> str:
    """The unit of a column: as the user says it, its heading, or most of its cells."""
    unit = asked.units.get(column.head, column.unit)
    if unit not in SCALES:
        units = ", ".join(each for each in SCALES if each)
        raise BadOption(
            f"--unit: the unit of {column.head!r} must be one of {units}; found {unit!r}."
        )
    figures = [figure for figure in _printed(table, column) if not spelt_out(figure)]
    own = Counter(figure.unit for figure in figures if figure.unit in SCALES)
    return unit or ("" if "" in own or not own else own.most_common(1)[0][0])


def _printed(table: PrintedTable, column: PrintedColumn) -> list[PrintedFigure]:
    cells = (row[column.place] for row in table.rows)
    return [cell.figure for cell in cells if cell.figure is not None]


def _figures(table: PrintedTable) -> list[PrintedColumn]:
    return [
        column
        for column in columns_of(table)[1:]
        if _printed(table, column) and column.quantity not in _ASIDE and not _is_size(table, column)
    ]


def _is_size(table: PrintedTable, column: PrintedColumn) -> bool:
    """Whether every cell of a column prints a size such as 224²."""
    texts = [row[column.place].text for row in table.rows if not row[column.place].dash]
    return bool(texts) and all(size_of(text, alone=False) for text in texts)


def _sizes(table: PrintedTable) -> dict[int, tuple[int, int]]:
    """Row -> the size of its image, from a column of sizes or one of the names."""
    said = {column.place: column.quantity == "resolution" for column in columns_of(table)}
    found: dict[int, tuple[int, int]] = {}
    for row, cells in enumerate(table.rows):
        for place, cell in enumerate(cells):
            size = size_of(cell.text, alone=said[place])
            if size and (said[place] or place < table.names or _is_size(table, _at(table, place))):
                found.setdefault(row, size)
    return found


def _at(table: PrintedTable, place: int) -> PrintedColumn:
    return columns_of(table)[place]


def draft(table: PrintedTable, asked: Draft) -> tuple[str, list[str]]:
    """The text of a suite with one claim per cell, and what its writer has to know."""
    found, notes = derivations(table)
    plan = Plan(
        asked=asked,
        columns=tuple(_figures(table)),
        units={column.place: units_of(table, column, asked) for column in _figures(table)},
        made={each.relation.derived.place: each for each in found if not each.relation.aside},
        sizes=_sizes(table),
    )
    heads = _keys([column.head for column in plan.columns])
    names = _keys([table.name(row) for row in range(len(table.rows))])
    keys = (names, dict(zip((column.place for column in plan.columns), heads, strict=True)))
    lines = [
        f"# Drafted from {asked.source} by vtbench init-suite. Compare it with the paper.",
        "",
        "[suite]",
        f"title = {toml(asked.title)}",
        f"source = {toml(asked.source)}",
        f"resolution = {_header_size(table, plan)}",
        "",
        "[[table]]",
        'id = "t1"',
        f"where = {toml(asked.title)}",
        "",
        "[table.columns]",
    ]
    if any(column.quantity == "flops" for column in plan.columns):
        lines.append(
            '# A multiply-add is one FLOP here, which is a guess; use "double" if it counts as two.'
        )
    if plan.made:
        lines.append("# What derived figures follow from is a guess from their digits.")
    lines += [f"{keys[1][column.place]} = {_column(column, plan)}" for column in plan.columns]
    for row in range(len(table.rows)):
        own, complaints = _row(table, row, keys, plan)
        lines += ["", *own]
        notes += complaints
    return "\n".join(lines) + "\n", [*notes, *_left_out(table, plan)]


def _header_size(table: PrintedTable, plan: Plan) -> str:
    if len(plan.sizes) == len(table.rows):
        return '"own" # every row has the size that the table prints'
    return '"own" # a guess: the table prints no size, so it is that of each model'


def _left_out(table: PrintedTable, plan: Plan) -> list[str]:
    """The columns, lines and names of models that have no place in the suite."""
    notes = []
    kept = {0, *(column.place for column in plan.columns), *range(table.names)}
    for column in columns_of(table):
        if column.place not in kept and not _sized(table, column):
            why = "has no claims" if column.quantity in _ASIDE else "has no figures"
            notes.append(f"column {column.place + 1} ({column.head}) {why}; it is left out.")
    notes += [
        f"the row {name!r} has text and no figures; it is left out." for name in table.textual
    ]
    notes += [f"the line {name!r} over all columns is left out." for name in table.across]
    unnamed = [
        f"{table.name(row)} (row {row + 1})"
        for row in range(len(table.rows))
        if table.name(row) not in plan.asked.models
    ]
    if unnamed:
        notes.append(
            f"no model is named for {', '.join(unnamed)}: these rows are unknown "
            "(not-implemented). Name a model with --model 'ROW=MODEL' or in the file."
        )
    return notes


def _sized(table: PrintedTable, column: PrintedColumn) -> bool:
    return any(
        size_of(row[column.place].text, alone=column.quantity == "resolution") for row in table.rows
    )


def _column(column: PrintedColumn, plan: Plan) -> str:
    unit = plan.units[column.place]
    metric = _METRICS.get(column.quantity)
    parts = [f'metric = "{metric}"'] if metric else []
    derivation = plan.made.get(column.place)
    if derivation is not None:
        kinds = [each.kind for each in derivation.comparisons]
        kind = "ratio" if max(kinds, key=kinds.count) == "ratio" else "difference"
        unit = unit or ("x" if kind == "ratio" else plan.units[derivation.relation.base.place])
        parts.append(f'kind = "{kind}"')
    if unit:
        parts.append(f'unit = "{unit}"')
    if metric == "flops":
        parts.append('convention = "full"')
    if metric is None:
        parts.append(f'needs = "{_NEEDS.get(column.quantity, "undefined")}"')
    return f"{{ {', '.join(parts)} }}"


Keys = tuple[list[str], Mapping[int, str]]
"""Ids of rows, and keys of columns by place."""


def _row(table: PrintedTable, row: int, keys: Keys, plan: Plan) -> tuple[list[str], list[str]]:
    """The lines of a row, and what could not be placed of it."""
    name, complaints = table.name(row), []
    lines = ["[[table.row]]", f"id = {toml(keys[0][row])}", f"where = {toml(f'row {name}')}"]
    lines.append(_workload(plan, row, name))
    for column in plan.columns:
        cell, key = table.rows[row][column.place], keys[1][column.place]
        of = _of(row, column.place, keys, plan.made)
        line = drafted(cell, key, column, plan.units[column.place], of)
        if line.text is not None:
            lines.append(line.text)
        if line.complaint:
            place = f"row {row + 1} ({name}), column {column.place + 1} ({column.head})"
            complaints.append(f"{place}: {cell.text!r} {line.complaint}.")
    return lines, complaints


def _workload(plan: Plan, row: int, name: str) -> str:
    model, size = plan.asked.models.get(name), plan.sizes.get(row)
    if not model:
        return 'needs = "not-implemented"'
    sized = ""
    if size:
        sized = f", resolution = {size[0] if size[0] == size[1] else list(size)}"
    guess = " # a guess from the name of the row" if name in plan.asked.guessed else ""
    return f"workload = {{ model = {toml(model)}{sized} }}{guess}"


def _of(row: int, place: int, keys: Keys, made: Mapping[int, Derivation]) -> str | None:
    """What a derived cell follows from; empty if it stays unclear, None if it is not one."""
    derivation = made.get(place)
    if derivation is None:
        return None
    base = keys[1][derivation.relation.base.place]
    for each in derivation.comparisons:
        if each.row == row:
            other = f"{keys[0][each.base_row]}.{base}"
            words = {"a": base, "b": other}
            expression = derivation.style[each.kind]
            return " ".join(words.get(word, word) for word in expression.split())
    return ""


def _keys(names: list[str]) -> list[str]:
    """Short lower-case ids for names, each once."""
    found: list[str] = []
    for name in names:
        plain = re.sub(r"[(\[][^)\]]*[)\]]", " ", name).replace("Δ", " d ") or name
        ascii_ = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode().lower()
        key = re.sub(r"[^a-z0-9]+", "_", ascii_).strip("_") or "row"
        key = f"r{key}" if key[0].isdigit() else key
        key = f"{key}_figure" if key in _RESERVED else key
        number, unique = 2, key
        while unique in found:
            unique, number = f"{key}_{number}", number + 1
        found.append(unique)
    return found
