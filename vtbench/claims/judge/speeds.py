"""Judging speeds: figures on the printed device alone, ratios in one session, directions anywhere.

A measured figure has a 95 % interval. On the printed class of device it fails where that misses
the printed interval, and holds where the two meet, unless the measured one is the wider: that
would agree with too much. On any other device it is unknown(hardware), and what was measured
there stands beside it; of a ratio that says at least which of the models is the faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from vtbench.claims.judge.figures import undecided
from vtbench.claims.judge.held import in_unit, is_too_wide
from vtbench.claims.judge.ratios import Direction, Parts, direction, in_session, parts_of_speed
from vtbench.claims.judge.timings import (
    Figure,
    Timed,
    Timings,
    is_printed,
    printed_for,
    speed_of,
    timed_of,
)
from vtbench.claims.judge.verdict import CLOSE, Outcome, Verdict
from vtbench.claims.suite import Claim, Interval
from vtbench.claims.suite.hedges import LOWER, UPPER, figure_of, is_loose, slack
from vtbench.claims.suite.types import Unknown
from vtbench.data.measurement import Measurement


class MeasuredSpeed(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of one claim."""

    value: Decimal
    range: Interval
    records: tuple[Measurement, ...]
    """The measurements that it comes from."""
    hardware: str
    """The device as the paper names it."""
    relative: bool
    """Whether it is a ratio measured in one session, from which the device's pace cancels."""
    direction: Direction | None = None

    @property
    def device(self) -> str:
        """The device that was measured."""
        device = self.records[0].device
        return device.name if device else "an unknown device"

    @property
    def here(self) -> bool:
        """Whether that is of the printed class."""
        return is_printed(self.hardware, self.records[0].device)


def judge_speed(claim: Claim, timings: Timings) -> Verdict:
    """A figure with a workload of its own, such as 726 img/s."""
    timed = timed_of(claim)
    if timed is None:
        return undecided(claim)
    known = timings.of(timed)
    if not known:
        return not_measured(claim, [timed], timings)
    record = next((r for r in known if is_printed(claim.hardware, r.device)), known[0])
    value, range_ = speed_of(claim.metric, record)
    found = MeasuredSpeed(
        value=value, range=range_, records=(record,), hardware=claim.hardware, relative=False
    )
    return _verdict(claim, found, timed.not_stated)


def judge_speed_ratio(
    claim: Claim,
    figures: Mapping[str, Figure],
    counts: Mapping[str, Decimal],
    timings: Timings,
) -> Verdict:
    """A figure that follows from speeds, such as a ratio, from one session that has them all."""
    if claim.unknown is not None:
        return undecided(claim)
    parts = parts_of_speed(claim, figures, counts)
    if not isinstance(parts, Parts):
        return Verdict(claim=claim, verdict="unknown", reason=parts[1], unknown=parts[0])
    every = list(parts.speeds.values())
    sessions = timings.sessions(every)
    if not sessions:
        return not_measured(claim, every, timings)
    hardware = hardware_of(claim, (figures[name] for name in parts.speeds))
    printed = (each for each in sessions if is_printed(hardware, each[0].device))
    session = next(printed, sessions[0])
    value, range_ = in_session(parts, session)
    found = MeasuredSpeed(
        value=value,
        range=range_,
        records=tuple(session),
        hardware=hardware,
        relative=parts.relative,
        direction=direction(claim.interval, range_, parts) if parts.relative else None,
    )
    claim = msgspec.structs.replace(claim, hardware=hardware)  # as its parts say it
    return _verdict(claim, found, " ".join(dict.fromkeys(t.not_stated for t in every)).strip())


def hardware_of(claim: Claim, figures: Iterable[Figure]) -> str:
    """The device that a derived figure speaks of: its own, or the one that its parts share."""
    if claim.hardware:
        return claim.hardware
    named = {figure.hardware for figure in figures if isinstance(figure, Claim)}
    return named.pop() if len(named) == 1 else ""


def not_measured(claim: Claim, every: Sequence[Timed], timings: Timings) -> Verdict:
    """Nothing measured speaks of it; where something was tried, what came of that."""
    reason = "It was not measured here; `vtbench check --measure` measures it."
    apart = len(every) > 1 and all(timings.of(timed) for timed in every)
    if apart:
        reason = "Its parts were not measured in one session; `vtbench check --measure` does that."
    failed = [record for timed in every for record in timings.tried(timed) if record.error]
    if failed and not apart:
        reason = f"It could not be measured: {failed[0].error}"
    return Verdict(claim=claim, verdict="unknown", reason=reason, unknown="not-measured")


def _verdict(claim: Claim, found: MeasuredSpeed, not_stated: str) -> Verdict:
    """The verdict on what was measured, with every reservation in its reason."""
    outcome, kind, said = _on_printed(claim, found) if found.here else _elsewhere(claim, found)
    printed = figure_of(claim)
    told = bool(printed) and found.here
    off = float((found.value - printed) / abs(printed)) if told else None
    gap = float(claim.interval.outside(found.range) / abs(printed)) if told else None
    return Verdict(
        claim=claim,
        verdict=outcome,
        reason=" ".join(filter(None, (said, not_stated, *_reservations(found)))),
        measured=found.value,
        measured_range=found.range,
        measured_on=found.device,
        deviation=off,
        distance=gap,
        slack=slack(claim, found.value) if outcome == "holds" else None,
        loosely=outcome == "holds" and is_loose(claim, found.value),
        direction=found.direction,
        unknown=kind,
    )


def _on_printed(claim: Claim, found: MeasuredSpeed) -> tuple[Outcome, Unknown | None, str]:
    """The verdict where the device is the printed one, its kind of unknown, and why."""
    measured = f"{found.device} measured {in_unit(claim, found.range, 5)}"
    if not found.relative and _throttled(found):
        return "unknown", "not-measured", f"{measured}, but it was throttled."
    if not claim.interval.meets(found.range):
        gap = abs(claim.interval.outside(found.range))
        near = not found.relative and gap <= CLOSE * abs(figure_of(claim))
        said = f"{measured}, which is outside the printed interval."
        return ("close" if near else "fails"), None, said
    sided = claim.relation in (*LOWER, *UPPER)
    if is_too_wide(claim, found.range):
        what = "has the printed bound inside it" if sided else "is wider than the printed interval"
        return "unknown", "not-measured", f"{measured}, which {what}; measure longer."
    what = "is on the printed side" if sided else "overlaps the printed interval"
    return "holds", None, f"{measured}, which {what}."


def _elsewhere(claim: Claim, found: MeasuredSpeed) -> tuple[Outcome, Unknown | None, str]:
    """Another device says nothing of a figure, and of a ratio its direction."""
    what = f"{found.device} measured {in_unit(claim, found.range, 5)}"
    said = f"{printed_for(found.hardware)}; {what}"
    if found.direction is not None:
        said += f"; its direction {'is open' if found.direction == 'open' else found.direction}"
    return "unknown", "hardware", f"{said}."


def _throttled(found: MeasuredSpeed) -> bool:
    return any(r.telemetry is not None and r.telemetry.verdict == "throttled"
               for r in found.records)  # fmt: skip


def _reservations(found: MeasuredSpeed) -> list[str]:
    """What was seen of the device that a reader must know."""
    watched = [record.telemetry for record in found.records]
    if any(each is None or each.verdict == "unwatched" for each in watched):
        return ["The device was not watched."]
    why = dict.fromkeys(why for each in watched if each and each.verdict == "throttled"
                        for why in each.why)  # fmt: skip
    return list(why)
