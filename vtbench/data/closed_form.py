"""A closed form as data: what it says, how it was found, and its exact value at given sizes.

The text of a form is read by a small grammar: whole numbers, names, ``+ - * / **``, parentheses
and the functions ``floor``, ``ceiling``, ``Mod``, ``Max`` and ``Min``. Nothing in it is ever run.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Literal

import msgspec

from vtbench.errors import BadInput

LONGEST = 200_000
"""Characters of a form; the longest that was ever derived has a tenth of it."""
HIGHEST_POWER = 16

Number = int | Fraction
Tree = tuple[Any, ...]
"""``(operation, parts...)``, ``("name", text)`` or ``("number", value)``."""

_FUNCTIONS: dict[str, Callable[..., Number]] = {
    "floor": math.floor,
    "ceiling": math.ceil,
    "Mod": lambda number, by: number - by * math.floor(Fraction(number) / by),
    "Max": max,
    "Min": min,
}
_ARITY = {"floor": (1, 1), "ceiling": (1, 1), "Mod": (2, 2), "Max": (2, 8), "Min": (2, 8)}
_OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**",
}  # fmt: skip
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: Fraction(a) / b,
    "**": lambda a, b: a**b,
}


class Symbol(msgspec.Struct, frozen=True, kw_only=True):
    """An option of a model that becomes a symbol."""

    name: str
    example: int
    """A value that the model can be built with."""
    multiple: int = 1
    """What every value is a multiple of."""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes at which a form was held against a concrete count, which it equalled."""

    sizes: dict[str, int]
    macs: int


class Formula(msgspec.Struct, frozen=True, kw_only=True):
    """The multiply-accumulates of one model as a function of its sizes."""

    model: str
    """The model as asked for."""
    options: dict[str, Any] = {}
    """Its constructor options."""
    macs: str | None = None
    """Valid for the widest set of sizes; B images, H and W pixels, T tokens."""
    macs_unit: str | None = None
    """The same without rounding, in ``h = H / unit[0]`` and ``w = W / unit[1]``."""
    unit: tuple[int, int] | None = None
    """Height and width whose multiples ``macs_unit`` is for."""
    conditions: tuple[str, ...] = ()
    """For which sizes ``macs`` holds, in words."""
    multiple_of: dict[str, int] = {}
    """The same as data: sizes that have to be multiples."""
    at_least: dict[str, int] = {}
    """Sizes that must not be smaller."""
    fixed: dict[str, int] = {}
    """Sizes that the model takes only as they are; they do not stand in ``macs``."""
    where: tuple[str, ...] = ()
    """Comparisons of sizes that have to hold, such as ``T <= 77``."""
    square: bool = False
    """Whether the model takes only images that are as wide as they are high."""
    degree: dict[str, int] = {}
    """Highest power of each size."""
    growth: str | None = None
    """Order of growth in words."""
    batch_free: str | None = None
    """The part that does not scale with the batch; None where everything does."""
    method: Literal["symbolic", "interpolated", "fixed size"] | None = None
    """How it was found."""
    reason: str | None = None
    """Where it was not traced, why."""
    checked_at: tuple[Checked, ...] = ()
    """Sizes at which a concrete count gave the same; none of them was used to find the form."""
    seconds: float | None = None
    """How long it took."""
    error: str | None = None
    """A sentence where there is no form."""


def holds(formula: Formula, sizes: Mapping[str, int]) -> bool:
    """Whether sizes meet the conditions of a form."""
    return (
        all(sizes.get(name, 0) % step == 0 for name, step in formula.multiple_of.items())
        and all(sizes.get(name, low) >= low for name, low in formula.at_least.items())
        and all(sizes.get(name, only) == only for name, only in formula.fixed.items())
        and (not formula.square or sizes.get("H") == sizes.get("W", sizes.get("H")))
        and all(_compares(comparison, sizes) for comparison in formula.where)
    )


_RELATION = re.compile(r"\s(<=|>=|!=|=|<|>)\s")
_COMPARE: dict[str, Callable[[Number, Number], bool]] = {
    "<=": operator.le, ">=": operator.ge, "!=": operator.ne,
    "=": operator.eq, "<": operator.lt, ">": operator.gt,
}  # fmt: skip


def _compares(comparison: str, sizes: Mapping[str, int]) -> bool:
    """Whether a comparison of two expressions holds; one of sizes that are not given does."""
    left, relation, right = _RELATION.split(comparison, maxsplit=1)
    sides = parse(left), parse(right)
    if not set().union(*map(names, sides)) <= sizes.keys():
        return True
    return _COMPARE[relation](*(_value(side, sizes) for side in sides))


def parse(text: str) -> Tree:
    """The tree of a form; BadInput where it is outside the grammar."""
    if len(text) > LONGEST:
        raise BadInput(f"A formula of {len(text)} characters is longer than any that is derived.")
    try:
        return _tree(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadInput(f"The formula {_shortened(text)!r} cannot be read.") from error


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004  # what fits on a line


def _tree(node: ast.expr) -> Tree:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return ("number", node.value)
    if isinstance(node, ast.Name):
        return ("name", node.id)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        sign = -1 if isinstance(node.op, ast.USub) else 1
        return ("*", ("number", sign), _tree(node.operand))
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        operator = _OPERATORS[type(node.op)]
        right = _tree(node.right)
        if operator == "**" and not (right[0] == "number" and 0 <= right[1] <= HIGHEST_POWER):
            raise BadInput(f"A formula may raise only to whole powers up to {HIGHEST_POWER}.")
        left = _tree(node.left)
        if operator == "**" and right[1] * _power(left) > HIGHEST_POWER:
            raise BadInput(f"A formula may raise only to whole powers up to {HIGHEST_POWER}.")
        return (operator, left, right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        name = node.func.id
        low, high = _ARITY.get(name, (1, 0))
        if low <= len(node.args) <= high:
            return (name, *(_tree(argument) for argument in node.args))
    raise BadInput(
        "A formula holds whole numbers, names, + - * / **, parentheses, floor, ceiling, Mod, Max "
        f"and Min; {_shortened(ast.unparse(node))!r} is something else."
    )


def _power(tree: Tree) -> int:
    """The highest power that stands in a tree, powers of powers multiplied."""
    inner = max((_power(part) for part in tree[1:] if isinstance(part, tuple)), default=1)
    return inner * tree[2][1] if tree[0] == "**" else inner


def names(tree: Tree) -> set[str]:
    """The sizes that a form speaks of."""
    if tree[0] == "name":
        return {tree[1]}
    return set().union(*(names(part) for part in tree[1:] if isinstance(part, tuple)))


def value(tree: Tree, sizes: Mapping[str, int]) -> int:
    """The exact value of a form; whole wherever the form holds."""
    try:
        found = _value(tree, sizes)
    except KeyError as error:
        name = error.args[0]
        raise BadInput(f"The formula needs a value of {name}; give it with --at.") from None
    except ZeroDivisionError:
        raise BadInput(f"The formula divides by zero at {written(sizes)}.") from None
    if isinstance(found, Fraction):
        if found.denominator != 1:
            raise BadInput(f"The formula does not hold at {written(sizes)}.")
        return found.numerator
    return found


def _value(tree: Tree, sizes: Mapping[str, int]) -> Number:
    operation = tree[0]
    if operation == "number":
        number: int = tree[1]
        return number
    if operation == "name":
        return sizes[tree[1]]
    parts = [_value(part, sizes) for part in tree[1:]]
    if operation in _ARITHMETIC:
        made: Number = _ARITHMETIC[operation](*parts)
        return made
    return _FUNCTIONS[operation](*parts)


def written(sizes: Mapping[str, int]) -> str:
    """Sizes as one reads them: B=1, H=224."""
    return ", ".join(f"{name}={number}" for name, number in sizes.items())
