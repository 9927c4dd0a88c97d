"""What follows from raw samples: medians, rates, percentiles, and ratios within a session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import msgspec

from vtbench.data.measurement import Measurement, Ratio
from vtbench.data.naming import labels
from vtbench.data.protocol import PROTOCOLS
from vtbench.stats import images_per_second, median_interval, percentile, ratio_interval


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
    paired = min(len(a.samples), len(b.samples))
    times = ratio_interval(a.samples[:paired], b.samples[:paired], level=level)
    images = a.workload.batch_size / b.workload.batch_size
    return times.value * images, times.low * images, times.high * images


def ratios_of(records: Sequence[Measurement]) -> list[Ratio]:
    """The ratio of every two records that were measured in turns in one session."""
    names = labels([record.workload for record in records])
    found = []
    for (a, first), (b, second) in _pairs(list(zip(names, records, strict=True))):
        ratio, low, high = ratio_of(first, second)
        found.append(Ratio(a=a, b=b, ratio=ratio, low=low, high=high))
    return found


Named = tuple[str, Measurement]


def _pairs(records: list[Named]) -> Iterator[tuple[Named, Named]]:
    for one, other in combinations(records, 2):
        same = one[1].session is not None and one[1].session == other[1].session
        if same and one[1].samples and other[1].samples:
            yield one, other
