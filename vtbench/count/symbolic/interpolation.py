"""Forms through concrete counts, for models that cannot be run on symbolic sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product

import sympy

from vtbench.count.symbolic.drafts import Draft
from vtbench.count.symbolic.floors import Floors
from vtbench.count.symbolic.forms import Form, form_of, form_through
from vtbench.count.symbolic.varied_model import VariedModel, symbol_of
from vtbench.errors import VtbenchError

Count = Callable[[Mapping[str, int]], int]

_COARSE = 32
"""The stride of most models."""
_BATCHES = (1, 2)
"""Nothing in a model multiplies images with images."""
_TOKENS = (16, 24, 40, 48)


def drafts_through_counts(
    count: Count, subject: VariedModel, reasons: list[str], *, sizes_too: bool = True
) -> Iterator[Draft]:
    """Polynomials through counts: at multiples of a coarse unit, and of the model's own size."""
    others = {letter: 1 for letter in subject.own if letter not in ("H", "W")}
    units = [others]
    if sizes_too and "H" in subject.own:
        own = {"H": subject.own["H"], "W": subject.own["W"]}
        units = [{**others, "H": _COARSE, "W": _COARSE}, {**others, **own}]
    for unit in units:
        points = {letter: _points(letter, subject, unit) for letter in unit}
        try:
            form = through_counts(count, unit, points)
        except VtbenchError as error:
            reasons.append(str(error))
            continue
        yield Draft(form, unit, {}, [], "interpolated")


def _points(letter: str, subject: VariedModel, unit: Mapping[str, int]) -> tuple[int, ...]:
    if letter == "B":
        return _BATCHES
    if letter == "T":
        return _TOKENS
    near = max(1, subject.own[letter] // unit[letter])
    return (near, near + 1, near + 2)


def through_counts(
    count: Count, steps: Mapping[str, int], points: Mapping[str, Sequence[int]]
) -> Form:
    """The form of the polynomial through the counts at every combination of points.

    ``points`` are numbers of steps of each size; n of them give a polynomial of degree n - 1.
    """
    letters = list(steps)
    floors = Floors()
    symbols = []
    for letter in letters:
        symbol = sympy.Symbol(symbol_of(letter), integer=True, positive=True)
        floors.add_size(symbol)
        symbols.append(symbol)
    values = {
        numbers: count({n: steps[n] * number for n, number in zip(letters, numbers, strict=True)})
        for numbers in product(*(points[letter] for letter in letters))
    }
    named = {symbol_of(letter): letter for letter in letters}
    by_symbol = {symbol_of(letter): step for letter, step in steps.items()}
    return form_of(form_through(symbols, values), floors, by_symbol, named)
