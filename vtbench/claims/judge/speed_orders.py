"""Which models of a printed column are the faster ones, pair by pair, here and in the paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import combinations

import msgspec

from vtbench.claims.judge.ratios import LEVEL, Direction, agreement, side
from vtbench.claims.judge.timings import Timings, is_printed, ratio_to, timed_of
from vtbench.claims.suite import Claim, Suite
from vtbench.claims.suite.speed import SPEEDS
from vtbench.data.measurement import Measurement


class ColumnOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The pairs of one column that were measured in one session, by their outcome."""

    suite: str
    """The name of the suite."""
    column: str
    """The key of the column, ``table.column``."""
    device: str
    """The device that was measured."""
    printed_device: bool
    """Whether it is the device that the paper names."""
    agrees: int
    """The number of pairs in which the same model is faster as in the paper."""
    disagrees: int
    """The number of pairs in which the other model is faster."""
    open: int
    """The number of pairs that are too close to tell, as measured or as printed."""

    @property
    def pairs(self) -> int:
        """The number of all pairs."""
        return self.agrees + self.disagrees + self.open


def column_orders(
    suites: Sequence[Suite], measurements: Iterable[Measurement]
) -> list[ColumnOrder]:
    """The order of every column of speeds of which a pair was measured, on its newest device."""
    timings = Timings(measurements)
    found = []
    for suite in suites:
        columns: dict[str, list[Claim]] = {}
        for claim in suite.claims:
            if claim.expression is None and claim.metric in SPEEDS:
                columns.setdefault(claim.column, []).append(claim)
        found += [order for name, claims in columns.items()
                  if (order := _order(suite.name, name, claims, timings)) is not None]  # fmt: skip
    return found


def _order(
    suite: str, column: str, claims: Sequence[Claim], timings: Timings
) -> ColumnOrder | None:
    pairs = [(pair, session) for pair in combinations(claims, 2)
             if (session := _together(pair, timings)) is not None]  # fmt: skip
    devices = dict.fromkeys(record.device.name for _, (record, _) in pairs if record.device)
    if not devices:
        return None
    name = next(iter(devices))
    told = {"agrees": 0, "disagrees": 0, "open": 0}
    printed = False
    for (a, b), (first, second) in pairs:
        if first.device is not None and first.device.name == name:
            told[_told(a, b, (first, second))] += 1
            printed = is_printed(a.hardware, first.device)
    return ColumnOrder(
        suite=suite,
        column=column.removeprefix(f"{suite}."),
        device=name,
        printed_device=printed,
        **told,
    )


def _together(
    pair: tuple[Claim, Claim], timings: Timings
) -> tuple[Measurement, Measurement] | None:
    """The newest session that has both, on the printed device if there is one."""
    a, b = (timed_of(claim) for claim in pair)
    if a is None or b is None or a.shared != b.shared or a == b:
        return None
    sessions = timings.sessions([a, b])
    if not sessions:
        return None
    first, second = next(
        (s for s in sessions if is_printed(pair[0].hardware, s[0].device)), sessions[0]
    )
    return first, second


def _told(a: Claim, b: Claim, session: tuple[Measurement, Measurement]) -> Direction:
    """``agrees``, ``disagrees`` or ``open``, of one pair."""
    _, ratio = ratio_to(a.metric, session, LEVEL)
    return agreement(side(ratio, Decimal(1)), (a.low > b.high) - (a.high < b.low))
