"""Has it changed? Four answers, of which one is that the samples cannot tell."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from vtbench.errors import UsageError
from vtbench.stats.interval import Interval
from vtbench.stats.ratio import Arm, LogRatio, log_ratio, ratio_interval

Verdict = Literal["same", "faster", "slower", "cannot tell"]

FEWEST = 10
"""Pairs below which nothing is told."""


class Comparison(msgspec.Struct, frozen=True):
    """The comparison of two arms' samples."""

    verdict: Verdict
    """The verdict on the new arm."""
    ratio: Interval
    """The time of the new arm divided by that of the base; above 1, the new arm is slower."""
    reason: str
    """The reason for the verdict, in one sentence."""


class Gate(msgspec.Struct, frozen=True):
    """When a change is called one; ``docs/measuring.md`` says how often it errs."""

    smallest: float = 0.03
    """The smallest change that matters, as a share of the time."""
    level: float = 0.95
    """Confidence of the ratio's interval, which a change has to leave 1 outside of."""
    level_of_same: float = 0.97
    """Confidence of the interval that has to lie within the smallest change to be the same."""

    most_apart: float = 0.15
    """The share of pairs far from all others above which nothing is called the same.

    So many were interrupted, as by other processes on the same cores. Pairs that were interrupted
    alike on both sides do not stand out, and make any change look smaller than it is.
    """

    between_sessions: float = 0.005
    """Standard deviation of a session's typical time about that of others, as a share of it.

    Samples of one session cannot show it, so it is an assumption, made where arms are not paired.
    """

    def compare(self, base: Arm, new: Arm, *, paired: bool) -> Comparison:
        """The verdict on the new samples; ``paired`` says that both arms were measured in turns.

        same: the interval lies within the changes too small to matter, and few pairs lie far from
        all others. slower, faster: it reaches
        past them and leaves 1 outside; if it is wider than ±smallest, all of it must lie past
        them. Everything else: cannot tell.
        """
        if not 0 < self.smallest < 1:
            raise UsageError(
                f"The smallest change that matters is a share between 0 and 1, not {self.smallest}."
            )
        known = log_ratio(base, new, paired=paired)
        if known is None or known.pairs < FEWEST:
            ratio = ratio_interval(base, new, level=self.level, paired=paired)
            few = f"An arm has fewer than {FEWEST} samples or blocks."
            return Comparison("cannot tell", ratio, few)
        if not paired:
            known = known.with_sessions(self.between_sessions)
        return self.judge(known)

    def judge(self, known: LogRatio) -> Comparison:
        """The verdict on a ratio that was worked out elsewhere, such as over several launches."""
        verdict, reason = self._decided(known)
        return Comparison(verdict, known.interval(self.level), reason)

    def _decided(self, known: LogRatio) -> tuple[Verdict, str]:
        """The verdict and what decided, on logarithms, where faster and slower are alike."""
        band = math.log1p(self.smallest)
        change = abs(known.middle)
        half = known.half(self.level)
        matters = f"the {self.smallest:.1%} that matter"
        if change + known.half(self.level_of_same) < band:
            if known.apart <= self.most_apart:
                return "same", f"Any change is smaller than {matters}."
            return (
                "cannot tell",
                f"{known.apart:.0%} of the samples are outliers, as if they were interrupted.",
            )
        if change - half > (band if half > band else 0.0):
            way: Verdict = "slower" if known.middle > 0 else "faster"
            return way, f"The interval does not contain 1 and reaches past {matters}."
        if half > band:
            return (
                "cannot tell",
                f"The interval is too wide: ±{math.expm1(half):.1%} is more than {matters}.",
            )
        return "cannot tell", f"No change and a change by {matters} are both possible."
