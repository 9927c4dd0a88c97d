"""The parts of a model, walked once: its modules, and its distinct parameters and buffers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from vtbench.data.record import Parameters


@dataclass(frozen=True)
class ModelParts:
    """The parts of a model; tensors are distinct, modules come under every path they have."""

    modules: tuple[tuple[str, nn.Module], ...]
    """(path, module) in the order of registration; a shared module once per path."""
    parameters: tuple[nn.Parameter, ...]
    buffers: tuple[torch.Tensor, ...]


def parts_of(model: nn.Module) -> ModelParts:
    """Walk a model once."""
    modules = tuple(_walk(model, ""))
    distinct = {id(module): module for _, module in modules}.values()
    parameters = {id(p): p for m in distinct for p in m._parameters.values() if p is not None}
    buffers = {id(b): b for m in distinct for b in m._buffers.values() if b is not None}
    return ModelParts(modules, tuple(parameters.values()), tuple(buffers.values()))


def _walk(module: nn.Module, path: str) -> Iterator[tuple[str, nn.Module]]:
    yield path, module
    prefix = f"{path}." if path else ""
    for name, child in module._modules.items():
        if child is not None:
            yield from _walk(child, prefix + name)


def is_lazy(tensor: torch.Tensor) -> bool:
    """Whether a parameter or buffer waits for a first call to learn its shape."""
    return isinstance(tensor, UninitializedParameter | UninitializedBuffer)


def _elements(tensor: torch.Tensor) -> int:
    return 0 if is_lazy(tensor) else tensor.numel()


def parameters_of(parts: ModelParts) -> Parameters:
    """Totals over the distinct parameters and buffers of a model."""
    parameters = parts.parameters
    weights = {id(w): w for _, module in parts.modules for w in _weights(module)}
    return Parameters(
        total=sum(_elements(p) for p in parameters),
        trainable=sum(_elements(p) for p in parameters if p.requires_grad),
        buffers=sum(_elements(b) for b in parts.buffers),
        weights=sum(_elements(w) for w in weights.values()),
        norms=sum(_elements(p) for p in _distinct(parts, norm=True, ending="")),
        biases=sum(_elements(p) for p in _distinct(parts, norm=False, ending="bias")),
    )


def _distinct(parts: ModelParts, *, norm: bool, ending: str) -> Iterable[nn.Parameter]:
    """Parameters of the norms, or of everything else, whose names end so."""
    return {
        id(tensor): tensor
        for _, module in parts.modules
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


def module_parameters(parts: ModelParts) -> dict[str, int]:
    """Module path -> elements of the parameters that it holds itself, each tensor once."""
    return _held(parts, lambda module: [p for p in module._parameters.values() if p is not None])


def own_tensors(parts: ModelParts) -> dict[str, list[torch.Tensor]]:
    """Module path -> the parameters and buffers that it holds itself, each tensor once."""
    seen: set[int] = set()
    found: dict[str, list[torch.Tensor]] = {}
    for path, module in parts.modules:
        own = (*module._parameters.values(), *module._buffers.values())
        new = {id(t): t for t in own if t is not None and id(t) not in seen}
        seen.update(new)
        if new:
            found[path] = list(new.values())
    return found


def never_ran(
    parts: ModelParts, entered: Collection[int], touched: Collection[int]
) -> dict[str, int]:
    """Path -> parameters of the modules that were not called, and whose parameters nobody read.

    The outermost of such modules; a module whose weights its parent reads, as the projection of
    an attention, took part.
    """
    ran: set[str] = set()
    for path, module in parts.modules:
        own = (id(p) for p in module._parameters.values() if p is not None)
        if id(module) in entered or any(each in touched for each in own):
            while path not in ran:  # whatever holds it took part
                ran.add(path)
                path = path.rpartition(".")[0]  # noqa: PLW2901  # from the inside out
    found: dict[str, int] = {}
    for path, elements in module_parameters(parts).items():
        outermost = next((each for each in _inwards(path) if each not in ran), None)
        if outermost is not None and elements:
            found[outermost] = found.get(outermost, 0) + elements
    return found


def _inwards(path: str) -> Iterator[str]:
    """A module's path and those of all that hold it, the model first."""
    yield ""
    parts = path.split(".")
    yield from (".".join(parts[: end + 1]) for end in range(len(parts)))


def module_weights(parts: ModelParts) -> dict[str, int]:
    """Module path -> elements of its weights, of convolutions and linear layers, each once."""
    return _held(parts, _weights)


def _held(parts: ModelParts, held_by: Callable[[nn.Module], list[nn.Parameter]]) -> dict[str, int]:
    seen: set[int] = set()
    held: dict[str, int] = {}
    for path, module in parts.modules:
        new = [p for p in held_by(module) if id(p) not in seen]
        seen.update(id(p) for p in new)
        if new:
            held[path] = sum(_elements(p) for p in new)
    return held
