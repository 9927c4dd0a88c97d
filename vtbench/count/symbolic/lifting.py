"""Models that are built for their sizes: what differs between builds becomes a symbol.

A model is built at a few sizes. Every shape of a parameter and every whole number among the
attributes of its modules that differs between the builds is a polynomial of the sizes, found
exactly and compared with one more build. One build is then run with all of them as symbols.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import sympy
import torch
from torch import nn
from torch.utils._pytree import tree_flatten, tree_unflatten

from vtbench.count.symbolic.forms import form_through
from vtbench.count.symbolic.nodes import Node, Sizes
from vtbench.count.symbolic.tracing import Inputs, Place, Traced, traced
from vtbench.errors import Untraceable

Steps = Mapping[str, int]
Build = Callable[[Steps], tuple[nn.Module, Inputs]]
"""A model and its inputs for given numbers of steps."""

_POINTS = 3
_MOST_NAMES = 5


def lifted(build: Build, example: Steps, inputs: Callable[[Sizes], Inputs] | None = None) -> Traced:
    """The count of a family of models, for every choice of their sizes.

    ``inputs`` makes the inputs, and the sizes, where they are known; without it the inputs are
    those that ``build`` gives, and vary as the model does.
    """
    names = list(example)
    if len(names) > _MOST_NAMES:
        raise Untraceable(f"more than {_MOST_NAMES} sizes at once take too many builds.")
    around = [_around(example[name]) for name in names]
    builds: dict[tuple[int, ...], Survey] = {}
    for point in product(*around):
        model, given = build(dict(zip(names, point, strict=True)))
        builds[point] = _survey(model, ((), {}) if inputs else given)
    polynomials = {key: _polynomial(key, names, builds) for key in _differing(builds)}
    beyond = tuple(max(each) + 2 for each in around)
    model, given = build(dict(zip(names, beyond, strict=True)))
    _verify(polynomials, names, beyond, _survey(model, ((), {}) if inputs else given))
    model, given = build(example)
    sizes = Sizes()
    for name in () if inputs else names:
        sizes.size(name, example[name])
    middle = tuple(example.values())
    symbolic = {
        key: _symbolic(polynomial, sizes, builds[middle][key])
        for key, polynomial in polynomials.items()
    }

    def make() -> Inputs:
        return inputs(sizes) if inputs else _inputs(given, symbolic)

    return traced(model, sizes, make, _varied(model, symbolic))


def _around(middle: int) -> tuple[int, ...]:
    """The example and its neighbours, so that every build is about as large as it."""
    first = max(1, middle - 1)
    return tuple(range(first, first + _POINTS))


Key = tuple[Any, ...]
Survey = dict[Key, int]
"""Every whole number that could depend on the sizes, by where it stands."""


def _survey(model: nn.Module, inputs: Inputs) -> Survey:
    found: Survey = {}
    for path, module in model.named_modules():
        for name, value in (*module._parameters.items(), *module._buffers.items()):
            if value is not None:
                found.update(_numbers((path, name), tuple(value.shape)))
        for name, value in vars(module).items():
            if not name.startswith("_") or name in ("_img_size", "_size"):
                shown = tuple(value.shape) if type(value) is torch.Tensor else value
                found.update(_numbers((path, name), shown))
    leaves, _ = tree_flatten(inputs)
    for place, leaf in enumerate(leaves):
        if isinstance(leaf, torch.Tensor):
            found.update(_numbers(("input", place), tuple(leaf.shape)))
    return found


def _numbers(key: Key, value: Any) -> Survey:
    if type(value) is int:
        return {key: value}
    if isinstance(value, tuple | list):
        found: Survey = {}
        for place, part in enumerate(value):
            found.update(_numbers((*key, place), part))
        return found
    return {}


def _differing(builds: Mapping[tuple[int, ...], Survey]) -> list[Key]:
    surveys = list(builds.values())
    if any(survey.keys() != surveys[0].keys() for survey in surveys[1:]):
        raise Untraceable("its structure, not only its shapes, depends on the sizes.")
    return [key for key in surveys[0] if len({survey[key] for survey in surveys}) > 1]


def _polynomial(
    key: Key, names: Sequence[str], builds: Mapping[tuple[int, ...], Survey]
) -> sympy.Expr:
    """The polynomial of degree up to two in each size that goes through every build."""
    symbols = [sympy.Symbol(name, integer=True, positive=True) for name in names]
    return form_through(symbols, {point: survey[key] for point, survey in builds.items()})


def _verify(
    polynomials: Mapping[Key, sympy.Expr], names: Sequence[str], at: Sequence[int], survey: Survey
) -> None:
    symbols = [sympy.Symbol(name, integer=True, positive=True) for name in names]
    values = dict(zip(symbols, at, strict=True))
    for key, polynomial in polynomials.items():
        if key not in survey or polynomial.subs(values) != survey[key]:
            where = ".".join(str(part) for part in key)
            raise Untraceable(f"{where} is not a polynomial of the sizes.")


def _symbolic(polynomial: sympy.Expr, sizes: Sizes, hint: int) -> torch.SymInt:
    return torch.SymInt(Node(polynomial, sizes, int, hint))


def _varied(model: nn.Module, symbolic: Mapping[Key, torch.SymInt]) -> dict[Place, Any]:
    """Shapes and attributes with the symbols in them, whole."""
    places = {key[:2] for key in symbolic if key[0] != "input"}
    varied: dict[Place, Any] = {}
    modules = dict(model.named_modules())
    for path, name in places:
        module = modules[path]
        tensor = {**module._parameters, **module._buffers}.get(name)
        value = vars(module).get(name) if tensor is None else tensor
        known = tuple(value.shape) if isinstance(value, torch.Tensor) else value
        varied[path, name] = _replaced((path, name), known, symbolic)
    return varied


def _replaced(key: Key, value: Any, symbolic: Mapping[Key, torch.SymInt]) -> Any:
    if key in symbolic:
        return symbolic[key]
    if isinstance(value, tuple | list):
        parts = [_replaced((*key, place), part, symbolic) for place, part in enumerate(value)]
        if hasattr(value, "_fields"):
            return type(value)(*parts)
        return parts if isinstance(value, list) else tuple(parts)
    return value


def _inputs(inputs: Inputs, symbolic: Mapping[Key, torch.SymInt]) -> Inputs:
    leaves, structure = tree_flatten(inputs)
    made = [
        torch.empty(
            _replaced(("input", place), tuple(leaf.shape), symbolic), dtype=leaf.dtype, device="cpu"
        )
        if isinstance(leaf, torch.Tensor)
        else leaf
        for place, leaf in enumerate(leaves)
    ]
    args, kwargs = tree_unflatten(made, structure)
    return args, kwargs
