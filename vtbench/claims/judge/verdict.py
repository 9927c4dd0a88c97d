"""What came of holding a claim against what was measured."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec

from vtbench.claims.suite.interval import Interval, Rounding
from vtbench.claims.suite.types import Claim, Unknown
from vtbench.data.workload import Workload

Outcome = Literal["holds", "close", "fails", "unknown"]


CLOSE = Decimal("0.02")
"""A figure outside its printed interval by no more than this share is close, not failed."""


NOTHING = "nothing"
"""What a suite expects to reproduce a figure that comes out under no reading."""


class SweptPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One size at which a formula or a growth was held against a count."""

    axes: dict[str, int]
    """Axis of the sweep -> its value."""
    workload: Workload
    """What was counted there."""
    counted: int
    printed: float | None = None
    """What the printed formula gives; None of a growth."""


class CountedSweep(msgspec.Struct, frozen=True, kw_only=True):
    """What the counts of a sweep are."""

    points: tuple[SweptPoint, ...]
    form: str | None = None
    """The polynomial that gives every count; None where its degree is more than they settle."""
    degree: int | None = None
    """Of a growth: the degree of that polynomial."""
    exponents: tuple[float, float, float] | None = None
    """Of a growth: the least exponent of a step, that of the whole sweep, the largest of a step."""


class Reproduction(msgspec.Struct, frozen=True, kw_only=True):
    """What gives the printed digits, where the stated configuration may not."""

    changes: dict[str, Any] = {}
    """Changes to the workload that the suite's axes allow; empty where it is as stated."""
    convention: str
    rounding: Rounding
    measured: Decimal
    """The value that it gives."""
    hits: int
    """Figures of the same table column that it reproduces."""
    of: int
    """Figures of that column that it speaks of."""
    column: int = 1
    """Figures of the whole column that come out with it, those it leaves alone included."""
    rivals: int
    """Other explanations that give these digits too."""
    isolated: bool = False
    """It fits this figure alone, in a column of several."""

    def reading(self, stated: str) -> str:
        """What it changes, in few words; ``stated`` is the convention that needs no word."""
        parts = [f"{axis}={value}" for axis, value in self.changes.items()]
        if self.convention != stated:
            parts.append(self.convention)
        if self.rounding == "truncate":
            parts.append("truncated")
        return ", ".join(parts) or "as stated"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One claim judged, as stated; what else reproduces it stands apart."""

    claim: Claim
    verdict: Outcome
    reason: str
    measured: Decimal | None = None
    deviation: float | None = None
    """(measured - printed) / printed."""
    unknown: Unknown | None = None
    reproduced_by: Reproduction | None = None
    found: CountedSweep | None = None
    """Of a formula or a growth: what was counted at which size, and what that makes."""
    measured_range: Interval | None = None
    """Of a speed: the 95 % interval of what was measured."""
    measured_on: str | None = None
    """Of a speed: the device that was measured."""
    direction: Literal["agrees", "disagrees", "open"] | None = None
    """Of a ratio of speeds: whether measured and printed lie on the same side of equal."""
    broken: bool = False
    """The model could not be built or run: a fault, not a figure to be skipped."""

    @property
    def as_explained(self) -> bool:
        """Whether the reading that the suite expects to give the digits still gives them.

        Where it expects that nothing does, whether that is still so.
        """
        found = self.reproduced_by
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
