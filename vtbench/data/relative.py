"""Which workload each is held against, if one model was named for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vtbench.data.workload import Workload
from vtbench.errors import BadOption


def bases(workloads: Sequence[Workload], to: str) -> list[int | None]:
    """For each workload the place of the one of the model ``to`` that it is held against.

    What differs among the workloads of ``to`` has to be the same on both sides: each size is held
    against ``to`` at that size. None for those of ``to`` itself, and where it has no such workload.
    Several that fit, or ``to`` alone, leave open which one is meant.
    """
    own = [place for place, work in enumerate(workloads) if work.model == to]
    differing = _differing([workloads[place] for place in own])
    found: list[int | None] = []
    for work in workloads:
        same = [
            place
            for place in own
            if all(_value(work, name) == _value(workloads[place], name) for name in differing)
        ]
        if work.model == to:
            found.append(None)
            continue
        if not same and any(name not in dict(work.options) for name in _options(differing)):
            raise _several(to)
        found.append(same[0] if same else None)
    if len(own) > 1 and len(own) == len(workloads):
        raise _several(to)
    return found


def refuse_several(workloads: Sequence[Workload], to: str | None) -> None:
    """A ratio to a model that was given several values of an option is none."""
    if sum(work.model == to for work in workloads) > 1:
        raise _several(str(to))


def _several(to: str) -> BadOption:
    return BadOption(
        f"--relative-to: {to} has several workloads, and a ratio needs one; "
        "give each option one value."
    )


_Name = tuple[str, str]
"""A field, or ``options`` and the name of an option."""


def _differing(workloads: Sequence[Workload]) -> list[_Name]:
    """Every field and option in which workloads differ."""
    fields = [(name, "") for name in Workload.__struct_fields__ if name not in ("model", "options")]
    keys = dict.fromkeys(key for work in workloads for key, _ in work.options)
    names = [*fields, *(("options", key) for key in keys)]
    return [name for name in names if len({repr(_value(w, name)) for w in workloads}) > 1]


def _options(names: Sequence[_Name]) -> list[str]:
    return [key for field, key in names if field == "options"]


def _value(work: Workload, name: _Name) -> Any:
    field, key = name
    return dict(work.options).get(key) if field == "options" else getattr(work, field)
