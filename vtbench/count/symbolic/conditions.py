"""What was decided during a trace, as sizes: from where on a form holds, and where it may not."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
import sympy

from vtbench.count.symbolic.floors import Floors
from vtbench.count.symbolic.forms import as_text, in_pixels
from vtbench.count.symbolic.nodes import Decision, Sizes

_RELATIONS = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt,
    "le": operator.le, "gt": operator.gt, "ge": operator.ge,
}  # fmt: skip
_USUAL = 14
"""A usual number of steps; what is tried first lies near it."""
_GRID = (1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 14, 16, 24, 32, 49, 56, 64)
"""Steps of each size among which an example is looked for."""


Truth = np.ndarray[tuple[int], np.dtype[np.bool_]]


class Doubt(NamedTuple):
    """A decision of the model's own code that other sizes decide otherwise."""

    sizes: tuple[tuple[str, int], ...]
    """Sizes that decide otherwise; those that are not named may have any value."""
    text: str
    """What was decided."""


def lower_bounds(sizes: Sizes) -> dict[str, int]:
    """For each size, the least number of steps from which on every operator is content."""
    bounds: dict[str, int] = {}
    for decision in sizes.limits:
        if decision.relation not in ("ge", "gt"):
            continue  # equalities are about layout
        found = _holds(decision, sizes.floors)
        if found is None:
            continue
        name, holds = found
        wrong = np.flatnonzero(~holds)
        if len(wrong) and wrong[-1] + 1 < len(holds):
            bounds[name] = max(bounds.get(name, 1), int(wrong[-1]) + 2)
    return bounds


def doubts(sizes: Sizes, steps: Mapping[str, int], letters: Mapping[str, str]) -> list[Doubt]:
    """Decisions of the model's code that not every size decides alike, with sizes to try."""
    found = []
    for decision in sizes.decisions:
        example = _deciding_otherwise(decision, sizes.floors)
        if example is not None:
            at = tuple((letters.get(n, n), number * steps.get(n, 1)) for n, number in example)
            found.append(Doubt(at, _text(decision, sizes.floors, steps, letters)))
    return found


def exceptions(
    sizes: Sizes, steps: Mapping[str, int], letters: Mapping[str, str]
) -> tuple[str, ...]:
    """Comparisons that keep floating point from rounding otherwise than the form does."""
    return tuple(_text(decision, sizes.floors, steps, letters) for decision in sizes.inexact)


def _deciding_otherwise(decision: Decision, floors: Floors) -> tuple[tuple[str, int], ...] | None:
    alone = _holds(decision, floors)
    if alone is None:
        return _example(decision, floors)
    name, holds = alone
    others = [int(place) + 1 for place in np.flatnonzero(~holds)]
    if not others:
        return None
    return ((name, min(others, key=lambda step: abs(step - _USUAL))),)


def _holds(decision: Decision, floors: Floors) -> tuple[str, Truth] | None:
    """For a decision on one size, that size and where it would be decided alike."""
    size, values = floors.tabulated(sympy.expand(decision.left - decision.right))
    if size is None or values is None:
        return None
    truth = _RELATIONS[decision.relation](values, 0)
    return size.name, truth == decision.outcome


def _example(decision: Decision, floors: Floors) -> tuple[tuple[str, int], ...] | None:
    """Steps of several sizes that decide otherwise, among a few that models are used at."""
    difference = floors.spelled_out(sympy.expand(decision.left - decision.right))
    symbols = sorted(difference.free_symbols, key=str)
    if len(symbols) > 3:  # B, h and w
        return None
    relation = _RELATIONS[decision.relation]
    ranges = [(1, 2, 3) if s.name == "B" else _GRID for s in symbols]
    evaluate = sympy.lambdify(symbols, difference, modules="math")
    middle = sorted(product(*ranges), key=lambda steps: sum(abs(step - _USUAL) for step in steps))
    for steps in middle:
        if bool(relation(evaluate(*steps), 0)) != decision.outcome:
            return tuple((s.name, step) for s, step in zip(symbols, steps, strict=True))
    return None


def _text(
    decision: Decision, floors: Floors, steps: Mapping[str, int], letters: Mapping[str, str]
) -> str:
    signs = {"eq": "=", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
    opposite = {"eq": "ne", "ne": "eq", "lt": "ge", "le": "gt", "gt": "le", "ge": "lt"}
    relation = decision.relation if decision.outcome else opposite[decision.relation]
    sides = (in_pixels(side, floors, steps, letters) for side in (decision.left, decision.right))
    left, right = map(as_text, sides)
    return f"{left} {signs[relation]} {right}"
