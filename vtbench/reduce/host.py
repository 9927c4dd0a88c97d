"""The networks whose tokens can be reduced: timm's vision transformers, found and checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import timm
from timm.models.vision_transformer import Attention, Block
from torch import nn

from vtbench.errors import ModelError
from vtbench.reduce.block import ReducedBlock
from vtbench.reduce.pooling import check_pool

TESTED = "1.0.31"
"""The version of timm whose blocks were compared with what a patched block computes."""

_BLOCK = {"norm1", "attn", "ls1", "drop_path1", "norm2", "mlp", "ls2", "drop_path2"}
_ATTENTION = {"qkv", "q_norm", "k_norm", "attn_drop", "norm", "proj", "proj_drop"}
_NOT_IN_EVERY_VERSION = {"norm"}


class Host(NamedTuple):
    """A network, and what a method has to know of it."""

    model: nn.Module
    """The vision transformer itself, perhaps a part of what was given."""
    blocks: Sequence[Any]
    """Its blocks in order."""
    prefix: int
    """Class, distillation and register tokens."""
    class_token: bool
    """Whether the first token is a class token."""
    grid: tuple[int, int]
    """Rows and columns of its patches."""
    width: int
    """Channels of a token."""
    heads: int

    @property
    def patches(self) -> int:
        """Patches of an image of its own size."""
        return self.grid[0] * self.grid[1]

    @property
    def head_width(self) -> int:
        """Channels of a head."""
        return int(self.blocks[0].attn.head_dim)

    @property
    def depth(self) -> int:
        """Number of blocks."""
        return len(self.blocks)


def host_of(model: nn.Module) -> Host:
    """The vision transformer in a model; ModelError if there is none, or if it is patched."""
    found = list(_candidates(model))
    if not found:
        raise ModelError(
            f"{type(model).__name__} is not a vision transformer whose tokens can be reduced: "
            "it needs timm's Block in its `blocks`, and patches in its `patch_embed`"
            f"{_what_it_has(model)}. It was tested with timm {TESTED}; installed is "
            f"{timm.__version__}."
        )
    if len(found) > 1:
        names = ", ".join(name for name, each in model.named_modules() if each in found)
        raise ModelError(
            f"{type(model).__name__} holds {len(found)} vision transformers; give one of them: "
            f"{names}."
        )
    host = found[0]
    blocks = list(host.blocks)  # type: ignore[arg-type]  # a Sequential, as was checked
    for index, block in enumerate(blocks):
        _check(index, block)
    check_pool(host)
    return Host(
        model=host,
        blocks=blocks,
        prefix=int(getattr(host, "num_prefix_tokens", 1)),
        class_token=getattr(host, "cls_token", None) is not None,
        grid=tuple(host.patch_embed.grid_size),  # type: ignore[union-attr, arg-type]
        width=int(blocks[0].norm1.normalized_shape[0]),
        heads=int(blocks[0].attn.num_heads),
    )


def _candidates(model: nn.Module) -> Iterator[nn.Module]:
    for each in model.modules():
        blocks = getattr(each, "blocks", None)
        if not isinstance(blocks, nn.Sequential | nn.ModuleList) or not len(blocks):
            continue
        if isinstance(blocks[0], Block) and hasattr(each, "patch_embed"):
            yield each


def _what_it_has(model: nn.Module) -> str:
    """The class of its blocks, if it has any."""
    for each in model.modules():
        blocks = getattr(each, "blocks", None)
        if isinstance(blocks, nn.Sequential | nn.ModuleList) and len(blocks):
            return f", and its blocks are {type(blocks[0]).__name__}"
    return ""


def _check(index: int, block: nn.Module) -> None:
    """Refuse a block that a patched block would not compute as it is."""
    if isinstance(block, ReducedBlock):
        raise ModelError(
            "The tokens of this network are reduced already; undo that before another method "
            "is applied."
        )
    attention: Any = getattr(block, "attn", None)
    if type(block) is not Block or type(attention) is not Attention:
        found = f"{type(block).__name__} with {type(attention).__name__}"
        raise ModelError(
            f"Block {index} is {found}, and only timm's Block with its Attention can be reduced."
        )
    _check_parts(f"Block {index}", block, _BLOCK)
    _check_parts(f"The attention of block {index}", attention, _ATTENTION)


def _check_parts(what: str, module: nn.Module, known: set[str]) -> None:
    there = {name for name, _ in module.named_children()}
    odd = (there - known) | (known - _NOT_IN_EVERY_VERSION - there)
    if odd:
        raise ModelError(
            f"{what} has other parts than the block that was tested ({', '.join(sorted(odd))}): "
            f"timm {timm.__version__} is installed, and {TESTED} was tested."
        )
