"""Bipartite matching: every other token finds the one that is most like it.

Tokens at even places are sources, those at odd places targets. Of the sources, the r that are
most like their target go into it. A token of the prefix is neither taken nor added to.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from vtbench.reduce.selecting import rows, taken


class Matched(NamedTuple):
    """Which of N tokens go, and into which of those that are left; B images, r tokens that go."""

    left: Tensor
    """(B, N - r): the tokens that are left, in their new order; the prefix comes first."""
    gone: Tensor
    """(B, r): the tokens that go."""
    at: Tensor
    """(B, r): where the target of each is among those that are left."""


def exact(metric: Tensor) -> Tensor:
    """What tokens are compared by, in at least single precision."""
    return metric.to(torch.promote_types(metric.dtype, torch.float32))


def unit(metric: Tensor) -> Tensor:
    """Tokens (B, N, d) of length 1, so that products of them are cosines."""
    return functional.normalize(exact(metric), dim=-1)


def likest(metric: Tensor, prefix: int, size: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """For each source, the cosine of its likest target and which that is, both (B, S).

    metric (B, N, d). A source of the prefix is like none, and no other is like a target of it. So
    are tokens whose size (B, N, 1) is zero, if sizes are given: they are padding.
    """
    tokens = unit(metric)
    scores = tokens[:, ::2] @ tokens[:, 1::2].transpose(1, 2)  # (B, S, T): S·T·d products
    if prefix > 1:  # even places of the prefix are sources, odd ones targets
        scores[:, :, : prefix // 2] = -torch.inf
    if size is not None:
        scores = scores.masked_fill(size[:, 1::2].transpose(1, 2) == 0, -torch.inf)
    best, target = scores.max(dim=-1)
    if prefix:
        best[:, : (prefix + 1) // 2] = -torch.inf
    if size is not None:
        best = best.masked_fill(size[:, ::2, 0] == 0, -torch.inf)
    return best, target


def matched(metric: Tensor, r: int, prefix: int) -> Matched:
    """The r likest pairs by the cosine of metric (B, N, d).

    Behind the prefix come the sources that stay, in their order, and then the targets.
    """
    batch, tokens, _ = metric.shape
    best, target = likest(metric, prefix)
    order = best.argsort(dim=1, descending=True)
    go = order[:, :r]
    stay = order[:, r:].sort(dim=1).values
    first = torch.arange(prefix, device=stay.device).expand(batch, -1)
    targets = torch.arange(prefix // 2 * 2 + 1, tokens, 2, device=stay.device).expand(batch, -1)
    left = torch.cat((first, stay[:, (prefix + 1) // 2 :] * 2, targets), dim=1)
    return Matched(left, go * 2, target.gather(1, go) + stay.shape[1])


def merged(x: Tensor, pairs: Matched, size: Tensor | None) -> tuple[Tensor, Tensor]:
    """Tokens (B, N, C) to (B, N - r, C), and their sizes (B, N - r, 1).

    A token is the mean of its patches; those that nothing goes into are copied, not computed.
    """
    if size is None:
        size = exact(x.new_ones(())).expand(x.shape[0], x.shape[1], 1)
    gone = taken(size, pairs.gone)
    sizes = added(taken(size, pairs.left), pairs.at, gone)
    share = gone / taken(sizes, pairs.at)  # (B, r, 1)
    return drawn(x, pairs, share), sizes


def drawn(x: Tensor, pairs: Matched, share: Tensor) -> Tensor:
    """Tokens (B, N, C) to (B, N - r, C): those that are left, moved towards those that go.

    Shares (B, r, 1) of tokens that go into the same one add up.
    """
    left = taken(x, pairs.left)
    way = taken(x, pairs.gone) - taken(left, pairs.at)
    return added(left, pairs.at, way * share.to(x.dtype))


def added(x: Tensor, at: Tensor, others: Tensor) -> Tensor:
    """Tokens (B, M, C), to those of which that ``at`` (B, r) names others (B, r, C) are added.

    Writes into x.
    """
    x.flatten(0, 1).index_add_(0, rows(at, x.shape[1]), others.flatten(0, 1))
    return x


def places_after(pairs: Matched, tokens: int) -> Tensor:
    """Where each token (B, N) is after its pair was joined."""
    left = pairs.left
    places = left.new_empty(len(left), tokens)
    places.scatter_(1, left, torch.arange(left.shape[1], device=left.device).expand_as(left))
    return places.scatter_(1, pairs.gone, pairs.at)
