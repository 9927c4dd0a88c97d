"""Costs over a range of one symbol, and where the cheaper of two changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from vtbench.data.cost.model import CostModel
from vtbench.data.cost.values import Number, Value
from vtbench.errors import BadOption


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    """A size at which the cheaper of two cost models changes."""

    after: Number
    """The last size of the range at which ``below`` is cheaper."""
    at: Number
    """The size at which both cost the same, or the first at which ``above`` is cheaper."""
    equal: bool
    """Whether both cost the same there."""
    below: str
    above: str


def totals(
    model: CostModel, given: Mapping[str, Value], symbol: str, sizes: Sequence[Number]
) -> list[int | None]:
    """MACs at every size; None if the model refuses it."""
    if model.symbol(symbol) is None:
        return [int(model.macs(given))] * len(sizes)
    found = [_total(model, {**given, symbol: size}) for size in sizes]
    if all(count is None for count in found):
        model.macs({**given, symbol: sizes[-1]})  # raises the sentence that says why
    return found


def _total(model: CostModel, given: Mapping[str, Value]) -> int | None:
    try:
        return int(model.macs(given))
    except BadOption:
        return None


def left_at(
    model: CostModel, given: Mapping[str, Value], symbol: str, sizes: Sequence[Number]
) -> list[int | None]:
    """Patch tokens left at every size; None if the model refuses it, or has no such tokens."""
    named = model.symbol(symbol) is not None
    return [_left(model, {**given, symbol: size} if named else given) for size in sizes]


def _left(model: CostModel, given: Mapping[str, Value]) -> int | None:
    try:
        return None if model.reduced is None else model.reduced(model.resolved(given)).left
    except BadOption:
        return None


def crossings(
    names: tuple[str, str],
    sizes: Sequence[Number],
    first: Sequence[int | None],
    second: Sequence[int | None],
) -> list[Crossing]:
    """Every change of the cheaper one, at the sizes that both take."""
    found: list[Crossing] = []
    before = 0
    last: Number = 0
    equal: Number | None = None
    for size, one, other in zip(sizes, first, second, strict=True):
        if one is None or other is None:
            continue
        sign = (one > other) - (one < other)
        if sign == 0:
            equal = size if equal is None else equal
            continue
        if before and sign != before:
            below, above = names if before < 0 else names[::-1]
            found.append(
                Crossing(after=last, at=size if equal is None else equal, equal=equal is not None,
                         below=below, above=above)
            )  # fmt: skip
        before, last, equal = sign, size, None
    return found
