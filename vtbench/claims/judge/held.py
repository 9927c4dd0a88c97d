"""One claim held against what was found for it: a value, or the values of a set.

The distance that decides is that from the end of the accepted interval, and it is the one that is
shown. Printed cells are exact ranges: they are consistent with a figure, or they contradict it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from vtbench.claims.judge.figures import range_of
from vtbench.claims.judge.verdict import CLOSE, Outcome, Verdict
from vtbench.claims.suite import Claim, Interval
from vtbench.claims.suite.hedges import LOWER, UPPER, figure_of, is_loose, slack
from vtbench.claims.suite.interval import SCALES
from vtbench.claims.suite.sets import sides

SHOWN = 3
"""So many members of a set are named in a sentence."""


class _Check(NamedTuple):
    """A claim, or the side of a range, and the value that decides it."""

    side: Claim
    found: Interval

    @property
    def holds(self) -> bool:
        return self.side.interval.meets(self.found)

    @property
    def outside(self) -> Decimal:
        return self.side.interval.outside(self.found)

    @property
    def badness(self) -> tuple[bool, Decimal]:
        return not self.holds, abs(self.outside)


def held(claim: Claim, parts: Mapping[str, Interval]) -> Verdict:
    """The verdict on a claim of whose figures the values, or their ranges, are known."""
    found = {
        each: range_of(claim, each, parts) for each in claim.members or (claim.expression or "",)
    }
    return _verdict(claim, found, parts)


def held_value(claim: Claim, value: Decimal) -> Verdict:
    """The verdict on a claim with a workload, of which the value is known."""
    return held_range(claim, Interval(value, value))


def held_range(claim: Claim, found: Interval) -> Verdict:
    """The same, if the value is known to lie in a range: it holds if it can."""
    return _verdict(claim, {"": found}, {})


def by_sides(claim: Claim, judge: Callable[[Claim], Verdict]) -> Verdict:
    """The verdict on both ends of a set, each judged by itself: that of the worse one."""
    judged = [judge(side) for side in sides(claim)]
    order: Sequence[Outcome] = ("fails", "unknown", "close", "holds")
    worst = min(judged, key=lambda verdict: order.index(verdict.verdict))
    return msgspec.structs.replace(worst, claim=claim) if len(judged) > 1 else worst


def is_too_wide(claim: Claim, found: Interval) -> bool:
    """Whether something known to an interval is known too little to decide a claim that it meets.

    Of an inequality all of it has to be on the side of the figure; else it may not be wider than
    what is accepted, with which it would agree too easily.
    """
    if claim.relation in (*LOWER, *UPPER):
        return not (claim.interval.holds(found.low) and claim.interval.holds(found.high))
    return found.high - found.low > claim.high - claim.low


def _verdict(claim: Claim, found: Mapping[str, Interval], parts: Mapping[str, Interval]) -> Verdict:
    worst = max(_checks(claim, list(found.values())), key=lambda check: check.badness)
    outcome = _outcome(worst)
    figure = figure_of(worst.side)
    value = (worst.found.low + worst.found.high) / 2
    exact = claim.kind != "arithmetic"
    whole = claim.members and (exact or claim.relation == "range")
    shown = list(found.values()) if whole else [worst.found]
    ends = [end for each in shown for end in (each.low, each.high)]
    near = _near_end(claim, worst.found)
    ranged = worst.found.low != worst.found.high
    return Verdict(
        claim=claim,
        verdict=outcome,
        reason=_of_order(claim, found, parts)
        if claim.ordering
        else _reason(claim, outcome, worst, found),
        measured=value,
        deviation=float((value - figure) / abs(figure)) if figure else None,
        distance=float(worst.outside / abs(figure)) if figure else None,
        slack=slack(claim, near) if outcome == "holds" and exact else None,
        loosely=outcome == "holds" and exact and is_loose(claim, near),
        measured_range=Interval(min(ends), max(ends)) if claim.members or ranged else None,
    )


def _near_end(claim: Claim, found: Interval) -> Decimal:
    """The end of a range that is nearest to the bound of an inequality."""
    return found.high if claim.relation in UPPER else found.low


def _checks(claim: Claim, found: Sequence[Interval]) -> list[_Check]:
    """What has to hold: of one figure, of the end of a set that decides, or of each member."""
    if not claim.members:
        return [_Check(claim, found[0])]
    least = Interval(min(each.low for each in found), min(each.high for each in found))
    greatest = Interval(max(each.low for each in found), max(each.high for each in found))
    if claim.relation in LOWER:
        return [_Check(claim, least)]
    if claim.relation in (*UPPER, "up_to"):
        return [_Check(claim, greatest)]
    if claim.relation == "range":
        first, second = sides(claim)
        return [_Check(second, greatest), _Check(first, least)]
    return [_Check(claim, each) for each in found]


def _outcome(check: _Check) -> Outcome:
    if check.holds:
        return "holds"
    claim = check.side
    near = abs(check.outside) <= CLOSE * abs(figure_of(claim))
    return "close" if near and claim.kind != "arithmetic" and not claim.ordering else "fails"


def _reason(claim: Claim, outcome: Outcome, worst: _Check, found: Mapping[str, Interval]) -> str:
    if claim.kind == "arithmetic":
        if outcome == "holds":
            return "The printed figures are consistent."
        gives = f"the other printed figures give {in_unit(claim, worst.found)}"
        return f"It is a contradiction: {gives}. {_of_set(claim, found)}".strip()
    return f"{_of_figure(outcome, worst)} {_of_set(claim, found)}".strip()


def _of_figure(outcome: Outcome, worst: _Check) -> str:
    claim, value = worst.side, _near_end(worst.side, worst.found)
    bounded = claim.relation in (*LOWER, *UPPER)
    if outcome != "holds" and not worst.outside:
        return "It is the bound itself."
    if outcome != "holds":
        what = "misses the bound" if bounded else "is outside the printed interval"
        figure = figure_of(claim)
        share = f", {_share(worst.outside / figure)} of the figure" if figure else ""
        return f"It {what} by {amount(claim, abs(worst.outside))}{share}."
    over = slack(claim, value)
    if over is None:
        return "It is inside the printed interval."
    if over < 0:
        return "It rounds to the printed figure."
    return f"It holds{' loosely,' if is_loose(claim, value) else ''} by {amount(claim, over)}."


def _share(share: Decimal) -> str:
    return f"{abs(100 * float(share)):.3g} %"


def _of_order(claim: Claim, found: Mapping[str, Interval], parts: Mapping[str, Interval]) -> str:
    """How many pairs are in the order that is said, and those that are not, the worst first."""
    values = list(zip(claim.pairs, found.values(), strict=True))
    wrong = [(pair, each) for pair, each in values if not claim.interval.meets(each)]
    if not wrong:
        return f"All {len(values)} pairs are in this order." if len(values) > 1 else "It holds."
    far = sorted(wrong, key=lambda pair: -abs(claim.interval.outside(pair[1])))
    said = "; ".join(_pair(claim, pair, parts) for pair, _ in far[:SHOWN])
    more = f"; and {len(far) - SHOWN} more" if len(far) > SHOWN else ""
    are = "is" if len(wrong) == 1 else "are"
    return f"{len(wrong)} of {len(values)} pairs {are} not in this order: {said}{more}."


def _of_set(claim: Claim, found: Mapping[str, Interval]) -> str:
    """The members of a set that have its least and its greatest value."""
    if len(found) < 2:  # noqa: PLR2004  # of one there is nothing to choose
        return ""
    least = min(found, key=lambda name: found[name].low)
    greatest = max(found, key=lambda name: found[name].high)
    ends = [(least, "least"), (greatest, "greatest")]
    if claim.relation in LOWER:
        ends = ends[:1]
    elif claim.relation in (*UPPER, "up_to"):
        ends = ends[1:]
    said = " and ".join(
        f"{_short(claim, name)} is the {word}, {in_unit(claim, found[name])}" for name, word in ends
    )
    beyond = sum(not claim.interval.meets(each) for each in found.values())
    if claim.relation in (*LOWER, *UPPER) and beyond:
        said += f"; {beyond} {'is' if beyond == 1 else 'are'} on the other side"
    return f"Of {len(found)} members {said}."


def _short(claim: Claim, expression: str) -> str:
    """Arithmetic without the name of the suite."""
    return expression.replace(f"{claim.suite}.", "")


def _pair(claim: Claim, pair: tuple[str, str], parts: Mapping[str, Interval]) -> str:
    """The two figures of an ordering that are compared, each with its value."""
    ours, other = ((_short(claim, each), _plainly(range_of(claim, each, parts))) for each in pair)
    return f"{ours[0]} is {ours[1]} and {other[0]} {other[1]}"


def _plainly(found: Interval) -> str:
    """A value or its range, thousands as K, M, G."""
    largest = max(abs(found.low), abs(found.high))
    unit = next((unit for unit in ("G", "M", "K") if largest >= SCALES[unit]), "")
    return f"{span(found, SCALES[unit], 4)} {unit}".rstrip()


def span(found: Interval, scale: Decimal | int, digits: int) -> str:
    """The two ends of a range to so many digits, or one if they look the same."""
    ends = (f"{float(end / scale):.{digits}g}" for end in (found.low, found.high))
    return " to ".join(dict.fromkeys(ends))


def in_unit(claim: Claim, found: Interval, digits: int = 6) -> str:
    """A value or its range in the unit of a claim."""
    return f"{span(found, SCALES[claim.unit], digits)} {claim.unit}".rstrip()


def amount(claim: Claim, difference: Decimal) -> str:
    """A difference in the unit of a claim; of percentages in points."""
    said = f"{float(difference / SCALES[claim.unit]):.3g}"
    points = "point" if said == "1" else "points"
    return f"{said} {points if claim.unit == '%' else claim.unit}".rstrip()
