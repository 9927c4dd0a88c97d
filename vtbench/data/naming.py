"""Short names that tell workloads of one table apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from vtbench.data.workload import Workload


def labels(workloads: Sequence[Workload]) -> list[str]:
    """The models' names, namesakes with their differences, such as ``vt_r34 (tokens=16)``."""
    models = Counter(workload.model for workload in workloads)
    named = []
    for workload in workloads:
        namesakes = [other for other in workloads if other.model == workload.model]
        said = _own(workload, namesakes) if models[workload.model] > 1 else []
        named.append(f"{workload.model} ({', '.join(said)})" if said else workload.model)
    return named


def _own(workload: Workload, namesakes: Sequence[Workload]) -> list[str]:
    """Every field and option in which namesakes differ, as this one has it."""
    said = []
    for name in Workload.__struct_fields__:
        if name == "options":
            said += _options(workload, namesakes)
        elif len({getattr(other, name) for other in namesakes}) > 1:
            value = getattr(workload, name)
            said_value = written(_UNSET.get(name) if value is None else value)
            said.append(f"{name.replace('_', ' ')} {said_value}")
    return said


def _options(workload: Workload, namesakes: Sequence[Workload]) -> list[str]:
    own, all_options = dict(workload.options), [dict(other.options) for other in namesakes]
    names = sorted({name for options in all_options for name in options})
    differing = (n for n in names if len({options.get(n, _ABSENT) for options in all_options}) > 1)
    return [
        f"{name}={written(own[name])}" if name in own else f"{name}: default" for name in differing
    ]


_ABSENT = object()
_UNSET = {"compile": "eager"}
"""Fields of which "default" would be a value that they have."""


def written(value: Any) -> str:
    """A value as a user would write it: sizes as 224 or 192x320, flags as on and off."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple) and len(value) == 2 and all(type(v) is int for v in value):  # noqa: PLR2004 - height and width
        return str(value[0]) if value[0] == value[1] else f"{value[0]}x{value[1]}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(written, value)) + "]"
    return "default" if value is None else str(value)
