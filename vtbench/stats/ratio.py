"""The ratio of two arms' times, measured in turns or apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import msgspec

from vtbench.errors import BadInput
from vtbench.stats.interval import Interval, t_quantile
from vtbench.stats.samples import checked
from vtbench.stats.series import location, standard_error

FEWEST = 6
"""Pairs below which an interval is no more than the range of what was seen."""

Arm: TypeAlias = Sequence[float] | Sequence[Sequence[float]]
"""The times of one arm in the order of measuring: one by one, or in blocks."""


FIRST = "samples of the first arm"
SECOND = "samples of the second arm"


FAR = 0.03
"""Logarithms nearer to the middle than this are no interruptions, however little others scatter."""


class LogRatio(msgspec.Struct, frozen=True):
    """The logarithm of a ratio, and how well it is known."""

    middle: float
    """The logarithm of the new arm's time over the base's."""
    error: float
    """Its standard error."""
    dof: float
    """Degrees of freedom of the standard error."""
    pairs: int
    """Pairs of samples or blocks; for arms measured apart, the samples of the shorter one."""
    apart: float = 0.0
    """Share of them that lie so far from the middle that they have no weight in it."""

    def interval(self, level: float) -> Interval:
        """The ratio with Student's interval."""
        half = self.half(level)
        return Interval(
            math.exp(self.middle), math.exp(self.middle - half), math.exp(self.middle + half)
        )

    def with_sessions(self, between: float) -> LogRatio:
        """The same for arms of two sessions, each of which differs from others by ``between``.

        Variances add; what is assumed of sessions is taken as known, so the degrees of freedom grow
        with its part of the whole.
        """
        if self.error == 0:
            return msgspec.structs.replace(self, error=math.sqrt(2) * between)
        error = math.hypot(self.error, math.sqrt(2) * between)
        dof = self.dof * (error / self.error) ** 4
        return msgspec.structs.replace(self, error=error, dof=dof)

    def half(self, level: float) -> float:
        """Half the width of Student's interval of the logarithm."""
        return t_quantile(level, self.dof) * self.error


def ratio_interval(a: Arm, b: Arm, *, level: float = 0.95, paired: bool = True) -> Interval:
    """The time of b over that of a, for arms measured in turns; 1.03: b takes 3 % longer.

    Samples or blocks of equal index are a pair, so what both arms share at that moment cancels.
    Arms measured apart (``paired=False``) may differ in length; what they do not share stays in.
    With fewer than six pairs the ends are the least and the greatest ratio seen: less than 95 %.
    """
    known = log_ratio(a, b, paired=paired)
    if known is not None:
        return known.interval(level)
    if paired:
        steps = _steps(a, b)
        middle, low, high = location(steps)[0], min(steps), max(steps)
    else:
        first, second = _logs(a, FIRST), _logs(b, SECOND)
        middle = location(second)[0] - location(first)[0]
        low, high = min(second) - max(first), max(second) - min(first)
    return Interval(math.exp(middle), math.exp(low), math.exp(high))


def ratio_of_interleaved(
    times_a: Sequence[float], times_b: Sequence[float], *, level: float = 0.95
) -> Interval:
    """As ``ratio_interval`` for samples taken alternately; an odd one at the end is left out."""
    if abs(len(times_a) - len(times_b)) > 1:
        raise BadInput(
            f"The arms have {len(times_a)} and {len(times_b)} samples, which were not taken "
            "alternately; compare them unpaired."
        )
    n = min(len(times_a), len(times_b))
    return ratio_interval(times_a[:n], times_b[:n], level=level)


def log_ratio(a: Arm, b: Arm, *, paired: bool) -> LogRatio | None:
    """The logarithm of b's time over a's; None if the samples are too few for an error."""
    if paired:
        steps = _steps(a, b)
        return _in_turns(steps) if len(steps) >= FEWEST else None
    first, second = _logs(a, FIRST), _logs(b, SECOND)
    return _apart(first, second) if min(len(first), len(second)) >= FEWEST else None


def _in_turns(steps: Sequence[float]) -> LogRatio:
    """From the differences of logarithms, pair by pair."""
    middle, influences = location(steps)
    error, dof = standard_error(influences)
    return LogRatio(middle, error, dof, len(steps), _apart_of(steps, middle, influences))


def _apart(first: Sequence[float], second: Sequence[float]) -> LogRatio:
    """From two arms that share nothing: errors add in squares, degrees of freedom by Welch."""
    (a, a_influences), (b, b_influences) = location(first), location(second)
    (a_error, a_dof), (b_error, b_dof) = standard_error(a_influences), standard_error(b_influences)
    squared = a_error**2 + b_error**2
    doubt = a_error**4 / a_dof + b_error**4 / b_dof
    dof = squared**2 / doubt if doubt else a_dof + b_dof
    apart = max(_apart_of(first, a, a_influences), _apart_of(second, b, b_influences))
    return LogRatio(b - a, math.sqrt(squared), dof, min(len(first), len(second)), apart)


def _apart_of(values: Sequence[float], middle: float, influences: Sequence[float]) -> float:
    """The share of values that have no influence and are far away by any measure."""
    pairs = zip(values, influences, strict=True)
    far = (i == 0 and abs(v - middle) > FAR for v, i in pairs)
    return sum(far) / len(values)


def _steps(a: Arm, b: Arm) -> list[float]:
    """Differences of logarithms, pair by pair."""
    first, second = _blocks(a, FIRST), _blocks(b, SECOND)
    if len(first) != len(second):
        raise BadInput(
            f"The arms have {len(first)} and {len(second)} blocks, which do not form pairs; "
            "measure the arms in turns, or compare them unpaired."
        )
    return [y - x for x, y in zip(first, second, strict=True)]


def _blocks(arm: Arm, what: str) -> list[float]:
    """One logarithm a block, or a sample: its middle."""
    if not any(isinstance(block, Iterable) for block in arm):
        return _logs(arm, what)
    return [location(_logs([block], what))[0] for block in arm]


def _logs(arm: Sequence[float | Sequence[float]], what: str) -> list[float]:
    """The logarithms of all samples, blocks or not, in the order of measuring."""
    flat: list[float] = []
    for block in arm:
        flat.extend(block if isinstance(block, Iterable) else (block,))
    return [math.log(value) for value in checked(flat, what)]
