"""Sparsifiner: every token stays, and each attends to the few that a small network foresees.

Wei et al., Sparsifiner, CVPR 2023.

Modifications of the host: in every block, a map of attention of low rank is made of narrower
queries and of keys of fewer tokens; of its entries, the largest of each row are multiplied with a
learned basis. A query attends to the tokens where the outcome is largest. What is counted is what
runs: with a mask, the whole map is multiplied, and the method costs more than it saves. With
``gathered`` the kept products alone are, as the paper counts them; copying the keys of each query
takes time instead. The basis is dense in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vtbench.errors import BadOption, ModelError
from vtbench.reduce.host import Host
from vtbench.reduce.run import Run
from vtbench.reduce.step import Step


def of_largest(low: Tensor, basis: Tensor, top: int, *, gathered: bool) -> Tensor:
    """A map (B, h, N, N) of the largest entries of each row of one of low rank (B, h, N, R).

    basis (R, N). N·R·N products for each head, or N·top·N if the rows of the basis are copied.
    """
    best = low.topk(min(top, low.shape[-1]), dim=-1)
    if gathered:
        return (best.values[..., None, :] @ basis[best.indices]).squeeze(-2)
    return torch.zeros_like(low).scatter(-1, best.indices, best.values) @ basis


def masked(q: Tensor, k: Tensor, v: Tensor, foreseen: Tensor, kept: Tensor) -> Tensor:
    """Attention (B, h, N, d) of each query to the keys that kept (B, h, N, K) names."""
    mask = torch.full_like(foreseen, -torch.inf).scatter(-1, kept, 0.0)
    # plus 0, whose gradient is that of what was foreseen: a choice has none of its own
    return functional.scaled_dot_product_attention(
        q, k, v, attn_mask=(mask + (foreseen - foreseen.detach())).to(q.dtype)
    )


def gathered(q: Tensor, k: Tensor, v: Tensor, foreseen: Tensor, kept: Tensor) -> Tensor:
    """The same, of copies of those keys and values: 2·N·K·d products for each head."""
    batch, heads, tokens, width = k.shape
    count = kept.shape[-1]
    index = kept.reshape(batch, heads, -1, 1).expand(-1, -1, -1, width)
    keys, values = (
        each.gather(2, index).view(batch, heads, tokens, count, width) for each in (k, v)
    )
    scores = (q[..., None, :] * width**-0.5) @ keys.transpose(-1, -2)  # (B, h, N, 1, K)
    chosen = foreseen.gather(-1, kept)[..., None, :]
    weights = (scores + (chosen - chosen.detach())).softmax(dim=-1)
    attended: Tensor = (weights @ values).squeeze(-2)
    return attended


class Foresee(Step):
    """One block."""

    where = "instead"

    def __init__(self, host: Host, keep_rate: float, sizes: tuple[int, int, int]) -> None:
        super().__init__()
        rank, narrow, self.top = sizes
        self.tokens = host.prefix + host.patches
        self.kept = max(1, int(keep_rate * self.tokens))
        self.query = nn.Linear(host.head_width, narrow, bias=False)
        self.key = nn.Linear(host.head_width, narrow, bias=False)
        self.fewer = nn.Linear(self.tokens, rank, bias=False)
        self.basis = nn.Parameter(torch.empty(rank, self.tokens))
        nn.init.trunc_normal_(self.basis, mean=1 / self.tokens, std=1 / self.tokens)
        self.gathers = False

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """All of them."""
        return tokens

    def foreseen(self, q: Tensor, k: Tensor) -> Tensor:
        """Where attention is expected: queries and keys (B, h, N, d) -> (B, h, N, N)."""
        narrow, keys = self.query(q), self.key(k).transpose(-1, -2)  # (B, h, N, c), (B, h, c, N)
        scores = narrow @ self.fewer(keys) * narrow.shape[-1] ** -0.5  # (B, h, N, R)
        return of_largest(scores.softmax(dim=-1), self.basis, self.top, gathered=self.gathers)

    def forward(self, x: Tensor, run: Run, block: Any) -> Tensor:  # type: ignore[override]
        """Tokens (B, N, C) to as many."""
        if x.shape[1] != self.tokens:
            raise ModelError(
                f"sparsifiner was made for {self.tokens - run.prefix} patches, and the image has "
                f"{x.shape[1] - run.prefix}; give the size of the network."
            )
        q, k, v = block.attn.projected(block.norm1(x))
        foreseen = self.foreseen(q, k)
        kept = foreseen.topk(self.kept, dim=-1, sorted=False).indices
        attended = (gathered if self.gathers else masked)(q, k, v, foreseen, kept)
        x = x + block.drop_path1(block.ls1(block.attn.joined(attended)))
        return block.fed_forward(x)  # type: ignore[no-any-return]


def steps(
    host: Host,
    *,
    keep_rate: float = 0.25,
    reduce_n: int = 6,
    reduce_c: int = 2,
    top: int = 8,
    gathered: bool = False,
) -> Sequence[Step]:
    """Apply it with the share of tokens that each attends to, and the sizes of what foresees them.

    reduce_n and reduce_c say how many times fewer tokens and channels it has, top how many entries
    of a row are multiplied with the basis; gathered multiplies kept products alone.
    """
    if (
        isinstance(keep_rate, bool)
        or not isinstance(keep_rate, int | float)
        or not (0 < keep_rate <= 1)
    ):
        raise BadOption(f"keep_rate={keep_rate!r}: a rate is above 0 and at most 1.")
    tokens = host.prefix + host.patches
    most = {"reduce_n": tokens, "reduce_c": host.head_width, "top": tokens}
    for name, value in (("reduce_n", reduce_n), ("reduce_c", reduce_c), ("top", top)):
        if type(value) is not int or not 1 <= value <= most[name]:
            raise BadOption(f"{name}={value!r}: a whole number from 1 to {most[name]}.")
    sizes = (tokens // reduce_n, host.head_width // reduce_c, top)
    found = [Foresee(host, keep_rate, sizes) for _ in range(host.depth)]
    for each in found:
        each.gathers = gathered
    return found
