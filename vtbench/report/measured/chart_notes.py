"""What stands below a figure of measurements: what was disturbed, what is missing, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vtbench.data.measurement import Measurement
from vtbench.report.measured.columns import state
from vtbench.report.measured.quantities import Quantity
from vtbench.report.values_behind import value_notes

NAMED = 3
"""Measurements that a sentence names before it counts the rest."""

Label = Callable[[Measurement], str]


def is_disturbed(record: Measurement) -> bool:
    """Whether the device was slowed down meanwhile."""
    return record.telemetry is not None and record.telemetry.verdict == "throttled"


def chart_notes(records: Sequence[Measurement], quantity: Quantity, label: Label) -> list[str]:
    """Sentences on the records of a figure; counts are the same however busy the machine was."""
    good = [record for record in records if record.error is None]
    drawn = [record for record in good if quantity.read(record) is not None]
    missing = [record for record in good if quantity.read(record) is None]
    failed = [record for record in records if record.error is not None]
    notes = [] if quantity.counted else _disturbances(drawn, label)
    if missing:
        notes.append(
            f"Not drawn, because the {quantity.noun} is not known: {_named(missing, label)}."
        )
    if failed:
        notes.append(f"Not drawn, because the run failed: {_named(failed, label)}.")
    if quantity.counted:
        notes += value_notes((record.workload.model, record.by_values) for record in drawn)
    return notes


def _disturbances(records: Sequence[Measurement], label: Label) -> list[str]:
    """What hollow markers mean, and whether nobody looked."""
    notes = []
    hollow = [record for record in records if is_disturbed(record)]
    if hollow:
        states = dict.fromkeys(state(record.telemetry) for record in hollow if record.telemetry)
        notes.append(
            f"Hollow markers: the device was {' or '.join(states)} meanwhile "
            f"({_named(hollow, label)})."
        )
    blind = [r for r in records if r.telemetry is None or r.telemetry.verdict == "unwatched"]
    if blind:
        share = "any" if len(blind) == len(records) else f"{len(blind)} of {len(records)}"
        notes.append(f"The device was not watched during {share} of the measurements.")
    return notes


def _named(records: Sequence[Measurement], label: Label) -> str:
    names = list(dict.fromkeys(map(label, records)))
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
