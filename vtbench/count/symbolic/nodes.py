"""Symbolic integers for torch: arithmetic stays symbolic, every decision is taken by an example.

Torch asks a symbolic integer about itself all the time (is it one, is it contiguous, which is
larger). Proving each answer is what makes a symbolic trace slow. Here the answer is that of one
example, the hint, at once; what was decided in the model's own code is kept as a condition, and
the form that comes out is compared with concrete counts at other sizes before anybody sees it.
"""

from __future__ import annotations

import functools
import linecache
import operator
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import sympy
import torch
from torch.fx.experimental import sym_node
from torch.fx.experimental.sym_node import SymNode
from torch.fx.experimental.symbolic_shapes import ShapeEnv, eval_is_non_overlapping_and_dense

from vtbench.count.symbolic.floors import Floors, ceiling_of, floor_of, modulo, product, rounded
from vtbench.errors import Untraceable

_TORCH = torch.__path__[0]
_BETWEEN = ("torch/__init__.py", "sym_node.py", "symbolic/nodes.py", "symbolic/plain_numbers.py")
"""Code that only hands a question on."""
_LARGEST_WRITTEN = 10_000
"""The largest denominator of a fraction that somebody writes."""
_LARGEST_PRODUCT = 20_000
"""So many tokens are looked at for a product that floating point rounds otherwise."""


class Decision(NamedTuple):
    """A comparison of sizes, as the example has decided it."""

    relation: str
    """``eq``, ``ne``, ``lt``, ``le``, ``gt`` or ``ge``."""
    left: Any
    right: Any
    outcome: bool


class Sizes(ShapeEnv):
    """The sizes of one trace, what is made of them, and what was decided about them."""

    def __init__(self) -> None:
        super().__init__()
        self.floors = Floors()
        self.decisions: dict[Decision, None] = {}
        """Comparisons that the model's own code made."""
        self.limits: dict[Decision, None] = {}
        """Comparisons that torch's operators insisted on."""
        self.products: dict[Any, tuple[Any, float]] = {}
        """Products of a whole number and a plain fraction."""
        self.inexact: dict[Decision, None] = {}
        """What keeps floating point from rounding a product otherwise than exact arithmetic."""
        self.forced: dict[str, None] = {}
        """Lines of the model's own code that made a plain number of a symbolic one."""

    def size(self, name: str, example: int) -> torch.SymInt:
        """A new size, with the example that decides its comparisons."""
        symbol = sympy.Symbol(name, integer=True, positive=True)
        self.floors.add_size(symbol)
        return torch.SymInt(Node(symbol, self, int, example))

    def rate(self, name: str, example: float) -> torch.SymFloat:
        """A new fraction, with the example that decides its comparisons."""
        symbol = sympy.Symbol(name, positive=True)
        self.floors.add_rate(symbol)
        return torch.SymFloat(Node(symbol, self, float, example))

    def multiplied(self, expression: Any, number: Any, by: float) -> None:
        """A whole number was multiplied by a plain fraction."""
        factors = number.as_coefficients_dict().values()
        if self.floors.whole(number) and all(factor.is_Integer for factor in factors):
            self.products[expression] = (number, by)

    def rounds(self, expression: Any, on_plain: Callable[[float], Any]) -> None:
        """Note a rounding that floating point does otherwise: ``int(90 * 0.7)`` is 62."""
        number, by = self.products.get(expression, (None, 0.0))
        if number is None:
            return
        exact = Fraction(*_as_written(by).as_numer_denom())
        whole = range(exact.denominator, _LARGEST_PRODUCT, exact.denominator)
        if any(on_plain(each * by) != each * exact for each in whole):
            rest = sympy.Mod(number, exact.denominator, evaluate=False)
            self.inexact[Decision("ne", rest, sympy.Integer(0), True)] = None

    def evaluate_sym_node(
        self, sym_node: SymNode, size_oblivious: bool = False, fallback_value: bool | None = None
    ) -> Any:
        """What a comparison comes to, by the example."""
        if isinstance(sym_node, Node):
            return sym_node.evaluate()
        return super().evaluate_sym_node(sym_node, size_oblivious, fallback_value)

    def _maybe_evaluate_static(self, expr: Any, **_: Any) -> Any:  # type: ignore[override]  # theirs is cached
        """Only constants are known for certain."""
        constant = getattr(expr, "is_number", False) or expr in (sympy.true, sympy.false)
        return expr if constant else None

    def create_unbacked_symint(self, source: Any = None) -> torch.SymInt:
        """A size that depends on values has no closed form."""
        raise Untraceable(_BY_VALUES)

    def create_unbacked_symfloat(self) -> torch.SymFloat:
        """A number that depends on values has no closed form."""
        raise Untraceable(_BY_VALUES)

    def create_unbacked_symbool(self) -> torch.SymBool:
        """A decision that depends on values has no closed form."""
        raise Untraceable(_BY_VALUES)


_BY_VALUES = "a shape in it depends on values, not on sizes alone."


def _hint(node: SymNode) -> Any:
    hint = node.hint
    if hint is None:
        raise Untraceable(_BY_VALUES)
    return hint


Made = Callable[["Floors", Any, Any], Any]
"""The expression of a result, from those of its operands."""


def _binary(method: str, made: Made, pytype: type | None = None) -> Any:
    """A method of Node: the expression by ``made``, the hint by Python itself."""
    on_hints: Any = sym_node.METHOD_TO_OPERATOR[method]

    def binary(self: Node, other: SymNode) -> Node:
        kind = pytype or (float if float in (self.pytype, other.pytype) else int)
        expression = made(self.shape_env.floors, self._expr, other.expr)
        return self.made(expression, kind, on_hints(_hint(self), _hint(other)))

    return binary


def _unary(method: str, made: Callable[[Floors, Any], Any], pytype: type | None = None) -> Any:
    on_hint: Any = sym_node.METHOD_TO_OPERATOR[method]

    def unary(self: Node) -> Node:
        self.shape_env.rounds(self._expr, on_hint)
        expression = made(self.shape_env.floors, self._expr)
        return self.made(expression, pytype or self.pytype, on_hint(_hint(self)))

    return unary


def _comparison(method: str) -> Any:
    on_hints: Any = sym_node.METHOD_TO_OPERATOR[method]

    def compare(self: Node, other: SymNode) -> Node:
        outcome = bool(on_hints(_hint(self), _hint(other)))
        decision = None
        if self._expr != other.expr and bool not in (self.pytype, other.pytype):
            decision = Decision(method, self._expr, other.expr, outcome)
        return Node(sympy.true if outcome else sympy.false, self.shape_env, bool, outcome, decision)

    return compare


def _logic(on_hints: Callable[..., bool]) -> Any:
    def combine(self: Node, *others: SymNode) -> Node:
        outcome = bool(on_hints(_hint(self), *(_hint(each) for each in others)))
        parts = [self.decision, *(getattr(each, "decision", None) for each in others)]
        decided = [part for part in parts if part is not None]
        value = sympy.true if outcome else sympy.false
        return Node(value, self.shape_env, bool, outcome, decided or None)

    return combine


@functools.cache
def _layout(method: str, sizes: tuple[int, ...], strides: tuple[int, ...]) -> bool | int:
    """A question of memory layout on plain numbers."""
    if method == "is_non_overlapping_and_dense_indicator":
        return int(eval_is_non_overlapping_and_dense(list(sizes), list(strides)))
    return bool(getattr(sym_node, method)(list(sizes), list(strides)))


def _layout_question(method: str) -> Any:
    def ask(self: Node, sizes: list[SymNode], strides: list[SymNode]) -> Node:
        answer = _layout(method, tuple(map(_hint, sizes)), tuple(map(_hint, strides)))
        return self.constant_of(sympy.sympify(answer), type(answer), answer)

    return ask


def _asker() -> FrameType | None:
    """The Python code that asked, if it is outside torch."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.endswith(_BETWEEN):
        frame = frame.f_back
    if frame is None or frame.f_code.co_filename.startswith(_TORCH):
        return None
    return frame


def _line(frame: FrameType) -> str:
    """Where a frame stands: ``nets.py, line 38 (k = int(x))``."""
    path, number = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(path, number).strip()
    return f"{Path(path).name}, line {number}{f' ({text})' if text else ''}"


def _as_written(number: float) -> Any:
    """7/10 for 0.7 and 1/3 for 1/3; what is no such fraction exactly as it is in binary."""
    exact = Fraction(number)
    short = exact.limit_denominator(_LARGEST_WRITTEN)
    meant = short if float(short) == number else exact
    return sympy.Rational(meant.numerator, meant.denominator)


def _flat(decision: Any) -> list[Decision]:
    if isinstance(decision, Decision):
        return [decision]
    return [part for each in decision for part in _flat(each)]


class Node(SymNode):
    """A number made of sizes, or a comparison of such numbers, with its value in the example."""

    shape_env: Sizes

    def __init__(
        self, expr: Any, sizes: Sizes, pytype: type, hint: Any, decision: Any = None
    ) -> None:
        self._expr = expr
        self.shape_env = sizes
        self.pytype = pytype
        self._hint = hint
        self.constant = None
        self.fx_node = None
        self.decision = decision

    @property
    def expr(self) -> Any:
        """The expression; for a comparison, its outcome in the example."""
        return self._expr

    def made(self, expr: Any, pytype: type, hint: Any) -> Node:
        """A number made of this one."""
        return Node(expr, self.shape_env, pytype, pytype(hint))

    def constant_of(self, expr: Any, pytype: type, value: Any) -> Node:
        """A plain value beside symbolic ones."""
        node = Node(expr, self.shape_env, pytype, value)
        node.constant = value
        return node

    def wrap_int(self, num: int) -> Node:
        """A plain whole number."""
        return self.constant_of(sympy.Integer(num), int, num)

    def wrap_float(self, num: float) -> Node:
        """A plain number: the fraction that it was written as, where there is one."""
        finite = num - num == 0
        meant = _as_written(num) if finite else sympy.Float(num)
        return self.constant_of(meant, float, num)

    def wrap_bool(self, num: bool) -> Node:
        """A plain truth value."""
        return self.constant_of(sympy.true if num else sympy.false, bool, num)

    def evaluate(self, size_oblivious: bool = False) -> Any:
        """The value in the example."""
        return self._hint

    def bool_(self) -> bool:
        """A truth value that Python code asked for; a condition if that code is the model's."""
        if self.decision is not None and _asker() is not None:
            self.shape_env.decisions.update(dict.fromkeys(_flat(self.decision)))
        return bool(self._hint)

    def guard_int(self, file: str, line: int) -> int:
        """The plain number that Python code insisted on."""
        self._force()
        return int(_hint(self))

    def guard_float(self, file: str, line: int) -> float:
        """The plain number that Python code insisted on."""
        self._force()
        return float(_hint(self))

    def _force(self) -> None:
        frame = None if sympy.sympify(self._expr).is_number else _asker()
        if frame is not None:
            self.shape_env.forced[_line(frame)] = None

    def expect_true(self, file: str, line: int) -> bool:
        """What an operator insists on."""
        if isinstance(self.decision, Decision) and self._hint:
            self.shape_env.limits[self.decision] = None
        return bool(self._hint)

    def statically_known_true(self, file: str, line: int) -> bool:
        """By the example, as everything."""
        return bool(self._hint)

    guard_or_false = guard_or_true = statically_known_true

    def sym_sum(self, args: list[SymNode]) -> Node:
        """The sum of many."""
        return self.made(sympy.Add(*(a.expr for a in args)), int, sum(_hint(a) for a in args))

    def round(self, digits: int | None = None) -> Node:
        """The nearest whole number; of two, the even one."""
        if digits is not None:
            raise Untraceable("it rounds a symbolic number to decimals.")
        self.shape_env.rounds(self._expr, round)
        return self.made(rounded(self.shape_env.floors, self._expr), int, round(_hint(self)))

    def sym_ite(self, then_val: SymNode, else_val: SymNode) -> SymNode:
        """One of two, as the example decides."""
        return then_val if self.bool_() else else_val

    add = _binary("add", lambda floors, one, other: floors.normal(one + other))
    sub = _binary("sub", lambda floors, one, other: floors.normal(one - other))
    _mul = _binary("mul", product)

    def mul(self, other: SymNode) -> Node:
        """The product."""
        made: Node = self._mul(other)
        for number, by in ((self, other), (other, self)):
            plain = getattr(by, "constant", None)
            if type(plain) is float and plain - plain == 0:
                self.shape_env.multiplied(made.expr, number.expr, plain)
        return made

    mod = _binary("mod", modulo)
    floordiv = int_floordiv = _binary(
        "int_floordiv", lambda floors, one, other: floors.quotient(one, other)
    )
    truediv = float_truediv = int_truediv = _binary(
        "float_truediv", lambda _, one, other: one / other, float
    )
    pow = float_pow = _binary("float_pow", lambda _, one, other: one**other, float)
    pow_by_natural = _binary("pow_by_natural", lambda _, one, other: sympy.expand(one**other), int)
    sym_max = _binary("sym_max", lambda floors, one, other: floors.larger(one, other))
    sym_min = _binary("sym_min", lambda floors, one, other: floors.smaller(one, other))
    neg = _unary("neg", lambda _, number: sympy.expand(-number))
    sym_float = _unary("sym_float", lambda _, number: number, float)
    floor = trunc = _unary("floor", floor_of, int)  # sizes are not negative
    ceil = _unary("ceil", ceiling_of, int)
    eq, ne = _comparison("eq"), _comparison("ne")
    lt, le = _comparison("lt"), _comparison("le")
    gt, ge = _comparison("gt"), _comparison("ge")
    and_ = sym_and = _logic(operator.and_)
    or_ = sym_or = _logic(operator.or_)
    xor = _logic(operator.xor)
    sym_not = _logic(operator.not_)
    is_contiguous = _layout_question("is_contiguous")
    is_channels_last_contiguous_2d = _layout_question("is_channels_last_contiguous_2d")
    is_channels_last_contiguous_3d = _layout_question("is_channels_last_contiguous_3d")
    is_channels_last_strides_2d = _layout_question("is_channels_last_strides_2d")
    is_channels_last_strides_3d = _layout_question("is_channels_last_strides_3d")
    is_non_overlapping_and_dense_indicator = _layout_question(
        "is_non_overlapping_and_dense_indicator"
    )
