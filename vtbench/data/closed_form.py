"""A closed form as data: what it says, how it was found, and its exact value at given sizes.

The text of a form holds whole numbers, names, ``+ - * / **``, parentheses and the functions
``floor``, ``ceiling``, ``Mod``, ``Max`` and ``Min``.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from vtbench.data import grammar
from vtbench.data.bounds import Amount, Count, Rate, Size
from vtbench.data.grammar import Grammar, Tree, folded
from vtbench.data.workload import OptionValue
from vtbench.errors import BadInput

FORMS = Grammar(
    longest=200_000,  # the longest that was ever derived has a tenth of it
    functions={
        "floor": (1, 1), "ceiling": (1, 1), "Mod": (2, 2), "Max": (2, 8), "Min": (2, 8),
    },
)  # fmt: skip

Number = int | Fraction
Sizes = Mapping[str, int | float]
"""Symbol -> its value; a fraction is meant as its digits say: 0.7 is 7/10."""

MOST_DIGITS = 1000
"""Digits of a value; Python refuses to write an integer of some four times as many."""
_MOST = 10**MOST_DIGITS

_OPERATIONS: Mapping[str, Callable[..., Number]] = MappingProxyType(
    {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": lambda a, b: Fraction(a) / b,
        "**": operator.pow,
        "floor": math.floor,
        "ceiling": math.ceil,
        "Mod": lambda number, by: number - by * math.floor(Fraction(number) / by),
        "Max": max,
        "Min": min,
    }
)


class Symbol(msgspec.Struct, frozen=True, kw_only=True):
    """An option of a model that becomes a symbol."""

    name: str
    """The name of the option."""
    example: Size | Rate
    """A value that the model can be built with; a fraction makes the symbol a rate."""
    multiple: Size = 1
    """The number that every value is a multiple of."""
    low: Size | Rate | None = None
    """The least value that is asked for; None is not said."""
    high: Size | Rate | None = None
    """The largest value that is asked for; None is not said."""

    @property
    def rate(self) -> bool:
        """Whether it stands for a fraction, such as a keep rate."""
        return isinstance(self.example, float)


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes at which a closed form equals a concrete count."""

    sizes: dict[str, Size | Rate]
    """Symbol -> its value."""
    macs: Count
    """The count, which the closed form gives too."""


class Formula(msgspec.Struct, frozen=True, kw_only=True):
    """The multiply-accumulates of one model as a function of its sizes."""

    model: str
    """The model as it was asked for."""
    options: dict[str, OptionValue] = {}
    """Its constructor options."""
    macs: str | None = None
    """The MACs for the widest set of sizes, in B images, H and W pixels, T tokens."""
    macs_unit: str | None = None
    """The MACs without rounding, in ``h = H / unit[0]`` and ``w = W / unit[1]``."""
    unit: tuple[Size, Size] | None = None
    """Height and width whose multiples ``macs_unit`` is for."""
    conditions: tuple[str, ...] = ()
    """The sizes for which ``macs`` holds, in words."""
    multiple_of: dict[str, Size] = {}
    """Symbol -> the number that its value must be a multiple of."""
    at_least: dict[str, Size | Rate] = {}
    """Symbol -> its least value."""
    at_most: dict[str, Size | Rate] = {}
    """Symbol -> its largest value."""
    fixed: dict[str, Size] = {}
    """Symbol -> the only value that the model takes; it does not stand in ``macs``."""
    where: tuple[str, ...] = ()
    """Comparisons of sizes that must be true, such as ``T <= 77``."""
    square: bool = False
    """Whether the model takes only images that are as wide as they are high."""
    degree: dict[str, Count] = {}
    """Symbol -> the highest power in which it occurs."""
    growth: str | None = None
    """The order of growth in words."""
    batch_free: str | None = None
    """The part that does not scale with the batch; None if everything does."""
    method: Literal["symbolic", "interpolated", "fixed size"] | None = None
    """The method that found the closed form."""
    reason: str | None = None
    """The reason why it was not traced; None if it was."""
    values: Size | None = None
    """The number of values that the symbols have where the form holds; None if it is not finite."""
    counted: Size | None = None
    """How many of those were counted and are equal, those that the form was found with too."""
    notes: tuple[str, ...] = ()
    """What is beyond the values for which it holds, in sentences."""
    checked_at: tuple[Checked, ...] = ()
    """Sizes at which a concrete count is equal; none of them was used to find the form."""
    seconds: Amount | None = None
    """The time that it took, in seconds."""
    error: str | None = None
    """The reason why there is no closed form, in a sentence; None if there is one."""
    key: str | None = None
    """The key that a file keeps it under: equal for equal workloads and symbols."""


def holds(formula: Formula, sizes: Sizes) -> bool:
    """Whether sizes meet the conditions of a form."""
    return (
        all(sizes.get(name, 0) % step == 0 for name, step in formula.multiple_of.items())
        and all(sizes.get(name, low) >= low for name, low in formula.at_least.items())
        and all(sizes.get(name, high) <= high for name, high in formula.at_most.items())
        and all(sizes.get(name, only) == only for name, only in formula.fixed.items())
        and (not formula.square or sizes.get("H") == sizes.get("W", sizes.get("H")))
        and all(_compares(comparison, sizes) for comparison in formula.where)
    )


_RELATION = re.compile(r"\s(<=|>=|!=|=|<|>)\s")
_COMPARE: dict[str, Callable[[Number, Number], bool]] = {
    "<=": operator.le, ">=": operator.ge, "!=": operator.ne,
    "=": operator.eq, "<": operator.lt, ">": operator.gt,
}  # fmt: skip


def _compares(comparison: str, sizes: Sizes) -> bool:
    """Whether a comparison of two expressions holds; one of sizes that are not given does."""
    relation, *sides = _sides(comparison)
    if not set().union(*map(names, sides)) <= sizes.keys():
        return True
    return _COMPARE[relation](*(_exact(side, sizes) for side in sides))


def _sides(comparison: str) -> tuple[str, Tree, Tree]:
    """The relation of a comparison, and the trees of its sides."""
    parts = _RELATION.split(comparison)
    if len(parts) != 3:  # noqa: PLR2004  # left, relation, right
        raise BadInput(f"The condition {grammar.shortened(comparison)!r} is not a comparison.")
    left, relation, right = parts
    return relation, parse(left), parse(right)


def refuse_unreadable(formula: Formula) -> None:
    """Refuse a form with a condition that is outside the grammar."""
    for comparison in formula.where:
        _sides(comparison)


def parse(text: str) -> Tree:
    """The tree of a form; BadInput if it is outside the grammar."""
    return grammar.parse(text, FORMS)


def names(tree: Tree) -> set[str]:
    """The sizes that a form speaks of."""
    return set(grammar.names(tree))


def value(tree: Tree, sizes: Sizes) -> int:
    """The exact value of a form; whole wherever the form holds."""
    found = _exact(tree, sizes)
    if abs(found) >= _MOST:
        raise BadInput(
            f"The formula has a value of more than {MOST_DIGITS:,} digits at {written(sizes)}."
        )
    if isinstance(found, Fraction):
        if found.denominator != 1:
            raise BadInput(f"The formula is not valid at {written(sizes)}.")
        return found.numerator
    return found


def in_floats(tree: Tree, sizes: Sizes) -> float:
    """The value of a form as floating point has it, which rounds a product before a floor does."""
    operations = {**_OPERATIONS, "/": operator.truediv, "Mod": operator.mod}
    return float(folded(tree, lambda kind, of: sizes[of] if kind == "name" else of, operations))


def _exact(tree: Tree, sizes: Sizes) -> Number:
    """The value of a tree, whole or not; BadInput if it has none."""
    try:
        return _value(tree, sizes)
    except KeyError as error:
        name = error.args[0]
        raise BadInput(f"The formula needs a value of {name}; give one with --at.") from None
    except RecursionError:
        raise BadInput("The formula is nested too deeply.") from None
    except ZeroDivisionError:
        raise BadInput(f"The formula divides by zero at {written(sizes)}.") from None


def _value(tree: Tree, sizes: Sizes) -> Number:
    def leaf(kind: str, given: Any) -> Number:
        return exact(sizes[given]) if kind == "name" else given

    return folded(tree, leaf, _OPERATIONS)


def exact(number: float) -> Number:
    """A number as its digits say."""
    return number if isinstance(number, int) else Fraction(str(number))


def written(sizes: Sizes) -> str:
    """Sizes as one reads them: B=1, H=224."""
    return ", ".join(f"{name}={number}" for name, number in sizes.items())
