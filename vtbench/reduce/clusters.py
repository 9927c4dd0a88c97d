"""Clusters of patches: how far apart patches are, who is nearest, and what a cluster is."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vtbench.reduce.selecting import rows, taken


class Distances(nn.Module):
    """Euclidean distances; a module, so that what they cost is a row of its own in a count."""

    def forward(self, x: Tensor) -> Tensor:
        """Between all of the patches (B, P, C) of an image: (B, P, P), in single precision.

        PyTorch takes them by a product of P·P·(C + 2), and directly for 25 patches or fewer.
        They only choose, so that no gradient goes through them.
        """
        with torch.no_grad():
            x = x.to(torch.promote_types(x.dtype, torch.float32))
            return torch.cdist(x, x)


def to_nearest(distances: Tensor, centres: Tensor) -> Tensor:
    """The cluster (B, P) of each patch: that of its nearest centre, a centre's its own.

    distances (B, P, P), and which patches are centres (B, K). Clusters are numbered as centres.
    """
    nearest = taken(distances, centres).argmin(dim=1)
    own = torch.arange(centres.shape[1], device=centres.device).expand_as(centres)
    return nearest.scatter(1, centres, own)


def softened(scores: Tensor, clusters: Tensor, count: int) -> Tensor:
    """Shares (B, P) of patches in their clusters: a softmax of scores (B, P) within each."""
    empty = scores.new_full((len(scores), count), -torch.inf)
    highest = empty.scatter_reduce(1, clusters, scores.detach(), "amax")
    return shared((scores - highest.gather(1, clusters)).exp(), clusters, count)[0]


def shared(weights: Tensor, clusters: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Shares (B, P) of weights (B, P) in the sum of their cluster, and the sums (B, K)."""
    sums = weights.new_zeros(len(weights), count).scatter_add(1, clusters, weights)
    return weights / sums.gather(1, clusters), sums


def means(x: Tensor, shares: Tensor, clusters: Tensor, count: int) -> Tensor:
    """Each cluster as one token, (B, K, C): patches (B, P, C) added up by their shares (B, P)."""
    (batch, _, width), weighted = x.shape, x * shares[..., None].to(x.dtype)
    found = weighted.new_zeros(batch * count, width)
    found = found.index_add(0, rows(clusters, count), weighted.flatten(0, 1))
    return found.view(batch, count, width)


def behind(clusters: Tensor, prefix: int) -> Tensor:
    """Where each token (B, N) is: the prefix where it was, a patch in its cluster after it."""
    first = torch.arange(prefix, device=clusters.device).expand(len(clusters), -1)
    return torch.cat((first, clusters + prefix), dim=1)
