"""Drafts of suites: a commented example, and one claim for each cell of a printed table."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping

import msgspec

from vtbench.claims.audit.auditing import derivations
from vtbench.claims.audit.columns import PrintedColumn, columns_of
from vtbench.claims.audit.derivations import Derivation
from vtbench.claims.audit.printed import PrintedCell, PrintedTable
from vtbench.claims.suite.interval import SCALES
from vtbench.claims.suite.schema import RowHead
from vtbench.errors import BadOption

EXAMPLE = """\
# A suite: the costs of models that a paper, a README or you yourself state. Check it with
#
#     vtbench check FILE
#     vtbench explain t1.net.macs FILE
#
# Add --allow-imports if it names a function of yours, which is then run.
# `vtbench suites --schema` prints a JSON Schema that editors complete and check this file with.

[suite]
title = "Title of the paper"
source = "how to find it, such as arXiv 2006.03677"
# The size of the images, unless a workload states another: 224, [384, 640], or "own".
resolution = 224
# The paper's conventions. MACs: full, double (FLOPs that are twice the MACs), attention_missed,
# norms_counted, ... Parameters: all, weights_only, no_norm, no_bias.
conventions = { macs = "full", params = "all" }

# The values that vtbench may try if a figure differs: give a range, never the answer.
# [search]
# resolution = [192, 224, 256]

[[table]]
id = "t1"
where = "Table 1"

# The quantity and unit of each column. The printed digits give the interval, not a tolerance.
[table.columns]
macs = { metric = "macs", unit = "G" }
params = { metric = "params", unit = "M" }
top1 = { unit = "%", needs = "weights" } # kept as reference; it cannot be judged here
d_macs = { kind = "difference", metric = "macs", unit = "G" }

[[table.row]]
id = "r18"
where = "row ResNet-18"
workload = { model = "resnet18" }
macs = "1.814"
params = "11.69"
top1 = "69.76"

[[table.row]]
id = "r34"
where = "row ResNet-34"
workload = { model = "resnet34" }
macs = "3.664"
params = "21.80"
# A derived figure names its parts: `macs` of this row, `r18.macs` of another.
# It is compared with the models, and with the other printed figures.
d_macs = { printed = "+1.850", of = "macs - r18.macs" }

# A model of your own is package.module:function, found from the current directory too; the
# function returns a module, or a module and its inputs.
#
# [[table.row]]
# id = "ours"
# where = "row Ours"
# workload = { model = "package.module:function", options = { depth = 12 } }
# macs = "1.2"
# params = { printed = "5.4", expect = "fails", why = "The paper leaves the embeddings out." }

# A figure outside any table.
[[claim]]
id = "abstract"
where = "abstract: \\"up to 2.02x the MACs\\""
kind = "ratio"
relation = "up_to"
metric = "macs"
printed = "2.02"
unit = "x"
of = "t1.r34.macs / t1.r18.macs"
"""

_METRICS = {"macs": "macs", "flops": "flops", "params": "params"}
_NEEDS = {"throughput": "hardware", "latency": "hardware", "accuracy": "weights"}
_RESERVED = frozenset(RowHead.__struct_fields__)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a table does not say by itself."""

    title: str
    source: str
    units: Mapping[str, str]
    """Heading -> unit."""
    models: Mapping[str, str]
    """Row -> model."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a table becomes a suite."""

    asked: Draft
    columns: tuple[PrintedColumn, ...]
    made: Mapping[int, Derivation]
    """Place of a derived column -> how it follows from another."""


def open_questions(table: PrintedTable, asked: Draft) -> list[str]:
    """The counted columns whose unit neither the heading nor the user says."""
    return [
        column.head
        for column in _figures(table)
        if column.quantity in _METRICS and column.role in ("plain", "difference")
        and not units_of(column, asked)
    ]  # fmt: skip


def units_of(column: PrintedColumn, asked: Draft) -> str:
    """The unit of a column, as the user or else the heading says it."""
    unit = asked.units.get(column.head, column.unit)
    if unit not in SCALES:
        units = ", ".join(each for each in SCALES if each)
        raise BadOption(
            f"--unit: the unit of {column.head!r} must be one of {units}; found {unit!r}."
        )
    return unit


def _figures(table: PrintedTable) -> list[PrintedColumn]:
    return [
        column
        for column in columns_of(table)[1:]
        if any(row[column.place].figure is not None for row in table.rows)
        and column.quantity not in ("resolution", "device")
    ]


def draft(table: PrintedTable, asked: Draft) -> tuple[str, list[str]]:
    """The text of a suite with one claim per cell, and what its writer has to know."""
    found, notes = derivations(table)
    made = {each.relation.derived.place: each for each in found if not each.relation.aside}
    plan = Plan(asked=asked, columns=tuple(_figures(table)), made=made)
    places = [column.place for column in plan.columns]
    heads = _keys([column.head for column in plan.columns])
    names = _keys([table.name(row) for row in range(len(table.rows))])
    keys = (names, dict(zip(places, heads, strict=True)))
    lines = [
        f"# Drafted from {asked.source} by vtbench init-suite. Compare it with the paper.",
        "",
        "[suite]",
        f"title = {_text(asked.title)}",
        f"source = {_text(asked.source)}",
        "resolution = 224",
        "",
        "[[table]]",
        'id = "t1"',
        f"where = {_text(asked.title)}",
        "",
        "[table.columns]",
    ]
    if any(column.quantity == "flops" for column in plan.columns):
        lines.append(
            '# A multiply-add is one FLOP here; use "double" if the paper counts it as two.'
        )
    lines += [f"{keys[1][column.place]} = {_column(column, plan)}" for column in plan.columns]
    for row in range(len(table.rows)):
        lines += ["", *_row(table, row, keys, plan)]
    unnamed = [table.name(r) for r in range(len(table.rows)) if table.name(r) not in asked.models]
    if unnamed:
        notes.append(
            f"no model is named for {', '.join(dict.fromkeys(unnamed))}: these rows are unknown "
            "(not-implemented). Name a model with --model 'ROW=MODEL' or in the file."
        )
    return "\n".join(lines) + "\n", notes


def _column(column: PrintedColumn, plan: Plan) -> str:
    unit = units_of(column, plan.asked)
    metric = _METRICS.get(column.quantity)
    parts = [f'metric = "{metric}"'] if metric else []
    derivation = plan.made.get(column.place)
    if derivation is not None:
        kinds = [each.kind for each in derivation.comparisons]
        kind = "ratio" if max(kinds, key=kinds.count) == "ratio" else "difference"
        unit = unit or ("x" if kind == "ratio" else units_of(derivation.relation.base, plan.asked))
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


def _row(table: PrintedTable, row: int, keys: Keys, plan: Plan) -> list[str]:
    name = table.name(row)
    lines = ["[[table.row]]", f"id = {_text(keys[0][row])}", f"where = {_text(f'row {name}')}"]
    model = plan.asked.models.get(name)
    lines.append(
        f"workload = {{ model = {_text(model)} }}" if model else 'needs = "not-implemented"'
    )
    for column in plan.columns:
        cell, key = table.rows[row][column.place], keys[1][column.place]
        if cell.figure is not None:
            of = _of(row, column.place, keys, plan.made)
            lines.append(_cell(cell, key, of, units_of(column, plan.asked)))
    return lines


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


def _cell(cell: PrintedCell, key: str, of: str | None, unit: str) -> str:
    """One figure; what is marked, or does not follow from what is there, stays a comment."""
    assert cell.figure is not None  # noqa: S101  # only figures are written
    printed = _text(cell.figure.printed)
    if of == "" or cell.marked or cell.figure.unit not in ("", unit):
        return f"# {key} = {printed} # printed as {cell.text}"
    if of:
        return f"{key} = {{ printed = {printed}, of = {_text(of)} }}"
    return f"{key} = {printed}"


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


def _text(value: str) -> str:
    """A TOML string; JSON's escapes are TOML's too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
