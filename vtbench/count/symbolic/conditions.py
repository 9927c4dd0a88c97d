"""What was decided during a trace, as sizes: from where on a form holds, and where it may not."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
import sympy

from vtbench.count.symbolic.floors import Floors
from vtbench.count.symbolic.nodes import Decision, Sizes

_RELATIONS = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt,
    "le": operator.le, "gt": operator.gt, "ge": operator.ge,
}  # fmt: skip
_GRID = (1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 14, 16, 24, 32, 49, 56, 64)
"""Steps of each size among which an example is looked for."""


class Doubt(NamedTuple):
    """A decision of the model's own code that other sizes decide otherwise."""

    sizes: tuple[tuple[str, int], ...]
    """Steps of each size that decide otherwise; others may have any value."""
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


def doubts(sizes: Sizes) -> list[Doubt]:
    """Decisions of the model's code that not every size decides alike, with sizes to try."""
    found = []
    for decision in sizes.decisions:
        text = _text(decision, sizes.floors)
        alone = _holds(decision, sizes.floors)
        if alone is not None:
            name, holds = alone
            others = np.flatnonzero(~holds)
            if len(others):
                middle = int(others[len(others) // 2]) + 1
                near = min((int(o) + 1 for o in others), key=lambda step: abs(step - 14))
                found.append(Doubt(((name, near if near > 1 else middle),), text))
            continue
        example = _example(decision, sizes.floors)
        if example is not None:
            found.append(Doubt(example, text))
    return found


def _holds(decision: Decision, floors: Floors) -> tuple[str, np.ndarray[tuple[int], np.dtype[np.bool_]]] | None:
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
    if len(symbols) > 3:  # noqa: PLR2004  # B, h and w
        return None
    relation = _RELATIONS[decision.relation]
    ranges = [(1, 2, 3) if s.name == "B" else _GRID for s in symbols]
    evaluate = sympy.lambdify(symbols, difference, modules="math")
    middle = sorted(product(*ranges), key=lambda steps: sum(abs(step - 14) for step in steps))
    for steps in middle:
        if bool(relation(evaluate(*steps), 0)) != decision.outcome:
            return tuple((s.name, step) for s, step in zip(symbols, steps, strict=True))
    return None


def _text(decision: Decision, floors: Floors) -> str:
    signs = {"eq": "=", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
    opposite = {"eq": "ne", "ne": "eq", "lt": "ge", "le": "gt", "gt": "le", "ge": "lt"}
    relation = decision.relation if decision.outcome else opposite[decision.relation]
    left, right = (floors.spelled_out(side) for side in (decision.left, decision.right))
    return f"{left} {signs[relation]} {right}"


def in_pixels(steps: Mapping[str, int], step: Mapping[str, int]) -> dict[str, int]:
    """Steps as the sizes that they come to."""
    return {name: number * step.get(name, 1) for name, number in steps.items()}
