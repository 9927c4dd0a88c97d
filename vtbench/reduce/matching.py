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
    """Which sources go, into which targets; S sources, of which r go, and T targets."""

    stay: Tensor
    """(B, S - r): the sources that stay, in their order."""
    go: Tensor
    """(B, r): the sources that go."""
    into: Tensor
    """(B, r): the target of each of them."""

    prefix: int
    """Tokens that come first, before and after."""

    def left(self, tokens: int) -> Tensor:
        """The tokens of so many that are left, (B, N - r): prefix, sources that stay, targets."""
        stay, prefix = self.stay * 2, self.prefix
        first = torch.arange(prefix, device=stay.device)
        targets = torch.arange((prefix // 2) * 2 + 1, tokens, 2, device=stay.device)
        batch = len(stay)
        others = stay[:, (prefix + 1) // 2 :]
        return torch.cat((first.expand(batch, -1), others, targets.expand(batch, -1)), dim=1)

    @property
    def gone(self) -> Tensor:
        """(B, r): the tokens that go."""
        return self.go * 2

    @property
    def at(self) -> Tensor:
        """(B, r): where the target of each is among those that are left."""
        return self.into + self.stay.shape[1]


def exact(metric: Tensor) -> Tensor:
    """What tokens are compared by, in at least single precision."""
    return metric.to(torch.promote_types(metric.dtype, torch.float32))


def likest(metric: Tensor, prefix: int) -> tuple[Tensor, Tensor]:
    """For each source, the cosine of its likest target and which that is, both (B, S).

    metric (B, N, d). A source of the prefix is like none, and no other is like a target of it.
    """
    unit = functional.normalize(exact(metric), dim=-1)
    scores = unit[:, ::2] @ unit[:, 1::2].transpose(1, 2)  # (B, S, T): S·T·d products
    if prefix > 1:  # even places of the prefix are sources, odd ones targets
        scores[:, :, : prefix // 2] = -torch.inf
    best, target = scores.max(dim=-1)
    if prefix:
        best[:, : (prefix + 1) // 2] = -torch.inf
    return best, target


def matched(metric: Tensor, r: int, prefix: int) -> Matched:
    """The r likest pairs by the cosine of metric (B, N, d)."""
    best, target = likest(metric, prefix)
    order = best.argsort(dim=1, descending=True)
    go = order[:, :r]
    return Matched(order[:, r:].sort(dim=1).values, go, target.gather(1, go), prefix)


def merged(x: Tensor, pairs: Matched, size: Tensor | None) -> tuple[Tensor, Tensor]:
    """Tokens (B, N, C) to (B, N - r, C), and their sizes (B, N - r, 1).

    A token is the mean of its patches. Sources that stay come first behind the prefix, then the
    targets; those that nothing goes into are copied, not computed.
    """
    if size is None:
        size = exact(x.new_ones(())).expand(x.shape[0], x.shape[1], 1)
    left = pairs.left(x.shape[1])
    gone = taken(size, pairs.gone)
    sizes = added(taken(size, left), pairs.at, gone)
    share = gone / taken(sizes, pairs.at)  # (B, r, 1)
    return drawn(taken(x, left), taken(x, pairs.gone), pairs.at, share.to(x.dtype)), sizes


def drawn(x: Tensor, others: Tensor, at: Tensor, share: Tensor) -> Tensor:
    """Tokens (B, M, C), those that ``at`` (B, r) names moved towards others (B, r, C) by a share.

    Shares (B, r, 1) of others that go to the same token add up.
    """
    return added(x, at, (others - taken(x, at)) * share)


def added(x: Tensor, at: Tensor, others: Tensor) -> Tensor:
    """Tokens (B, M, C), to those of which that ``at`` (B, r) names others (B, r, C) are added.

    Writes into x.
    """
    x.flatten(0, 1).index_add_(0, rows(at, x.shape[1]), others.flatten(0, 1))
    return x


def places_after(pairs: Matched, tokens: int) -> Tensor:
    """Where each token (B, N) is after its pair was joined."""
    left = pairs.left(tokens)
    places = left.new_empty(len(left), tokens)
    places.scatter_(1, left, torch.arange(left.shape[1], device=left.device).expand_as(left))
    return places.scatter_(1, pairs.gone, pairs.at)
