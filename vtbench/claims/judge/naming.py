"""The brake on explanations: which reading of a table column is named, and which is only possible.

A column is explained by one reading. It is named if each thing that it changes brings at least
three distinct figures more than the reading without that change, and more than the best reading
of figures drawn at random. Two are enough if they are the whole column, or if the same reading
brings a figure in another column of the paper too.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Mapping, Sequence
from operator import or_
from typing import NamedTuple

import msgspec

from vtbench.claims.judge.chance import drawn, needed
from vtbench.claims.judge.evidence import Candidate, Column, Printed, changed

WORTH_OF_A_CHANGE = 3
"""Distinct figures of the column that a change must bring, to be more than a coincidence."""
WORTH_OF_A_PAIR = 2
"""Those that are enough if nothing is left over, or another column confirms the reading."""
WRONG_FIGURES = 1000
"""Wrong figures that are drawn to say how many would be explained."""


class WrongFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of a suite, drawn at random within 5 % of the counts so that they are wrong."""

    drawn: int
    """The number of them."""
    possible: int
    """Those that some reading gives."""
    named: int
    """Those for which a reading would be named."""


class Worth(NamedTuple):
    """What a candidate brings over a column, in distinct figures."""

    change: int
    """Those that the change brings which brings least."""
    asked: int
    """Those that each change has to bring."""
    more: int
    """Those that come out beyond the ones of the stated reading."""
    chance: int
    """Those that have to, to be more than chance; 0 if the rest is not enough."""

    @property
    def is_enough(self) -> bool:
        """Whether the reading may be named."""
        return self.change >= self.asked and self.more >= max(self.asked, self.chance)


class Naming:
    """The rule for the columns of one suite."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._printed = {column.name: column.printed for column in columns}
        self._named: dict[str, Candidate | None] = {}
        self._chance: dict[tuple[str, Candidate], int] = {}

    def named(self, column: Column) -> Candidate | None:
        """The reading that explains a column; None if it is read as stated."""
        if column.name not in self._named:
            self._named[column.name] = self._best(column, self._printed)
        return self._named[column.name]

    def _needed(self, column: Column, candidate: Candidate) -> int:
        key = (column.name, candidate)
        if key not in self._chance:
            self._chance[key] = needed(column, candidate)
        return self._chance[key]

    def worth(
        self, column: Column, candidate: Candidate, printed: Mapping[str, Printed] | None = None
    ) -> Worth:
        """What a candidate brings, and has to bring; over other digits than those of the paper."""
        printed = self._printed if printed is None else printed
        digits = printed[column.name]
        out = column.came_out(candidate, digits).bit_count()
        less = [column.came_out(each, digits).bit_count()
                for each in changed(candidate, column.convention)]  # fmt: skip
        more = out - column.came_out(column.stated, digits).bit_count()
        change, asked = min(out - max(less), more), WORTH_OF_A_CHANGE
        if change == WORTH_OF_A_PAIR and len(less) == 1:
            whole = len(column.cells) == WORTH_OF_A_PAIR
            if whole or self._is_confirmed(column, candidate, printed):
                asked = WORTH_OF_A_PAIR
        chance = self._needed(column, candidate) if change >= asked else 0
        return Worth(change, asked, more, chance)

    def _best(self, column: Column, printed: Mapping[str, Printed]) -> Candidate | None:
        """Of the candidates that bring enough the one under which most of the column comes out."""
        digits = printed[column.name]
        usual = column.came_out(column.stated, digits).bit_count()
        outs = {each: out.bit_count() for each, out in column.all_came_out(digits).items()
                if out.bit_count() >= usual + WORTH_OF_A_PAIR}  # fmt: skip

        def rank(candidate: Candidate) -> tuple[int, int, bool]:
            need = sum(1 for _ in changed(candidate, column.convention))
            out, cut = outs[candidate], candidate.rounding == "truncate"
            return (WORTH_OF_A_CHANGE * need - out, -out, cut)

        order = {candidate: place for place, candidate in enumerate(column.candidates)}
        ranked = sorted(sorted(outs, key=order.__getitem__), key=rank)
        return next((each for each in ranked if self.worth(column, each, printed).is_enough), None)

    def _is_confirmed(
        self, column: Column, candidate: Candidate, printed: Mapping[str, Printed]
    ) -> bool:
        """Whether it brings other figures of the metric too, printed in another column."""
        here = set(column.keys)
        for other in self._columns:
            if other.name == column.name or other.metric != column.metric:
                continue
            digits = printed[other.name]
            out = other.came_out(candidate, digits)
            stated = other.came_out(other.stated, digits)
            new = sum(1 for place, key in enumerate(other.keys)
                      if (out & ~stated) >> place & 1 and key not in here)  # fmt: skip
            if new and out.bit_count() > stated.bit_count():
                return True
        return False

    def wrong_figures(self) -> WrongFigures:
        """How many wrong figures the rule would explain; all columns are drawn together."""
        dice = random.Random(",".join(self._printed))  # noqa: S311
        wrong = possible = named = 0
        for _ in range(WRONG_FIGURES):  # a figure of few digits may never come out wrong
            printed = {
                column.name: drawn(column, column.values(column.stated), dice)
                for column in self._columns
            }
            for column in self._columns:
                digits = printed[column.name]
                missed = ~column.came_out(column.stated, digits) & ((1 << len(column.cells)) - 1)
                any_reading = functools.reduce(or_, column.all_came_out(digits).values(), 0)
                found = self._best(column, printed) if missed else None
                explained = 0 if found is None else column.came_out(found, digits)
                wrong += missed.bit_count()
                possible += (any_reading & missed).bit_count()
                named += (explained & missed).bit_count()
            if wrong >= WRONG_FIGURES:
                break
        return WrongFigures(drawn=wrong, possible=possible, named=named)
