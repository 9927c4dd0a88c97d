"""PatchMerger: learned queries attend to the patches, and what they find goes on instead.

Renggli et al., Learning to Merge Tokens in Vision Transformers, 2022.

Modifications of the host: before a block of each stage, the patches are normalised, and become as
many tokens as there are learned queries: each the mean of the normalised patches, weighted by the
softmax of their products with the query.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vtbench.errors import BadOption
from vtbench.reduce.dial import rate
from vtbench.reduce.host import Host
from vtbench.reduce.run import Run
from vtbench.reduce.stages import Blocks, Rates, at_stages, quotas, stages
from vtbench.reduce.step import Step
from vtbench.reduce.weighing import Weighed

DIAL = rate("keep_rate")
_KEEP_RATE = 0.7


def attended(patches: Tensor, queries: Tensor, scale: float) -> Tensor:
    """The weight of each patch for each query, (B, P, K): patches (B, P, C), queries (K, C)."""
    scores = functional.linear(patches, queries)  # P·C·K products
    return (scores * scale if scale != 1 else scores).softmax(dim=1)


class Merge(Weighed):
    """One stage."""

    def __init__(self, tokens: int, width: int, scale: float) -> None:
        super().__init__(tokens)
        self.scale = scale
        self.norm = nn.LayerNorm(width)
        self.queries = nn.Parameter(torch.randn(tokens, width) / (width**0.5 * scale))

    def weights(self, patches: Tensor, run: Run) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Normalised patches are compared, and summed."""
        patches = self.norm(patches)
        return attended(patches, self.queries, self.scale), patches


def steps(
    host: Host,
    *,
    keep_rate: Rates = _KEEP_RATE,
    merged: int | None = None,
    scaled: bool = False,
    blocks: Blocks = None,
) -> list[Step]:
    """Apply it with the share of the image's patches that each stage has queries for.

    ``merged``: the form of its paper, so many queries (there 8) once, after half of the blocks.
    ``scaled``: divide products by the root of the width, which the paper does not.
    """
    at = stages(host, (host.depth // 2,) if merged is not None and blocks is None else blocks)
    counts = _counts(host, keep_rate, merged, len(at))
    scale = host.width**-0.5 if scaled else 1.0
    cuts: dict[int, Step] = {
        block: Merge(tokens, host.width, scale) for block, tokens in zip(at, counts, strict=True)
    }
    return at_stages(host, cuts)


def _counts(host: Host, keep_rate: Any, merged: int | None, count: int) -> list[int]:
    """Queries of each stage."""
    if merged is None:
        found = quotas(keep_rate, "int_original", count)
        return [quota.of(host.patches, host.patches) for quota in found]
    if keep_rate != _KEEP_RATE:
        raise BadOption(
            f"patchmerger was given both merged={merged} and keep_rate={keep_rate}; give one of "
            "them."
        )
    if type(merged) is not int or not 1 <= merged <= host.patches:
        raise BadOption(
            f"merged={merged!r}: expected a whole number from 1 to {host.patches}, the patches of "
            "the image."
        )
    return [merged] * count
