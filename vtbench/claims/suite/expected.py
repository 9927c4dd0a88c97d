"""The reading that a suite expects to give a figure's digits, and whether there is such a one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vtbench.claims.suite.types import CONVENTIONS, Axis, Claim

NOTHING = "nothing"
"""The ``by`` of a figure of which a suite expects that no reading reproduces it."""
OWN_EXPLANATIONS = "each part as its own explanation"
PRINTED_CELLS = "from the printed cells"
FROM_OTHERS = (OWN_EXPLANATIONS, PRINTED_CELLS)
"""What stands for a convention if a figure was worked out from others: this is arithmetic."""
TRUNCATED = "truncated"


def by_mistakes(claim: Claim, search: Mapping[str, Axis]) -> Iterator[str]:
    """What is wrong with the ``by`` of a claim: each part is a change, a convention or a cut."""
    if claim.by in ("", NOTHING, *FROM_OTHERS):
        return
    if claim.by.endswith(OWN_EXPLANATIONS):  # its changes are those of its parts
        return
    for part in claim.by.split(", "):
        axis, equals, value = part.partition("=")
        if equals:
            yield from _change_mistakes(axis, value, search)
            continue
        words = (*CONVENTIONS.get(claim.metric, ()), TRUNCATED)
        if part not in words:
            known = ", ".join((*words, NOTHING, *FROM_OTHERS))
            yield f"by: there is no reading {part!r}; use one of {known}, or AXIS=VALUE."


def _change_mistakes(axis: str, value: str, search: Mapping[str, Axis]) -> Iterator[str]:
    if axis not in search:
        known = ", ".join(search) or "none"
        yield f"by: {axis!r} is no axis of [search], which has {known}."
    elif value not in {str(each) for each in search[axis].values}:
        known = ", ".join(str(each) for each in search[axis].values)
        yield f"by: the axis {axis} of [search] has no value {value}; it has {known}."
