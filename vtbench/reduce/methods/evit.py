"""EViT: patches that the class token attends to least are fused into one token.

Liang et al., Not All Patches are What You Need: Expediting Vision Transformers via Token
Reorganizations, ICLR 2022.

Modifications of the host: at each stage, between attention and MLP, the patches with the most
attention of the class token (mean of the heads) go on, and the others as one token, their sum
weighted by that attention.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vtbench.reduce.cutting import attention_of_class
from vtbench.reduce.dial import rate
from vtbench.reduce.host import Host
from vtbench.reduce.run import Run
from vtbench.reduce.selecting import behind_prefix, need_class_token, places_of, taken
from vtbench.reduce.stages import Blocks, Quota, Rates, Rounding, at_stages, quotas, stages
from vtbench.reduce.step import Step

DIAL = rate("keep_rate")


def fused(x: Tensor, others: Tensor, weights: Tensor) -> Tensor:
    """The others (B, O) of tokens (B, N, C) as one token: their sum weighted by (B, O)."""
    return (taken(x, others) * weights[..., None]).sum(1, keepdim=True)


class Fuse(Step):
    """One stage."""

    where = "after_attention"
    shows = "row"

    def __init__(self, quota: Quota, *, fuse: bool) -> None:
        super().__init__()
        self.quota = quota
        self.fuse = fuse

    def left(self, tokens: int, whole: int) -> int:
        """Those kept, and the fused token; all of them if none would be fused."""
        kept = self.quota.of(tokens, whole)
        return tokens if kept == tokens else kept + int(self.fuse)

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, prefix + K (+ 1), C), in descending order of attention."""
        prefix, present = run.prefix, x.shape[1] - run.prefix
        kept = self.quota.of(present, run.whole)
        if kept == present:
            return x
        attention, order = attention_of_class(run).sort(dim=1, descending=True)  # (B, P) each
        chosen = behind_prefix(order[:, :kept], prefix)
        tokens = taken(x, chosen)
        if not self.fuse:
            run.moved(lambda: places_of(chosen, x.shape[1]))
            return tokens
        run.moved(lambda: _into_last(chosen, x.shape[1]))
        return torch.cat((tokens, fused(x, order[:, kept:] + prefix, attention[:, kept:])), dim=1)


def _into_last(chosen: Tensor, tokens: int) -> Tensor:
    """Where each token (B, N) is, if those not chosen (B, K) are in the token behind them."""
    places = places_of(chosen, tokens)
    return places.where(places >= 0, chosen.shape[1])


def steps(
    host: Host,
    *,
    keep_rate: Rates = 0.7,
    fused_token: bool = True,
    rounding: Rounding = "ceil_current",
    blocks: Blocks = None,
) -> list[Step]:
    """Apply it with what is kept at each stage, with or without the fused token.

    ``rounding``: a share of the tokens present, rounded up, as its authors released it; or of the
    image's patches, cut to an integer (``int_original``), as others compare methods.
    """
    need_class_token(host, "evit")
    at = stages(host, blocks)
    kept = quotas(keep_rate, rounding, len(at))
    return at_stages(
        host, {index: Fuse(each, fuse=fused_token) for index, each in zip(at, kept, strict=True)}
    )
