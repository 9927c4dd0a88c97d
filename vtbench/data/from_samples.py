"""What follows from raw samples: medians, rates, percentiles, and ratios within a session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

import msgspec

from vtbench.data.launches import common_rounds, ratio_by_rounds
from vtbench.data.measurement import Measurement, Ratio
from vtbench.data.naming import labels
from vtbench.data.protocol import PROTOCOLS, ProtocolId
from vtbench.data.relative import bases
from vtbench.stats import images_per_second, median_interval, percentile, ratio_interval
from vtbench.stats.ratio import Arm


def with_samples(
    record: Measurement, samples: Sequence[float], steps_per_sample: int = 1
) -> Measurement:
    """The record with its samples and all that is derived from them."""
    middle = median_interval(samples)
    protocol = PROTOCOLS.get(record.protocol.name)
    single = protocol is not None and protocol.synchronised and steps_per_sample == 1
    return msgspec.structs.replace(
        record,
        samples=tuple(samples),
        steps_per_sample=steps_per_sample,
        median=middle.value,
        low=middle.low,
        high=middle.high,
        images_per_second=images_per_second(record.workload.batch_size, samples),
        p50=percentile(samples, 50) if single else None,
        p90=percentile(samples, 90) if single else None,
        p99=percentile(samples, 99) if single else None,
    )


def ratio_of(a: Measurement, b: Measurement, level: float = 0.95) -> tuple[float, float, float]:
    """How many times as many images ``a`` does in the time that ``b`` needs, and its interval."""
    times = ratio_interval(*visits_in_common(a, b), level=level)
    images = a.workload.batch_size / b.workload.batch_size
    return times.value * images, times.low * images, times.high * images


def visits_in_common(a: Measurement, b: Measurement) -> tuple[Arm, Arm]:
    """The samples of two records of one session, visit by visit: visit k of each is of one round.

    A visit of one sample is that sample.
    """
    first, second = _visits(a), _visits(b)
    paired = min(len(first), len(second))
    return first[:paired], second[:paired]


def _visits(record: Measurement) -> Arm:
    size = record.samples_per_visit
    if size == 1:
        return record.samples
    return [record.samples[at : at + size] for at in range(0, len(record.samples), size)]


MOST_PAIRED = 32
"""Records of a sweep of which all pairs are worked out; of more, only those that are asked for."""


def ratios_of(records: Sequence[Measurement]) -> list[Ratio]:
    """The ratio of every two records that took turns, in one session or in rounds of a sweep.

    Of a sweep with more than 32 records there are none here; ``ratios_to`` has those to a model.
    """
    few = len(records) <= MOST_PAIRED
    return [
        ratio
        for group in _named_by_protocol(records)
        for ratio in _ratios(combinations(group, 2), few=few)
    ]


def ratios_to(records: Sequence[Measurement], to: str | None) -> list[Ratio]:
    """The ratio of every record to that of a model, if they took turns.

    A model with several workloads is held against each at the same size, batch and so on. If no
    model is named, the ratio of each to each later one.
    """
    return ratios_of(records) if to is None else list(speeds_over(records, to).values())


def speeds_over(records: Sequence[Measurement], to: str) -> dict[int, Ratio]:
    """The same by the identity of the records."""
    found: dict[int, Ratio] = {}
    for named in _named_by_protocol(records):
        group = [each for each in named if each[1].samples]
        for one, place in zip(group, bases([r.workload for _, r in group], to), strict=True):
            ratio = None if place is None else ratio_by_turns(one, group[place])
            if ratio is not None:
                found[id(one[1])] = ratio
    return found


def ratio_by_turns(one: tuple[str, Measurement], other: tuple[str, Measurement]) -> Ratio | None:
    """How many times as fast one is as the other; None if they did not take turns."""
    (a, first), (b, second) = one, other
    if common_rounds(first, second):
        known = ratio_by_rounds(first, second)
        if known is None:
            return None
        return Ratio(
            a=a,
            b=b,
            ratio=known[0].value,
            low=known[0].low,
            high=known[0].high,
            protocol=str(first.protocol),
            rounds=known[1],
        )
    same = first.session is not None and first.session == second.session
    if not (same and first.samples and second.samples):
        return None
    ratio, low, high = ratio_of(first, second)
    return Ratio(a=a, b=b, ratio=ratio, low=low, high=high, protocol=str(first.protocol))


Named = tuple[str, Measurement]


def _named_by_protocol(records: Sequence[Measurement]) -> list[list[Named]]:
    """Records of one protocol each, with names that tell those apart."""
    groups: dict[ProtocolId, list[Measurement]] = {}
    for record in records:
        groups.setdefault(record.protocol, []).append(record)
    return [
        list(zip(labels([record.workload for record in group]), group, strict=True))
        for group in groups.values()
    ]


def _ratios(pairs: Iterable[tuple[Named, Named]], *, few: bool) -> Iterator[Ratio]:
    for one, other in pairs:
        if few or one[1].session is not None:
            found = ratio_by_turns(one, other)
            if found is not None:
                yield found
