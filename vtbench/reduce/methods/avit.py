"""A-ViT: a patch halts when it has had enough, and its token is removed.

Yin et al., A-ViT: Adaptive Tokens for Efficient Vision Transformer, CVPR 2022.

Modifications of the host: after each block the first channel of every token says how likely it
halts there, ``sigmoid(scale · channel + shift)``. Once these add up to ``1 - epsilon``, a patch is
removed. The class token is never removed; what it answers is its mean over the blocks, weighted by
how likely it halted at each, up to where its own sum reaches 1. How many patches are left depends
on the image; a batch is filled up to its largest image, and what fills up is not attended to.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vtbench.errors import BadOption
from vtbench.reduce.host import Host
from vtbench.reduce.padding import Pad, packed, those_kept
from vtbench.reduce.run import Run
from vtbench.reduce.selecting import taken
from vtbench.reduce.step import Step


def share(before: Tensor, chance: Tensor, enough: float, *, last: bool) -> Tensor:
    """How much a block counts for a token, of how likely it halted before and does so here.

    All blocks of a token add up to 1: the one at which it halts, or the last, counts as what is
    left, and those behind it count nothing.
    """
    rest = 1 - before
    here = rest if last else rest.where(before + chance >= enough, chance)
    return here.where(before < enough, 0)


class Halt(Step):
    """One block."""

    where = "after_block"
    proportional = True

    def __init__(self, scale: float, shift: float, enough: float, pad: Pad, *, last: bool) -> None:
        super().__init__()
        self.scale = scale
        self.shift = shift
        self.enough = enough
        self.pad = pad
        self.by_image = pad == "largest"
        self.last = last

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """All of them, if none halts."""
        return tokens

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, prefix + M, C), of which the largest image keeps M patches."""
        exact = torch.promote_types(x.dtype, torch.float32)
        first, halted = x[:, : run.prefix], run.kept.get("halted")
        chance = (self.scale * x[..., :1].to(exact) + self.shift).sigmoid()  # (B, N, 1)
        halted = torch.zeros_like(chance) if halted is None else halted
        counts = share(
            halted[:, : run.prefix], chance[:, : run.prefix], self.enough, last=self.last
        )
        mean = first * counts.to(x.dtype) + run.kept.get("mean", 0)
        if self.last:
            return torch.cat((mean, x[:, run.prefix :]), dim=1)
        halted = halted + chance
        goes_on = halted[:, run.prefix :, 0] < self.enough
        if run.size is not None:
            goes_on = goes_on & (run.size[:, run.prefix :, 0] > 0)
        patches = packed(goes_on, goes_on.shape[1], self.pad)
        chosen = those_kept(patches, run, x.shape[1])
        run.kept = {"halted": taken(halted, chosen), "mean": mean}
        return taken(x, chosen)


def steps(
    host: Host,
    *,
    scale: float = 5.0,
    shift: float = -10.0,
    epsilon: float = 0.01,
    pad: Pad = "largest",
) -> Sequence[Step]:
    """Apply it with what makes a chance of halting of a token's first channel.

    ``pad``: a batch is filled up to its largest image, or to all patches (``bound``), so that
    shapes do not depend on data, and nothing is saved.
    """
    pooled = getattr(host.model, "global_pool", "token")
    if not host.class_token or pooled not in ("", "token"):
        raise BadOption("avit answers by the class token, and this network does not.")
    for option, value in (("scale", scale), ("shift", shift), ("epsilon", epsilon)):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadOption(f"{option}={value!r} is not a number.")
    if not 0 <= epsilon < 1:
        raise BadOption(f"epsilon={epsilon!r}: it is from 0 to below 1.")
    return [
        Halt(scale, shift, 1 - epsilon, pad, last=index == host.depth - 1)
        for index in range(host.depth)
    ]
