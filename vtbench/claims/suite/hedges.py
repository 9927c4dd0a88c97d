"""The relation of a claim: how the words beside a printed figure widen or open its interval.

Every relation has one rule, which gives an interval from the printed digits alone, so that nobody
types a tolerance. The rules have a version, because another rule is another verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

import msgspec

from vtbench.claims.suite.interval import (
    Interval,
    Zeros,
    interval,
    middle,
    number,
    significant,
)
from vtbench.claims.suite.speed import SPEEDS
from vtbench.claims.suite.types import Claim, Relation
from vtbench.errors import BadSuite

HEDGES = "hedges/1"
"""The version of the rules."""

NEAR = Decimal("0.05")
"""The share of a figure by which ``about`` and ``nearly`` may miss it."""
HALF = Decimal("0.1")
"""The share of one half by which ``half`` may miss it."""
LOOSE = Decimal("0.25")
"""An inequality that holds by more than this share of its figure holds loosely."""

_INFINITY = Decimal("Infinity")
_BETWEEN = (" to ", "–", "—")


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One relation as docs/claims.md lists it."""

    words: str
    """The words of papers that it stands for."""
    interval: str
    """The values for which it holds."""
    example: str
    """A printed figure and what is held of it."""


RULES: Mapping[Relation, Rule] = MappingProxyType(
    {
        "equals": Rule(
            words="the figure alone",
            interval="all that round to the digits",
            example="`4.6`: 4.55 to 4.65",
        ),
        "about": Rule(
            words="about, around, roughly, approximately",
            interval="what rounds to the digits, and 5 % of the figure more on either side",
            example="about 44 %: 41.3 to 46.7",
        ),
        "nearly": Rule(
            words="nearly, almost",
            interval="as `about` towards zero; on the other side what rounds to the digits",
            example="nearly 60 %: 56.5 to 60.5",
        ),
        "half": Rule(
            words="half, by half, twofold",
            interval="a tenth of the figure either way; it is 0.5 x, 50 % or 2 x",
            example="half: 0.45 to 0.55 x",
        ),
        "at_least": Rule(
            words="at least, no less than, from",
            interval="what rounds to the digits, and all above",
            example="at least 31 %: 30.5 or more",
        ),
        "more_than": Rule(
            words="more than, over, above",
            interval="all above the figure itself",
            example="over 60 %: more than 60",
        ),
        "at_most": Rule(
            words="at most, no more than",
            interval="what rounds to the digits, and all below",
            example="at most 5 %: 5.5 or less",
        ),
        "less_than": Rule(
            words="less than, fewer than, below, under",
            interval="all below the figure itself",
            example="less than 0.5 x: below 0.5",
        ),
        "up_to": Rule(
            words="up to, as much as",
            interval="the greatest of the set rounds to the digits, so that none exceeds them",
            example="up to 6.9 x: the greatest is 6.85 to 6.95",
        ),
        "range": Rule(
            words="from ... to, between",
            interval="the least of the set rounds to the first figure, the greatest to the second",
            example="`2 to 8` G: from 1.5 to 2.5, up to 7.5 to 8.5",
        ),
    }
)
"""Relation -> its rule."""

LOWER: tuple[Relation, ...] = ("at_least", "more_than")
"""Relations that a figure bounds from below."""
UPPER: tuple[Relation, ...] = ("at_most", "less_than")
"""Relations that a figure bounds from above."""


def accepted(printed: str, unit: str, relation: Relation, zeros: Zeros = "digits") -> Interval:
    """The values for which a relation to the printed digits holds, in base units."""
    if relation == "range":
        first, second = (interval(each, unit, zeros=zeros) for each in ends(printed))
        return Interval(first.low, second.high)
    printed = significant(printed, zeros)
    rounded = interval(printed, unit)
    figure = (rounded.low + rounded.high) / 2
    near = NEAR * abs(figure)
    above = figure >= 0
    nearly = Interval(rounded.low - near * above, rounded.high + near * (not above))
    half = HALF * abs(figure)
    by_rule: dict[Relation, Interval] = {
        "equals": rounded,
        "up_to": rounded,
        "about": Interval(rounded.low - near, rounded.high + near),
        "nearly": nearly,
        "half": Interval(figure - half, figure + half),
        "at_least": Interval(rounded.low, _INFINITY),
        "at_most": Interval(-_INFINITY, rounded.high),
        "more_than": Interval(figure, _INFINITY, low_open=True),
        "less_than": Interval(-_INFINITY, figure, high_open=True),
    }
    return by_rule[relation]


def ends(printed: str) -> tuple[str, str]:
    """The two figures of a range, such as ``2 to 8``; BadSuite if there are not two."""
    for between in _BETWEEN:
        first, found, second = printed.partition(between)
        if found:
            pair = first.strip(), second.strip()
            if number(pair[0]) <= number(pair[1]):
                return pair
            raise BadSuite(f"{printed!r} is not a range: the least figure comes first.")
    raise BadSuite(f"{printed!r} is not a range; write its two figures as '2 to 8'.")


def is_half(printed: str, unit: str) -> bool:
    """Whether a printed figure is one half: 0.5 x, 50 %, or 2 x of a gain or a cut by half."""
    value = abs(number(printed))
    return value in ((Decimal(50),) if unit == "%" else (Decimal("0.5"), Decimal(2)))


def ordered(relation: Relation, equal: Decimal) -> Interval:
    """What an order allows, exactly: nothing is printed that could be rounded."""
    low, high = (equal, _INFINITY) if relation in LOWER else (-_INFINITY, equal)
    return Interval(low, high, low_open=relation == "more_than", high_open=relation == "less_than")


def equal_in(metric: str) -> Decimal:
    """What two equal figures give: speeds are compared by their ratio, others by difference."""
    return Decimal(1) if metric in SPEEDS else Decimal(0)


def figure_of(claim: Claim) -> Decimal:
    """The printed figure itself, in base units; of an ordering what equal figures give."""
    return equal_in(claim.metric) if claim.ordering else middle(claim.printed, claim.unit)


def slack(claim: Claim, value: Decimal) -> Decimal | None:
    """By how much an inequality holds, counted from its figure; None of other relations."""
    if claim.relation in LOWER:
        return value - figure_of(claim)
    return figure_of(claim) - value if claim.relation in UPPER else None


def is_loose(claim: Claim, value: Decimal) -> bool:
    """Whether an inequality holds by so much that its figure says little; an order has none."""
    over = slack(claim, value)
    if over is None or claim.ordering or not (figure := figure_of(claim)):
        return False
    return over > LOOSE * abs(figure)
