"""When warming up is over, and when there are samples enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from vtbench.stats.interval import half_width
from vtbench.stats.median import median_interval

WarmReason = Literal["settled", "max_time", "max_blocks"]
StopReason = Literal["interval", "max_time", "max_samples"]

CHECKS = 8
"""How often the interval is worked out while the samples double; in between it is not."""


class Stop(msgspec.Struct, frozen=True):
    """Whether sampling is over, and what ended it."""

    done: bool
    """Whether there are samples enough."""
    reason: StopReason | None
    """What ended it: the interval is narrow enough, or a cap on time or count was met."""


class WarmUp(msgspec.Struct, frozen=True):
    """Steps are thrown away until blocks of them stop getting faster, or a cap is met."""

    improvement: float = 0.02
    """A block that is faster by this share than all before says that it still gets faster."""
    window: int = 2
    """So many blocks in a row must fail to improve."""
    max_blocks: int = 50
    """Blocks after which warming up ends in any case."""
    max_seconds: float = 10.0
    """Seconds after which it ends in any case."""

    def settled(self, blocks: Sequence[float]) -> bool:
        """Whether none of the last blocks' medians improved on the best one before them."""
        if len(blocks) <= self.window:
            return False
        before, last = blocks[: -self.window], blocks[-self.window :]
        return min(last) > min(before) * (1 - self.improvement)

    def decide(self, blocks: Sequence[float], elapsed: float) -> WarmReason | None:
        """None: go on; else what ended it."""
        if self.settled(blocks):
            return "settled"
        if elapsed >= self.max_seconds:
            return "max_time"
        return "max_blocks" if len(blocks) >= self.max_blocks else None


class StoppingRule(msgspec.Struct, frozen=True):
    """Samples are taken until the interval of their median is narrow, within caps."""

    relative_half_width: float = 0.01
    """Half the interval's width as a share of the median at which it is narrow enough."""
    min_samples: int = 10
    """No fewer samples than these, unless time is up."""
    min_seconds: float = 0.5
    """No less time than this."""
    max_seconds: float = 15.0
    """Time after which sampling ends in any case."""
    max_samples: int = 100_000
    """Samples after which it ends in any case."""

    def decide(
        self, samples: Sequence[float], elapsed: float, asked_at: int | None = None
    ) -> StopReason | None:
        """None: go on; else what ended it.

        May be asked after every sample: caps are looked at each time, the interval only at counts
        that grow with the samples, so that all asking costs a small share of the sampling.
        ``asked_at`` is how many samples there were when it was asked last, if not one fewer.
        """
        n = len(samples)
        if n and elapsed >= self.max_seconds:
            return "max_time"
        if n >= self.max_samples:
            return "max_samples"
        if n < self.min_samples or elapsed < self.min_seconds:
            return None
        if n // _every(n) == (n - 1 if asked_at is None else asked_at) // _every(n):
            return None
        narrow = half_width(median_interval(samples)) <= self.relative_half_width
        return "interval" if narrow else None

    def stop(self, samples: Sequence[float], elapsed: float) -> Stop:
        """``decide`` as a record."""
        reason = self.decide(samples, elapsed)
        return Stop(reason is not None, reason)


def _every(n: int) -> int:
    """The step between counts at which the interval is worked out: a power of two near n / 8."""
    return max(1, (1 << (n.bit_length() - 1)) // CHECKS)
