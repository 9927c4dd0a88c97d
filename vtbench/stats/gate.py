"""Has it changed? Four answers, of which one is that the samples cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from vtbench.stats.interval import Interval
from vtbench.stats.ratio import ratio_interval

Verdict = Literal["same", "faster", "slower", "cannot tell"]


class Comparison(msgspec.Struct, frozen=True):
    """What two arms' samples say of each other."""

    verdict: Verdict
    """Of the new arm, as against the base."""
    ratio: Interval
    """Time of the new arm over time of the base; above 1 is slower."""


class Gate(msgspec.Struct, frozen=True):
    """When a change is called one."""

    smallest: float = 0.03
    """The smallest change that matters, as a share of the time."""
    level: float = 0.95
    """Confidence of the interval that decides."""

    def compare(self, base: Sequence[float], new: Sequence[float], *, paired: bool) -> Comparison:
        """The verdict on new samples; ``paired`` says that both arms were measured in turns."""
        del paired
        ratio = ratio_interval(base, new, level=self.level)
        return Comparison(self._verdict(ratio), ratio)

    def _verdict(self, ratio: Interval) -> Verdict:
        """Within the band too small to matter, or clear of 1 and reaching past it, or neither."""
        if 1 / (1 + self.smallest) < ratio.low and ratio.high < 1 + self.smallest:
            return "same"
        if ratio.low > 1:
            return "slower"
        if ratio.high < 1:
            return "faster"
        return "cannot tell"
