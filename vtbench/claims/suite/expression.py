"""Arithmetic over claims: a small grammar of names, numbers, + - * / and min, max, abs.

The text comes from a file, so it is parsed and walked and never evaluated as code.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Mapping
from decimal import Decimal

from vtbench.claims.suite.interval import Interval
from vtbench.errors import BadSuite

_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_FUNCTIONS = ("max", "min", "abs")
LONGEST = 600
"""Characters of an expression; so deep as these can nest, a walk over it stays shallow."""


def names_in(expression: str) -> tuple[str, ...]:
    """The claims that an expression speaks of, each once, in order."""
    found: dict[str, None] = {}
    for node in _walk(_parse(expression)):
        found[node] = None
    return tuple(found)


@functools.cache
def _parse(expression: str) -> ast.expr:
    if len(expression) > LONGEST:
        raise BadSuite(f"arithmetic over claims takes at most {LONGEST} characters.")
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise BadSuite(f"{expression!r} is no arithmetic over claims.") from error
    _check(tree, expression)
    return tree


def _check(node: ast.expr, whole: str) -> None:
    if isinstance(node, ast.BinOp) and isinstance(node.op, _OPERATORS):
        _check(node.left, whole)
        _check(node.right, whole)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        _check(node.operand, whole)
    elif _is_call(node):
        for argument in node.args:  # type: ignore[attr-defined]  # _is_call has seen to it
            _check(argument, whole)
    elif not (_is_number(node) or _name(node)):
        raise BadSuite(
            f"{whole!r} is no arithmetic over claims: it may hold their names, numbers, "
            "+ - * / and max, min, or abs of one."
        )


def _is_call(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in _FUNCTIONS
        and not node.keywords
        and (len(node.args) == 1 if node.func.id == "abs" else bool(node.args))
    )


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _name(node: ast.expr) -> str | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


def _walk(node: ast.expr) -> list[str]:
    name = _name(node)
    if name is not None:
        return [name]
    if isinstance(node, ast.Call):
        return [found for argument in node.args for found in _walk(argument)]
    children = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    return [found for child in children for found in _walk(child)]


def value_of(expression: str, values: Mapping[str, Decimal]) -> Decimal:
    """The value of an expression whose names have values; dividing by zero is refused."""
    point = interval_of(expression, {name: Interval(v, v) for name, v in values.items()})
    return point.low


def interval_of(expression: str, values: Mapping[str, Interval]) -> Interval:
    """Every value that an expression can take when each name is anywhere in its range.

    A name that occurs twice is treated as two independent figures, which can only widen the
    range: a contradiction found is a contradiction.
    """
    return _interval(_parse(expression), values)


def _interval(node: ast.expr, values: Mapping[str, Interval]) -> Interval:
    name = _name(node)
    if name is not None:
        return values[name]
    if isinstance(node, ast.Constant):
        point = Decimal(str(node.value))
        return Interval(point, point)
    if isinstance(node, ast.UnaryOp):
        inner = _interval(node.operand, values)
        return Interval(-inner.high, -inner.low)
    if isinstance(node, ast.Call):
        return _called(node, [_interval(argument, values) for argument in node.args])
    assert isinstance(node, ast.BinOp)  # noqa: S101  # _check admits nothing else
    return _combined(node.op, _interval(node.left, values), _interval(node.right, values))


def _called(node: ast.Call, arguments: list[Interval]) -> Interval:
    assert isinstance(node.func, ast.Name)  # noqa: S101  # _check admits nothing else
    if node.func.id == "abs":
        (one,) = arguments
        ends = (abs(one.low), abs(one.high))
        inside = one.low <= 0 <= one.high
        return Interval(Decimal(0) if inside else min(ends), max(ends))
    choose: Callable[..., Decimal] = max if node.func.id == "max" else min
    return Interval(choose(a.low for a in arguments), choose(a.high for a in arguments))


def _combined(operator: ast.operator, a: Interval, b: Interval) -> Interval:
    if isinstance(operator, ast.Add):
        return Interval(a.low + b.low, a.high + b.high)
    if isinstance(operator, ast.Sub):
        return Interval(a.low - b.high, a.high - b.low)
    if isinstance(operator, ast.Div):
        if b.low <= 0 <= b.high:
            raise BadSuite("An expression divides by a figure that may be zero.")
        corners = [x / y for x in (a.low, a.high) for y in (b.low, b.high)]
    else:
        corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    return Interval(min(corners), max(corners))
