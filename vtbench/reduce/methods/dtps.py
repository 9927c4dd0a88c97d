"""dTPS: patches are chosen as in DynamicViT, and the others are squeezed into those kept.

Wei et al., Joint Token Pruning and Squeezing Towards More Aggressive Compression of Vision
Transformers, CVPR 2023.

Modifications of the host: before the block of each stage, DynamicViT's networks choose the patches
that go on. Each other patch goes into the one of them that is most like it: a patch becomes the
mean of itself, weighted by e, and of what goes into it, weighted by the exponential of its cosine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from vtbench.reduce.dial import rate
from vtbench.reduce.host import Host
from vtbench.reduce.methods.dynamicvit import Predicted
from vtbench.reduce.run import Run
from vtbench.reduce.selecting import behind_prefix, places_of, taken
from vtbench.reduce.stages import Blocks, Rates, at_stages, quotas, stages
from vtbench.reduce.step import Step

DIAL = rate("keep_rate")


def likeness(kept: Tensor, others: Tensor) -> Tensor:
    """The cosine of each kept token (B, K, C) to each other (B, D, C): K·D·C products."""
    unit, others = functional.normalize(kept, dim=-1), functional.normalize(others, dim=-1)
    return unit @ others.transpose(1, 2)


def squeezed(kept: Tensor, others: Tensor, alike: Tensor) -> Tensor:
    """Kept tokens (B, K, C) with the others (B, D, C) in them, by their likeness (B, K, D).

    Another goes where it is most alike; if two are exactly as alike, it goes into both.
    D·K·C products.
    """
    nearest = alike == alike.amax(1, keepdim=True)
    weights = alike.exp() * nearest
    total = math.e + weights.sum(2, keepdim=True)
    return (math.e * kept + weights @ others) / total


class Squeeze(Predicted):
    """One stage."""

    def cut(self, x: Tensor, order: Tensor, kept: int, run: Run) -> Tensor:
        """The first so many patches of an order (B, P), the others squeezed into them."""
        prefix = run.prefix
        chosen, others = order[:, :kept], order[:, kept:]
        tokens, rest = taken(x, behind_prefix(chosen, prefix)), taken(x, others + prefix)
        patches = tokens[:, prefix:]
        alike = likeness(patches, rest)
        run.moved(lambda: _into(behind_prefix(chosen, prefix), others, alike, prefix))
        return torch.cat((tokens[:, :prefix], squeezed(patches, rest, alike)), dim=1)


def _into(chosen: Tensor, others: Tensor, alike: Tensor, prefix: int) -> Tensor:
    """Where each token is: at its own place, or where the one is that it is most like."""
    tokens = chosen.shape[1] + others.shape[1]
    return places_of(chosen, tokens).scatter(1, others + prefix, alike.argmax(1) + prefix)


def steps(host: Host, *, keep_rate: Rates = 0.7, blocks: Blocks = None) -> Sequence[Step]:
    """Apply it with what is kept at each stage, of what is kept at the one before."""
    at = stages(host, blocks)
    kept = quotas(keep_rate, "int_original", len(at))
    cuts = zip(at, kept, strict=True)
    return at_stages(host, {index: Squeeze(each, host.width) for index, each in cuts})
