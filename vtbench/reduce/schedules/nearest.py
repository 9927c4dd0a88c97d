"""The setting of a method that comes nearest to so many tokens left, or to so many MACs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from vtbench.errors import BadOption
from vtbench.reduce.schedules.body import Body
from vtbench.reduce.schedules.kept_counts import targets
from vtbench.reduce.schedules.layer import Schedule
from vtbench.reduce.schedules.table import schedule

Values = Callable[[Body], Iterable[Any]]

_PARTS = 1000
"""Rates are tried in thousandths."""


class Nearest(NamedTuple):
    """The setting that was found, and what it gives."""

    setting: str
    value: Any
    schedule: Schedule


def _rates(_: Body) -> Iterable[Fraction]:
    return (Fraction(part, _PARTS) for part in range(1, _PARTS + 1))


def _to_half(body: Body) -> Iterable[int]:
    return range(body.patches // 2, -1, -1)


def _to_all(body: Body) -> Iterable[int]:
    return range(1, body.patches + 1)


_SETTINGS: dict[str, Values] = {
    "keep_rate": _rates,
    "ratio": _rates,
    "r": _to_half,
    "learned": _to_all,
    "semantic": _to_all,
    "stride": lambda body: range(max(body.grid), 0, -1),
    "block": lambda body: range(body.depth),
    "r_layer": lambda body: range(body.depth),
    "schedule": targets,
}
"""Setting -> its values, from fewest tokens to most."""

DIALS: dict[str, str] = {
    **dict.fromkeys(
        ("evit", "topk", "random", "dynamicvit", "dtps", "atc", "dpcknn", "kmedoids", "sinkhorn",
         "patchmerger", "sit", "ats", "evovit", "sparsifiner"), "keep_rate",
    ),
    **dict.fromkeys(("tome", "dtem", "mctf", "gtp", "ppt", "cropr", "ltmp"), "r"),
    **dict.fromkeys(("tofu", "pitome", "tomesd", "dct"), "ratio"),
    "diffrate": "schedule",
    "tokenlearner": "learned",
    "stvit": "semantic",
    "gridpool": "stride",
    "fpet": "r_layer",
}  # fmt: skip
"""Method -> the setting by which its cost is dialled; A-ViT has none."""
_WITH: dict[str, Mapping[str, Any]] = {"ltmp": {"fixed": True}}
"""Method -> what else has to be set for that."""


def nearest_setting(
    method: str,
    body: Body,
    *,
    tokens: int | None = None,
    macs: int | None = None,
    dial: str | None = None,
    others: Mapping[str, Any] | None = None,
) -> Nearest:
    """The value whose patch tokens left, or whose MACs, are nearest; of two, the cheaper one.

    Every value of the dial is tried. ``others`` are settings that stay.
    """
    if (tokens is None) == (macs is None):
        raise BadOption("A setting is looked for by tokens or by macs; give one of them.")
    setting = _dial_of(method, dial)
    tried = list(_tried(method, body, setting, others or {}))
    if not tried:
        raise BadOption(f"{method} takes no value of {setting} on this host.")
    if tokens is not None:
        if len({each.schedule.tokens_left for each in tried}) == 1:
            raise BadOption(
                f"{method} always leaves {tried[0].schedule.tokens_left} patch tokens; ask for "
                "macs."
            )
        return min(
            tried, key=lambda each: (abs(each.schedule.tokens_left - tokens), each.schedule.macs)
        )
    return min(tried, key=lambda each: (abs(each.schedule.macs - (macs or 0)), each.schedule.macs))


def within_budget(
    method: str,
    body: Body,
    macs: int,
    *,
    dial: str | None = None,
    others: Mapping[str, Any] | None = None,
) -> Nearest | None:
    """The dearest value of the dial that costs at most so many MACs; None if none does."""
    setting = _dial_of(method, dial)
    found = (
        each for each in _tried(method, body, setting, others or {}) if each.schedule.macs <= macs
    )
    return max(found, key=lambda each: each.schedule.macs, default=None)


def _dial_of(method: str, dial: str | None) -> str:
    setting = dial or DIALS.get(method)
    if setting is None:
        raise BadOption(f"{method} has no setting that changes what it costs.")
    return setting


def _tried(method: str, body: Body, setting: str, others: Mapping[str, Any]) -> Iterable[Nearest]:
    """Every value that the rule takes."""
    needed = _WITH.get(method, {})
    for value in _SETTINGS[setting](body):
        found = _scheduled(method, body, {**needed, **others, setting: value})
        if found is not None:
            yield Nearest(setting, value, found)


def _scheduled(method: str, body: Body, settings: Mapping[str, Any]) -> Schedule | None:
    try:
        return schedule(method, body, **settings)
    except BadOption:
        return None
