"""One answer from several launches: what fresh processes of the same code differ by stays in it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from statistics import fmean, median, stdev

import msgspec

from vtbench.data.comparison import Comparison, compare_records
from vtbench.data.device_warnings import DeviceWarning, less_certain
from vtbench.data.measurement import Measurement
from vtbench.errors import BadInput
from vtbench.stats import Gate
from vtbench.stats.ratio import FEWEST, LogRatio, log_ratio

Pair = tuple[Measurement, Measurement]
ACROSS = ("commit",)
"""What two revisions differ in on purpose."""


def compare_launches(pairs: Sequence[Pair], gate: Gate) -> Comparison:
    """The base and the head of every launch, as one comparison.

    Where a process lands, in memory and on which cores, makes it faster or slower for as long as it
    lives, and no number of its samples shows that. The ratios of launches do. Where a side ended
    early, the samples that have a partner count.
    """
    pairs = [_cut(base, head) for base, head in pairs]
    each = [compare_records([base], [head], ACROSS, gate)[0] for base, head in pairs]
    if not each:
        raise BadInput("--launches: expected at least 1 launch to compare, got none.")
    without = next((comparison for comparison in each if comparison.ratio is None), None)
    if without is not None or len(each) == 1:
        return without or each[0]
    ratios = [_log_ratio(base, head) for base, head in pairs]
    answer = gate.judge(over_launches(ratios, gate.level))
    answer = less_certain(answer, *itertools.chain(*pairs))
    return msgspec.structs.replace(
        each[-1],
        verdict=answer.verdict,
        reason=answer.reason,
        ratio=1 / answer.ratio.value,
        low=1 / answer.ratio.high,
        high=1 / answer.ratio.low,
        base_seconds=_middle(base for base, _ in pairs),
        new_seconds=_middle(head for _, head in pairs),
        warnings=_last_of_each(each),
    )


def _cut(base: Measurement, head: Measurement) -> Pair:
    """A launch without the samples that only one side has: k of each is of the same round."""
    both = min(len(base.samples), len(head.samples))
    return (
        msgspec.structs.replace(base, samples=base.samples[:both]),
        msgspec.structs.replace(head, samples=head.samples[:both]),
    )


def _last_of_each(each: Sequence[Comparison]) -> tuple[DeviceWarning, ...]:
    """Of the launches' warnings the last of each side, if held back and if not watched."""
    found = {(seen.side, seen.held_back): seen for one in each for seen in one.warnings}
    return tuple(found.values())


def over_launches(ratios: Sequence[LogRatio], level: float) -> LogRatio:
    """The mean of the launches' logarithms, with the wider of two errors.

    Between launches: s / sqrt(k) with k - 1 degrees of freedom, s the standard deviation of the k
    logarithms. Within them: sqrt(sum of the squared errors) / k.
    """
    k = len(ratios)
    middle = fmean(ratio.middle for ratio in ratios)
    pairs = sum(ratio.pairs for ratio in ratios)
    apart = max(ratio.apart for ratio in ratios)
    within = LogRatio(
        middle,
        math.sqrt(math.fsum(ratio.error**2 for ratio in ratios)) / k,
        math.fsum(ratio.dof for ratio in ratios),
        pairs,
        apart,
    )
    if k == 1:
        return within
    spread = stdev(ratio.middle for ratio in ratios) / math.sqrt(k)
    between = LogRatio(middle, spread, k - 1, pairs, apart)
    return max(within, between, key=lambda known: known.half(level))


def _log_ratio(base: Measurement, head: Measurement) -> LogRatio:
    known = log_ratio(base.samples, head.samples, paired=True)
    if known is None:
        few = min(len(base.samples), len(head.samples))
        raise BadInput(
            f"A launch gave {few} samples of a revision, but at least {FEWEST} are needed; "
            "give a longer --max-time, which all launches share, or fewer --launches."
        )
    return known


def _middle(records: Iterable[Measurement]) -> float:
    return median(record.median for record in records if record.median is not None)
