"""Several launches of a cell as one measurement, and ratios of cells round by round.

A file keeps each launch as it was measured, one a line. What they say together is worked out when
they are read, so a sweep that stopped has lost nothing and one that goes on adds to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import fmean, median_low

import msgspec

from vtbench.data.measurement import Launch, Measurement, Telemetry
from vtbench.data.protocol import PROTOCOLS
from vtbench.stats import Interval, launch_interval, percentile, round_ratio
from vtbench.stats.launches import FEWEST

BY_LAUNCHES = "launches"
"""What ended the sampling of several launches."""
_WORST = ("throttled", "unwatched", "clean")

Round = tuple[int, str | None]
"""The number of a round and the host: launches of one round on two hosts share nothing."""


def combined(records: Iterable[Measurement]) -> list[Measurement]:
    """The measurements, the launches of each cell as one, in the order of the sweep's rows."""
    found: dict[object, list[Measurement]] = {}
    for place, record in enumerate(records):
        key = (record.cell, record.identity) if record.turn is not None else place
        found.setdefault(key, []).append(record)
    launched = iter(_by_rows([each for each in found.values() if each[0].turn is not None]))
    return [
        _as_one(next(launched)) if each[0].turn is not None else each[0] for each in found.values()
    ]


def _by_rows(cells: Sequence[list[Measurement]]) -> list[list[Measurement]]:
    """Cells as their sweep was asked for; a row that comes again begins another sweep."""
    sweeps: list[dict[int, list[Measurement]]] = [{}]
    for lines in cells:
        assert lines[0].turn is not None  # noqa: S101  # only launches are sorted
        row = lines[0].turn.row
        if row in sweeps[-1]:
            sweeps.append({})
        sweeps[-1][row] = lines
    return [sweep[row] for sweep in sweeps for row in sorted(sweep)]


def _as_one(lines: Sequence[Measurement]) -> Measurement:
    """A cell's launches as one record; of a launch that was tried again the newest counts."""
    newest = {_round(line): line for line in lines}
    tried = [newest[key] for key in sorted(newest, key=lambda key: (key[0], str(key[1])))]
    good = [line for line in tried if line.error is None]
    launches = tuple(map(_launch, tried))
    if not good:
        return msgspec.structs.replace(tried[-1], turn=None, launches=launches)
    timed = [line for line in good if line.median is not None]
    if len(timed) < len(good):  # a protocol without samples
        return msgspec.structs.replace(good[-1], turn=None, launches=launches)
    return _with_figures(timed, launches)


def _with_figures(good: Sequence[Measurement], launches: tuple[Launch, ...]) -> Measurement:
    """The launch in the middle, with the figures of all."""
    middle = median_low(line.median or 0.0 for line in good)
    one = next(line for line in good if line.median == middle)
    known = launch_interval([line.median for line in good if line.median is not None])
    samples = tuple(sample for line in good for sample in line.samples)
    tails = {
        name: percentile(samples, float(name[1:])) if one.p50 is not None else None
        for name in ("p50", "p90", "p99")
    }
    if known is None:
        return msgspec.structs.replace(one, turn=None, launches=launches)
    rates = [line.images_per_second for line in good if line.images_per_second is not None]
    return msgspec.structs.replace(
        one,
        samples=samples,
        median=known.value,
        low=known.low,
        high=known.high,
        images_per_second=math.exp(fmean(map(math.log, rates))) if rates else None,
        stopped_by=BY_LAUNCHES,
        telemetry=_worst(good),
        session=None,
        date=max((line.date for line in good if line.date is not None), default=None),
        turn=None,
        launches=launches,
        **tails,
    )


def _worst(good: Sequence[Measurement]) -> Telemetry | None:
    """What was seen of the most disturbed launch; the energy is the mean of all."""
    seen = [line.telemetry for line in good if line.telemetry is not None]
    if not seen:
        return None
    worst = min(seen, key=lambda each: _WORST.index(each.verdict))
    energies = [each.energy_per_image_j for each in seen if each.energy_per_image_j is not None]
    if not energies:
        return worst
    return msgspec.structs.replace(worst, energy_per_image_j=fmean(energies))


def _round(line: Measurement) -> Round:
    assert line.turn is not None  # noqa: S101  # only launches have rounds
    host = line.environment.get("host")
    return line.turn.round, None if host is None else str(host)


def _launch(line: Measurement) -> Launch:
    assert line.turn is not None  # noqa: S101  # only launches are asked
    return Launch(
        turn=line.turn,
        host=_round(line)[1],
        median=line.median,
        low=line.low,
        high=line.high,
        images_per_second=line.images_per_second,
        samples=len(line.samples),
        verdict=line.telemetry.verdict if line.telemetry is not None else None,
        error=line.error,
    )


def good_launches(record: Measurement) -> list[Launch]:
    """The launches that came off."""
    return [each for each in record.launches if each.error is None and each.median is not None]


def rate_interval(record: Measurement) -> Interval | None:
    """Images per second over several launches with the interval between them."""
    rates = [each.images_per_second for each in good_launches(record)]
    known = [rate for rate in rates if rate is not None]
    return launch_interval(known) if len(known) >= FEWEST else None


def common_rounds(a: Measurement, b: Measurement) -> list[tuple[Launch, Launch]]:
    """The launches of two records that were of one round on one host."""
    first, second = (
        {(each.turn.round, each.host): each for each in good_launches(record)} for record in (a, b)
    )
    return [(first[key], second[key]) for key in first if key in second]


def ratio_by_rounds(
    a: Measurement, b: Measurement, level: float = 0.95
) -> tuple[Interval, int] | None:
    """How many times as many images ``a`` does in the time of ``b``, and from how many rounds.

    None of fewer than two. It is the geometric mean of the rounds' ratios: of rates, or of single
    steps' medians.
    """
    rounds = common_rounds(a, b)
    if len(rounds) < FEWEST:
        return None
    first, second = ([_speed(pair[at], r) for pair in rounds] for at, r in ((0, a), (1, b)))
    known = round_ratio(second, first)
    assert known is not None  # noqa: S101  # there are rounds enough
    return known.interval(level), len(rounds)


def _speed(launch: Launch, record: Measurement) -> float:
    """Images per second of a launch, by what the protocol is about."""
    protocol = PROTOCOLS.get(record.protocol.name)
    single = protocol is not None and protocol.synchronised
    if launch.images_per_second is not None and not single:
        return launch.images_per_second
    assert launch.median is not None  # noqa: S101  # it came off
    return record.workload.batch_size / launch.median
