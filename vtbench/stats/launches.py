"""What several launches say together: fresh processes of one thing, each with one figure.

Samples of one process share what that process was dealt: its memory, its cores, the minute it ran
in. However many there are, they cannot say how the next process differs. So a launch is one
observation, and intervals come from how launches differ. All of it is on logarithms: the ends are
positive, and the interval of times is that of rates turned round.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from vtbench.errors import BadInput
from vtbench.stats.interval import Interval
from vtbench.stats.ratio import LogRatio
from vtbench.stats.samples import checked

FEWEST = 2
"""Launches below which nothing is known of how launches differ."""


def launch_interval(figures: Sequence[float], level: float = 0.95) -> Interval | None:
    """The geometric mean of the launches' figures with Student's interval; None of a single one.

    exp(m ± t·s/sqrt(k)): m and s are the mean and the standard deviation of the k logarithms, and
    t is Student's at k - 1 degrees of freedom.
    """
    known = _mean_of_logs([math.log(figure) for figure in checked(figures, "launches")])
    return None if known is None else known.interval(level)


def round_ratio(a: Sequence[float], b: Sequence[float]) -> LogRatio | None:
    """The ratio of b's figures to a's, round by round; None of fewer than two rounds.

    Figures of equal index are of the same round, so what a round did to both cancels: the interval
    is that of the mean of the rounds' own ratios.
    """
    if len(a) != len(b):
        raise BadInput(f"There are {len(a)} and {len(b)} figures, which do not form rounds.")
    if not a:
        return None
    pairs = zip(checked(a, "launches"), checked(b, "launches"), strict=True)
    return _mean_of_logs([math.log(y / x) for x, y in pairs])


def apart_ratio(a: Sequence[float], b: Sequence[float]) -> LogRatio | None:
    """The ratio of b's figures to a's, whose launches share nothing: Welch's interval."""
    first, second = (
        _mean_of_logs([math.log(figure) for figure in checked(arm, "launches")]) for arm in (a, b)
    )
    if first is None or second is None:
        return None
    squared = first.error**2 + second.error**2
    doubt = first.error**4 / first.dof + second.error**4 / second.dof
    dof = squared**2 / doubt if doubt else first.dof + second.dof
    return LogRatio(
        second.middle - first.middle, math.sqrt(squared), dof, min(first.pairs, second.pairs)
    )


def _mean_of_logs(logs: Sequence[float]) -> LogRatio | None:
    """The mean of logarithms that are independent of each other."""
    k = len(logs)
    if k < FEWEST:
        return None
    return LogRatio(fmean(logs), stdev(logs) / math.sqrt(k), k - 1.0, k)
