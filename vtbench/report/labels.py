"""Names that a user gives to workloads: ``MODEL=NAME``, or of one of several of a model.

``vt_r34:tokens=16=VT-R34`` speaks of the workloads whose options are these, as ``-o`` writes them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from vtbench.data import naming
from vtbench.data.naming import written
from vtbench.data.workload import Workload
from vtbench.errors import BadOption

_CONDITION = r"[A-Za-z_]\w*=(?:\[[^\]]*\]|[^=,\[]*)"
_CONDITIONS = re.compile(rf"((?:{_CONDITION},)*{_CONDITION})=(.*)", re.DOTALL)
_UNTOLD = object()


class Label(msgspec.Struct, frozen=True):
    """What was typed after ``--label``; it is read once the models are known."""

    text: str


def named(workloads: Sequence[Workload], given: Sequence[Label]) -> dict[Workload, str]:
    """What readers call the workloads that have a label; one that fits none is refused.

    Of two labels that fit, the one with more conditions counts, then the later one.
    """
    found: dict[Workload, tuple[int, str]] = {}
    for label in given:
        fitting = [(work, fit) for work in workloads if (fit := _fit(label.text, work)) is not None]
        if not fitting:
            raise _no_workload(label.text, workloads)
        for work, (number, name) in fitting:
            if number >= found.get(work, (0, ""))[0]:
                found[work] = (number, name)
    return {work: name for work, (_, name) in found.items()}


def called(
    workloads: Sequence[Workload], owns: Sequence[str], names: Mapping[Workload, str]
) -> list[str]:
    """What sentences call workloads: by their labels, with what tells them apart if it needs to.

    ``owns`` are what they are called without labels; each begins with the model.
    """
    given = Counter(names[work] for work in workloads if work in names)
    return [
        own
        if work not in names
        else names[work]
        if given[names[work]] == 1
        else names[work] + own.removeprefix(work.model)
        for work, own in zip(workloads, owns, strict=True)
    ]


def _fit(text: str, work: Workload) -> tuple[int, str] | None:
    """How many conditions of a label hold of a workload, and the name; None if it does not fit."""
    rest = text.removeprefix(work.model)
    if rest == text:
        return None
    if rest.startswith("="):
        return _name(0, rest[1:], text)
    match = _CONDITIONS.fullmatch(rest[1:]) if rest.startswith(":") else None
    if match is None:
        return None
    asked = [each.partition("=")[::2] for each in re.findall(_CONDITION, match[1])]
    if all(_is(work, key, value) for key, value in asked):
        return _name(len(asked), match[2], text)
    return None


def _name(number: int, name: str, text: str) -> tuple[int, str]:
    if not name.strip():
        raise BadOption(f"--label: expected MODEL=NAME, got {text!r}; there is no name in it.")
    return number, name.strip()


def _is(work: Workload, key: str, value: str) -> bool:
    """Whether a workload has an option, or another condition, of that value."""
    own = dict(work.options).get(key, getattr(work, key, _UNTOLD))
    if own is _UNTOLD:
        return False
    return value.strip().casefold() in {written(own).casefold(), str(own).casefold()}


def _no_workload(text: str, workloads: Sequence[Workload]) -> BadOption:
    if "=" not in text:
        return BadOption(f"--label: expected MODEL=NAME, got {text!r}.")
    there = ", ".join(dict.fromkeys(naming.labels(workloads)))
    return BadOption(
        f"--label: no workload fits {text!r}. There are {there}; write MODEL=NAME, or "
        "MODEL:OPTION=VALUE=NAME for one of several of a model."
    )
