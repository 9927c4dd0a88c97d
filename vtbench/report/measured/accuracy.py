"""Printed accuracies beside measured costs: which models no other one beats in both.

Accuracies are the papers': they need trained weights, which nothing here has. Those of one printed
table were trained alike and have a front of their own; tables are never mixed.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence

import msgspec

from vtbench.claims.suite import Claim, Suite
from vtbench.data import catalog
from vtbench.data.measurement import Measurement
from vtbench.data.workload import OptionValue, Workload
from vtbench.errors import BadOption
from vtbench.report.chart import Chart, Line, Mark, Scale
from vtbench.report.measured.columns import Value
from vtbench.report.measured.conditions import common_and_varying
from vtbench.report.measured.drawn import quantity_scale
from vtbench.report.measured.quantities import Quantity, has, quantity_named, usual
from vtbench.report.measured.tables import by_protocol, conditions_of, labels

TOP1 = "*.top1"
FRONT_SAID = (
    "Dashed: the front, on which no other model of the same printed table is at least as good in "
    "both and better in one."
)


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A measured model with an accuracy that a paper printed of it."""

    name: str
    claim: Claim
    cost: Value
    record: Measurement
    """What was measured of it."""
    on_front: bool = False

    @property
    def accuracy(self) -> float:
        """As printed, in per cent."""
        return float(self.claim.printed)


def points(
    records: Sequence[Measurement], suites: Iterable[Suite], pattern: str, quantity: Quantity
) -> list[list[Point]]:
    """Per printed table: the records that it has an accuracy of, those on its front marked."""
    claims = [c for s in suites for c in s.claims if _is_accuracy(c) and _named(c, pattern)]
    columns: dict[str, list[Claim]] = {}
    for claim in claims:
        columns.setdefault(claim.column, []).append(claim)
    found = [_of_column(records, column, quantity) for column in columns.values()]
    made = [_with_front(group, quantity) for group in found if group]
    if not made:
        raise BadOption(
            f"No suite has a printed accuracy {pattern!r} for the measured models at their sizes "
            "and options."
        )
    return made


def one_protocol(
    records: Sequence[Measurement], show: str | None
) -> tuple[list[Measurement], Quantity]:
    """The records of the only protocol that has the quantity; costs of several never mix."""
    quantity = quantity_named(show) if show is not None else None
    groups = [g for g in by_protocol(records) if has(g, quantity or usual(g))]
    if show == "macs":  # exact, and the same under every protocol
        groups = groups[:1]
    if len(groups) != 1:
        names = ", ".join(group[0].protocol.name for group in groups) or "all of them failed"
        raise BadOption(
            f"A front takes the measurements of one protocol ({names}); choose one with --protocol."
        )
    return groups[0], quantity or usual(groups[0])


def pareto_chart(
    groups: Sequence[Sequence[Point]], quantity: Quantity, records: Sequence[Measurement]
) -> Chart:
    """Accuracy over cost, a colour and a front per printed table."""
    costs = [point.cost.value for group in groups for point in group]
    return Chart(
        title=f"Printed accuracy against {quantity.noun}",
        x=quantity_scale(quantity, costs),
        y=Scale(label="Printed accuracy", unit="%"),
        lines=tuple(_line(group) for group in groups),
        kind="points",
        notes=(FRONT_SAID,),
        conditions=conditions_of(common_and_varying(records)[0], records[0].protocol),
    )


def front(costs: Sequence[float], gains: Sequence[float], *, more_is_better: bool) -> list[bool]:
    """Which points no other one beats: at least as good in both, and better in one."""
    sign = -1.0 if more_is_better else 1.0
    own = [(sign * cost, -gain) for cost, gain in zip(costs, gains, strict=True)]
    return [not any(a <= c and b <= d and (a, b) != (c, d) for a, b in own) for c, d in own]


def _is_accuracy(claim: Claim) -> bool:
    return claim.kind == "reference" and claim.unit == "%" and claim.workload is not None


def _named(claim: Claim, pattern: str) -> bool:
    return fnmatch.fnmatchcase(claim.id, pattern)


def _of_column(
    records: Sequence[Measurement], column: Sequence[Claim], quantity: Quantity
) -> list[Point]:
    found = []
    good = [record for record in records if record.error is None]
    for name, record in zip(labels(good), good, strict=True):
        claim = _claim_of(record.workload, column)
        cost = quantity.read(record)
        if claim is not None and cost is not None:
            found.append(Point(name=name, claim=claim, cost=cost, record=record))
    return found


def _claim_of(workload: Workload, column: Sequence[Claim]) -> Claim | None:
    """The printed row of a workload: with its very options, or else the only one that fits.

    A row may state options that the model has by default and the workload does not spell out.
    """
    own = _options(workload)
    rows = [c for c in column if c.workload is not None and _same_net(c.workload, workload)]
    exact = [claim for claim in rows if claim.workload and _options(claim.workload) == own]
    fitting = exact or [
        claim
        for claim in rows
        if claim.workload and own.items() <= _options(claim.workload).items()
    ]
    return fitting[0] if len(fitting) == 1 else None


def _same_net(claimed: Workload, measured: Workload) -> bool:
    sizes = (claimed.resolution, measured.resolution)
    return claimed.model == measured.model and (None in sizes or sizes[0] == sizes[1])


def _options(workload: Workload) -> dict[str, OptionValue]:
    """What a model is built with, as far as it is known without building it."""
    entry = catalog.entry(workload.model)
    return {**(entry.options if entry else {}), **dict(workload.options)}


def _with_front(group: Sequence[Point], quantity: Quantity) -> list[Point]:
    on = front(
        [point.cost.value for point in group],
        [point.accuracy for point in group],
        more_is_better=quantity.more_is_better,
    )
    return [
        msgspec.structs.replace(point, on_front=is_on)
        for point, is_on in zip(group, on, strict=True)
    ]


def _line(group: Sequence[Point]) -> Line:
    claim = group[0].claim
    return Line(
        name=f"{claim.suite}, {claim.where.partition(',')[0]}",
        marks=tuple(
            Mark(x=p.cost.value, y=p.accuracy, x_low=p.cost.low, x_high=p.cost.high, name=p.name)
            for p in group
        ),
        front=_corners([(p.cost.value, p.accuracy) for p in group if p.on_front]),
    )


def _corners(places: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """A staircase through the points of a front: along the cost first, then up or down."""
    ordered = sorted(places)
    corners: list[tuple[float, float]] = []
    for x, y in ordered:
        if corners and corners[-1][1] != y:
            before = corners[-1]
            corners.append((x, before[1]) if y > before[1] else (before[0], y))
        corners.append((x, y))
    return tuple(corners)
