"""Remarks on single measurements that a reader must know before believing them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vtbench.data.disturbance import Kind, Value
from vtbench.data.launches import good_launches
from vtbench.data.measurement import Measurement
from vtbench.report.measured.columns import LATENCY, MEMORY, TIMED, kind, state
from vtbench.report.settled import settled_notes
from vtbench.report.units import half_of, plural, share
from vtbench.report.values_behind import value_notes
from vtbench.stats.launches import FEWEST as LAUNCHES
from vtbench.stats.median import FEWEST
from vtbench.stats.samples import fewest

NAMED = 3
"""Models that a sentence names before it counts the rest."""
_RATE_SAID = "images/s is all images divided by the total time; its interval is the inverse."
CAPS = {"max_time": "--max-time", "max_samples": "the limit on samples"}
"""Rules that end sampling whatever the interval, as a sentence calls them."""

Alike = tuple[tuple[Kind, tuple[Value, ...]], ...]
Label = Callable[[Measurement], str]


def cautions(records: Sequence[Measurement], label: Label) -> list[str]:
    """Failures, machines that were not quiet, and intervals that stayed wide, each a sentence."""
    good = [record for record in records if record.error is None]
    return [
        *failures(records, label),
        *_watched(good, label),
        *_crowded(good, label),
        *_wide(good, label),
        *_tails(good),
        *settled_notes((r.workload.model, dict(r.workload.options), r.settled) for r in good),
        *value_notes((record.workload.model, record.by_values) for record in good),
    ]


def legend(records: Sequence[Measurement]) -> dict[str, str]:
    """The meaning of columns whose heading cannot say it, by their names."""
    what = kind(records[0].protocol)
    good = [record for record in records if record.error is None]
    said: dict[str, str] = {}
    if what in (TIMED, LATENCY) and any(record.median is not None for record in good):
        launched = " ".join(launches_said(good))
        said["median"] = launched or _interval_said(good)
        said["images_per_second"] = launched or _RATE_SAID
    said["utilisation"] = (
        "Util.: achieved MAC/s divided by the highest MAC/s measured on this device."
    )
    if what != MEMORY and any(record.workload.batch_size > 1 for record in good):
        said["macs_per_image"] = "MACs are for one image."
    if what == MEMORY:
        said["memory_ratio"] = (
            "Ratio: the measured peak divided by the one predicted from tensor lifetimes."
        )
    return said


def _interval_said(records: Sequence[Measurement]) -> str:
    """What stands in brackets; a few samples give their range, which is no 95 % interval."""
    few = any(0 < len(record.samples) < FEWEST for record in records)
    range_of_few = f"; with fewer than {FEWEST} samples, the range from least to greatest"
    return f"ms/step is the median with its 95 % interval{range_of_few if few else ''}."


def launches_said(records: Sequence[Measurement]) -> list[str]:
    """Of how many launches the intervals speak; nothing if there were no rounds."""
    numbers = [len(good_launches(record)) for record in records if record.launches]
    if not numbers:
        return []
    least, most = min(numbers), max(numbers)
    if most < LAUNCHES:
        said = "Each figure is of one launch (a fresh process), so its interval speaks of that "
        return [f"{said}process alone; --launches gives more."]
    number = f"{most}" if least == most else f"{least} to {most}"
    mean = f"Each figure is the geometric mean of {number} launches (fresh processes, in random "
    found = [f"{mean}order over the whole sweep); its 95 % interval comes from how they differ."]
    if least < LAUNCHES:
        found.append("A single launch has the interval of one process alone.")
    if len(numbers) < len([record for record in records if record.samples]):
        found.append("The interval of other rows speaks of the one process that measured them.")
    return found


def half_width(record: Measurement) -> float | None:
    """Half the interval of the median, as a share of it."""
    half = half_of(record.low, record.high)
    return None if half is None or not record.median else half / record.median


def failures(records: Sequence[Measurement], label: Label) -> list[str]:
    """Why rows failed; those with the same reason share a sentence."""
    found: dict[str, list[str]] = {}
    for record in records:
        if record.error is not None:
            found.setdefault(record.error, []).append(label(record))
    return [
        error if len(names) == 1 and names[0] in error else f"{_named(names, 0)}: {error}"
        for error, names in found.items()
    ]


def _watched(records: Sequence[Measurement], label: Label) -> list[str]:
    """Devices that were not quiet or not watched; rows alike but for figures are one."""
    found: dict[tuple[str, Alike], dict[str, list[str]]] = {}
    for record in records:
        seen = record.telemetry
        if seen is not None and seen.verdict != "clean":
            alike = tuple(each.likeness for each in seen.disturbances)
            same = found.setdefault((state(seen), alike), {})
            same.setdefault(" ".join(seen.why), []).append(label(record))
    return [
        f"{_named([name for names in whys.values() for name in names], len(records))}: "
        f"{what}.{_first(list(whys))}"
        for (what, _), whys in found.items()
    ] + _lost(records, label)


def _lost(records: Sequence[Measurement], label: Label) -> list[str]:
    """Launches that failed although others of the same cell came off."""
    lost = [(label(r), each) for r in records for each in r.launches if each.error is not None]
    said = [f"{name}: launch {each.turn.round} failed: {each.error}" for name, each in lost[:NAMED]]
    rest = len(lost) - NAMED
    return [*said, f"{plural(rest, 'more launch', 'more launches')} failed."] if rest > 0 else said


def _crowded(records: Sequence[Measurement], label: Label) -> list[str]:
    """More threads than the processor has cores for: they take turns, and wait for each other."""
    found: dict[tuple[int, int], list[str]] = {}
    for record in records:
        threads, cores = record.workload.threads, record.device.cores if record.device else None
        cpu = record.workload.device == "cpu"
        if cpu and threads is not None and cores is not None and threads > cores:
            found.setdefault((threads, cores), []).append(label(record))
    return [
        f"{_named(names, len(records))}: {threads} threads share {plural(cores, 'core')} "
        "and wait for each other; leave --threads out, or give at most the number of cores."
        for (threads, cores), names in found.items()
    ]


def _first(whys: Sequence[str]) -> str:
    """A reason; if several differ only in figures, the first, with a remark."""
    more = " (The figures are for the first row.)" if len(whys) > 1 else ""
    return f" {whys[0]}{more}" if whys[0] else ""


def _wide(records: Sequence[Measurement], label: Label) -> list[str]:
    """Rows whose sampling a cap ended before their interval was narrow, the widest first."""
    found = [
        (half, CAPS[record.stopped_by], record)
        for record in records
        if record.stopped_by in CAPS and (half := half_width(record)) is not None
    ]
    found.sort(key=lambda pair: -pair[0])
    said = [
        f"{label(record)}: {cap} ended the sampling at ±{share(half)} "
        f"of the median ({plural(len(record.samples), 'sample')})."
        for half, cap, record in found[:NAMED]
    ]
    rest = len(found) - NAMED
    if rest > 0:
        said.append(
            f"{plural(rest, 'more row')} ended in the same way, at up to ±{share(found[NAMED][0])}."
        )
    return said


def _tails(records: Sequence[Measurement]) -> list[str]:
    """Why percentiles are absent."""
    if not records or kind(records[0].protocol) != LATENCY:
        return []
    missing = [name for name in ("p90", "p99") if any(not getattr(r, name) for r in records)]
    return [f"{name} needs at least {fewest(float(name[1:]))} steps." for name in missing]


def _named(names: Sequence[str], rows: int) -> str:
    names = list(dict.fromkeys(names))
    if len(names) == rows and rows > 1:
        return "All rows"
    rest = len(names) - NAMED
    more = f" and {rest} more" if rest > 0 else ""
    return ", ".join(names[:NAMED]) + more
