"""Closed forms to tables: one form in full, several by their order, and values over ranges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import msgspec

from vtbench.data.closed_form import Formula, holds, names, parse, value
from vtbench.data.closed_form import written as sizes_said
from vtbench.report.document import Document, Rendering, written
from vtbench.report.table import Column, Table, name_column, values_table
from vtbench.report.units import ABSENT, common_prefix, digits, si

Sizes = dict[str, int | float]
Row = tuple[Sizes, tuple[int | None, ...]]
"""Sizes, and each model's count there; None if its form does not hold."""

_LARGEST_SIDE = 4096
_SHOWN = 6
_DECIDED = 3
_SHOWN_COUNTS = 8


def formula_object(formula: Formula) -> dict[str, Any]:
    """One form as docs/formula.md promises it."""
    found: dict[str, Any] = msgspec.to_builtins(formula)
    del found["key"]  # of the file that keeps it
    found["checked_at"] = [{**c.sizes, "macs": c.macs} for c in formula.checked_at]
    return found


def formula_tables(formulas: Sequence[Formula]) -> list[Table]:
    """One form in full, or several side by side with the sizes at which they cross."""
    if len(formulas) == 1:
        return [certificate(formulas[0])]
    tables = [orders(formulas)]
    crossings = crossing_table([f for f in formulas if f.macs is not None][:_SHOWN])
    return tables if crossings is None else [*tables, crossings]


def certificate(formula: Formula) -> Table:
    """A form, for which sizes it holds, and how it was found and checked."""
    lines = [("MACs", formula.macs or ABSENT)]
    if formula.macs_unit and formula.unit and formula.unit != (1, 1):
        high, wide = formula.unit
        lines.append((f"with h = H/{high}, w = W/{wide}", formula.macs_unit))
    lines += [
        ("holds for", "; ".join(formula.conditions) or "every size"),
        ("growth", formula.growth or ABSENT),
    ]
    if formula.degree.get("B"):
        apart = formula.batch_free or "nothing; batch n costs n times batch 1"
        lines.append(("not per image", apart))
    lines.append(("found by", _method(formula)))
    if formula.values is not None and formula.method == "interpolated":
        lines.append(("exact at", _extent(formula)))
    lines += [("beyond", note) for note in formula.notes]
    rows = [row for head, text in lines for row in _wrapped(head, text)]
    if formula.checked_at:
        rows += _wrapped("equals the count at", _checked(formula))
    return Table(
        title=f"{formula.model}: MACs in closed form",
        columns=(name_column(""), Column(head="", align="left")),
        rows=tuple(rows),
        conditions=(_letters(formula),),
    )


def _letters(formula: Formula) -> str:
    """What the letters of a form stand for."""
    own = sorted({*formula.degree} - {"B", "H", "W", "T"})
    if own:
        options = "is an option" if len(own) == 1 else "are options"
        return f"{', '.join(own)} {options} of the model; one multiply-add is one MAC."
    return "B images, H and W pixels, T tokens; one multiply-add is one MAC."


def _extent(formula: Formula) -> str:
    """At how many of its values an interpolated form was counted."""
    of, counted = formula.values or 0, formula.counted or 0
    said = f"{counted:,} of {of:,} values"
    return said if counted == of else f"{said}, those that were counted; not proved for the others"


def _checked(formula: Formula) -> str:
    """The counts that a form was held against; of many, those at the ends."""
    said = [f"{sizes_said(c.sizes)}: {digits(c.macs)}" for c in formula.checked_at]
    if len(said) > _SHOWN_COUNTS:
        half = _SHOWN_COUNTS // 2
        said = [*said[:half], f"{len(said) - 2 * half:,} between", *said[-half:]]
    return "; ".join(said)


def _wrapped(head: str, text: str, width: int = 54) -> list[tuple[str, str]]:
    """A long text over several rows, broken where there are blanks."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return [(head if place == 0 else "", line) for place, line in enumerate(lines or [""])]


def _method(formula: Formula) -> str:
    how = {
        "symbolic": "one run on symbolic sizes",
        "interpolated": "interpolation through concrete counts",
        "fixed size": "one run with a symbolic batch; the model takes no other size",
    }
    said = how.get(formula.method or "", ABSENT)
    return f"{said}; not traced, because {formula.reason}" if formula.reason else said


def orders(formulas: Sequence[Formula]) -> Table:
    """Several forms: the slowest growing first, failures last."""
    ranked = sorted(formulas, key=lambda f: (f.macs is None, _rank(f)))
    rows = tuple(
        (
            f.model,
            f.growth or ABSENT,
            _unit(f),
            f.method or "failed",
            f.macs_unit or f.macs or ABSENT,
        )
        for f in ranked
    )
    return Table(
        title="MACs in closed form, by order of growth",
        columns=(
            name_column("model"),
            Column(head="growth", align="left", drop=1),
            Column(head="unit", drop=2),
            Column(head="found by", align="left", drop=3),
            Column(head="MACs with h = H/unit, w = W/unit", align="left", shrink=True, least=30),
        ),
        rows=rows,
        conditions=("B images, H and W pixels, T tokens; one multiply-add is one MAC.",),
    )


def _rank(formula: Formula) -> tuple[int, int]:
    degree = formula.degree
    return (degree.get("H", 0) + degree.get("W", 0), degree.get("T", 0))


def _unit(formula: Formula) -> str:
    if formula.unit is None:
        return ABSENT
    high, wide = formula.unit
    return str(high) if high == wide else f"{high}x{wide}"


def crossing_table(formulas: Sequence[Formula]) -> Table | None:
    """For each two image models, the square size at which the cheaper one changes."""
    images = [f for f in formulas if names(parse(f.macs or "0")) >= {"H"}]
    rows = tuple(row for one, other in combinations(images, 2) for row in _crossings(one, other))
    if not rows:
        return None
    return Table(
        title="Where they cross",
        columns=(
            name_column("model"),
            name_column("model"),
            Column(head="square side"),
            Column(head="cheaper below", align="left", shrink=True),
            Column(head="cheaper above", align="left", shrink=True),
        ),
        rows=rows,
        conditions=(f"Batch 1, H = W up to {_LARGEST_SIDE}, at sizes that both take.",),
    )


def _crossings(one: Formula, other: Formula) -> list[tuple[str, ...]]:
    """A row for every change of sign; one without a size if there is none."""
    first, second = parse(one.macs or "0"), parse(other.macs or "0")
    found: list[tuple[str, ...]] = []
    before, cheaper = 0, ABSENT
    for side in range(1, _LARGEST_SIDE + 1):
        sizes = {"B": 1, "H": side, "W": side}
        if not (holds(one, sizes) and holds(other, sizes)):
            continue
        difference = value(first, sizes) - value(second, sizes)
        sign = (difference > 0) - (difference < 0)
        if sign and before and sign != before:
            below, above = (one, other) if before < 0 else (other, one)
            found.append((one.model, other.model, str(side), below.model, above.model))
        before = sign or before
        cheaper = one.model if before < 0 else other.model
    if len(found) > _DECIDED:  # roundings make them cross back and forth
        found = [found[0], found[-1]]
    return found or [(one.model, other.model, ABSENT, cheaper, cheaper)]


def evaluated(formulas: Sequence[Formula], points: Iterable[Sizes]) -> list[Row]:
    """The exact counts of several forms at given sizes."""
    trees = [parse(f.macs) if f.macs else None for f in formulas]
    rows: list[Row] = []
    for sizes in points:
        counts = tuple(
            value(tree, sizes) if tree is not None and holds(f, sizes) else None
            for f, tree in zip(formulas, trees, strict=True)
        )
        rows.append((sizes, counts))
    return rows


def sizes_table(formulas: Sequence[Formula], rows: Sequence[Row], *, exact: bool) -> Table:
    """Counts over sizes, a column for each model."""
    sizes = list(rows[0][0]) if rows else []
    prefix = common_prefix(count for _, counts in rows for count in counts if count is not None)

    def cell(count: int | None) -> str:
        if count is None:
            return "" if exact else ABSENT
        return str(count) if exact else si(count, prefix)

    missing = any(count is None for _, counts in rows for count in counts)
    return Table(
        title="" if exact else "MACs over sizes",
        columns=(
            *(Column(head=name) for name in sizes),
            *(Column(head=f.model, shrink=len(formulas) > 1) for f in formulas),
        ),
        rows=tuple(
            (*(str(number) for number in at.values()), *map(cell, counts)) for at, counts in rows
        ),
        notes=(f"{ABSENT}: a size that the model does not take.",) if missing else (),
    )


CSV_COLUMNS = (
    "model", "macs", "macs_unit", "unit_height", "unit_width", "growth", "method", "conditions",
    "not_per_image", "checked_at", "reason", "seconds", "error",
)  # fmt: skip


def csv_row(formula: Formula) -> tuple[str, ...]:
    """One form as a line of a table over many."""
    high, wide = formula.unit or ("", "")
    checked = "; ".join(sizes_said(c.sizes) for c in formula.checked_at)
    return (
        formula.model, formula.macs or "", formula.macs_unit or "", str(high), str(wide),
        formula.growth or "", formula.method or "", "; ".join(formula.conditions),
        formula.batch_free or "", checked, formula.reason or "",
        "" if formula.seconds is None else str(formula.seconds), formula.error or "",
    )  # fmt: skip


def formula_document(
    formulas: Sequence[Formula], rows: Sequence[Row] | None, asked: Rendering
) -> str:
    """Forms; or, over ranges of sizes, the counts that those without an error give."""
    good = [each for each in formulas if each.error is None]
    found = Document(
        kind="formula",
        results=lambda: _objects(formulas, good, rows),
        tables=lambda: (
            formula_tables(formulas) if rows is None else [sizes_table(good, rows, exact=False)]
        ),
        values=lambda: [
            values_table(CSV_COLUMNS, map(csv_row, formulas))
            if rows is None
            else sizes_table(good, rows, exact=True)
        ],
    )
    return written(found, asked)


def _objects(
    formulas: Sequence[Formula], good: Sequence[Formula], rows: Sequence[Row] | None
) -> list[dict[str, Any]]:
    places = {id(each): place for place, each in enumerate(good)}
    objects = []
    for each in formulas:
        shown = formula_object(each)
        if rows is not None and id(each) in places:
            place = places[id(each)]
            shown["at"] = [{**sizes, "macs": counts[place]} for sizes, counts in rows]
        objects.append(shown)
    return objects
