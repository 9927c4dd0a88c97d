"""Parameters, each distinct tensor once."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from vtbench.count.anatomy import Anatomy
from vtbench.record import Parameters


def _elements(tensor: object) -> int:
    if isinstance(tensor, UninitializedParameter | UninitializedBuffer):
        return 0  # a lazy parameter has no shape before its first call
    return tensor.numel()  # type: ignore[attr-defined,no-any-return]  # tensors only come here


def parameters_of(anatomy: Anatomy) -> Parameters:
    """Totals over the distinct parameters and buffers of a model."""
    parameters = anatomy.parameters
    weights = {id(w): w for _, module in anatomy.modules for w in _weights(module)}
    return Parameters(
        total=sum(_elements(p) for p in parameters),
        trainable=sum(_elements(p) for p in parameters if p.requires_grad),
        buffers=sum(_elements(b) for b in anatomy.buffers),
        weights=sum(_elements(w) for w in weights.values()),
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
    seen: set[int] = set()
    held: dict[str, int] = {}
    for path, module in anatomy.modules:
        new = [p for p in module._parameters.values() if p is not None and id(p) not in seen]
        seen.update(id(p) for p in new)
        if new:
            held[path] = sum(_elements(p) for p in new)
    return held
