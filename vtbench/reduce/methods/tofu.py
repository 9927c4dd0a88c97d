"""ToFu: tokens that are alike are pruned in early blocks, and merged at full length in late ones.

Kim et al., Token Fusion: Bridging the Gap between Token Pruning and Token Merging, WACV 2024.

Modifications of the host: between attention and MLP, tokens are paired by their keys (mean of the
heads) as in ToMe. In the first half of the blocks and the one after it, the source of a pair is
dropped. From there on both become their mean, drawn out to the length of the longest of them. A
token does not count for more than one, neither in attention nor in the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from vtbench.errors import BadOption
from vtbench.reduce.dial import rate
from vtbench.reduce.host import Host
from vtbench.reduce.matching import Matched, drawn, matched, places_after
from vtbench.reduce.per_block import PerBlock
from vtbench.reduce.run import Run
from vtbench.reduce.selecting import places_of, taken
from vtbench.reduce.shares import RATIO, Going, Shares, going_per_block
from vtbench.reduce.step import Step

DIAL = rate("ratio")
Mlerp = Literal["paper", "released"]


def length(x: Tensor) -> Tensor:
    """Of each token (B, N, C): (B, N), in at least single precision."""
    exact = torch.promote_types(x.dtype, torch.float32)
    lengths: Tensor = torch.linalg.vector_norm(x, dim=-1, dtype=exact)
    return lengths


def fused(x: Tensor, pairs: Matched, mlerp: Mlerp) -> Tensor:
    """Tokens (B, N, C) to (B, N - r, C): the mean of each group, as long as its longest member.

    As released, the mean is stretched by the longest member over the target, not over the mean.
    """
    lengths = length(x)
    before = lengths.gather(1, pairs.left)
    longest = before.scatter_reduce(1, pairs.at, lengths.gather(1, pairs.gone), "amax")
    members = torch.ones_like(before).scatter_add(1, pairs.at, torch.ones_like(lengths))
    mean = drawn(x, pairs, members.reciprocal().gather(1, pairs.at)[..., None])
    over = length(mean) if mlerp == "paper" else before
    smallest = torch.finfo(over.dtype).tiny
    return mean * (longest / over.clamp(min=smallest))[..., None].to(x.dtype)


class Fuse(Step):
    """One block."""

    where = "after_attention"

    def __init__(self, going: Going, prefix: int, mlerp: Mlerp | None) -> None:
        super().__init__()
        self.going = going
        self.prefix = prefix
        self.mlerp = mlerp
        """How means are stretched; None if sources are dropped."""

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """All but those that go, of all tokens, those of the prefix among them; at least half."""
        return tokens - min(self.going(tokens + self.prefix), tokens // 2)

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, N - r, C)."""
        tokens = x.shape[1]
        r = tokens - run.prefix - self.left(tokens - run.prefix, run.whole)
        if r == 0 or run.seen is None:  # as released: where nothing goes, nothing is compared
            return x
        pairs = matched(run.seen.keys.mean(1), r, run.prefix)
        if self.mlerp is None:
            run.moved(lambda: places_of(pairs.left, tokens))
            return taken(x, pairs.left)
        run.moved(lambda: places_after(pairs, tokens))
        return fused(x, pairs, self.mlerp)


def steps(
    host: Host, *, ratio: Shares = RATIO, r: PerBlock | None = None, mlerp: Mlerp = "paper"
) -> Sequence[Step]:
    """Apply it with the share of tokens kept at each block, and the stretch of paper or code.

    Tokens that go may be given instead of the share, as r.
    """
    if mlerp not in ("paper", "released"):
        raise BadOption(f"mlerp={mlerp!r}: it is paper or released.")
    late = host.depth // 2 + 1
    return [
        Fuse(each, host.prefix, mlerp if index >= late else None)
        for index, each in enumerate(going_per_block(host, ratio, r))
    ]
