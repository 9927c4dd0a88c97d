"""Parameters, each distinct tensor once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from vtbench.count.anatomy import Anatomy
from vtbench.count.state import is_lazy
from vtbench.data.record import Parameters


def _elements(tensor: torch.Tensor) -> int:
    return 0 if is_lazy(tensor) else tensor.numel()


def parameters_of(anatomy: Anatomy) -> Parameters:
    """Totals over the distinct parameters and buffers of a model."""
    parameters = anatomy.parameters
    weights = {id(w): w for _, module in anatomy.modules for w in _weights(module)}
    return Parameters(
        total=sum(_elements(p) for p in parameters),
        trainable=sum(_elements(p) for p in parameters if p.requires_grad),
        buffers=sum(_elements(b) for b in anatomy.buffers),
        weights=sum(_elements(w) for w in weights.values()),
        norms=sum(_elements(p) for p in _distinct(anatomy, norm=True, ending="")),
        biases=sum(_elements(p) for p in _distinct(anatomy, norm=False, ending="bias")),
    )


def _distinct(anatomy: Anatomy, *, norm: bool, ending: str) -> Iterable[nn.Parameter]:
    """Parameters of the norms, or of everything else, whose names end so."""
    return {
        id(tensor): tensor
        for _, module in anatomy.modules
        if _is_norm(module) == norm
        for name, tensor in module._parameters.items()
        if tensor is not None and name.endswith(ending)
    }.values()


def _is_norm(module: nn.Module) -> bool:
    return isinstance(module, _NormBase | nn.LayerNorm | nn.GroupNorm) or (
        type(module).__name__.endswith("Norm")
    )


def _weights(module: nn.Module) -> list[nn.Parameter]:
    """The weights of a convolution, a linear layer, or of the linear layers inside a layer."""
    if isinstance(module, _ConvNd | nn.Linear | nn.Bilinear):
        names: tuple[str, ...] = ("weight",)
    elif isinstance(module, nn.MultiheadAttention):
        names = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
    elif isinstance(module, nn.RNNBase | nn.RNNCellBase):
        names = tuple(name for name in module._parameters if name.startswith("weight"))
    else:
        return []
    # read without the attribute protocol: a parametrised weight is computed, not stored
    found = [module._parameters.get(name) for name in names]
    return [weight for weight in found if weight is not None]


def module_parameters(anatomy: Anatomy) -> dict[str, int]:
    """Module path -> elements of the parameters that it holds itself, each tensor once."""
    return _held(anatomy, lambda module: [p for p in module._parameters.values() if p is not None])


def module_weights(anatomy: Anatomy) -> dict[str, int]:
    """Module path -> elements of its weights, of convolutions and linear layers, each once."""
    return _held(anatomy, _weights)


def _held(anatomy: Anatomy, held_by: Callable[[nn.Module], list[nn.Parameter]]) -> dict[str, int]:
    seen: set[int] = set()
    held: dict[str, int] = {}
    for path, module in anatomy.modules:
        new = [p for p in held_by(module) if id(p) not in seen]
        seen.update(id(p) for p in new)
        if new:
            held[path] = sum(_elements(p) for p in new)
    return held
