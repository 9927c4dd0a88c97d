"""The evidence for a reading: the distinct figures of a table column that come out under it.

A net that a paper prints six times is one figure. Two figures are the same if every convention
gives the same count of their workloads and the paper prints the same digits; figures that follow
from others are the same if those are.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cached_property
from typing import NamedTuple

from vtbench.claims.judge.readings import Changes, Readings
from vtbench.claims.suite.interval import SCALES, Rounding, last_digit, middle

WAYS: tuple[Rounding, ...] = ("round", "truncate")

Digits = int
"""A printed figure without its point: 2.07 is 207."""
Printed = Sequence[Digits]
"""The digits of each distinct figure of a column."""


class Candidate(NamedTuple):
    """One reading of a whole column."""

    changes: Changes
    convention: str
    rounding: Rounding


def changed(candidate: Candidate, stated: str) -> Iterator[Candidate]:
    """A candidate less each of the things that it changes."""
    for axis in candidate.changes:
        rest = tuple(each for each in candidate.changes if each != axis)
        yield candidate._replace(changes=rest)
    if candidate.convention != stated:
        yield candidate._replace(convention=stated)
    if candidate.rounding == "truncate":
        yield candidate._replace(rounding="round")


class Score(NamedTuple):
    """How a candidate does over a column."""

    hits: int
    """Distinct figures that it reproduces, of those that it speaks of."""
    of: int
    """Distinct figures that it speaks of."""
    column: int
    """Cells of the whole column that come out under it, those it leaves alone included."""


class Figure(NamedTuple):
    """One cell under every reading."""

    readings: Readings
    step: Decimal
    """One of the last printed digit, in base units."""
    digits: Digits
    identity: Hashable
    """What it counts; cells with one identity and the same digits are one distinct figure."""


def figure_of(readings: Readings, printed: str, unit: str, identity: Hashable) -> Figure:
    """A printed cell."""
    step = last_digit(printed) * SCALES[unit]
    return Figure(readings, step, int(middle(printed, unit) / step), identity)


_NEAR = 1e-6
"""So near to a border between digits nothing is told from floating-point numbers."""
_MANY = 10**8
"""Nor of more digits than these."""


def digits_of(value: Decimal, step: Decimal, way: Rounding) -> tuple[Digits, ...]:
    """What a value is printed as; both neighbours if it lies on the border between them."""
    about = float(value) / float(step) + (0.5 if way == "round" else 0)
    if abs(about - round(about)) > _NEAR and abs(about) < _MANY:
        return (math.floor(about),) if way == "round" or about > 0 else _below_zero(about)
    return _exactly(value / step, way)


def _below_zero(about: float) -> tuple[Digits, ...]:
    """Cut towards zero, and never to a zero without its minus."""
    return (math.ceil(about),) if about < -1 else ()


def _exactly(exact: Decimal, way: Rounding) -> tuple[Digits, ...]:
    if way == "round":
        half = Decimal("0.5")
        low = int((exact - half).to_integral_value(ROUND_CEILING))
        high = int((exact + half).to_integral_value(ROUND_FLOOR))
        return (low,) if low == high else (low, high)
    low = int(exact.to_integral_value(ROUND_FLOOR))
    high = int(exact.to_integral_value(ROUND_CEILING))
    if exact < 0:
        return tuple(each for each in dict.fromkeys((high, low + 1)) if each < 0)
    return tuple(each for each in dict.fromkeys((low, high - 1)) if each >= 0)


class _Made(NamedTuple):
    """Some changes, made to one cell."""

    changes: Changes
    """Those that change it."""
    applies: bool
    """Whether its model knows one of them."""


_NONE_MADE = _Made((), applies=False)


class _Answer(NamedTuple):
    value: Decimal | None
    """What a reading gives for a cell; as it stands if the reading could not be measured."""
    speaks: bool
    """Whether the reading says anything of it: its change applies, or it moves the value."""


def _answer(readings: Readings, made: _Made, convention: str) -> _Answer:
    plain = readings.values.get(((), convention))
    if made is _NONE_MADE:
        stated = readings.convention
        return _Answer(plain, convention == stated or plain != readings.values.get(((), stated)))
    value = readings.values.get((made.changes, convention))
    return _Answer(plain if value is None else value, value is not None and made.applies)


class Column:
    """Figures that are explained together, each distinct one once.

    Sets of distinct figures are the bits of a number, the first figure the lowest.
    """

    def __init__(self, name: str, cells: Sequence[Figure]) -> None:
        self.name = name
        self.metric = cells[0].readings.metric
        self.convention = cells[0].readings.convention
        alike: dict[Hashable, list[Figure]] = {}
        for cell in cells:
            alike.setdefault((cell.identity, cell.digits, cell.step), []).append(cell)
        self.keys = list(alike)
        self.cells = list(alike.values())
        """The cells of each distinct figure."""
        self.printed: Printed = [same[0].digits for same in self.cells]
        self.steps = [same[0].step for same in self.cells]
        self.stated = Candidate((), self.convention, "round")
        self._digits: dict[Candidate, list[tuple[Digits, ...]]] = {}
        self._out: dict[Candidate, int] = {}
        self._scores: dict[Candidate, Score] = {}
        self._made: dict[Changes, list[list[_Made]]] = {}
        self._values: dict[tuple[Changes, str], list[tuple[Decimal, ...]]] = {}
        self._speaks: dict[tuple[Changes, str], int] = {}

    @cached_property
    def candidates(self) -> list[Candidate]:
        """Every reading of the column but the stated one, those that change least first.

        Of readings that give the same values everywhere there is one.
        """
        known = dict.fromkeys(
            reading for same in self.cells for cell in same for reading in cell.readings.values
        )
        every = [Candidate(changes, convention, way)
                 for changes, convention in known for way in WAYS]  # fmt: skip
        every.sort(key=lambda each: sum(1 for _ in changed(each, self.convention)))
        found: dict[Hashable, Candidate] = {}
        for each in every:
            found.setdefault((each.rounding, tuple(self.values(each))), each)
        return [each for each in found.values() if each != self.stated]

    def values(self, candidate: Candidate) -> list[tuple[Decimal, ...]]:
        """What a candidate gives for each distinct figure; several if its cells state more."""
        reading = candidate.changes, candidate.convention
        if reading not in self._values:
            self._values[reading] = [
                tuple(dict.fromkeys(value for value, _ in same if value is not None))
                for same in self._answers(*reading)
            ]
        return self._values[reading]

    def _answers(self, changes: Changes, convention: str) -> list[list[_Answer]]:
        """What each cell of each distinct figure says to a reading.

        A convention that is the column's is for each cell the one that it states.
        """
        usual = convention == self.convention
        made = self._made_to_each(changes)
        return [
            [_answer(cell.readings, each, cell.readings.convention if usual else convention)
             for cell, each in zip(*both, strict=True)]
            for both in zip(self.cells, made, strict=True)
        ]  # fmt: skip

    def _made_to_each(self, changes: Changes) -> list[list[_Made]]:
        if changes not in self._made:
            self._made[changes] = [
                [_Made(r.effective(changes), any(axis in r.stated for axis, _ in changes))
                 if changes else _NONE_MADE for r, *_ in same]
                for same in self.cells
            ]  # fmt: skip
        return self._made[changes]

    def digits(self, candidate: Candidate) -> list[tuple[Digits, ...]]:
        """What each distinct figure would be printed as under a candidate."""
        if candidate not in self._digits:
            self._digits[candidate] = [
                tuple(digit for value in values
                      for digit in digits_of(value, step, candidate.rounding))
                for values, step in zip(self.values(candidate), self.steps, strict=True)
            ]  # fmt: skip
        return self._digits[candidate]

    def came_out(self, candidate: Candidate, printed: Printed | None = None) -> int:
        """The distinct figures that have the printed digits under a candidate."""
        if printed is None:
            if candidate not in self._out:
                self._out[candidate] = self.came_out(candidate, self.printed)
            return self._out[candidate]
        given = zip(printed, self.digits(candidate), strict=True)
        return sum(1 << place for place, (digit, found) in enumerate(given) if digit in found)

    def all_came_out(self, printed: Printed) -> dict[Candidate, int]:
        """The same for every candidate under which a figure comes out."""
        found: dict[Candidate, int] = {}
        for place, digit in enumerate(printed):
            bit = 1 << place
            for candidate in self._giving[place].get(digit, ()):
                found[candidate] = found.get(candidate, 0) | bit
        return found

    @cached_property
    def _giving(self) -> list[dict[Digits, list[Candidate]]]:
        """For each distinct figure: digits -> the candidates that give them."""
        found: list[dict[Digits, list[Candidate]]] = [{} for _ in self.cells]
        for candidate in self.candidates:
            for giving, digits in zip(found, self.digits(candidate), strict=True):
                for digit in digits:
                    giving.setdefault(digit, []).append(candidate)
        return found

    def speaks_of(self, candidate: Candidate) -> int:
        """The distinct figures that a candidate says anything of."""
        reading = candidate.changes, candidate.convention
        if reading not in self._speaks:
            answers = enumerate(self._answers(*reading))
            self._speaks[reading] = sum(1 << place for place, same in answers
                                        if any(speaks for _, speaks in same))  # fmt: skip
        return self._speaks[reading]

    def score(self, candidate: Candidate) -> Score:
        """How a candidate does over the printed column."""
        if candidate not in self._scores:
            self._scores[candidate] = self._score(candidate)
        return self._scores[candidate]

    def _score(self, candidate: Candidate) -> Score:
        concerned, out = self.speaks_of(candidate), self.came_out(candidate)
        answers = self._answers(candidate.changes, candidate.convention)
        column = sum(
            digit in digits_of(value, step, candidate.rounding)
            for same, digit, step in zip(answers, self.printed, self.steps, strict=True)
            for value, _ in same
            if value is not None
        )
        return Score((out & concerned).bit_count(), concerned.bit_count(), column)
