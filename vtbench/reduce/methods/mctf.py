"""MCTF: tokens are fused that are alike, not attended to, and small, before they attend.

Lee et al., Multi-criteria Token Fusion with One-step-ahead Attention for Efficient Vision
Transformers, CVPR 2024.

Modifications of the host: a block computes its attention map over the tokens that come in. How much
two tokens of the two halves attract each other is how like they are, over what attention both get,
over how many patches both are, each with its own weight. The likest half of the pairs goes from the
first half of the tokens to the second, the rest the other way. Tokens that fuse become the mean
weighted by attention and patches; their rows in the map become that mean too and their columns add
up, so that values, output and MLP work on fewer tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from vtbench.errors import BadOption
from vtbench.reduce.block import ReducedAttention, ReducedBlock
from vtbench.reduce.dial import removed
from vtbench.reduce.host import Host
from vtbench.reduce.matching import Matched, added, drawn, exact, places_after, unit
from vtbench.reduce.run import Run
from vtbench.reduce.selecting import taken
from vtbench.reduce.stages import Blocks, stages
from vtbench.reduce.step import Step, Untouched

DIAL = removed("r")
_ALIKE, _ATTENDED, _LARGE = 1.0, 1 / 20, 1 / 40
"""The weights of the three criteria."""
_FEWEST = 10
"""A block leaves no fewer tokens than these, class token included."""


def attraction(x: Tensor, attended: Tensor, size: Tensor) -> Tensor:
    """Of every other token (B, S) to the rest (B, T), in logarithms: (B, S, T).

    x (B, N, C); attended (B, N), the mean attention that each gets; size (B, N), its patches.
    S·T·C products.
    """
    tokens = unit(x)
    alike = (tokens[:, ::2] @ tokens[:, 1::2].transpose(1, 2) + 1) / 2
    smallest = torch.finfo(alike.dtype).tiny
    repelled = _ATTENDED * attended.clamp(min=smallest).log() + _LARGE * size.log()
    scores = _ALIKE * alike.clamp(min=smallest).log()
    return scores - repelled[:, ::2, None] - repelled[:, None, 1::2]


def paired_both_ways(scores: Tensor, r: int, prefix: int) -> Matched:
    """Which r tokens go, by the attraction (B, S, T) of even ones to odd ones.

    Half of them, rounded up, are even and go into odd ones; the others are odd, go into even ones
    that stay, and took none.
    """
    evens, odds = (prefix + 1) // 2, prefix // 2
    scores = scores.clone()
    scores[:, :evens] = -torch.inf
    scores[:, :, :odds] = -torch.inf
    forth, back = r - r // 2, r // 2
    best, target = scores.max(2)  # (B, S)
    go = best.topk(forth, dim=1).indices
    into = target.gather(1, go)
    closed = torch.zeros_like(scores[:, :, 0]).scatter(1, go, -torch.inf)
    taking = torch.zeros_like(scores[:, 0]).scatter(1, into, -torch.inf)
    best, target = (scores + closed[:, :, None] + taking[:, None]).max(1)  # (B, T)
    go_back = best.topk(back, dim=1).indices
    into_back = target.gather(1, go_back)
    gone = torch.cat((go * 2, go_back * 2 + 1), dim=1)
    onto = torch.cat((into * 2 + 1, into_back * 2), dim=1)
    tokens = scores.shape[1] + scores.shape[2]
    stays = torch.ones(len(gone), tokens, dtype=torch.int8, device=gone.device)
    stays = stays.scatter(1, gone, 0)
    left = stays.argsort(dim=1, descending=True, stable=True)[:, : tokens - r]
    at = stays.cumsum(1).gather(1, onto) - 1
    return Matched(left, gone, at)


def fused_map(attention: Tensor, pairs: Matched, share: Tensor) -> Tensor:
    """The map (B, h, N, N) of the tokens that are left, (B, h, M, M): each row still adds up to 1.

    Columns of tokens that go are added, rows drawn in by shares (B, r, 1).
    """
    batch, heads = attention.shape[:2]
    pairs = Matched(*(each.repeat_interleave(heads, 0) for each in pairs))  # (B·h, ...)
    rows = drawn(attention.flatten(0, 1), pairs, share.repeat_interleave(heads, 0))
    columns = rows.transpose(1, 2).contiguous()  # (B·h, N, M)
    summed = added(taken(columns, pairs.left), pairs.at, taken(columns, pairs.gone))
    return summed.transpose(1, 2).unflatten(0, (batch, heads))  # type: ignore[no-any-return, no-untyped-call]


class Fuse(Step):
    """One block."""

    where = "instead"

    def __init__(self, r: float, prefix: int) -> None:
        super().__init__()
        self.r = r
        self.prefix = prefix

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """All but r or that share of them, at least half, and at least ten with the prefix."""
        r = self.r if type(self.r) is int else int(tokens * self.r)
        few = max(tokens + self.prefix - _FEWEST, 0)
        return tokens - min(int(r), tokens // 2, few)

    def forward(self, x: Tensor, run: Run, block: ReducedBlock) -> Tensor:  # type: ignore[override]
        """Tokens (B, N, C) to (B, N - r, C)."""
        patches = x.shape[1] - run.prefix
        r = patches - self.left(patches, run.whole)
        q, k = queries_and_keys(block.attn, block.norm1(x))
        attention = block.attn.weighed(q, k, None)  # (B, h, N, N)
        if r == 0:  # as released: a block that may fuse no more attends once again
            return block.fed_forward(block.attended(x))
        if run.size is None:
            run.size = exact(x.new_ones(())).expand(*x.shape[:2], 1)
        attended = exact(attention).mean((1, 2))  # (B, N)
        pairs = paired_both_ways(attraction(x, attended, run.size[..., 0]), r, run.prefix)
        run.moved(lambda: places_after(pairs, x.shape[1]))
        run.size, share = weighed(pairs, run.size, attended[..., None])
        x = drawn(x, pairs, share)
        attention = block.attn.attn_drop(fused_map(attention, pairs, share))
        attends = block.attn.joined(attention @ values(block.attn, block.norm1(x)))
        return block.fed_forward(x + block.drop_path1(block.ls1(attends)))


def weighed(pairs: Matched, size: Tensor, attended: Tensor) -> tuple[Tensor, Tensor]:
    """The sizes (B, M, 1) of what is left, and how much each that goes draws its target (B, r, 1).

    It is its part of attention times patches, both (B, N, 1), in the token that they become.
    """
    sizes = added(taken(size, pairs.left), pairs.at, taken(size, pairs.gone))
    weight = attended * size
    gone = taken(weight, pairs.gone)
    whole = added(taken(weight, pairs.left), pairs.at, gone)
    smallest = torch.finfo(weight.dtype).tiny
    return sizes, gone / taken(whole, pairs.at).clamp(min=smallest)


def queries_and_keys(attn: ReducedAttention, x: Tensor) -> tuple[Tensor, Tensor]:
    """Of normalised tokens (B, N, C), each (B, h, N, d), by their part of the joint layer."""
    both = _part(attn, x, slice(None, -attn.num_heads * attn.head_dim))
    both = both.view(*x.shape[:2], 2, attn.num_heads, attn.head_dim)
    q, k = both.permute(2, 0, 3, 1, 4).unbind(0)
    return attn.q_norm(q), attn.k_norm(k)


def values(attn: ReducedAttention, x: Tensor) -> Tensor:
    """Of normalised tokens (B, N, C): (B, h, N, d)."""
    part = _part(attn, x, slice(-attn.num_heads * attn.head_dim, None))
    return part.view(*x.shape[:2], attn.num_heads, attn.head_dim).transpose(1, 2)


def _part(attn: ReducedAttention, x: Tensor, outputs: slice) -> Tensor:
    bias = attn.qkv.bias
    part = None if bias is None else bias[outputs]
    projected: Tensor = functional.linear(x, attn.qkv.weight[outputs], part)
    return projected


def steps(host: Host, *, r: float | Sequence[float] = 16, blocks: Blocks = None) -> Sequence[Step]:
    """Apply it with the tokens that go at each of its blocks, as a number or a share below 1.

    Its blocks are by default all but the first for a number, three stages for a share, and all of
    them for a list.
    """
    if blocks is None and not isinstance(r, float):
        blocks = tuple(range(0 if isinstance(r, Sequence) else 1, host.depth))
    at = stages(host, blocks)
    several = [r] * len(at) if isinstance(r, int | float) else list(r)
    if len(several) != len(at):
        raise BadOption(f"r={several} has {len(several)} numbers for {len(at)} blocks.")
    for each in several:
        whole = type(each) is int and each >= 0
        if not whole and not (type(each) is float and 0 < each < 1):
            raise BadOption(
                f"r={each!r}: it is a whole number of tokens from 0, or a share between 0 and 1."
            )
    fusing = {
        index: Fuse(each, host.prefix) for index, each in zip(at, several, strict=True) if each
    }
    return [fusing.get(index) or Untouched() for index in range(host.depth)]
