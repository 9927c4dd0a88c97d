"""Where a form in options holds: it is held against counts from its example outwards.

From the example up and down, the last value that agrees is looked for; where that is not the end
of what was asked, a note says what comes after it. Values between are held out too.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from vtbench.count.symbolic.axes import Axis, spread
from vtbench.data.closed_form import (
    Checked,
    Formula,
    exact,
    holds,
    in_floats,
    parse,
    value,
    written,
)
from vtbench.errors import Untraceable, VtbenchError

Value = int | float
At = dict[str, Value]
Count = Callable[[Mapping[str, Value]], int]

_ROUNDING = 0.5
"""Counts are whole; sums of them below 2**53 are exact in floating point."""
_BETWEEN = 6
"""Values of each symbol that are held out between the ends."""


class Search:
    """A form while it is held against counts."""

    def __init__(self, form: str, axes: Sequence[Axis], count: Count, where: Sequence[str]) -> None:
        self.tree = parse(form)
        self.axes = list(axes)
        """The symbols, with the values for which the form holds."""
        self.count = count
        self.example: At = {axis.name: axis.example for axis in axes}
        self.where = (*where, *self._rounded_otherwise())
        """Comparisons that keep floating point from rounding as the form does not."""
        self.claims = Formula(model="", where=self.where)
        self.proofs: dict[tuple[Value, ...], Checked] = {}
        """What was counted and is equal, by the values of the symbols."""
        self.notes: list[str] = []
        """What comes after the ends of the axes, in sentences."""
        self.complete = True
        """Whether it holds wherever the model runs, of what was asked."""
        self.wrong_first = ""
        """What is wrong where it first ends."""

    def bound(self, doubtful: Mapping[str, Sequence[Value]]) -> None:
        """Find where the form holds; Untraceable if it is wrong between the ends of that."""
        wrong = self.wrong(self.example)
        if wrong:
            raise Untraceable(wrong)
        for place, axis in enumerate(self.axes):
            self.axes[place] = self._bounded(axis)
        for at in self._held_out(doubtful):
            wrong = self.wrong(at)
            if wrong:
                raise Untraceable(wrong)

    def _rounded_otherwise(self) -> Iterator[str]:
        """Rates at which a product is whole and floating point is just below or above it."""
        for axis in (axis for axis in self.axes if axis.rate):
            for rate in axis.values:
                at = {**self.example, axis.name: rate}
                if abs(in_floats(self.tree, at) - value(self.tree, at)) > _ROUNDING:
                    yield f"{axis.name} != {exact(rate)}"

    def wrong(self, at: At) -> str:
        """What is wrong with the form at some values; the empty string if nothing is."""
        if not holds(self.claims, at):
            return ""  # it does not speak of them
        try:
            counted = self.count(at)
        except VtbenchError as error:
            return f"{written(at)} is refused: {str(error).rstrip('.')}."
        try:
            said = value(self.tree, at)
        except VtbenchError as error:
            return str(error)
        if said != counted:
            return f"its form gives {said:,} at {written(at)}, where {counted:,} are counted."
        self.proofs[tuple(at.values())] = Checked(sizes=dict(at), macs=counted)
        return ""

    def _bounded(self, axis: Axis) -> Axis:
        """The axis between the last values on either side that agree."""
        first, below = self._last(axis, 0)
        last, above = self._last(axis, len(axis.values) - 1)
        return self._cut(axis, (first, below), (last, above))

    def _cut(self, axis: Axis, low: tuple[int, str], high: tuple[int, str]) -> Axis:
        """The axis between two places; why it ends there, if it does, becomes a note."""
        (first, below), (last, above) = low, high
        self.complete &= not any("counted" in why for why in (below, above))
        self.wrong_first = self.wrong_first or below or above
        if below:
            self.notes.append(f"Below {axis.name} = {axis.values[first]}: {below}")
        if above:
            self.notes.append(f"Above {axis.name} = {axis.values[last]}: {above}")
        kept = axis.values[first : last + 1]
        return axis._replace(values=kept, place=axis.place - first)

    def every_value(self, deadline: float) -> None:
        """Hold the form against the other values of its one symbol, as long as there is time."""
        (axis,) = self.axes
        low, high = (0, ""), (len(axis.values) - 1, "")
        for place in spread(len(axis.values)):
            if time.monotonic() > deadline:
                break
            if not low[0] <= place <= high[0]:
                continue
            why = self.wrong({axis.name: axis.values[place]})
            if why and place > axis.place:
                high = (place - 1, why)
            elif why:
                low = (place + 1, why)
        self.axes = [self._cut(axis, low, high)]

    def _last(self, axis: Axis, end: int) -> tuple[int, str]:
        """The place towards an end up to which the form is right, and what is wrong after it."""

        def wrong(place: int) -> str:
            return self.wrong({**self.example, axis.name: axis.values[place]})

        right, bad, why = axis.place, end, wrong(end)
        if not why:
            return end, ""
        while abs(bad - right) > 1:
            middle = (bad + right) // 2
            found = wrong(middle)
            if found:
                bad, why = middle, found
            else:
                right = middle
        return right, why

    def _held_out(self, doubtful: Mapping[str, Sequence[Value]]) -> Iterator[At]:
        """Values between, one symbol at a time, and several at once."""
        for axis in self.axes:
            places = itertools.islice(spread(len(axis.values)), _BETWEEN if axis.asked else 1)
            inside = [each for each in doubtful.get(axis.name, ()) if each in axis.values]
            for each in dict.fromkeys([*inside, *(axis.values[place] for place in places)]):
                yield {**self.example, axis.name: each}
        if len(self.axes) > 1:
            for share in (3, 2):
                yield {
                    axis.name: axis.values[max(0, len(axis.values) - 1 - len(axis.values) // share)]
                    for axis in self.axes
                }
