"""The error tree: its docstring draws what the module holds."""

from __future__ import annotations

import inspect
import re

from vtbench import errors


def _classes():
    return {
        name: member
        for name, member in inspect.getmembers(errors, inspect.isclass)
        if member.__module__ == errors.__name__
    }


def test_every_error_can_be_caught_as_one_kind_and_says_what_it_is():
    for name, error in _classes().items():
        assert issubclass(error, errors.VtbenchError), name
        assert error.__doc__, name


def test_the_drawn_tree_is_the_real_one():
    drawn = re.findall(r"^( *(?:[│ ]+)?(?:[├└]── )?)([A-Z]\w+) {2,}", errors.__doc__, re.MULTILINE)
    parents: dict[int, str] = {}
    tree = {}
    for indent, name in drawn:
        depth = len(indent) // 4
        parents[depth] = name
        tree[name] = parents.get(depth - 1, "Exception") if depth > 1 else "Exception"
    assert tree == {name: error.__bases__[0].__name__ for name, error in _classes().items()}
