"""The results of judging claims."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

import msgspec

from vtbench.claims.suite.expected import NOTHING
from vtbench.claims.suite.interval import Interval, Rounding
from vtbench.claims.suite.types import Claim, Unknown
from vtbench.data.workload import Workload

Outcome = Literal["holds", "close", "fails", "unknown"]


CLOSE = Decimal("0.02")
"""A figure outside its printed interval by no more than this share is close, not failed."""


class SweptPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One size at which a formula or a growth was compared with a count."""

    axes: dict[str, int]
    """Axis of the sweep -> its value."""
    workload: Workload
    """The workload that was counted at this size."""
    counted: int
    """The count."""
    printed: float | None = None
    """The value of the printed formula; None for a growth."""


class CountedSweep(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of a sweep, and the polynomial that they form."""

    points: tuple[SweptPoint, ...]
    """All sizes with their counts."""
    form: str | None = None
    """The polynomial that gives every count; None if the sizes are too few to determine it."""
    degree: int | None = None
    """For a growth, the degree of that polynomial."""
    exponents: tuple[float, float, float] | None = None
    """For a growth, the least exponent of a step, that of the whole sweep, and the largest."""


class Reproduction(msgspec.Struct, frozen=True, kw_only=True):
    """A reading that gives the printed digits, which the stated configuration may not give."""

    changes: dict[str, Any] = {}
    """Changes to the workload that the suite's search allows; empty if there are none."""
    convention: str
    """The convention of the reading."""
    rounding: Rounding
    """Whether the digits are rounded or truncated."""
    measured: Decimal
    """The value that the reading gives."""
    hits: int
    """The number of distinct figures of the same table column that the reading reproduces."""
    of: int
    """The number of distinct figures of that column that the reading applies to."""
    column: int = 1
    """The number of cells of the whole column that are reproduced with this reading, including
    those that it does not change."""
    rivals: int
    """The number of other readings that give these digits too."""
    isolated: bool = False
    """Whether the reading fits only this figure, in a column of several."""
    chance: float | None = None
    """The number of distinct figures of the column that the best reading reproduces on average if
    the figures are drawn at random; None if the reading does not explain the column."""

    def reading(self, stated: str) -> str:
        """The changes in few words; ``stated`` is the convention that is not mentioned."""
        return reading_words(self.changes, self.convention, self.rounding, stated)


def reading_words(
    changes: Mapping[str, Any], convention: str, rounding: Rounding, stated: str
) -> str:
    """A reading in few words; ``stated`` is the convention that is not mentioned."""
    parts = [f"{axis}={value}" for axis, value in changes.items()]
    if convention != stated:
        parts.append(convention)
    if rounding == "truncate":
        parts.append("truncated")
    return ", ".join(parts) or "as stated"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one claim as the paper states it, and a reading that reproduces it."""

    claim: Claim
    """The claim that was judged."""
    verdict: Outcome
    """The verdict on the claim as the paper states it."""
    reason: str
    """The reason for the verdict, in a sentence."""
    measured: Decimal | None = None
    """The counted or measured value in base units; None if there is none."""
    deviation: float | None = None
    """(measured - printed) / printed."""
    distance: float | None = None
    """The distance from the end of the accepted interval over the printed figure, below zero on
    its lower side; 0 inside, None if the printed figure is 0 or nothing was measured."""
    slack: Decimal | None = None
    """Of an inequality that holds, the distance from its figure, in base units."""
    to_interval: bool = False
    """Whether ``measured_range`` is the interval of a mean, or follows from such."""
    loosely: bool = False
    """Whether an inequality holds by more than a quarter of its figure."""
    unknown: Unknown | None = None
    """The kind of reason why the claim cannot be judged; None if it was judged."""
    reproduced_by: Reproduction | None = None
    """The reading that gives the printed digits and is named; None if there is none."""
    possible: Reproduction | None = None
    """A reading that gives the digits if none is named: it may be a coincidence."""
    why_not: str = ""
    """The reason why that reading is not named, in a sentence."""
    found: CountedSweep | None = None
    """For a formula or a growth, the counts at all sizes and the polynomial that they form."""
    measured_range: Interval | None = None
    """For a speed, the 95 % interval of the measured value; of a set its least and greatest."""
    measured_on: str | None = None
    """For a speed, the device that was measured."""
    direction: Literal["agrees", "disagrees", "open"] | None = None
    """For a ratio of speeds, whether the measured and the printed one are both above or both
    below 1."""
    broken: bool = False
    """Whether the model could not be built or run: this is an error, not a skipped figure."""

    @property
    def as_explained(self) -> bool:
        """Whether the reading that the suite expects to give the digits still gives them.

        It may be named or only possible. If the suite expects none, whether that is still so.
        """
        found = self.reproduced_by or self.possible
        if self.claim.by in ("", NOTHING):
            return not self.claim.by or found is None
        return found is not None and found.reading(self.claim.convention) == self.claim.by

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the one that the suite expects.

        A figure that cannot be judged here is a skip, unless an operator is unknown, the model
        is broken, or the paper says too little and the suite does not say so.
        """
        if self.verdict != "unknown":
            return self.verdict == self.claim.expect and self.as_explained
        if self.unknown == "op" or self.broken:
            return False
        return self.unknown != "undefined" or bool(self.claim.why)
