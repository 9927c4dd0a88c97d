"""Symbolic integers for torch: arithmetic stays symbolic, every decision is taken by an example.

Torch asks a symbolic integer about itself all the time (is it one, is it contiguous, which is
larger). Proving each answer is what makes a symbolic trace slow. Here the answer is that of one
example, the hint, at once; what was decided in the model's own code is kept as a condition, and
the form that comes out is compared with concrete counts at other sizes before anybody sees it.
"""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import sympy
import torch
from torch.fx.experimental import sym_node
from torch.fx.experimental.sym_node import SymNode
from torch.fx.experimental.symbolic_shapes import ShapeEnv, eval_is_non_overlapping_and_dense

from vtbench.count.symbolic.floors import Floors, ceiling_of, floor_of, modulo, product
from vtbench.errors import Untraceable

_TORCH = torch.__path__[0]


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

    def size(self, name: str, example: int) -> torch.SymInt:
        """A new size, with the example that decides its comparisons."""
        symbol = sympy.Symbol(name, integer=True, positive=True)
        self.floors.add_size(symbol)
        return torch.SymInt(Node(symbol, self, int, example))

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


def _asked_by_model() -> bool:
    """Whether the Python code that asked is outside torch."""
    frame: Any = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.endswith("torch/__init__.py"):
        frame = frame.f_back
    return frame is not None and not frame.f_code.co_filename.startswith(_TORCH)


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
        """A plain number, exactly as it is in binary."""
        finite = num - num == 0
        return self.constant_of(sympy.Rational(num) if finite else sympy.Float(num), float, num)

    def wrap_bool(self, num: bool) -> Node:
        """A plain truth value."""
        return self.constant_of(sympy.true if num else sympy.false, bool, num)

    def evaluate(self, size_oblivious: bool = False) -> Any:
        """The value in the example."""
        return self._hint

    def bool_(self) -> bool:
        """A truth value that Python code asked for; a condition if that code is the model's."""
        if self.decision is not None and _asked_by_model():
            self.shape_env.decisions.update(dict.fromkeys(_flat(self.decision)))
        return bool(self._hint)

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

    def sym_ite(self, then_val: SymNode, else_val: SymNode) -> SymNode:
        """One of two, as the example decides."""
        return then_val if self.bool_() else else_val

    add = _binary("add", lambda floors, one, other: floors.normal(one + other))
    sub = _binary("sub", lambda floors, one, other: floors.normal(one - other))
    mul = _binary("mul", product)
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
