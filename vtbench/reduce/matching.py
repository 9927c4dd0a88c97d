"""Bipartite matching: every other token finds the one that is most like it.

Tokens at even places are sources, those at odd places targets. Of the sources, the r that are
most like their target go into it. A token of the prefix is neither taken nor added to.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from vtbench.reduce.selecting import taken


class Matched(NamedTuple):
    """Which sources go, into which targets; S sources, of which r go, and T targets."""

    stay: Tensor
    """(B, S - r): the sources that stay, in their order."""
    go: Tensor
    """(B, r): the sources that go."""
    into: Tensor
    """(B, r): the target of each of them."""


def matched(metric: Tensor, r: int, prefix: int) -> Matched:
    """The r likest pairs by the cosine of metric (B, N, d)."""
    unit = functional.normalize(metric, dim=-1)
    scores = unit[:, ::2] @ unit[:, 1::2].transpose(1, 2)  # (B, S, T): S·T·d products
    if prefix:  # even places of the prefix are sources, odd ones targets
        scores[:, : (prefix + 1) // 2] = -torch.inf
        scores[:, :, : prefix // 2] = -torch.inf
    best, target = scores.max(dim=-1)  # (B, S)
    order = best.argsort(dim=1, descending=True)
    go = order[:, :r]
    return Matched(order[:, r:].sort(dim=1).values, go, target.gather(1, go))


def merged(x: Tensor, pairs: Matched, size: Tensor | None) -> tuple[Tensor, Tensor]:
    """Tokens (B, N, C) to (B, N - r, C), and their sizes (B, N - r, 1).

    A token is the mean of its patches.
    Sources that stay come first, then the targets.
    """
    if size is None:
        size = x.new_ones(x.shape[0], x.shape[1], 1)
    summed = joined(x * size, pairs)
    sizes = joined(size, pairs)
    return summed / sizes, sizes


def joined(x: Tensor, pairs: Matched) -> Tensor:
    """Tokens with those that go added to their targets: (B, N - r, C)."""
    sources, targets = x[:, ::2], x[:, 1::2]
    into = pairs.into[..., None].expand(-1, -1, x.shape[-1])
    targets = targets.scatter_add(1, into, taken(sources, pairs.go))
    return torch.cat((taken(sources, pairs.stay), targets), dim=1)


def places_after(pairs: Matched, tokens: int) -> Tensor:
    """Where each token (B, N) is after its pair was joined."""
    stay, into = pairs.stay, pairs.into
    batch, kept = stay.shape
    places = stay.new_empty(batch, tokens)
    sources, targets = places[:, ::2], places[:, 1::2]
    sources.scatter_(1, stay, torch.arange(kept, device=stay.device).expand(batch, -1))
    sources.scatter_(1, pairs.go, into + kept)
    targets[:] = torch.arange(targets.shape[1], device=stay.device) + kept
    return places
