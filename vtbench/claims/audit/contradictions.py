"""What a derivation comes to: how many figures obey it, and each that contradicts it."""

from __future__ import annotations

from vtbench.claims.audit.derivations import (
    BaselineComparison,
    Derivation,
    compare,
    unit_of,
)
from vtbench.claims.audit.findings import Finding, FindingKind, Outcome, outcome
from vtbench.claims.audit.printed import PrintedTable
from vtbench.claims.suite.interval import SCALES


def derived_outcome(table: PrintedTable, derivation: Derivation) -> Outcome:
    """The figures that a derivation was held against, and those that it leaves unexplained."""
    compared = derivation.comparisons
    kinds: list[FindingKind] = [each.kind for each in compared]
    return outcome(
        max(kinds, key=kinds.count),
        rule_of(derivation),
        [_finding(table, derivation, each) for each in compared if not each.agrees],
        [derivation.cells(each) for each in compared],
        len(derivation.unpaired),
    )


def _finding(table: PrintedTable, derivation: Derivation, found: BaselineComparison) -> Finding:
    relation = derivation.relation
    printed = relation.figure(table, found.row)
    own = relation.base_figure(table, found.row)
    other = relation.base_figure(table, found.base_row)
    assert printed and own and other  # noqa: S101, PT018  # compare has found all three
    unit = unit_of(printed, relation, found.kind)
    scale = SCALES.get(unit, 1)
    said_unit = {"ratio": "x", "percent": "%"}.get(found.kind, unit)
    rivals = [
        table.name(row)
        for row in range(len(table.rows))
        if row not in (found.row, found.base_row)
        and (tried := compare(table, relation, derivation.style, (found.row, row))) is not None
        and tried.agrees
    ]
    cut = compare(table, relation, derivation.style, (found.row, found.base_row), "truncate")
    return Finding(
        kind=found.kind,
        row=table.name(found.row),
        column=relation.derived.head,
        printed=f"{printed.printed} {said_unit}".strip(),
        stands_for=printed.stands_for,
        low=found.allowed.low / scale,
        high=found.allowed.high / scale,
        of=f"{own.with_unit(relation.base.unit)} against {other.with_unit(relation.base.unit)} "
        f"({table.name(found.base_row)})",
        why=rule_of(derivation),
        agrees_if_cut=cut is not None and cut.agrees,
        fits=tuple(rivals),
    )


def rule_of(derivation: Derivation) -> str:
    """A derivation in words."""
    relation = derivation.relation
    what = f"in parentheses in {relation.derived.head}" if relation.aside else relation.derived.head
    base = relation.base.head
    if derivation.rule == "the row above":
        return f"{what}: {base} against that of the row above"
    return f"{what}: {base} against that of {derivation.rule}"
