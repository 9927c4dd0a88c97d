"""EViT: patches that the class token attends to least are fused into one token.

Liang et al., Not All Patches are What You Need: Expediting Vision Transformers via Token
Reorganizations, ICLR 2022.

Modifications of the host: at each stage, between attention and MLP, the patches with the most
attention of the class token (mean of the heads) go on, and the others as one token, their sum
weighted by that attention.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from vtbench.reduce.dial import rate
from vtbench.reduce.host import Host
from vtbench.reduce.run import Run
from vtbench.reduce.selecting import behind_prefix, need_class_token, places_of, taken
from vtbench.reduce.stages import Blocks, Rates, at_stages, rates, stages
from vtbench.reduce.step import Step

DIAL = rate("keep_rate")
Rounding = Literal["ceil_current", "int_original"]


def kept_of(patches: int, keep_rate: float) -> int:
    """How many of the patch tokens present are kept: rounded up, so at least one."""
    return math.ceil(keep_rate * patches)


def ranked(row: Tensor, prefix: int, kept: int) -> tuple[Tensor, Tensor, Tensor]:
    """Patches by the attention of the class token, in descending order.

    row (B, h, N) -> those kept (B, K), the others (B, P - K), and the attention of all (B, P).
    """
    attention = row[:, :, prefix:].mean(1)
    order = attention.argsort(dim=1, descending=True)
    return order[:, :kept], order[:, kept:], attention


def fused(patches: Tensor, others: Tensor, attention: Tensor) -> Tensor:
    """The others (B, O) of patches (B, P, C) as one token: their sum weighted by (B, P)."""
    weights = attention.gather(1, others)[..., None]
    return (taken(patches, others) * weights).sum(1, keepdim=True)


class Cut(Step):
    """One stage."""

    where = "after_attention"
    shows = "row"

    def __init__(self, keep_rate: float, *, fuse: bool) -> None:
        super().__init__()
        self.keep_rate = keep_rate
        self.fuse = fuse

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002  # it goes by what is present
        """Those kept, and the fused token; all of them if none would be fused."""
        kept = kept_of(tokens, self.keep_rate)
        return tokens if kept == tokens else kept + int(self.fuse)

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, prefix + K (+ 1), C)."""
        prefix, present = run.prefix, x.shape[1] - run.prefix
        kept = kept_of(present, self.keep_rate)
        if kept == present or run.seen is None or run.seen.row is None:
            return x
        best, others, attention = ranked(run.seen.row, prefix, kept)
        chosen = behind_prefix(best, prefix)
        tokens = taken(x, chosen)
        if not self.fuse:
            run.moved(lambda: places_of(chosen, x.shape[1]))
            return tokens
        run.moved(
            lambda: places_of(chosen, x.shape[1]).where(
                places_of(chosen, x.shape[1]) >= 0, torch.tensor(tokens.shape[1], device=x.device)
            )
        )
        return torch.cat((tokens, fused(x[:, prefix:], others, attention)), dim=1)


def steps(
    host: Host, *, keep_rate: Rates = 0.7, fused_token: bool = True, blocks: Blocks = None
) -> list[Step]:
    """Apply it with what is kept at each stage, with or without the fused token."""
    need_class_token(host, "evit")
    at = stages(host, blocks)
    kept = rates(keep_rate, len(at))
    return at_stages(
        host, {index: Cut(each, fuse=fused_token) for index, each in zip(at, kept, strict=True)}
    )
