"""Options of a model on which its cost may depend: sizes, and numbers of parts."""

from __future__ import annotations

import inspect
from typing import Any

from vtbench.data.model_names import SIZE_NAMES
from vtbench.errors import VtbenchError
from vtbench.models.from_callable import named, users_code
from vtbench.models.from_library import LIBRARIES
from vtbench.models.names import resolve
from vtbench.models.options import Parameters, parameters_of
from vtbench.models.third_party import ran

_PATCHES = 1024
"""Patches of the largest image for which a dial is searched: every value is beyond it the same."""


def axes_of(model: str) -> tuple[str, ...]:
    """The options whose default or type is a whole number or a list of them, in their order."""
    try:
        return tuple(name for name, each in _parameters(model).items() if _is_a_size(name, each))
    except VtbenchError:
        return ()  # why it cannot be built is said at its count


def takes(model: str, option: str) -> bool:
    """Whether a model has an option of that name."""
    try:
        return option in _parameters(model)
    except VtbenchError:
        return True  # why it cannot be built is said at its count


def dial_of(model: str) -> tuple[str, tuple[Any, ...]] | None:
    """The option that sets how much a model computes, and its values, if its function says so."""
    target = resolve(model)
    if target.source != "callable":
        return None
    with users_code(None if target.entry else target.name):
        dial = getattr(named(target.name), "dial", None)
    return None if dial is None else (dial.option, dial.values(_PATCHES))


def _parameters(model: str) -> Parameters:
    target = resolve(model)
    if target.source == "callable":
        with users_code(None if target.entry else target.name):
            found = named(target.name)
            return parameters_of(found) if callable(found) else {}
    library = LIBRARIES[target.source]
    module = ran(model, {}, lambda: library.make_on_meta(target.name, {}, None))
    return library.parameters(target.name, module)


def _is_a_size(name: str, parameter: inspect.Parameter) -> bool:
    if name in (*SIZE_NAMES, "batch_size"):
        return False  # the axis of a search is called resolution
    default = parameter.default
    items = default if isinstance(default, tuple | list) and default else (default,)
    return parameter.annotation is int or all(type(each) is int for each in items)
