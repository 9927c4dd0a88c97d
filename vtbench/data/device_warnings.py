"""Disturbances of the device that make a comparison less certain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from vtbench.data.disturbance import Disturbance
from vtbench.data.measurement import Measurement
from vtbench.stats.gate import Comparison

Side = Literal["both were", "the base one was", "the new one was"]  # the JSON contract


class DeviceWarning(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a comparison whose device was throttled or not watched."""

    side: Side
    """The side that it befell: the base, the new one, or both."""
    held_back: bool
    """Whether the device was throttled; otherwise it was not watched."""
    disturbances: tuple[Disturbance, ...] = ()
    """The disturbances that were seen."""

    @property
    def sentence(self) -> str:
        """The warning in words."""
        what = "The device was throttled" if self.held_back else "The device was not watched"
        why = " ".join(each.sentence for each in self.disturbances)
        return f"{what} while {self.side} measured{f': {why}' if why else '.'}"


def less_certain(answer: Comparison, *records: Measurement) -> Comparison:
    """The verdict of the gate, but no longer *same* if other processes had the cores.

    Interruptions that befall both sides alike make a change look smaller, never larger: what is
    slower stays slower, and what looks the same need not be.
    """
    seen = [record.telemetry for record in records if record.telemetry is not None]
    waits = [each.cpu_wait for each in seen if each.interrupted and each.cpu_wait is not None]
    if answer.verdict != "same" or not waits:
        return answer
    reason = (
        f"Other processes used the cores for {max(waits):.0%} of the time that the workload wanted "
        "them, so a change would look smaller than it is."
    )
    return msgspec.structs.replace(answer, verdict="cannot tell", reason=reason)


def device_warnings(base: Measurement, new: Measurement) -> Iterator[DeviceWarning]:
    """The warnings of both sides; two measurements of one session share theirs."""
    sides: list[tuple[Side, Measurement]] = [("the base one was", base), ("the new one was", new)]
    if base.session is not None and base.session == new.session:
        sides = [("both were", new)]
    for side, record in sides:
        seen = record.telemetry
        if seen is None and record.samples:
            yield DeviceWarning(side=side, held_back=False)
        elif seen is not None and seen.verdict != "clean":
            held = seen.verdict == "throttled"
            yield DeviceWarning(side=side, held_back=held, disturbances=seen.disturbances)
