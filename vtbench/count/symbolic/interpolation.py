"""Forms through concrete counts, for models that cannot be run on symbolic sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product

import sympy

from vtbench.count.symbolic.floors import Floors
from vtbench.count.symbolic.forms import Form, form_of
from vtbench.count.symbolic.lifting import interpolate
from vtbench.count.symbolic.subject import symbol_of

Count = Callable[[Mapping[str, int]], int]


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
        numbers: sympy.Integer(
            count({n: steps[n] * number for n, number in zip(letters, numbers, strict=True)})
        )
        for numbers in product(*(points[letter] for letter in letters))
    }
    named = {symbol_of(letter): letter for letter in letters}
    by_symbol = {symbol_of(letter): step for letter, step in steps.items()}
    return form_of(interpolate(symbols, values), floors, by_symbol, named)
