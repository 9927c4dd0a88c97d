"""timm's vision transformer that pools its tokens: each counts as often as its patches.

Modifications of timm's ``VisionTransformer``: where it takes the mean of the patch tokens, the mean
is weighted by how many patches each stands for, and where it attends over them, so is attention.
With tokens that stand for one patch each it is timm's own pooling.
"""

from __future__ import annotations

from typing import Any

from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from vtbench.errors import ModelError
from vtbench.reduce.block import sizes_as_bias
from vtbench.reduce.run import Run


class PoolingBySize(VisionTransformer):  # type: ignore[misc]  # timm is untyped
    """A vision transformer of timm whose class was changed in place."""

    reduced_run: Run

    def pool(self, x: Tensor, pool_type: str | None = None) -> Tensor:
        """Tokens (B, N, C) to (B, C)."""
        size, self.reduced_run.pooled = self.reduced_run.pooled, None  # (B, N, 1)
        kind = self.global_pool if pool_type is None else pool_type
        if size is None or not _pools(self, kind):
            return super().pool(x, pool_type)  # type: ignore[no-any-return]
        first = 0 if self.pool_include_prefix else self.num_prefix_tokens
        x, size = x[:, first:], size[:, first:]
        if self.attn_pool is not None:
            return self.attn_pool(x, attn_mask=sizes_as_bias(size, x.dtype))  # type: ignore[no-any-return]
        weights = size / size.sum(1, keepdim=True)
        mean = (x * weights.to(x.dtype)).sum(1)
        return mean if kind == "avg" else 0.5 * (x.amax(1) + mean)


def pool_by_size(model: Any, run: Run) -> None:
    """Let a vision transformer that pools its tokens mind their sizes."""
    if type(model) is VisionTransformer and _pools(model, model.global_pool):
        model.__class__ = PoolingBySize
        model.reduced_run = run
        run.pools = True


def check_pool(model: nn.Module) -> None:
    """Refuse a pooling that is bound to the places of the patches."""
    if getattr(getattr(model, "attn_pool", None), "pos_embed", None) is not None:
        raise ModelError(
            f"{type(model).__name__} pools its tokens by their places in the image, and tokens "
            "that are reduced have none."
        )


def pool_as_before(model: Any) -> None:
    """Undo it."""
    if type(model) is PoolingBySize:
        model.__class__ = VisionTransformer
        del model.reduced_run


def _pools(model: Any, kind: str) -> bool:
    return model.attn_pool is not None or kind in ("avg", "avgmax")
