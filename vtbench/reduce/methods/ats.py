"""ATS: each image keeps as many patches as evenly spaced samples of their scores hit.

Fayyaz et al., Adaptive Token Sampling for Efficient Vision Transformers, ECCV 2022.

Modifications of the host: in the attention of each stage, patches are scored by the attention of
the class token times the length of their values, summed over heads and as shares of their sum. Of
the distribution of these scores K samples are taken at (2i - 1)/2K for i = 1 to K; patches that one
or more of them hit are kept, in their order. Only the rows of those are multiplied with the values.
How many they are depends on the image, and is at most K. A batch is filled up to its largest image,
and what fills up is not attended to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from vtbench.reduce.block import sizes_as_bias
from vtbench.reduce.dial import rate
from vtbench.reduce.host import Host
from vtbench.reduce.padding import Pad, packed, those_kept
from vtbench.reduce.run import Run
from vtbench.reduce.selecting import need_class_token, taken
from vtbench.reduce.stages import Blocks, Quota, Rates, at_stages, quotas, stages
from vtbench.reduce.step import Step, UntouchedProportional

DIAL = rate("keep_rate")


def significance(row: Tensor, values: Tensor) -> Tensor:
    """Scores (B, P) of patches that the class token attends to by (B, h, P); values (B, h, P, d).

    In each image they add up to 1.
    """
    exact = torch.promote_types(values.dtype, torch.float32)
    length: Tensor = torch.linalg.vector_norm(values, dim=-1, dtype=exact)
    scores = (row * length).sum(1)
    return scores / scores.sum(1, keepdim=True)


def hit(scores: Tensor, samples: int) -> Tensor:
    """Which patches (B, P) so many samples of the distribution of their scores (B, P) hit.

    Up to a point c of the distribution there are floor(c · samples + 1/2) samples; a patch is hit
    if there are more up to it than up to the one before.
    """
    up_to = (scores.cumsum(1) * samples + 0.5).floor()
    return up_to.diff(dim=1, prepend=up_to.new_zeros(len(up_to), 1)) > 0


class Sample(Step):
    """One stage."""

    where = "instead"

    def __init__(self, quota: Quota, pad: Pad) -> None:
        super().__init__()
        self.quota = quota
        self.pad = pad
        self.by_image = pad == "largest"

    def left(self, tokens: int, whole: int) -> int:
        """As many as there are samples, if each hits another."""
        return self.quota.of(tokens, whole)

    def forward(self, x: Tensor, run: Run, block: Any) -> Tensor:  # type: ignore[override]
        """Tokens (B, N, C) to (B, prefix + M, C), of which the largest image keeps M patches."""
        attention, present = block.attn, x.shape[1] - run.prefix
        q, k, v = attention.projected(block.norm1(x))
        weights = attention.weighed(q, k, sizes_as_bias(run.size, x.dtype))  # (B, h, N, N)
        patches = slice(run.prefix, None)
        scores = significance(weights[:, :, 0, patches], v[:, :, patches])
        samples = self.quota.of(run.whole, run.whole)
        most = self.left(present, run.whole)
        chosen = those_kept(packed(hit(scores, samples), most, self.pad), run, x.shape[1])
        by_head = chosen[:, None].expand(-1, q.shape[1], -1).flatten(0, 1)  # (B·h, prefix + M)
        rows = taken(weights.flatten(0, 1), by_head)
        attended = attention.attn_drop(rows.view(*q.shape[:2], *rows.shape[1:])) @ v  # (B, h, M, d)
        residual = block.drop_path1(block.ls1(attention.joined(attended)))
        kept: Tensor = block.fed_forward(taken(x, chosen) + residual)
        return kept


def steps(
    host: Host, *, keep_rate: Rates = 0.7, blocks: Blocks = None, pad: Pad = "largest"
) -> Sequence[Step]:
    """Apply it with the samples at each stage, as a share of those at the one before.

    At the first it is one of the image's patches. ``pad``: a batch is filled up to its largest
    image, or to as many patches as there are samples (``bound``), whose shapes do not depend on
    data. Its authors sample at blocks 3 to 11 as often as there are patches (``keep_rate=1``).
    """
    need_class_token(host, "ats")
    at = stages(host, blocks)
    cuts = zip(at, quotas(keep_rate, "int_original", len(at)), strict=True)
    return at_stages(
        host, {index: Sample(each, pad) for index, each in cuts}, UntouchedProportional
    )
