"""ATC: the two clusters of patches that are most alike become one, until so many are left.

Haurum et al., Agglomerative Token Clustering, ECCV 2024.

Modifications of the host: at each stage, between attention and MLP, patches are clustered bottom up
by the cosines of their keys (mean of the heads), and each cluster becomes the mean of the patches
that it stands for. All images of a batch are clustered side by side, where the tokens are.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from vtbench.reduce.clusters import behind, means, shared
from vtbench.reduce.dial import rate
from vtbench.reduce.host import Host
from vtbench.reduce.run import Run
from vtbench.reduce.stages import Blocks, Quota, Rates, at_stages, quotas, stages
from vtbench.reduce.step import Step, Untouched, UntouchedProportional

DIAL = rate("keep_rate")
Linkage = Literal["average", "complete", "single"]


def unlikeness(metric: Tensor) -> Tensor:
    """1 minus the cosines of metric (B, N, d): (B, N, N), in single precision; N·N·d products."""
    metric = metric.to(torch.promote_types(metric.dtype, torch.float32))
    unit = functional.normalize(metric, dim=-1)
    return 1 - (unit @ unit.transpose(1, 2)).to(unit.dtype)


def agglomerated(distances: Tensor, count: int, linkage: Linkage) -> Tensor:
    """The cluster (B, P), from 0 to count - 1, of each patch, of distances (B, P, P).

    The nearest two are joined P - count times. The patch that stands for one of them stands for the
    union then; how far that is from each other cluster follows from its two parts (Lance and
    Williams). The row of the other part becomes infinite, as the diagonal is: it is near nothing.
    """
    batch, patches, _ = distances.shape
    places = torch.arange(patches, device=distances.device)
    apart = distances.masked_fill(places[:, None] == places, torch.inf)
    members = distances.new_ones(batch, patches)
    into = places.repeat(batch, 1)  # (B, P): the patch that each was joined to, or itself
    nowhere = distances.new_full((batch, 1, patches), torch.inf)
    for _ in range(patches - count):
        one = apart.amin(dim=2).argmin(dim=1, keepdim=True)
        row = apart.gather(1, one[..., None].expand(-1, 1, patches))
        other = row.argmin(dim=2)
        both = torch.cat((one, other), dim=1)  # (B, 2)
        at = both[..., None].expand(-1, -1, patches)
        pair = torch.cat((_joined(apart.gather(1, at), members, both, linkage), nowhere), dim=1)
        apart.scatter_(1, at, pair).scatter_(2, at.transpose(1, 2), pair.transpose(1, 2))
        into.scatter_(1, other, one)
    stands = _followed(into)
    clusters = ((stands == places).cumsum(dim=1) - 1).gather(1, stands)
    return clusters.clamp_(max=count - 1)  # distances that are not numbers join nothing


def _joined(two: Tensor, members: Tensor, both: Tensor, linkage: Linkage) -> Tensor:
    """How far (B, 1, P) a union is from every cluster; its parts, both (B, 2), are two (B, 2, P).

    Infinite at the parts themselves. The patches of the union are written to members (B, P).
    """
    if linkage == "complete":
        return two.amax(dim=1, keepdim=True)
    if linkage == "single":
        nearer, farther = two.aminmax(dim=1, keepdim=True)
        return torch.where(farther.isinf(), farther, nearer)
    parts = members.gather(1, both)
    union = parts.sum(dim=1, keepdim=True)
    members.scatter_(1, both[:, :1], union)
    return (two * (parts / union)[..., None]).sum(dim=1, keepdim=True)


def _followed(into: Tensor) -> Tensor:
    """Where the way from each patch ends, of its first steps (B, P); steps double each time."""
    for _ in range(into.shape[1].bit_length()):
        into = into.gather(1, into)
    return into


class Cluster(Step):
    """One stage."""

    where = "after_attention"

    def __init__(self, quota: Quota, linkage: Linkage, *, proportional: bool) -> None:
        super().__init__()
        self.quota = quota
        self.linkage = linkage
        self.proportional = proportional  # type: ignore[misc]  # an option here, a rule elsewhere

    def left(self, tokens: int, whole: int) -> int:
        """A token for each cluster."""
        return self.quota.of(tokens, whole)

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, prefix + K, C)."""
        assert run.seen is not None  # noqa: S101  # attention is before it
        first, patches = x[:, : run.prefix], x[:, run.prefix :]
        kept = self.left(patches.shape[1], run.whole)
        with torch.no_grad():
            distances = unlikeness(run.seen.keys.mean(dim=1))[:, run.prefix :, run.prefix :]
            clusters = agglomerated(distances, kept, self.linkage)
            size = distances.new_ones(x.shape[:2]) if run.size is None else run.size[..., 0]
            shares, sizes = shared(size[:, run.prefix :], clusters, kept)
            run.size = torch.cat((size[:, : run.prefix], sizes), dim=1)[..., None]
        run.moved(lambda: behind(clusters, run.prefix))
        return torch.cat((first, means(patches, shares, clusters, kept)), dim=1)


def steps(
    host: Host,
    *,
    keep_rate: Rates = 0.7,
    linkage: Linkage = "average",
    proportional: bool = False,
    blocks: Blocks = None,
) -> list[Step]:
    """Apply it with what is kept at each stage, as a share of the image's patches.

    ``linkage``: two clusters are as far apart as their patches are on average, at most, or at
    least. ``proportional``: attention counts a token as often as its patches.
    """
    at = stages(host, blocks)
    cuts: dict[int, Step] = {
        block: Cluster(quota, linkage, proportional=proportional)
        for block, quota in zip(at, quotas(keep_rate, "int_original", len(at)), strict=True)
    }
    return at_stages(host, cuts, UntouchedProportional if proportional else Untouched)
