"""``int`` and ``float`` in a model's own code: a symbolic number stays symbolic.

Python's ``int`` can only return a plain number, so a size that passes through it is a symbol no
longer. While a model is traced, these two names mean, in its own modules, types that round a
symbolic number symbolically; in every other respect they are Python's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

_OURS = "vtbench"
_OUR_MODELS = "vtbench.papers"
_LEFT_ALONE = ("torch", "builtins")


class _AsPython(type):
    """A type that equals Python's own and has its instances, symbolic ones among them."""

    plain: type
    symbolic: type

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, (cls.plain, cls.symbolic))

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.plain)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is cls.plain

    def __hash__(cls) -> int:
        return hash(cls.plain)


class _AsInt(_AsPython):
    """The same of ``int``."""

    plain, symbolic = int, torch.SymInt

    def __call__(cls, *given: Any, **options: Any) -> Any:
        """``int(x)``, which rounds towards zero."""
        if len(given) == 1 and isinstance(given[0], torch.SymInt):
            return given[0]
        if len(given) == 1 and isinstance(given[0], torch.SymFloat):
            return torch.sym_int(given[0])
        return int(*given, **options)


class _AsFloat(_AsPython):
    """The same of ``float``."""

    plain, symbolic = float, torch.SymFloat

    def __call__(cls, *given: Any) -> Any:
        """``float(x)``."""
        if len(given) == 1 and isinstance(given[0], torch.SymInt | torch.SymFloat):
            return torch.sym_float(given[0])
        return float(*given)


class Whole(int, metaclass=_AsInt):
    """What ``int`` means in a model's code while it is traced."""


class Real(float, metaclass=_AsFloat):
    """What ``float`` means there."""


def packages_of(model: nn.Module) -> set[str]:
    """The packages that the classes of a model's modules are written in."""
    return packages(cls.__module__ for part in model.modules() for cls in type(part).__mro__)


def packages(modules: Iterable[str]) -> set[str]:
    """The packages of modules, in whose code the names may be replaced."""
    found = {_OUR_MODELS if n.startswith(_OUR_MODELS) else n.partition(".")[0] for n in modules}
    return found - {_OURS, *_LEFT_ALONE}


@contextmanager
def numbers_symbolic(names: set[str]) -> Iterator[None]:
    """In this block ``int`` and ``float`` in the code of packages keep symbolic numbers."""
    spaces = [
        vars(module)
        for name, module in list(sys.modules.items())
        if module is not None and any(f"{name}.".startswith(f"{each}.") for each in names)
    ]
    own = {"int": Whole, "float": Real}
    changed = [(space, name) for space in spaces for name in own if name not in space]
    for space, name in changed:
        space[name] = own[name]
    try:
        yield
    finally:
        for space, name in changed:
            space.pop(name, None)
