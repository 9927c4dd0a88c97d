"""Costs over a range of one symbol, and where the cheaper of two changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from vtbench.data.cost.model import CostModel, Value
from vtbench.errors import BadOption


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    """A size at which the cheaper of two cost models changes."""

    after: int
    """The last size of the range at which ``below`` is cheaper."""
    at: int
    """The size at which both cost the same, or the first at which ``above`` is cheaper."""
    equal: bool
    """Whether both cost the same there."""
    below: str
    above: str


def totals(
    model: CostModel, given: Mapping[str, Value], symbol: str, sizes: Sequence[int]
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


def crossings(
    names: tuple[str, str],
    sizes: Sequence[int],
    first: Sequence[int | None],
    second: Sequence[int | None],
) -> list[Crossing]:
    """Every change of the cheaper one, at the sizes that both take."""
    found: list[Crossing] = []
    before, last = 0, 0
    equal: int | None = None
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
