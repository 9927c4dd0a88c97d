"""What is varied: the inputs of a built model, and which of their sides are which size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_flatten, tree_unflatten

from vtbench.count.symbolic.nodes import Sizes
from vtbench.count.symbolic.tracing import Inputs

Dims = tuple[int | str, ...]
"""The shape of an input, sizes by their letter: ``("B", 3, "H", "W")``."""

_IMAGE_DIMENSIONS = 4
_TEXT_DIMENSIONS = 2
_TOKEN_DIMENSIONS = 3


@dataclass(frozen=True)
class VariedModel:
    """A model and its inputs, whose sides have names."""

    module: nn.Module
    inputs: Inputs
    dims: tuple[Dims | None, ...]
    """For every leaf of the inputs: its shape with named sides; None if it is no tensor."""
    own: dict[str, int]
    """The sizes that the inputs have as they are."""

    @property
    def sides(self) -> list[str]:
        """The sizes that are pixels."""
        return [letter for letter in ("H", "W") if letter in self.own]

    def squared(self) -> VariedModel:
        """The same for images that are as wide as they are high."""
        dims = tuple(
            shape and tuple("H" if side == "W" else side for side in shape) for shape in self.dims
        )
        own = {letter: size for letter, size in self.own.items() if letter != "W"}
        return VariedModel(self.module, self.inputs, dims, own)

    def at(self, sizes: Mapping[str, int]) -> Inputs:
        """Inputs of plain sizes, on the meta device."""
        known = {**self.own, **sizes}
        return self._made(lambda side: known[side] if isinstance(side, str) else side, "meta")

    def symbolic(
        self, sizes: Sizes, steps: Mapping[str, int], example: Mapping[str, int]
    ) -> Inputs:
        """Inputs of symbolic sizes: every size in ``steps`` is that step times a symbol."""
        symbols: dict[str, Any] = {
            letter: steps[letter] * sizes.size(symbol_of(letter), example[letter])
            for letter in steps
        }
        known = {**self.own, **symbols}
        return self._made(lambda side: known[side] if isinstance(side, str) else side, "cpu")

    def _made(self, size: Callable[[int | str], Any], device: str) -> Inputs:
        leaves, structure = tree_flatten(self.inputs)
        made = [
            leaf if dims is None
            else torch.empty(tuple(map(size, dims)), dtype=leaf.dtype, device=device)
            for leaf, dims in zip(leaves, self.dims, strict=True)
        ]  # fmt: skip
        args, kwargs = tree_unflatten(made, structure)
        return args, kwargs


def symbol_of(letter: str) -> str:
    """The symbol that counts steps of a size: h for H."""
    return letter.lower() if letter in ("H", "W") else letter


def varied_model(
    module: nn.Module, inputs: Inputs, resolution: tuple[int, int] | None, batch: int
) -> VariedModel:
    """A model with its inputs, once their sides are told apart."""
    leaves, _ = tree_flatten(inputs)
    dims = tuple(
        _dims(leaf, resolution, batch) if isinstance(leaf, torch.Tensor) else None
        for leaf in leaves
    )
    own: dict[str, int] = {}
    for leaf, named in zip(leaves, dims, strict=True):
        for side, size in zip(named or (), leaf.shape if named else (), strict=True):
            if isinstance(side, str):
                own.setdefault(side, int(size))
    consistent = (_consistent(named, leaf, own) for named, leaf in zip(dims, leaves, strict=True))
    return VariedModel(module, inputs, tuple(consistent), own)


def _dims(tensor: torch.Tensor, resolution: tuple[int, int] | None, batch: int) -> Dims:
    shape: list[int | str] = [int(side) for side in tensor.shape]
    if tensor.dim() >= _IMAGE_DIMENSIONS and resolution in (None, tuple(shape[-2:])):
        shape[-2:] = ["H", "W"]
    elif (tensor.dim() == _TEXT_DIMENSIONS and not tensor.is_floating_point()) or (
        tensor.dim() == _TOKEN_DIMENSIONS
    ):
        shape[1] = "T"
    if tensor.dim() > 1 or (tensor.dim() == 1 and shape[0] == batch):
        shape[0] = "B"
    return tuple(shape)


def _consistent(dims: Dims | None, leaf: Any, own: Mapping[str, int]) -> Dims | None:
    """A side that differs from its namesake in another input is a plain number."""
    if dims is None:
        return None
    return tuple(
        int(size) if isinstance(side, str) and own[side] != int(size) else side
        for side, size in zip(dims, leaf.shape, strict=True)
    )
