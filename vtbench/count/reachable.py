"""Everything that a caller can reach from a model and its inputs, walked once.

Two kinds of things are found. *Tensors* hold values. *Places* hold other things and can be changed:
attributes, slots, dicts, lists, sets, cells of closures, attributes of classes and the global names
of a function. A place says how it is read and how it is written, so that the walk is the only part
that knows the kinds.

No attribute protocol is used, so that looking changes nothing: a property is not computed, and an
object that makes its attributes up is taken for what it stores.
"""

from __future__ import annotations

import functools
import gc
import sys
import types
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import nn

from vtbench.count.places import (
    MISSING,
    Place,
    is_generator,
    refill,
    refill_deque,
    refill_names,
    refill_set,
    slot_of,
    state_of,
)
from vtbench.count.tensor_parts import inner_tensors

_ATOMS = frozenset(
    (
        *(int, float, bool, complex, str, bytes, type(None), type(Ellipsis), range, slice),
        *(torch.SymInt, torch.SymFloat, torch.SymBool),
        *(types.ModuleType, types.CodeType, types.FrameType),
        *(torch.dtype, torch.device, torch.layout, torch.memory_format, torch.Size),
        *(property, types.GetSetDescriptorType, types.MemberDescriptorType),
    )
)
_LIBRARIES = sys.stdlib_module_names | {"torch", "numpy"}
_MACHINERY = (
    "torch.fx", "torch._", "torch.jit", "torch.export", "torch.distributed", "torch.cuda",
    "torch.utils.hooks",
)  # fmt: skip
"""Parts of torch whose objects hold nothing that a forward pass computes."""
_HOLDERS_OF_VALUES = frozenset(
    ("builtins", "collections", "itertools", "functools", "types", "weakref", "_collections")
)
"""Modules of Python whose objects hold what they were given, and no state of the process."""


class Reachable:
    """The tensors and the places that can be reached from some roots."""

    def __init__(self, roots: Iterable[Any]) -> None:
        self.tensors: dict[int, torch.Tensor] = {}
        self.weights: dict[int, torch.Tensor] = {}
        """Parameters and buffers that modules hold as such."""
        self.elsewhere: set[int] = set()
        """Tensors that are reached otherwise than as a module's parameter or buffer."""
        self.arrays: dict[int, np.ndarray[Any, Any]] = {}
        self.places: list[Place] = []
        self.empty: list[Any] = []
        """Places of modules, such as those of their hooks, that hold nothing."""
        self.modules: list[nn.Module] = []
        self.caches: list[Any] = []
        """Functions that remember their results, as ``functools.lru_cache`` makes them."""
        self._seen: dict[int, Any] = {}  # held, so that no identity is given to another object
        self._code: list[Any] = []
        self._own = True
        self._walk(list(roots))
        self._own = False
        while self._code:
            self._walk([part for code in self._taken() for part in self._parts_of_code(code)])

    def _taken(self) -> list[Any]:
        taken, self._code = self._code, []
        return taken

    def _walk(self, waiting: list[Any]) -> None:
        while waiting:
            value = waiting.pop()
            if type(value) in _ATOMS:
                continue
            if isinstance(value, torch.Tensor):
                self.elsewhere.add(id(value))
            if id(value) not in self._seen:
                self._seen[id(value)] = value
                waiting.extend(self._parts(value))

    def _parts(self, value: Any) -> Iterable[Any]:  # noqa: PLR0911 - one return for each kind
        if isinstance(value, torch.Tensor):
            return self._parts_of_tensor(value)
        if isinstance(value, nn.Module):
            return self._parts_of_module(value)
        if isinstance(value, dict | list | set | frozenset | tuple | deque):
            return self._parts_of_container(value)
        if isinstance(value, np.ndarray):
            self.arrays[id(value)] = value
            return value.flat if value.dtype == object else ()
        if isinstance(value, types.FunctionType | type) or hasattr(type(value), "cache_info"):
            self._code.append(value)
            return ()
        if isinstance(value, types.MethodType):
            return value.__self__, value.__func__
        if isinstance(value, types.BuiltinMethodType):
            return (value.__self__,)
        if isinstance(value, functools.partial):
            return value.func, value.args, value.keywords, vars(value)
        if is_generator(value):
            self.places.append(state_of(value))
            return ()
        return self._parts_of_object(value)

    def _place(
        self, holder: Any, read: Callable[[Any], Any], write: Callable[[Any, Any], None]
    ) -> Any:
        saved = read(holder)
        self.places.append(Place(holder, read, write, saved, self._own))
        return saved

    def _parts_of_tensor(self, tensor: torch.Tensor) -> list[Any]:
        self.tensors[id(tensor)] = tensor
        parts = list(inner_tensors(tensor))
        if tensor.is_leaf and tensor.grad is not None:
            parts.append(tensor.grad)
        attributes = getattr(tensor, "__dict__", None)
        if attributes:
            self._attributes(tensor)
            parts += attributes.values()
        return parts

    def _parts_of_module(self, module: nn.Module) -> list[Any]:
        self.modules.append(module)
        parts: list[Any] = [] if type(module).__module__.startswith("torch.") else [type(module)]
        for name, value in vars(module).items():
            if name in ("_parameters", "_buffers"):
                self._weights(value)
            elif name == "_concrete_type":
                parts += self._of_script(module)
            elif name == "_modules" and not isinstance(value, dict):
                parts += value.values()
            elif type(value) in (dict, OrderedDict) and not value:
                self.empty.append(value)
            elif type(value) not in _ATOMS:
                parts.append(value)
        self._attributes(module)
        return parts

    def _weights(self, held: Any) -> None:
        if isinstance(held, dict):
            if not held:
                self.empty.append(held)
                return
            self._seen[id(held)] = held
            self._place(held, dict.copy, refill)
        else:  # a scripted module holds them behind a wrapper, which is written name by name
            self._place(held, _items, refill_names)
        for tensor in held.values():
            if tensor is not None:
                self.weights[id(tensor)] = tensor
                if id(tensor) not in self._seen:
                    self._seen[id(tensor)] = tensor
                    self._walk(self._parts_of_tensor(tensor))

    def _of_script(self, module: Any) -> list[Any]:
        """The tensors, and lists of them, that a scripted module holds as plain attributes."""
        held = module._c
        names = [
            name
            for name, (kind, is_parameter) in module._concrete_type.get_attributes().items()
            if "Tensor" in str(kind) and not is_parameter and held.hasattr(name)
        ]

        def write(held: Any, saved: dict[str, Any]) -> None:
            for name, value in saved.items():
                held.setattr(name, value)

        self._place(held, lambda held: {name: held.getattr(name) for name in names}, write)
        return [held.getattr(name) for name in names]

    def _parts_of_container(self, value: Any) -> list[Any]:
        if isinstance(value, dict):
            saved = self._place(value, _items, refill)
            parts = [*saved.keys(), *saved.values()]
        elif isinstance(value, list):
            parts = self._place(value, _elements, _refill_list)
        elif isinstance(value, set):
            parts = list(self._place(value, set, refill_set))
        elif isinstance(value, deque):
            parts = self._place(value, list, refill_deque)
        else:
            parts = list(value)
        if type(value) not in (dict, list, set, deque, tuple, frozenset, OrderedDict):
            parts += self._attributes(value)
            parts += self._slots(value)
        return parts

    def _parts_of_object(self, value: Any) -> list[Any]:
        kind = type(value)
        root = kind.__module__.partition(".")[0]
        if root in sys.stdlib_module_names:
            if kind.__module__ in ("collections", "types"):
                return self._attributes(value)
            return _held_inside(value) if kind.__module__ in _HOLDERS_OF_VALUES else []
        if kind.__module__.startswith(_MACHINERY):
            return []
        return [*self._attributes(value), *self._slots(value), kind]

    def _attributes(self, value: Any) -> list[Any]:
        attributes = getattr(value, "__dict__", None)
        if not isinstance(attributes, dict):
            return []
        self._seen[id(attributes)] = attributes
        return list(self._place(attributes, dict.copy, refill).values())

    def _slots(self, value: Any) -> list[Any]:
        slots = [
            slot
            for kind in type(value).__mro__
            if kind.__module__.partition(".")[0] not in _LIBRARIES
            for slot in vars(kind).values()
            if isinstance(slot, types.MemberDescriptorType)
        ]
        if not slots:
            return []

        def read(value: Any) -> dict[Any, Any]:
            return {slot: slot_of(slot, value) for slot in slots}

        def write(value: Any, saved: dict[Any, Any]) -> None:
            for slot, held in saved.items():
                if held is not MISSING:
                    slot.__set__(value, held)
                elif slot_of(slot, value) is not MISSING:
                    slot.__delete__(value)

        saved = self._place(value, read, write)
        return [held for held in saved.values() if held is not MISSING]

    def _parts_of_code(self, code: Any) -> list[Any]:
        if isinstance(code, type):
            return self._parts_of_class(code)
        if not isinstance(code, types.FunctionType):
            self.caches.append(code)
            return [code.__wrapped__] if hasattr(code, "__wrapped__") else []
        parts: list[Any] = [*(code.__defaults__ or ()), *(code.__kwdefaults__ or {}).values()]
        for cell in code.__closure__ or ():
            parts += self._of_cell(cell)
        if code.__module__ is None or code.__module__.partition(".")[0] not in _LIBRARIES:
            parts += self._of_globals(code)
        return parts

    def _of_cell(self, cell: Any) -> list[Any]:
        try:
            saved: list[Any] = self._place(cell, _contents, _fill)
        except ValueError:  # not filled yet
            return []
        return saved

    def _of_globals(self, function: types.FunctionType) -> list[Any]:
        known, names = function.__globals__, sorted(_names(function.__code__))
        names = [name for name in names if not isinstance(known.get(name), _NEVER_REBOUND)]
        if not names:
            return []

        def read(known: dict[str, Any]) -> dict[str, Any]:
            return {name: known.get(name, MISSING) for name in names}

        def write(known: dict[str, Any], saved: dict[str, Any]) -> None:
            for name, value in saved.items():
                if value is MISSING:
                    known.pop(name, None)
                else:
                    known[name] = value

        saved = self._place(known, read, write)
        functions = (known.get(name) for name in _names(function.__code__))
        called = [
            each
            for each in functions
            if isinstance(each, types.FunctionType | type)
            and (each.__module__ == function.__module__ or not _is_installed(each.__module__))
        ]
        return [*(value for value in saved.values() if value is not MISSING), *called]

    def _parts_of_class(self, kind: type) -> list[Any]:
        if kind.__module__.partition(".")[0] in _LIBRARIES:
            return []

        self._place(kind, _attributes_of, _set_attributes)
        return [*(_code_of(value) for value in vars(kind).values()), *kind.__bases__]


_NEVER_REBOUND = (types.ModuleType, types.FunctionType, type, types.BuiltinFunctionType, property)


def _held_inside(value: Any) -> list[Any]:
    """What an iterator holds; containers of its own are not places, as it relies on them."""
    found: list[Any] = []
    for each in gc.get_referents(value):
        inner = isinstance(each, list | tuple | dict | set)
        found += gc.get_referents(each) if inner else [each]
    return found


def _items(held: Any) -> dict[Any, Any]:
    return dict(held.items())


def _elements(held: list[Any]) -> list[Any]:
    return list(list.__iter__(held))


def _refill_list(held: list[Any], saved: list[Any]) -> None:
    list.__setitem__(held, slice(None), saved)


def _contents(cell: Any) -> list[Any]:
    return [cell.cell_contents]


def _fill(cell: Any, saved: list[Any]) -> None:
    cell.cell_contents = saved[0]


def _attributes_of(kind: type) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(kind).items()
        if not (name.startswith("__") or isinstance(value, _NEVER_REBOUND))
    }


def _set_attributes(kind: type, saved: dict[str, Any]) -> None:
    for name in _attributes_of(kind).keys() - saved.keys():
        type.__delattr__(kind, name)
    for name, value in saved.items():
        if vars(kind).get(name, MISSING) is not value:
            type.__setattr__(kind, name, value)


@functools.cache
def _is_installed(module: str | None) -> bool:
    """Whether a module belongs to an installed library, whose other modules are not followed."""
    file = getattr(sys.modules.get(module or ""), "__file__", None) or ""
    return "site-packages" in file or (module or "").partition(".")[0] in _LIBRARIES


def _code_of(value: Any) -> Any:
    """The function behind a method of a class, whatever it is wrapped in."""
    if isinstance(value, staticmethod | classmethod):
        return value.__func__
    return value.fget if isinstance(value, property) else value


def _names(code: types.CodeType) -> set[str]:
    """The global names that a function and the functions inside it use."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names(constant)
    return names
