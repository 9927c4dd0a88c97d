"""Formulas as text: a small grammar, the trees that it gives, and walks over them.

Closed forms, printed cost formulas and arithmetic over claims are one grammar with other words in
it: numbers, names, ``+ - * / **``, parentheses and a few functions. The text may come from a
file: it is read into a tree and walked, and nothing in it is ever run.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from vtbench.errors import BadInput

HIGHEST_POWER = 16
LARGEST = 60
"""The decimal order of a number with decimals, up or down."""
MOST_ARGUMENTS = 255

Tree = tuple[Any, ...]
"""``(operation, parts...)``, ``("name", text)`` or ``("number", value)``."""

_OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**",
}  # fmt: skip
_Value = TypeVar("_Value")


class Grammar(msgspec.Struct, frozen=True, kw_only=True):
    """What a formula may hold beside names, whole numbers and parentheses."""

    longest: int
    """Characters of a formula; so deep as these can nest, a walk over it stays shallow."""
    operators: tuple[str, ...] = ("+", "-", "*", "/", "**")
    functions: Mapping[str, tuple[int, int]] = {}
    """Function -> the least and the largest number of its arguments."""
    decimals: bool = False
    dotted: bool = False
    """Whether names may have parts, as ``vt_v3.t1.r18.macs`` has."""


def parse(text: str, grammar: Grammar) -> Tree:
    """The tree of a formula; BadInput if it is outside the grammar."""
    if len(text) > grammar.longest:
        raise BadInput(
            f"The formula has {len(text)} characters; at most {grammar.longest} are allowed."
        )
    source = text.strip()
    try:
        return _Reader(source, grammar).tree(ast.parse(source, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadInput(f"The formula {shortened(text)!r} cannot be read.") from error


def shortened(text: str) -> str:
    """The part of a formula that fits on a line."""
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004


class _Reader(msgspec.Struct):
    """Python's own syntax tree to ours, as far as the grammar goes."""

    source: str
    grammar: Grammar

    def tree(self, node: ast.expr) -> Tree:
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            sign = -1 if isinstance(node.op, ast.USub) else 1
            return ("*", ("number", sign), self.tree(node.operand))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            least, most = self.grammar.functions.get(node.func.id, (1, 0))
            if least <= len(node.args) <= most:
                return (node.func.id, *(self.tree(argument) for argument in node.args))
        return self._number(node) or self._name(node) or self._refused(node)

    def _operation(self, node: ast.BinOp) -> Tree:
        operator = _OPERATORS.get(type(node.op), "")
        if operator not in self.grammar.operators:
            return self._refused(node)
        left, right = self.tree(node.left), self.tree(node.right)
        if operator == "**":
            whole = right[0] == "number" and type(right[1]) is int and right[1] >= 0
            if not whole or right[1] * _power(left) > HIGHEST_POWER or right[1] > HIGHEST_POWER:
                raise BadInput(f"A formula may only use whole powers up to {HIGHEST_POWER}.")
        return (operator, left, right)

    def _number(self, node: ast.expr) -> Tree | None:
        if not isinstance(node, ast.Constant):
            return None
        if type(node.value) is int:
            return ("number", node.value)
        if type(node.value) is float and self.grammar.decimals:
            number = Decimal(ast.get_source_segment(self.source, node) or "")
            if abs(number.adjusted()) <= LARGEST:
                return ("number", number)
        return None

    def _name(self, node: ast.expr) -> Tree | None:
        parts: list[str] = []
        while isinstance(node, ast.Attribute) and self.grammar.dotted:
            parts.append(node.attr)
            node = node.value
        return (
            ("name", ".".join([node.id, *reversed(parts)])) if isinstance(node, ast.Name) else None
        )

    def _refused(self, node: ast.expr) -> Tree:
        words = " ".join(self.grammar.operators)
        functions = ", ".join(self.grammar.functions)
        raise BadInput(
            f"A formula may hold {'' if self.grammar.decimals else 'whole '}numbers, names, "
            f"{words}, parentheses{f' and {functions}' if functions else ''}; "
            f"{shortened(ast.unparse(node))!r} is not allowed."
        )


def _power(tree: Tree) -> int:
    """The highest power that stands in a tree, powers of powers multiplied."""
    inner = max((_power(part) for part in tree[1:] if isinstance(part, tuple)), default=1)
    return int(inner * tree[2][1]) if tree[0] == "**" else inner


def names(tree: Tree) -> tuple[str, ...]:
    """The names that a formula speaks of, each once, in order."""
    if tree[0] == "name":
        return (tree[1],)
    parts = (names(part) for part in tree[1:] if isinstance(part, tuple))
    return tuple(dict.fromkeys(name for part in parts for name in part))


def folded(
    tree: Tree,
    leaf: Callable[[str, Any], _Value],
    operations: Mapping[str, Callable[..., _Value]],
) -> _Value:
    """The value of a tree from its leaves up.

    ``leaf`` gives that of ``("name", text)`` and ``("number", value)``, ``operations`` that of an
    operator or a function of the values of its parts.
    """
    if tree[0] in ("name", "number"):
        return leaf(tree[0], tree[1])
    parts = [folded(part, leaf, operations) for part in tree[1:] if isinstance(part, tuple)]
    return operations[tree[0]](*parts)
