"""DynamicViT: small networks score the patches, and the best go on.

Rao et al., DynamicViT: Efficient Vision Transformers with Dynamic Token Sparsification, NeurIPS
2021.

Modifications of the host: before the block of each stage, a network of four layers says for each
patch how likely it is kept, from the patch and the mean of all that are left. Those likeliest go
on, as many as ``int(patches · rate)`` of the image's own patches.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from vtbench.reduce.dial import rate
from vtbench.reduce.host import Host
from vtbench.reduce.run import Run
from vtbench.reduce.selecting import behind_prefix, places_of, taken
from vtbench.reduce.stages import Blocks, Quota, Rates, at_stages, quotas, stages
from vtbench.reduce.step import Step

DIAL = rate("keep_rate")


class Predictor(nn.Module):
    """How likely patches (B, P, C) are kept: P·(1.625·C² + C/2) multiply-accumulates."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.into = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU())
        self.out = nn.Sequential(
            nn.Linear(width, width // 2),
            nn.GELU(),
            nn.Linear(width // 2, width // 4),
            nn.GELU(),
            nn.Linear(width // 4, 2),
        )

    def forward(self, patches: Tensor) -> Tensor:
        """The logarithm of the likelihood of each patch: (B, P)."""
        own, shared = self.into(patches).chunk(2, dim=-1)  # (B, P, C/2) each
        mean = shared.mean(1, keepdim=True).expand_as(own)
        kept: Tensor = self.out(torch.cat((own, mean), dim=-1)).log_softmax(-1)[..., 0]
        return kept


class Predicted(Step):
    """One stage."""

    where = "before_block"

    def __init__(self, quota: Quota, width: int) -> None:
        super().__init__()
        self.quota = quota
        self.predictor = Predictor(width)

    def left(self, tokens: int, whole: int) -> int:
        """Its quota."""
        return self.quota.of(tokens, whole)

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, prefix + K, C), in descending order of likelihood."""
        prefix, present = run.prefix, x.shape[1] - run.prefix
        kept = self.left(present, run.whole)
        likely, order = self.predictor(x[:, prefix:]).sort(dim=1, descending=True)  # (B, P) each
        tokens = self.cut(x, order, kept, run)
        return taught(tokens, likely[:, :kept], prefix) if self.training else tokens

    def cut(self, x: Tensor, order: Tensor, kept: int, run: Run) -> Tensor:
        """The first so many patches of an order (B, P), behind the prefix."""
        chosen = behind_prefix(order[:, :kept], run.prefix)
        run.moved(lambda: places_of(chosen, x.shape[1]))
        return taken(x, chosen)


def taught(x: Tensor, likely: Tensor, prefix: int) -> Tensor:
    """Tokens (B, prefix + K, C) as they are, with the gradient of how likely (B, K) each was kept.

    Which patches are kept has no gradient. A factor that is exactly 1 carries it, so that the
    predictor learns. (Its authors train all tokens instead, with masks in the attention.)
    """
    chance = likely.exp()
    one = 1 + (chance - chance.detach())
    return x * functional.pad(one, (prefix, 0), value=1.0)[..., None].to(x.dtype)


def steps(host: Host, *, keep_rate: Rates = 0.7, blocks: Blocks = None) -> Sequence[Step]:
    """Apply it with what is kept at each stage, of what is kept at the one before."""
    at = stages(host, blocks)
    kept = quotas(keep_rate, "int_original", len(at))
    cuts = zip(at, kept, strict=True)
    return at_stages(host, {index: Predicted(each, host.width) for index, each in cuts})
