"""Which speeds are to be measured together: a table column in turns, so that its ratios hold.

Models of one session are in memory at a time. A column that is too much for that is split, and
its reference model goes with every part; a printed ratio whose models then lie apart has a
session of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence

import msgspec

from vtbench.claims.judge.ratios import Parts, parts_of_speed, speaks_of_speed
from vtbench.claims.judge.speeds import hardware_of
from vtbench.claims.judge.timings import Figure, Timed, Timings, is_printed, timed_of
from vtbench.claims.suite import Claim, Suite
from vtbench.claims.suite.interval import middle
from vtbench.claims.suite.names import follows_from
from vtbench.claims.suite.speed import SPEEDS
from vtbench.data.measurement import Device

MOST = 16
"""Models of one session: each takes its turn in every round, which must stay short."""
COARSE, FINE = 0.01, 0.002
"""Half the width of a median's interval, as a share: what any comparison takes, and the least."""


class SpeedSession(msgspec.Struct, frozen=True, kw_only=True):
    """Speeds that are measured in turns in one process."""

    speeds: tuple[Timed, ...]
    hardware: str
    """The device that its figures are printed for; empty if there are several, or none."""
    printed_width: float
    """The least half-width, as a share, of the printed intervals that are judged by it."""

    def half_width(self, device: Device) -> float:
        """How narrow a median's interval is to be: judging needs more than a direction does."""
        if not is_printed(self.hardware, device):
            return COARSE
        return max(FINE, min(COARSE, self.printed_width / 2))


Fits = Callable[[Sequence[Timed]], bool]
"""Whether some models can be in memory together."""


def sessions_of(
    suites: Sequence[Suite], only: Container[str] | None, fits: Fits
) -> list[SpeedSession]:
    """The sessions that the speed claims ask for, columns first."""
    figures: dict[str, Figure] = {c.id: c for suite in suites for c in suite.claims}
    figures |= {each.id: each for suite in suites for each in suite.quantities}
    claims = _asked(suites, only)
    ratios = [parts for claim in claims if (parts := _ratio(claim, figures)) is not None]
    found: list[SpeedSession] = []
    for group in _columns(claims):
        speeds = list(dict.fromkeys(timed for c in group if (timed := timed_of(c)) is not None))
        for together in _alike(speeds):
            found += [_session(each, group) for each in _split(together, _reference(ratios), fits)]
    for claim in claims:
        parts = _ratio(claim, figures)
        if parts is None:
            continue
        speeds = list(dict.fromkeys(parts.speeds.values()))
        if not any(set(speeds) <= set(session.speeds) for session in found):
            of = [figures[name] for name in parts.speeds]
            found.append(_session(speeds, [claim], hardware_of(claim, of)))
    return _needed(found)


def _needed(sessions: Sequence[SpeedSession]) -> list[SpeedSession]:
    """Sessions less those whose speeds another one has, which is then as fine as both ask."""
    found: list[SpeedSession] = []
    for session in sorted(sessions, key=lambda each: -len(each.speeds)):
        speeds = set(session.speeds)
        wider = [place for place, other in enumerate(found) if speeds <= set(other.speeds)
                 and session.hardware in (other.hardware, "")]  # fmt: skip
        if not wider:
            found.append(session)
            continue
        least = min(found[wider[0]].printed_width, session.printed_width)
        found[wider[0]] = msgspec.structs.replace(found[wider[0]], printed_width=least)
    order = [session.speeds for session in sessions]
    return sorted(found, key=lambda session: order.index(session.speeds))


def is_kept(session: SpeedSession, timings: Timings, device: Device) -> bool:
    """Whether a file holds this session on such a device already, failures included."""
    tried = [
        {r.session for r in timings.tried(timed) if r.device and r.device.name == device.name}
        for timed in session.speeds
    ]
    return bool(set[str | None].intersection(*tried) - {None})


def _asked(suites: Sequence[Suite], only: Container[str] | None) -> list[Claim]:
    """The claims that were asked for, and those that they follow from."""
    claims = {claim.id: claim for suite in suites for claim in suite.claims}
    if only is None:
        return list(claims.values())
    wanted = follows_from(claims, [name for name in claims if name in only])
    return [claim for name, claim in claims.items() if name in wanted]


def _ratio(claim: Claim, figures: Mapping[str, Figure]) -> Parts | None:
    """The speeds that a derived claim speaks of; counts in its arithmetic need no session."""
    derived = claim.expression is not None and claim.kind != "arithmetic"
    if not derived or claim.unknown is not None or not speaks_of_speed(claim, figures):
        return None
    counts = {name: middle("1", "") for name, f in figures.items() if f.metric not in SPEEDS}
    parts = parts_of_speed(claim, figures, counts)
    return parts if isinstance(parts, Parts) and parts.speeds else None


def _columns(claims: Sequence[Claim]) -> list[list[Claim]]:
    """The speeds of each table column and of each device."""
    columns: dict[tuple[str, str], list[Claim]] = {}
    for claim in claims:
        if claim.expression is None and claim.metric in SPEEDS:
            columns.setdefault((claim.column, claim.hardware), []).append(claim)
    return list(columns.values())


def _alike(speeds: Sequence[Timed]) -> list[list[Timed]]:
    """Speeds by what a session has in common: how they are timed, and in which precision."""
    groups: dict[tuple[str, str, bool], list[Timed]] = {}
    for timed in speeds:
        groups.setdefault(timed.shared, []).append(timed)
    return list(groups.values())


def _reference(ratios: Sequence[Parts]) -> Counter[Timed]:
    """How many printed ratios speak of each speed."""
    return Counter(timed for parts in ratios for timed in parts.speeds.values())


def _split(speeds: Sequence[Timed], spoken: Counter[Timed], fits: Fits) -> list[list[Timed]]:
    """Parts that fit, each with the model that most ratios speak of, or else the first."""
    if len(speeds) <= MOST and fits(speeds):
        return [list(speeds)]
    reference = max(speeds, key=lambda timed: spoken[timed])
    parts = [[reference]]
    for timed in speeds:
        if timed == reference:
            continue
        if len(parts[-1]) >= MOST or (len(parts[-1]) > 1 and not fits([*parts[-1], timed])):
            parts.append([reference])
        parts[-1].append(timed)
    return parts


def _session(
    speeds: Sequence[Timed], claims: Sequence[Claim], hardware: str | None = None
) -> SpeedSession:
    named = {claim.hardware for claim in claims} if hardware is None else {hardware}
    return SpeedSession(
        speeds=tuple(speeds),
        hardware=named.pop() if len(named) == 1 else "",
        printed_width=min(float((c.high - c.low) / 2 / (abs(c.high + c.low) / 2 or 1))
                          for c in claims),
    )  # fmt: skip
