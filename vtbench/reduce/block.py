"""timm's block and attention with a reduction in them: the same weights, fewer tokens.

Modifications of timm's ``Block``: a step before it, between attention and MLP, after it or instead
of it. Of its ``Attention``: what the step asked for is kept, and sizes of tokens are minded.
"""

from __future__ import annotations

from typing import Any

import torch
from timm.models.vision_transformer import Attention, Block
from torch import Tensor
from torch.nn import functional

from vtbench.errors import ModelError
from vtbench.reduce.intermediates import refuse_checkpoints
from vtbench.reduce.run import Run, Seen
from vtbench.reduce.step import Step


class ReducedBlock(Block):  # type: ignore[misc]  # timm is untyped
    """A block of timm whose class was changed in place."""

    reduction: Step
    run: Run
    host: tuple[Any]
    """The network, in a tuple, so that it is no module of this one too."""
    first: bool
    last: bool
    grid: tuple[int, int] | None

    def forward(self, x: Tensor, attn_mask: Tensor | None = None, **more: Any) -> Tensor:
        """Tokens (B, N, C) to as many or fewer."""
        if attn_mask is not None or any(more.values()):
            raise ModelError("A network whose tokens are reduced takes no attention mask.")
        refuse_checkpoints(self.host[0])
        step, run = self.reduction, self.run
        if self.first:
            run.start(x, self.grid)
        x = step(x, run, self) if step.where == "instead" else self._whole(x)
        if run.traced:
            run.places.append(run.place)
        if self.last:
            run.end()
        return x

    def _whole(self, x: Tensor) -> Tensor:
        step, run = self.reduction, self.run
        if step.where == "before_block":
            x = step(x, run)
        x = self.attended(x)
        if step.where == "after_attention":
            x = step(x, run)
            run.seen = None
        x = self.fed_forward(x)
        if step.where == "after_block":
            x = step(x, run)
        return x

    def attended(self, x: Tensor) -> Tensor:
        """Tokens after attention, the residual added."""
        residual: Tensor = self.drop_path1(self.ls1(self.attn(self.norm1(x))))
        return x + residual

    def fed_forward(self, x: Tensor) -> Tensor:
        """Tokens after the MLP, the residual added."""
        residual: Tensor = self.drop_path2(self.ls2(self.mlp(self.norm2(x))))
        return x + residual


class ReducedAttention(Attention):  # type: ignore[misc]
    """An attention of timm whose class was changed in place."""

    step: tuple[Step]
    """In a tuple, so that it is no module of this one too."""
    run: Run

    def forward(self, x: Tensor, attn_mask: Tensor | None = None, **more: Any) -> Tensor:  # noqa: ARG002
        """Tokens (B, N, C) to as many."""
        step, run = self.step[0], self.run
        q, k, v = self.projected(x)
        bias = sizes_as_bias(run.size, x.dtype) if step.proportional else None
        run.seen = Seen(x, k, v)
        if step.shows == "map" or not self.fused_attn:
            attended = self._by_map(q, k, v, bias, run.seen)
        elif step.shows == "row":
            attended = self._row_aside(q, k, v, bias, run.seen)
        else:
            attended = self._fused(q, k, v, bias)
        return self.joined(attended)

    def projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each (B, h, N, d)."""
        batch, tokens, _ = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.num_heads, self.head_dim)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        return self.q_norm(q), self.k_norm(k), v

    def joined(self, attended: Tensor) -> Tensor:
        """The heads (B, h, N, d) side by side and through the output layer: (B, N, C)."""
        batch, heads, tokens, width = attended.shape
        x = attended.transpose(1, 2).reshape(batch, tokens, heads * width)
        x = self.norm(x) if hasattr(self, "norm") else x
        out: Tensor = self.proj_drop(self.proj(x))
        return out

    def weighed(self, q: Tensor, k: Tensor, bias: Tensor | None) -> Tensor:
        """How each query attends to each key: (B, h, queries, keys), each row adds up to 1."""
        scores: Tensor = (q * self.scale) @ k.transpose(-2, -1)
        return self.step[0].scored(scores if bias is None else scores + bias).softmax(dim=-1)

    def _fused(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
        dropped = self.attn_drop.p if self.training else 0.0
        attended: Tensor = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=bias, dropout_p=dropped, scale=self.scale
        )
        return attended

    def _by_map(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, seen: Seen) -> Tensor:
        seen.map = self.weighed(q, k, bias)
        seen.row = seen.map[:, :, 0]
        attended: Tensor = self.attn_drop(seen.map) @ v
        return attended

    def _row_aside(
        self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, seen: Seen
    ) -> Tensor:
        """The class token's query by itself, all others in the fused kernel.

        Every product is computed once, so that the row costs no multiply-accumulate.
        """
        row = self.weighed(q[:, :, :1], k, bias)  # (B, h, 1, N)
        seen.row = row[:, :, 0]
        others = self._fused(q[:, :, 1:], k, v, bias)
        return torch.cat((self.attn_drop(row) @ v, others), dim=2)


def sizes_as_bias(size: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """What is added to scores so that a token counts as often as its patches: (B, 1, 1, N)."""
    return None if size is None else size.log().to(dtype).transpose(1, 2)[:, None]
