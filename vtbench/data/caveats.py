"""What was seen of the device that makes a comparison less certain, in sentences."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from vtbench.data.measurement import Measurement
from vtbench.stats.gate import Comparison


def doubted(answer: Comparison, *records: Measurement) -> Comparison:
    """What the gate said of measurements, and no longer *same* where others had the cores.

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


def warnings(base: Measurement, new: Measurement) -> Iterable[str]:
    """What was seen of the device; a session's two measurements share what was seen."""
    if base.session is not None and base.session == new.session:
        sides = [("both were", new)]
    else:
        sides = [("the base one was", base), ("the new one was", new)]
    for who, record in sides:
        telemetry = record.telemetry
        if telemetry is None and not record.samples:
            continue
        if telemetry is None or telemetry.verdict != "clean":
            held = telemetry is not None and telemetry.verdict == "throttled"
            what = "The device was held back" if held else "Nobody watched the device"
            why = f": {' '.join(telemetry.why)}" if telemetry and telemetry.why else "."
            yield f"{what} while {who} measured{why}"
