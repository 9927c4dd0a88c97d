"""Columns that follow from others: differences, ratios and percentages to a baseline row.

A table seldom says what its deltas are deltas to, so a derivation is inferred and has to earn its
keep: most of the column must agree with it before the rest is called a contradiction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Literal

import msgspec

from vtbench.claims.audit.columns import PrintedColumn
from vtbench.claims.audit.findings import Cell, Reason
from vtbench.claims.audit.printed import PrintedFigure, PrintedTable, range_of
from vtbench.claims.suite.formulas import interval_of
from vtbench.claims.suite.interval import Interval, Rounding
from vtbench.errors import BadSuite

DerivedKind = Literal["difference", "ratio", "percent"]

NEAREST = "the nearest row above that has none"
_FIXED_ROWS = 100
"""Every single row is tried as the baseline in tables up to so long."""
_BASELINE = re.compile(r"\b(?:baseline|base|vanilla|original)\b", re.IGNORECASE)
_FEWEST = 2

_EXPRESSIONS: Mapping[DerivedKind, tuple[str, ...]] = {
    "difference": ("a - b",),
    "ratio": ("a / b", "b / a"),
    "percent": ("100 * a / b - 100", "100 - 100 * a / b", "100 * a / b", "100 * b / a - 100"),
}


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """A derived column, or the figures in parentheses of a column, and what they follow from."""

    derived: PrintedColumn
    base: PrintedColumn
    aside: bool = False

    def figure(self, table: PrintedTable, row: int) -> PrintedFigure | None:
        """The derived figure of a row."""
        cell = table.rows[row][self.derived.place]
        return cell.aside if self.aside else cell.figure

    def base_figure(self, table: PrintedTable, row: int) -> PrintedFigure | None:
        """The figure that a row brings to the comparison; a marked one is not comparable."""
        cell = table.rows[row][self.base.place]
        return None if cell.marked else cell.figure


Style = Mapping[DerivedKind, str]
"""FindingKind -> the expression that a whole column follows: one column has one direction."""


class BaselineComparison(msgspec.Struct, frozen=True, kw_only=True):
    """One derived figure held against one baseline row."""

    row: int
    base_row: int
    kind: DerivedKind
    agrees: bool
    allowed: Interval
    """What the two base figures allow, in base units."""


class Derivation(msgspec.Struct, frozen=True, kw_only=True):
    """A relation under one rule for its baseline rows."""

    relation: Relation
    rule: str
    style: Style
    comparisons: tuple[BaselineComparison, ...]
    unpaired: tuple[tuple[int, Reason], ...] = ()
    """Rows whose derived figure was not compared, each with the reason."""

    @property
    def agreeing(self) -> int:
        """How many figures it explains."""
        return sum(each.agrees for each in self.comparisons)

    @property
    def established(self) -> bool:
        """Whether enough figures obey it for the others to be called contradictions.

        Rows without a derived figure show what the baseline is, and half of the figures will do;
        a single one only where the headings say what follows from what.
        """
        checked, derived = len(self.comparisons), self.relation.derived
        if checked == 1:
            said = derived.role != "plain" and derived.words & self.relation.base.words
            return self.agreeing == 1 or (self.rule == NEAREST and bool(said))
        if self.rule == NEAREST:
            return self.agreeing * 2 >= checked and (
                derived.role != "plain" or self.agreeing >= _FEWEST
            )
        return self.agreeing >= _FEWEST and self.agreeing * 3 >= checked * 2

    def left_out(self) -> dict[Cell, Reason]:
        """The derived figures that were not compared."""
        place, aside = self.relation.derived.place, self.relation.aside
        return {(row, place, aside): reason for row, reason in self.unpaired}

    def cells(self, found: BaselineComparison) -> tuple[Cell, ...]:
        """A derived figure, and the two that it was held against."""
        derived, base = self.relation.derived.place, self.relation.base.place
        return (
            (found.row, derived, self.relation.aside),
            (found.row, base, False),
            (found.base_row, base, False),
        )


def best_derivation(table: PrintedTable, relations: list[Relation]) -> Derivation | None:
    """The established derivation that explains most figures; the first of several."""
    found = [
        derivation
        for relation in relations
        for derivation in possible_derivations(table, relation)
        if derivation.comparisons and derivation.established
    ]
    return max(found, key=lambda derivation: derivation.agreeing, default=None)


def possible_derivations(table: PrintedTable, relation: Relation) -> Iterator[Derivation]:
    """The relation under every rule and direction that a table may follow, the likeliest first."""
    rows = [r for r in range(len(table.rows)) if relation.figure(table, r) is not None]
    asked = [r for r in rows if not table.rows[r][relation.derived.place].marked]
    styles = list(_styles(table, relation, asked))
    for rule, bases in _rules(table, relation):
        for style in styles:
            found = [(row, _paired(table, relation, style, (row, bases.get(row)))) for row in rows]
            yield Derivation(
                relation=relation,
                rule=rule,
                style=style,
                comparisons=tuple(each for _, each in found if not isinstance(each, str)),
                unpaired=tuple((row, each) for row, each in found if isinstance(each, str)),
            )


def _paired(
    table: PrintedTable, relation: Relation, style: Style, pair: tuple[int, int | None]
) -> BaselineComparison | Reason:
    """A derived figure against its baseline row, or the reason why it is not compared."""
    row, base_row = pair
    if table.rows[row][relation.derived.place].marked:
        return "marked"
    if base_row is None:
        return "no_baseline"
    if base_row == row:
        return "baseline"
    found = compare(table, relation, style, (row, base_row))
    if found is None:
        return "no_partner"
    if not found.agrees and _fits_a_bare_row(table, relation, style, found):
        return "other_baseline"
    return found


def _styles(table: PrintedTable, relation: Relation, rows: list[int]) -> Iterator[Style]:
    """Every direction that the derived figures may be printed in, the same for all of a kind."""
    figures = [relation.figure(table, row) for row in rows]
    kinds = list(dict.fromkeys(kind_of(figure, relation) for figure in figures if figure))
    signed = any(figure.signed for figure in figures if figure)
    for chosen in product(*(_expressions(kind, relation, signed=signed) for kind in kinds)):
        yield dict(zip(kinds, chosen, strict=True))


def _expressions(kind: DerivedKind, relation: Relation, *, signed: bool) -> tuple[str, ...]:
    points = kind == "percent" and relation.base.unit == "%"
    found = (("a - b",) if points else ()) + _EXPRESSIONS[kind]
    if (kind == "difference" or points) and (not signed or relation.derived.either_sign):
        found = (*found, "b - a")
    return found


def _fits_a_bare_row(
    table: PrintedTable, relation: Relation, style: Style, found: BaselineComparison
) -> bool:
    """Whether another row that looks like a baseline explains the figure after all."""
    bare = [row for row in range(len(table.rows)) if _is_bare(table, relation, row)]
    others = (compare(table, relation, style, (found.row, row)) for row in bare)
    return any(other is not None and other.agrees for other in others)


def _rules(table: PrintedTable, relation: Relation) -> Iterator[tuple[str, dict[int, int]]]:
    count = len(table.rows)
    bare = [r for r in range(count) if _is_bare(table, relation, r)]
    if bare:
        above = {r: max(b for b in bare if b < r) for r in range(count) if r > bare[0]}
        yield NEAREST, above
    named = [r for r in range(count) if _BASELINE.search(table.name(r))]
    if named:
        yield "the row that is called the baseline", dict.fromkeys(range(count), named[0])
    yield "the first row", dict.fromkeys(range(count), 0)
    yield "the row above", {r: r - 1 for r in range(1, count)}
    for fixed in range(1, count if count <= _FIXED_ROWS else 0):
        yield f"the row {table.name(fixed)}", dict.fromkeys(range(count), fixed)


def _is_bare(table: PrintedTable, relation: Relation, row: int) -> bool:
    """Whether a row has a base figure and, as baselines do, no derived one."""
    cell = table.rows[row][relation.derived.place]
    absent = cell.aside is None if relation.aside else cell.dash
    return absent and relation.base_figure(table, row) is not None


def compare(
    table: PrintedTable,
    relation: Relation,
    style: Style,
    pair: tuple[int, int],
    rounding: Rounding = "round",
) -> BaselineComparison | None:
    """A derived figure against its row and a baseline row; None if a figure is missing."""
    row, base_row = pair
    printed = relation.figure(table, row)
    own = relation.base_figure(table, row)
    other = relation.base_figure(table, base_row)
    if printed is None or own is None or other is None:
        return None
    kind = kind_of(printed, relation)
    unit = relation.base.unit
    values = {"a": range_of(own, unit, rounding), "b": range_of(other, unit, rounding)}
    try:
        allowed = interval_of(style[kind], values)
    except BadSuite:  # it divides by a figure that may be zero
        return None
    agrees = allowed.meets(range_of(printed, unit_of(printed, relation, kind), rounding))
    return BaselineComparison(row=row, base_row=base_row, kind=kind, agrees=agrees, allowed=allowed)


def kind_of(printed: PrintedFigure, relation: Relation) -> DerivedKind:
    """What a derived figure is: its own unit says so, or its column."""
    if printed.unit == "x":
        return "ratio"
    if printed.unit == "%":
        return "percent"
    if relation.aside:
        return "difference"
    role = relation.derived.role
    return role if role in ("ratio", "percent") else "difference"


def unit_of(printed: PrintedFigure, relation: Relation, kind: DerivedKind) -> str:
    """The unit of a derived figure: its own, its column's, or that of what it follows from."""
    if kind != "difference":
        return ""
    own = printed.unit or ("" if relation.aside else relation.derived.unit)
    return own or relation.base.unit
