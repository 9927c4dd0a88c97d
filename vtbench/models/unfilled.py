"""Building without filling: initialisation costs most of a build and leaves no trace on meta.

A tensor on the meta device has no values, so filling it changes nothing, yet torch runs the fill
through its Python reference. Inside `initialisation_skipped` the functions of ``torch.nn.init``,
the filling methods of tensors and torch's own layers' ``reset_parameters`` return at once for a
meta tensor; a tensor that has values is filled as ever, also by another thread, so a model that
will be run on real values is never touched.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import init

# In place, of the tensor's own shape, and without an operand that could bring in a gradient.
_FILLS = (
    "normal_", "uniform_", "fill_", "zero_", "exponential_", "bernoulli_", "random_",
    "log_normal_", "cauchy_", "geometric_", "erfinv_",
)  # fmt: skip
# The arithmetic that truncated normals are made of; skipped when the other operand is a number.
_ARITHMETIC = ("mul_", "add_", "sub_", "div_", "clamp_", "clamp_min_", "clamp_max_")
_INITIALISERS = (
    "uniform_", "normal_", "trunc_normal_", "constant_", "ones_", "zeros_", "eye_", "dirac_",
    "xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_", "orthogonal_",
    "sparse_",
)  # fmt: skip

# Layers of torch whose parameters are filled by a method that does nothing else.
_LAYERS: tuple[Any, ...] = (
    nn.Linear,
    nn.modules.conv._ConvNd,  # noqa: SLF001 - the one place where all convolutions are filled
    nn.modules.batchnorm._NormBase,  # noqa: SLF001 - the same of batch and instance norms
    nn.LayerNorm,
    nn.GroupNorm,
)

_Filler = Callable[..., torch.Tensor]


def _unless_meta(original: _Filler) -> _Filler:
    """The function, but a meta tensor comes back as it is."""

    @functools.wraps(original)
    def fill(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        if tensor.is_meta:
            return tensor
        return original(tensor, *args, **kwargs)

    return fill


def _unless_meta_and_number(original: _Filler) -> _Filler:
    """The same if every other operand is a number; tensors may carry a gradient."""

    @functools.wraps(original)
    def fill(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        operands = (*args, *kwargs.values())
        if tensor.is_meta and not any(isinstance(each, torch.Tensor) for each in operands):
            return tensor
        return original(tensor, *args, **kwargs)

    return fill


def _unless_weight_is_meta(original: Callable[[Any], None]) -> Callable[[Any], None]:
    """The ``reset_parameters`` of a layer, but for a layer whose weight is on meta."""

    @functools.wraps(original)
    def reset_parameters(layer: Any) -> None:
        weight = layer.weight
        if weight is None or not weight.is_meta:
            original(layer)

    return reset_parameters


_ORIGINAL_RESETS = {layer: layer.reset_parameters for layer in _LAYERS}
_SKIPPING_RESETS = {
    layer: _unless_weight_is_meta(original) for layer, original in _ORIGINAL_RESETS.items()
}
_ORIGINAL_INITIALISERS: dict[str, _Filler] = {name: getattr(init, name) for name in _INITIALISERS}
_SKIPPING_INITIALISERS = {
    name: _unless_meta(original) for name, original in _ORIGINAL_INITIALISERS.items()
}
# torch.Tensor inherits these methods, so taking ours away again is what restores them.
_SKIPPING_METHODS = {name: _unless_meta(getattr(torch.Tensor, name)) for name in _FILLS} | {
    name: _unless_meta_and_number(getattr(torch.Tensor, name)) for name in _ARITHMETIC
}

FILLING_FUNCTIONS: frozenset[_Filler] = frozenset(
    [*_ORIGINAL_INITIALISERS.values(), *(getattr(torch.Tensor, name) for name in _SKIPPING_METHODS)]
)
"""Everything that is skipped, as torch names it to a function mode."""

_lock = threading.Lock()
_inside = 0


@contextlib.contextmanager
def initialisation_skipped() -> Iterator[None]:
    """Leave meta tensors unfilled in this block; everything is restored when it ends or raises."""
    global _inside  # noqa: PLW0603 - what is replaced is global, and so is how often it is in use
    with _lock:
        _inside += 1
        if _inside == 1:
            _replace()
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _restore()


def _replace() -> None:
    for name, skipping in _SKIPPING_INITIALISERS.items():
        setattr(init, name, skipping)
    for name, skipping in _SKIPPING_METHODS.items():
        setattr(torch.Tensor, name, skipping)
    for layer, reset in _SKIPPING_RESETS.items():
        layer.reset_parameters = reset


def _restore() -> None:
    for name, original in _ORIGINAL_INITIALISERS.items():
        setattr(init, name, original)
    for name in _SKIPPING_METHODS:
        delattr(torch.Tensor, name)
    for layer, reset in _ORIGINAL_RESETS.items():
        layer.reset_parameters = reset
