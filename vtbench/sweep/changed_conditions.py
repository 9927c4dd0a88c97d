"""Conditions that changed between the finished cells of a sweep and those that are left.

A cell is known by its workload and its device, so a sweep that goes on takes up records of another
torch, or of another machine with the same processor. That is not a mistake, but the user is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import metadata

from vtbench.data.measurement import Measurement
from vtbench.data.version import VERSION
from vtbench.measure.machine.environment import host


def here() -> dict[str, str]:
    """What decides over speed and can be known without importing torch."""
    try:
        torch = metadata.version("torch")
    except metadata.PackageNotFoundError:
        torch = ""
    return {"torch": torch, "vtbench": VERSION, "host": host()}


def changed_conditions(done: Iterable[Measurement | None]) -> Iterator[str]:
    """A sentence for each condition in which records differ from this machine; None is skipped."""
    records = [record for record in done if record is not None and record.error is None]
    for key, now in here().items():
        others = Counter(
            str(then)
            for record in records
            if now and (then := record.environment.get(key)) and _differ(str(then), now)
        )
        for then, number in others.items():
            cells = "1 finished cell was" if number == 1 else f"{number} finished cells were"
            what = "on another host" if key == "host" else f"with {key} {then}; this is {now}"
            yield f"{cells} measured {what}. Name a new file to measure under one condition."


def _differ(then: str, now: str) -> bool:
    """Versions may leave out the build behind the plus."""
    if "+" in then and "+" in now:
        return then != now
    return then.partition("+")[0] != now.partition("+")[0]
