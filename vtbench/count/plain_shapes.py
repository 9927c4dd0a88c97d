"""Answers what torch asks of shapes that are plain numbers, without importing symbolic shapes.

torch's Python for the meta device asks ``torch.fx.experimental.symbolic_shapes`` whether a bool is
true, and so imports it, and sympy with it, for shapes that hold no symbol. For as long as a count
runs on plain shapes a module stands in its place that answers for plain bools and integers. Whoever
asks it for anything else gets the real module, which then takes its place for good.

The function that finds the type of a result imports sympy itself, to tell symbols from numbers. As
long as sympy was never imported there are none, and it is told so.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FunctionType, MappingProxyType, ModuleType
from typing import Any

from torch import _prims_common

_NAME = "torch.fx.experimental.symbolic_shapes"


class _StandIn(ModuleType):
    """Holds the answers for plain values; every other attribute is the real module's.

    A function is fetched when it is called: much is imported by name that is never called.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what Python's import asks of every module
            raise AttributeError(name)
        if not name.islower():  # a class, or a constant
            return getattr(_real(self), name)

        def fetched(*values: Any, **named: Any) -> Any:
            return getattr(_real(self), name)(*values, **named)

        return fetched


def _real(stand_in: ModuleType) -> ModuleType:
    if sys.modules.get(_NAME) is stand_in:
        del sys.modules[_NAME]
    return importlib.import_module(_NAME)


def _first(value: Any, *_: Any) -> Any:
    return value


def _all(*values: Any) -> bool:
    return all(values)


def _any(*values: Any) -> bool:
    return any(values)


def _never(*_: Any) -> bool:
    return False


def _equal(one: Any, other: Any) -> bool:
    return bool(one == other)


_ANSWERS: Mapping[str, tuple[type, Callable[..., Any]]] = MappingProxyType(
    {
        **dict.fromkeys(
            ("expect_true", "guard_or_false", "guard_or_true", "guard_size_oblivious",
             "statically_known_true"), (bool, _first),
        ),
        "guard_int": (int, _first),
        "is_nested_int": (int, _never),
        "sym_and": (bool, _all),
        "sym_or": (bool, _any),
        "sym_eq": (int, _equal),
    }
)  # fmt: skip
"""Function -> the type that all its arguments have if it need not be asked, and its answer then."""


@contextmanager
def plain_shapes() -> Iterator[None]:
    """Let torch work out shapes without symbols, unless they are there already."""
    if _NAME in sys.modules:
        yield
        return
    stand_in = _StandIn(_NAME)
    for name, (kind, answer) in _ANSWERS.items():
        setattr(stand_in, name, _answering(stand_in, name, kind, answer))
    sys.modules[_NAME] = stand_in
    try:
        with _types_without_sympy():
            yield
    finally:
        if sys.modules.get(_NAME) is stand_in:
            del sys.modules[_NAME]


def _answering(
    stand_in: ModuleType, name: str, kind: type, answer: Callable[..., Any]
) -> Callable[..., Any]:
    def answered(*values: Any, **named: Any) -> Any:
        if not named and all(_is_plain(value, kind) for value in values):
            return answer(*values)
        return getattr(_real(stand_in), name)(*values, **named)

    return answered


def _is_plain(value: Any, kind: type) -> bool:
    """Whether a value is of that type, or a shape whose sizes all are."""
    return type(value) is kind or (
        isinstance(value, tuple) and all(type(each) is kind for each in value)
    )


@contextmanager
def _types_without_sympy() -> Iterator[None]:
    """Let torch work out the types of results without importing sympy, wherever it does."""
    theirs = _prims_common.elementwise_dtypes
    places = [
        module
        for name, module in tuple(sys.modules.items())
        if name.startswith("torch.")
        and isinstance(module, ModuleType)
        and vars(module).get(theirs.__name__) is theirs
    ]
    _bind(places, theirs.__name__, _without_sympy(theirs))
    try:
        yield
    finally:
        _bind(places, theirs.__name__, theirs)


def _bind(modules: list[ModuleType], name: str, function: Callable[..., Any]) -> None:
    for module in modules:
        setattr(module, name, function)


def _without_sympy(function: Any) -> Callable[..., Any]:
    """The function such that an ``import sympy`` within it finds a module without symbols.

    Only this function does: it has built-ins of its own, among them what ``import`` calls.
    """

    def import_(name: str, *rest: Any) -> Any:
        return _WITHOUT_SYMBOLS if name == "sympy" else builtins.__import__(name, *rest)

    own = {**vars(builtins), "__import__": import_}
    code, names = function.__code__, {**function.__globals__, "__builtins__": own}
    numbers_only = FunctionType(code, names, function.__name__, function.__defaults__)
    numbers_only.__kwdefaults__ = function.__kwdefaults__

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        return (function if "sympy" in sys.modules else numbers_only)(*args, **kwargs)

    return run


_WITHOUT_SYMBOLS = ModuleType("sympy")
_WITHOUT_SYMBOLS.Basic = type("Basic", (), {})  # type: ignore[attr-defined]  # what symbols are
