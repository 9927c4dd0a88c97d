"""From a traced count to closed forms: for every size that the trace covers, and without rounding.

The trace speaks of steps: ``H = step·h``. The wide form is written in pixels; the clean form holds
at multiples of the unit at which every rounding is exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

import sympy
from sympy.printing.str import StrPrinter

from vtbench.count.symbolic.floors import Expr, Floors
from vtbench.data.polynomial import through

LARGEST_UNIT = 2048
"""A larger unit does not describe what a model takes."""


@dataclass(frozen=True)
class Form:
    """What a trace says, as text."""

    wide: str
    """In the traced sizes: pixels, tokens, images."""
    clean: str | None
    """In multiples of the unit; None if some rounding is never exact."""
    unit: dict[str, int]
    """By size, the unit of the clean form."""
    degree: dict[str, int]
    """Highest power of each size in the clean form."""
    growth: str
    """Order of growth in words."""
    batch_free: str | None
    """The part without B, in the letters of the wide form; None if there is none."""


def form_of(
    macs: Expr, floors: Floors, steps: Mapping[str, int], letters: Mapping[str, str]
) -> Form:
    """The forms of a traced count.

    ``steps`` gives for each traced size how many pixels one step is; ``letters`` the name of the
    size itself, such as H for h.
    """
    unit = {name: _unit(macs, floors, name) for name in steps}
    clean = _at_multiples(macs, floors, unit)
    wide = in_pixels(macs, floors, steps, letters)
    degrees = _degrees(clean if clean is not None else macs, floors)
    named = {letters.get(name, name): degree for name, degree in degrees.items()}
    batch = sympy.Symbol("B", integer=True, positive=True)
    rest = wide.subs(batch, 0) if batch in wide.free_symbols else sympy.Integer(0)
    return Form(
        wide=as_text(wide),
        clean=None if clean is None else as_text(clean),
        unit={name: steps[name] * unit[name] for name in steps},
        degree=named,
        growth=growth_of(clean if clean is not None else macs, floors, letters),
        batch_free=as_text(rest) if rest != 0 else None,
    )


def _unit(macs: Expr, floors: Floors, name: str) -> int:
    """The least number of steps of a size at which every one of its roundings is exact."""
    unit = 1
    for symbol in macs.free_symbols:
        floor = floors.named.get(symbol)
        if floor is None or floor.size is None or floor.size.name != name:
            continue
        if floor.slope is not None and floor.meaning is None:
            unit = lcm(unit, floor.slope.denominator)
    return unit


def _at_multiples(macs: Expr, floors: Floors, unit: Mapping[str, int]) -> Expr | None:
    """The count if each size is a multiple of its unit; None if that is no polynomial."""
    if max(unit.values(), default=1) > LARGEST_UNIT:
        return None
    values: dict[Any, Any] = {}
    for symbol in macs.free_symbols:
        floor = floors.named.get(symbol)
        if floor is None:
            return None
        if floor.meaning is not None or floor.size is None or floor.slope is None:
            return None
        step = unit.get(floor.size.name, 1)
        growth = floor.slope * step
        values[symbol] = sympy.Rational(growth.numerator, growth.denominator) * floor.size
        if floor.size is not symbol:
            values[symbol] += floor.shift // floor.slope.denominator
    return sympy.expand(macs.xreplace(values))


def in_pixels(
    macs: Expr, floors: Floors, steps: Mapping[str, int], letters: Mapping[str, str]
) -> Expr:
    """An expression of a trace in the sizes themselves, every rounding written out."""
    spelled = floors.spelled_out(macs)
    values = {}
    for symbol in spelled.free_symbols - floors.rates:
        step = steps.get(symbol.name, 1)
        letter = letters.get(symbol.name, symbol.name)
        values[symbol] = sympy.Symbol(letter, integer=True, positive=True) / step
    return spelled.xreplace(values)


def _degrees(macs: Expr, floors: Floors) -> dict[str, int]:
    """Highest power of each size, a rounding counting as the size it rounds."""
    return {name: int(power) for name, power in sorted(_highest(macs, floors).items())}


def _highest(expression: Expr, floors: Floors) -> dict[str, Fraction]:
    found: dict[str, Fraction] = {}
    for term in sympy.Add.make_args(sympy.expand(expression)):
        powers: dict[str, Fraction] = {}
        for base, exponent in term.as_powers_dict().items():
            for name, power in _powers(base, floors).items():
                powers[name] = powers.get(name, Fraction(0)) + int(exponent) * power
        for name, power in powers.items():
            found[name] = max(found.get(name, Fraction(0)), power)
    return found


def _powers(base: Expr, floors: Floors) -> dict[str, Fraction]:
    """Powers of the sizes in a factor; a rest of a division grows with nothing."""
    if base.is_number or base.func is sympy.Mod:
        return {}
    floor = floors.named.get(base)
    if floor is None and base.is_Symbol:
        return {base.name: Fraction(1)}
    meaning: Any = base if floor is None else floor.meaning
    if floor is None or (floor.size is None and meaning is not None):
        found: dict[str, Fraction] = {}
        for part in meaning.args:
            for name, power in _highest(part, floors).items():
                found[name] = max(found.get(name, Fraction(0)), power)
        return found
    if floor.size is not None and (floor.slope is None or floor.slope > 0):
        return {floor.size.name: Fraction(1)}
    return {}


def growth_of(macs: Expr, floors: Floors, letters: Mapping[str, str]) -> str:
    """The order of growth, in the words that people use; a pixel is one of height times width."""
    degree = _degrees(macs, floors)
    sides = max((_sides(term, floors) for term in sympy.Add.make_args(macs)), default=Fraction(0))
    found = []
    if degree.get("h") or degree.get("w"):
        found.append(f"{_order(sides / 2)} in pixels")
    others = (name for name in degree if name not in ("B", "h", "w") and degree[name])
    for name in others:
        known_as = "tokens" if name == "T" else letters.get(name, name)
        found.append(f"{_order(Fraction(degree[name]))} in {known_as}")
    return ", ".join(found) or "independent of the input size"


def _sides(term: Expr, floors: Floors) -> Fraction:
    """How many sides of the image a term multiplies."""
    degree = _degrees(term, floors)
    return Fraction(degree.get("h", 0) + degree.get("w", 0))


def _order(degree: Fraction) -> str:
    names = {Fraction(1): "linear", Fraction(2): "quadratic", Fraction(3): "cubic"}
    return names.get(degree, f"of order {degree}")


def form_through(symbols: Sequence[sympy.Symbol], values: Mapping[tuple[int, ...], int]) -> Expr:
    """The one polynomial through values on a full grid of points."""
    known = {symbol.name: symbol for symbol in symbols}
    axes = {
        name: [Fraction(size) for size in sorted({point[place] for point in values})]
        for place, name in enumerate(known)
    }
    places = {
        tuple(
            sizes.index(Fraction(size)) for size, sizes in zip(point, axes.values(), strict=True)
        ): Fraction(found)
        for point, found in values.items()
    }
    return sympy.Add(
        *(
            sympy.Mul(
                sympy.Rational(factor.numerator, factor.denominator),
                *(known[letter] ** power for letter, power in monomial),
            )
            for monomial, factor in through(axes, places).items()
        )
    )


class _Text(StrPrinter):  # type: ignore[misc]  # sympy ships no types
    """Roundings over one fraction: ``floor((H + 1)/4)``."""

    def _rounding(self, name: str, argument: Expr) -> str:
        number, by = sympy.fraction(sympy.together(argument))
        inner = self._print(sympy.expand(number))
        if by == 1:
            return f"{name}({inner})"
        return f"{name}(({inner})/{by})" if number.is_Add else f"{name}({inner}/{by})"

    def _print_floor(self, expression: Any) -> str:
        return self._rounding("floor", expression.args[0])

    def _print_ceiling(self, expression: Any) -> str:
        return self._rounding("ceiling", expression.args[0])


def as_text(expression: Expr) -> str:
    """An expression that sympy, and the grammar of forms, read back."""
    return str(_Text().doprint(expression))
