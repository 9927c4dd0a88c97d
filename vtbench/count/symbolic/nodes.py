"""Symbolic integers for torch: arithmetic stays symbolic, every decision is taken by an example.

Torch asks a symbolic integer about itself all the time (is it one, is it contiguous, which is
larger). Proving each answer is what makes a symbolic trace slow. Here the answer is that of one
example, the hint, at once; what was decided in the model's own code is kept as a condition, and
the form that comes out is held against concrete counts at other sizes before anybody sees it.
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
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from vtbench.count.symbolic.floors import Floors
from vtbench.errors import Untraceable

_TORCH = torch.__path__[0]


class Decision(NamedTuple):
    """A comparison that the model's own code has made."""

    relation: str
    """``eq``, ``ne``, ``lt``, ``le``, ``gt`` or ``ge``."""
    left: sympy.Expr
    right: sympy.Expr
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
        self.pinned: dict[tuple[sympy.Expr, Any], None] = {}
        """Sizes that were read as plain numbers."""

    def size(self, name: str, example: int) -> torch.SymInt:
        """A new size, with the example that decides its comparisons."""
        symbol = sympy.Symbol(name, integer=True, positive=True)
        self.floors.add_size(symbol)
        return torch.SymInt(Node(symbol, self, int, example))

    def evaluate_sym_node(  # type: ignore[override]  # the result is what callers convert anyway
        self, node: SymNode, size_oblivious: bool = False, fallback_value: bool | None = None
    ) -> Any:
        """What a comparison comes to, by the example."""
        if isinstance(node, Node):
            return node.evaluate(size_oblivious)
        return super().evaluate_sym_node(node, size_oblivious, fallback_value)

    def _maybe_evaluate_static(self, expr: Any, **_: Any) -> Any:  # type: ignore[override]  # as above
        """Only constants are known for certain."""
        constant = getattr(expr, "is_number", False) or expr in (sympy.true, sympy.false)
        return expr if constant else None

    def create_unbacked_symint(self, source: Any = None) -> torch.SymInt:
        """A size that depends on values has no closed form."""
        raise Untraceable("a shape in it depends on values, not on sizes alone.")

    create_unbacked_symfloat = create_unbacked_symint  # type: ignore[assignment]  # both refuse
    create_unbacked_symbool = create_unbacked_symint  # type: ignore[assignment]


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

    def wrap_int(self, num: int) -> SymNode:
        """A plain number beside symbolic ones."""
        return self._constant(sympy.Integer(num), int, num)

    def wrap_float(self, num: float) -> SymNode:
        """A plain number, exactly as it is in binary."""
        finite = num - num == 0
        return self._constant(sympy.Rational(num) if finite else sympy.Float(num), float, num)

    def wrap_bool(self, num: bool) -> SymNode:
        """A plain truth value."""
        return self._constant(sympy.true if num else sympy.false, bool, num)

    def _constant(self, expr: Any, pytype: type, value: Any) -> Node:
        node = Node(expr, self.shape_env, pytype, value)
        node.constant = value
        return node

    def _made(self, expr: Any, pytype: type, hint: Any) -> Node:
        return Node(expr, self.shape_env, pytype, pytype(hint))

    def evaluate(self, size_oblivious: bool = False) -> Any:
        """The value in the example; that it was asked for is noted where it matters."""
        if self.pytype is not bool:
            if not getattr(self._expr, "is_number", False):
                self.shape_env.pinned[self._expr, self._hint] = None
            return self._hint
        return self._hint

    def bool_(self) -> bool:
        """A truth value that Python code asked for; a condition where that code is the model's."""
        if self.decision is not None and _asked_by_model():
            for decision in _flat(self.decision):
                self.shape_env.decisions[decision] = None
        return bool(self._hint)

    def expect_true(self, file: str, line: int) -> bool:
        """What an operator insists on."""
        if isinstance(self.decision, Decision) and self._hint:
            self.shape_env.limits[self.decision] = None
        return bool(self._hint)

    def statically_known_true(self, file: str, line: int) -> bool:
        """By the example, as everything."""
        return bool(self._hint)

    def guard_or_false(self, file: str, line: int) -> bool:
        """By the example, as everything."""
        return bool(self._hint)

    def guard_or_true(self, file: str, line: int) -> bool:
        """By the example, as everything."""
        return bool(self._hint)

    def sym_sum(self, args: list[SymNode]) -> SymNode:
        """The sum of many."""
        return self._made(sympy.Add(*(a.expr for a in args)), int, sum(_hint(a) for a in args))


def _hint(node: SymNode) -> Any:
    hint = node.hint
    if hint is None:
        raise Untraceable("a shape in it depends on values, not on sizes alone.")
    return hint


def _flat(decision: Any) -> list[Decision]:
    if isinstance(decision, Decision):
        return [decision]
    return [part for each in decision for part in _flat(each)]


def _asked_by_model() -> bool:
    """Whether the Python code that asked is outside torch."""
    frame = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.endswith("torch/__init__.py"):
        frame = frame.f_back  # type: ignore[assignment]
    return frame is not None and not frame.f_code.co_filename.startswith(_TORCH)


def _arithmetic(method: str, pytype: type | None, made: Callable[..., Any]) -> Callable[..., Any]:
    """A method of Node: the expression by ``made``, the hint by Python itself."""
    on_hints = sym_node.METHOD_TO_OPERATOR[method]

    def binary(self: Node, other: SymNode) -> Node:
        kind = pytype
        if kind is None:
            kind = float if float in (self.pytype, other.pytype) else int
        hint = on_hints(_hint(self), _hint(other))
        return self._made(made(self, self._expr, other.expr), kind, hint)

    return binary


def _rational(node: Node, one: Any, other: Any) -> Any:
    return one / other


def _product(node: Node, one: Any, other: Any) -> Any:
    if one.is_Number or other.is_Number:
        return sympy.expand(one * other) if one.is_Add or other.is_Add else one * other
    return sympy.expand(one * other)


def _power(node: Node, one: Any, other: Any) -> Any:
    return sympy.expand(one**other)


def _floored(node: Node, one: Any, other: Any) -> Any:
    return node.shape_env.floors.quotient(one, other)


def _modulo(node: Node, one: Any, other: Any) -> Any:
    floors = node.shape_env.floors
    return floors.normal(sympy.expand(one - other * floors.quotient(one, other)))


def _maximum(node: Node, one: Any, other: Any) -> Any:
    return node.shape_env.floors.larger(one, other)


def _minimum(node: Node, one: Any, other: Any) -> Any:
    return node.shape_env.floors.larger(one, other, smaller=True)


def _unary(method: str, pytype: type | None, made: Callable[..., Any]) -> Callable[..., Any]:
    on_hint = sym_node.METHOD_TO_OPERATOR[method]

    def unary(self: Node) -> Node:
        return self._made(made(self), pytype or self.pytype, on_hint(_hint(self)))

    return unary


def _floor_of(node: Node) -> Any:
    number, by = sympy.fraction(sympy.together(node._expr))
    number = sympy.expand(number)
    return number / by if by == 1 else node.shape_env.floors.quotient(number, by)


def _ceiling_of(node: Node) -> Any:
    number, by = sympy.fraction(sympy.together(node._expr))
    number = sympy.expand(number)
    return number if by == 1 else -node.shape_env.floors.quotient(-number, by)


def _truncated(node: Node) -> Any:
    return _floor_of(node) if _hint(node) >= 0 else _ceiling_of(node)


def _comparison(method: str) -> Callable[..., Any]:
    on_hints = sym_node.METHOD_TO_OPERATOR[method]

    def compare(self: Node, other: SymNode) -> Node:
        outcome = bool(on_hints(_hint(self), _hint(other)))
        decision = None
        if self._expr != other.expr and bool not in (self.pytype, other.pytype):
            decision = Decision(method, self._expr, other.expr, outcome)
        return Node(sympy.true if outcome else sympy.false, self.shape_env, bool, outcome, decision)

    return compare


def _logic(on_hints: Callable[..., bool]) -> Callable[..., Any]:
    def combine(self: Node, *others: SymNode) -> Node:
        outcome = bool(on_hints(_hint(self), *(_hint(each) for each in others)))
        parts = [self.decision, *(getattr(each, "decision", None) for each in others)]
        decided = [part for part in parts if part is not None]
        value = sympy.true if outcome else sympy.false
        return Node(value, self.shape_env, bool, outcome, decided or None)

    return combine


def _choice(self: Node, then: SymNode, otherwise: SymNode) -> SymNode:
    self.bool_()
    return then if self._hint else otherwise


@functools.cache
def _layout(method: str, sizes: tuple[int, ...], strides: tuple[int, ...]) -> bool | int:
    """A question of memory layout on plain numbers."""
    function = getattr(sym_node, method, None)
    if function is None:
        from torch.fx.experimental.symbolic_shapes import eval_is_non_overlapping_and_dense

        return int(eval_is_non_overlapping_and_dense(list(sizes), list(strides)))
    return bool(function(list(sizes), list(strides)))


def _layout_question(method: str) -> Callable[..., Any]:
    def ask(self: Node, sizes: list[SymNode], strides: list[SymNode]) -> Node:
        answer = _layout(method, tuple(map(_hint, sizes)), tuple(map(_hint, strides)))
        return self._constant(sympy.sympify(answer), type(answer), answer)

    return ask


def _install() -> None:
    whole = {
        "add": lambda node, one, other: node.shape_env.floors.normal(one + other),
        "sub": lambda node, one, other: node.shape_env.floors.normal(one - other),
        "mul": _product,
    }
    for name, made in whole.items():
        setattr(Node, name, _arithmetic(name, None, made))
    setattr(Node, "mod", _arithmetic("mod", None, _modulo))
    for name in ("int_floordiv", "floordiv"):
        setattr(Node, name, _arithmetic("int_floordiv", None, _floored))
    setattr(Node, "sym_max", _arithmetic("sym_max", None, _maximum))
    setattr(Node, "sym_min", _arithmetic("sym_min", None, _minimum))
    setattr(Node, "pow_by_natural", _arithmetic("pow_by_natural", int, _power))
    for name in ("int_truediv", "float_truediv", "truediv"):
        setattr(Node, name, _arithmetic("float_truediv", float, _rational))
    for name in ("float_pow", "pow"):
        setattr(Node, name, _arithmetic("float_pow", float, _power))
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        setattr(Node, name, _comparison(name))
    for name, on_hints in (("and_", operator.and_), ("or_", operator.or_), ("xor", operator.xor)):
        setattr(Node, name, _logic(on_hints))
    setattr(Node, "sym_and", Node.and_)
    setattr(Node, "sym_or", Node.or_)
    setattr(Node, "sym_not", _logic(operator.not_))
    setattr(Node, "sym_ite", _choice)
    setattr(Node, "neg", _unary("neg", None, lambda node: sympy.expand(-node._expr)))
    setattr(Node, "sym_float", _unary("sym_float", float, lambda node: node._expr))
    setattr(Node, "floor", _unary("floor", int, _floor_of))
    setattr(Node, "ceil", _unary("ceil", int, _ceiling_of))
    setattr(Node, "trunc", _unary("trunc", int, _truncated))
    for name in sym_node.sizes_strides_methods:
        setattr(Node, name, _layout_question(name))


_install()
