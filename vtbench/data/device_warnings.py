"""What was seen of the device that makes a comparison less certain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from vtbench.data.disturbance import Disturbance
from vtbench.data.measurement import Measurement
from vtbench.stats.gate import Comparison

Side = Literal["both were", "the base one was", "the new one was"]


class DeviceWarning(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a comparison whose device was held back, or that nobody watched."""

    side: Side
    held_back: bool
    disturbances: tuple[Disturbance, ...] = ()

    @property
    def sentence(self) -> str:
        """What a reader is told."""
        what = "The device was held back" if self.held_back else "Nobody watched the device"
        why = " ".join(each.sentence for each in self.disturbances)
        return f"{what} while {self.side} measured{f': {why}' if why else '.'}"


def less_certain(answer: Comparison, *records: Measurement) -> Comparison:
    """What the gate said of measurements, and no longer *same* if others had the cores.

    Interruptions that befall both sides alike make a change look smaller, never larger: what is
    slower stays slower, and what looks the same need not be.
    """
    seen = [record.telemetry for record in records if record.telemetry is not None]
    waits = [each.cpu_wait for each in seen if each.interrupted and each.cpu_wait is not None]
    if answer.verdict != "same" or not waits:
        return answer
    reason = (
        f"Other processes had the cores for {max(waits):.0%} of the time that it wanted them: a "
        "change would look smaller than it is."
    )
    return msgspec.structs.replace(answer, verdict="cannot tell", reason=reason)


def device_warnings(base: Measurement, new: Measurement) -> Iterator[DeviceWarning]:
    """What was seen of the device; a session's two measurements share what was seen."""
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
