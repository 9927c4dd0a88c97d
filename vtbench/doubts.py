"""What was seen of the device that makes a comparison less certain, in sentences."""

from __future__ import annotations

from collections.abc import Iterable

from vtbench.measurement import Measurement


def interrupted(*records: Measurement) -> str | None:
    """Why measurements cannot be the same for sure, where other processes had the cores.

    Interruptions that befall both sides alike make a change look smaller, never larger: what is
    slower stays slower, and what looks the same need not be.
    """
    seen = [record.telemetry for record in records if record.telemetry is not None]
    waits = [each.cpu_wait for each in seen if each.interrupted and each.cpu_wait is not None]
    if not waits:
        return None
    return (
        f"Other processes had the cores for {max(waits):.0%} of the time that it wanted them: a "
        "change would look smaller than it is."
    )


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
