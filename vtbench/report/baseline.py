"""A baseline's verdicts for a reader: which model moved, by how much, and which modules did it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

import msgspec

from vtbench.claims.baseline import Judged, Moved
from vtbench.claims.judge import Verdict
from vtbench.data.naming import labels
from vtbench.data.record import ByValues
from vtbench.report.table import Column, Table, figure_columns, name_column
from vtbench.report.units import ABSENT, digits, plural, signed, size
from vtbench.report.values_behind import marked, value_notes

SHOWN = 5
"""So many groups of modules are named; the rest are summed."""
_WHOLE = 36
"""Cells up to which a name is not shortened."""
_QUANTITIES = {"macs": "MACs", "params": "Parameters", "operators": "Operator calls",
               "memory": "Peak of activations"}  # fmt: skip


def with_reasons(judged: Sequence[Judged]) -> list[Verdict]:
    """Verdicts whose reason names the modules that moved."""
    return [
        msgspec.structs.replace(each.verdict, reason=_reason(each)) if each.moved else each.verdict
        for each in judged
    ]


def _reason(judged: Judged) -> str:
    measured, claim = judged.verdict.measured, judged.verdict.claim
    assert measured is not None  # noqa: S101  # what moved was measured
    parts = [_group(each) for each in judged.moved[:SHOWN]]
    rest = judged.moved[SHOWN:]
    if rest:
        count = sum(each.count for each in rest)
        parts.append(f"{signed(sum(each.by for each in rest))}: {plural(count, 'other module')}")
    total = signed(int(measured - claim.low))
    return f"The total differs by {total}. {'; '.join(parts)}."


def _group(moved: Moved) -> str:
    many = f"{moved.count} × " if moved.count > 1 else ""
    change = f" ({moved.change})" if moved.change != "changed" else ""
    return f"{signed(moved.by)}: {many}{moved.path or '(the model itself)'}{change}"


def baseline_table(
    verdicts: Sequence[Verdict], by_values: Mapping[str, ByValues] = MappingProxyType({})
) -> Table:
    """Every figure of a baseline beside what it is now.

    ``by_values`` are the figures that can change with the values of the input.
    """
    models = _models(verdicts)
    rows = tuple(
        _row(verdict, models[verdict.claim.id], by_values.get(verdict.claim.id))
        for verdict in verdicts
    )
    wrong = [verdict for verdict in verdicts if not verdict.as_expected]
    notes = [f"{len(wrong)} of {plural(len(rows), 'figure')} differ from the baseline."]
    notes += [f"! {models[v.claim.id]}, {_quantity(v)}: {v.reason}" for v in wrong]
    information = [v for v in verdicts if v.verdict == "unknown"]
    notes += list(dict.fromkeys(v.claim.why for v in information))
    notes += value_notes((models[v.claim.id], by_values.get(v.claim.id)) for v in verdicts)
    return Table(
        title=_title(verdicts[0], models) if verdicts else "Baseline",
        columns=(
            _named(models.values()),
            Column(head="Quantity", align="left"),
            *figure_columns("Baseline", "Now"),
            Column(head="Change", drop=1),
            Column(head="Verdict", align="left"),
        ),
        rows=rows,
        notes=tuple(notes),
    )


def _named(models: Iterable[str]) -> Column:
    """Names stay whole as long as another column can go: their ends tell workloads apart."""
    longest = max(map(len, models), default=0)
    return msgspec.structs.replace(name_column("Model"), least=max(12, min(longest, _WHOLE)))


def _title(verdict: Verdict, models: Mapping[str, str]) -> str:
    claim = verdict.claim
    return f"Against {claim.where.removesuffix(f', {models[claim.id]}')}"


def _models(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """Claim -> its model, with the options in which it differs from its namesakes."""
    workloads = {v.claim.workload: None for v in verdicts if v.claim.workload is not None}
    names = dict(zip(workloads, labels(list(workloads)), strict=True))
    return {v.claim.id: names[v.claim.workload] if v.claim.workload else "" for v in verdicts}


def _row(verdict: Verdict, model: str, by_values: ByValues | None) -> tuple[str, ...]:
    said = verdict.verdict if verdict.verdict != "unknown" else "information"
    return (
        model,
        _QUANTITIES[_quantity(verdict)],
        _figure(verdict, verdict.claim.low),
        marked(_figure(verdict, verdict.measured), by_values),
        _change(verdict),
        said if verdict.as_expected else f"{said} !",
    )


def _quantity(verdict: Verdict) -> str:
    return verdict.claim.id.rpartition(".")[2]


def _figure(verdict: Verdict, value: Decimal | None) -> str:
    if value is None:
        return ABSENT
    return size(int(value)) if _quantity(verdict) == "memory" else digits(int(value))


def _change(verdict: Verdict) -> str:
    if verdict.measured is None:
        return ABSENT
    difference = int(verdict.measured - verdict.claim.low)
    return "=" if not difference else signed(difference)
