"""One run of a model on symbolic sizes, under the table that counts concrete shapes too."""

from __future__ import annotations

import builtins
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sympy
import torch
from torch import nn
from torch._dispatch.python import enable_python_dispatcher
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from vtbench.count.lending import lent
from vtbench.count.operators.rules import Special, rule_of
from vtbench.count.operators.table import Rule
from vtbench.count.symbolic.nodes import Node, Sizes
from vtbench.count.symbolic.plain_numbers import numbers_symbolic, packages_of
from vtbench.count.uncompiled import uncompiled
from vtbench.errors import Untraceable, VtbenchError

Inputs = tuple[tuple[Any, ...], dict[str, Any]]
Place = tuple[str, str]
"""Path of a module, and the name of a tensor or a number in it."""
NOTHING: Mapping[Place, Any] = {}


@dataclass(frozen=True)
class Traced:
    """What a symbolic run gives."""

    macs: sympy.Expr
    """The count, in sizes and named roundings."""
    sizes: Sizes
    """The sizes and what was decided about them."""


@uncompiled
class Summing(TorchDispatchMode):
    """Adds up what the operators inside it cost; the sums are symbolic."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own
        self.total: Any = 0
        self.unknown: set[str] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run one operator on shapes and add its cost."""
        kwargs = kwargs or {}
        rule = rule_of(func, {})
        if rule is Special.COMPOSITE:
            with self:
                return func.decompose(*args, **kwargs)
        quick = _SHORTCUTS.get(func)
        out = NotImplemented if quick is None else quick(args, kwargs)
        if out is NotImplemented:
            out = func(*args, **kwargs)
        if not isinstance(rule, Rule):
            self.unknown.add(str(func))
        elif rule.cost is not None:
            self.total = self.total + rule.cost(args, kwargs, out).macs
        return out


def traced(
    model: nn.Module,
    sizes: Sizes,
    inputs: Callable[[], Inputs],
    varied: Mapping[Place, Any] = NOTHING,
) -> Traced:
    """The count of one call of a model; ``inputs`` makes its inputs on symbolic shapes.

    ``varied`` says which shapes of parameters and which plain attributes depend on the sizes. The
    model is left as it was found.
    """
    fake = FakeTensorMode(shape_env=sizes, allow_non_fake_inputs=True)
    fake.cache_enabled = False  # what it brings back has lost its names
    summing = Summing()
    try:
        with lent(model, weights_written=False), fake:
            _lend(model, varied)
            args, kwargs = inputs()
            own = packages_of(model)
            with _plain_python(own), enable_python_dispatcher(), torch.inference_mode(), summing:
                model(*args, **kwargs)
    except VtbenchError:
        raise
    except Exception as error:  # a foreign model may raise anything
        first = next(iter(str(error).strip().splitlines()), "no message").rstrip(".")
        kind = type(error).__name__
        raise Untraceable(f"it raised {kind} on symbolic sizes: {first}.") from error
    if summing.unknown:
        raise Untraceable(f"operators have no formula: {', '.join(sorted(summing.unknown))}.")
    total = summing.total
    expression = total.node.expr if isinstance(total, torch.SymInt) else sympy.Integer(total)
    return Traced(sympy.expand(expression), sizes)


def _lend(model: nn.Module, varied: Mapping[Place, Any]) -> None:
    """Put tensors without values in the place of the model's, and symbols in that of numbers."""
    made: dict[int, torch.Tensor] = {}

    def shape_only(tensor: torch.Tensor, place: Place) -> torch.Tensor:
        if place in varied:
            return torch.empty(varied[place], dtype=tensor.dtype, device="cpu")
        if id(tensor) not in made:
            made[id(tensor)] = torch.empty(tuple(tensor.shape), dtype=tensor.dtype, device="cpu")
        return made[id(tensor)]

    for path, module in model.named_modules():
        for name, parameter in _present(module._parameters):
            new = shape_only(parameter, (path, name))
            module._parameters[name] = nn.Parameter(new, requires_grad=False)
        for name, buffer in _present(module._buffers):
            module._buffers[name] = shape_only(buffer, (path, name))
        for name, value in list(vars(module).items()):
            if type(value) is torch.Tensor:
                vars(module)[name] = shape_only(value, (path, name))
            elif (path, name) in varied:
                vars(module)[name] = varied[path, name]


def _present(tensors: Mapping[str, torch.Tensor | None]) -> list[tuple[str, torch.Tensor]]:
    return [(name, tensor) for name, tensor in tensors.items() if tensor is not None]


@contextmanager
def _hashable_sizes() -> Iterator[None]:
    """Symbolic numbers may be keys of a model's own caches."""
    kind: Any = torch.SymInt
    usual = kind.__hash__
    kind.__hash__ = _hash
    try:
        yield
    finally:
        kind.__hash__ = usual


def _hash(size: torch.SymInt) -> int:
    return hash(size.node.expr)


@contextmanager
def _plain_python(packages: set[str]) -> Iterator[None]:
    """Symbolic sizes behave as numbers do in the code of packages; torch says nothing of it."""
    with warnings.catch_warnings(), _hashable_sizes(), symbolic_extremes(), _no_fast_path():
        warnings.simplefilter("ignore")
        with numbers_symbolic(packages), _torch_silent():
            yield


@contextmanager
def _torch_silent() -> Iterator[None]:
    """What torch cannot do with symbols is said once, by us."""
    usual = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(usual)


@contextmanager
def _no_fast_path() -> Iterator[None]:
    """Attention layers run as their parts: the fused ones take their width as a plain number."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


@contextmanager
def symbolic_extremes() -> Iterator[None]:
    """In this block ``max`` and ``min`` of two symbolic numbers are symbolic, not decided."""
    usual_max, usual_min = builtins.max, builtins.min

    def of_two(usual: Any, symbolic: Any) -> Any:
        def extreme(*values: Any, **options: Any) -> Any:
            two = len(values) == 2 and not options and any(_symbolic(each) for each in values)
            if two and all(isinstance(each, _NUMBERS) for each in values):
                return symbolic(*values)
            return usual(*values, **options)

        return extreme

    builtins.max, builtins.min = of_two(usual_max, torch.sym_max), of_two(usual_min, torch.sym_min)
    try:
        yield
    finally:
        builtins.max, builtins.min = usual_max, usual_min


_NUMBERS = (int, float, torch.SymInt, torch.SymFloat)


def _symbolic(value: Any) -> bool:
    return isinstance(value, torch.SymInt | torch.SymFloat) and isinstance(value.node, Node)


# Results of frequent operators by their shape alone: torch's own way to them takes most of a
# trace. They have the shape and type of a first argument, or one that a line of arithmetic gives.

_LIKE_FIRST = (
    "batch_norm", "layer_norm",
    "gelu", "silu", "relu", "relu6", "sigmoid", "tanh", "hardswish", "hardsigmoid", "mish",
    "hardtanh", "leaky_relu", "elu",
)  # fmt: skip

Shortcut = Callable[[tuple[Any, ...], dict[str, Any]], Any]


def _like_first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    x = args[0]
    return x.new_empty(x.shape) if x.is_floating_point() else NotImplemented


def _in_place(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[0]


# [..., k] x [n, k] -> [..., n]
def _linear(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    x, weight = args[:2]
    if weight.dim() != 2 or x.dim() < 2 or x.shape[-1] != weight.shape[1]:
        return NotImplemented
    return x.new_empty((*x.shape[:-1], weight.shape[0]))


# [..., m, k] x [..., k, n] -> [..., m, n], with the same leading axes
def _matmul(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    one, other = args[:2]
    if one.dim() != other.dim() or one.dim() < 3 or one.shape[-1] != other.shape[-2]:
        return NotImplemented
    if tuple(one.shape[:-2]) != tuple(other.shape[:-2]):
        return NotImplemented
    return one.new_empty((*one.shape[:-1], other.shape[-1]))


def _table() -> dict[Any, Shortcut]:
    table: dict[Any, Shortcut] = {
        torch.ops.aten.linear.default: _linear,
        torch.ops.aten.matmul.default: _matmul,
    }
    for name in _LIKE_FIRST:
        table[getattr(torch.ops.aten, name).default] = _like_first
    for name in ("relu_", "silu_", "hardswish_", "hardsigmoid_", "sigmoid_", "hardtanh_"):
        table[getattr(torch.ops.aten, name).default] = _in_place
    return table


_SHORTCUTS = _table()
