"""K-Medoids: patches are clustered, and of each cluster the patch in its middle goes on.

Marin et al., Token Pooling in Vision Transformers, 2021; as released, Haurum et al., 2023.

Modifications of the host: before a block of each stage, the patches with the most attention in the
block before are the first medoids. Several times, every patch joins the nearest medoid, and each
cluster takes the patch of the least cost. The medoids go on as they are.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from vtbench.errors import BadOption
from vtbench.reduce.clusters import Distances, behind, to_nearest
from vtbench.reduce.dial import rate
from vtbench.reduce.host import Host
from vtbench.reduce.run import Run
from vtbench.reduce.selecting import rows, taken
from vtbench.reduce.stages import Blocks, Quota, Rates, quotas, stages
from vtbench.reduce.step import Step, Untouched

DIAL = rate("keep_rate")
Cost = Literal["released", "paper"]


def medoids(distances: Tensor, weights: Tensor, kept: int, iterations: int, cost: Cost) -> Tensor:
    """The patches (B, K) in the middle of their clusters; distances (B, P, P), weights (B, P)."""
    found = weights.topk(kept, dim=1).indices
    alone = weights * distances.sum(dim=2)
    weighted = distances * weights[..., None]
    for _ in range(iterations):
        clusters = to_nearest(distances, found)
        paid = alone if cost == "released" else within(weighted, clusters, kept)
        found = cheapest(paid, clusters, kept)
    return found


def within(weighted: Tensor, clusters: Tensor, count: int) -> Tensor:
    """The cost (B, P) of each patch as the medoid of its cluster.

    It is the sum over the patches of its cluster (B, P) of how far they are, each by its own
    weight: weighted (B, P, P), rows by rows.
    """
    batch, patches, _ = weighted.shape
    sums = weighted.new_zeros(batch * count, patches)
    sums = sums.index_add(0, rows(clusters, count), weighted.flatten(0, 1))
    return sums.view(batch, count, patches).gather(1, clusters[:, None])[:, 0]


def cheapest(cost: Tensor, clusters: Tensor, count: int) -> Tensor:
    """The patch (B, K) of each cluster (B, P) that costs (B, P) the least, of equals the first."""
    least = cost.new_full((len(cost), count), torch.inf).scatter_reduce(1, clusters, cost, "amin")
    places = torch.arange(cost.shape[1], device=cost.device).expand_as(clusters)
    last = torch.full_like(places, cost.shape[1] - 1)
    first = torch.where(cost == least.gather(1, clusters), places, last)
    return last[:, :count].scatter_reduce(1, clusters, first, "amin")


class Watched(Untouched):
    """The block before a stage: nothing goes, and its attention map is kept."""

    where = "before_block"  # so that what attention showed stays until the next block
    shows = "map"


class Pick(Step):
    """One stage."""

    where = "before_block"

    def __init__(self, quota: Quota, iterations: int, cost: Cost, *, seen: bool) -> None:
        super().__init__()
        self.quota = quota
        self.iterations = iterations
        self.cost = cost
        self.shows = "map" if seen else "nothing"  # type: ignore[misc]  # for the next block
        self.distances = Distances()

    def left(self, tokens: int, whole: int) -> int:
        """The medoids."""
        return self.quota.of(tokens, whole)

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, prefix + K, C)."""
        assert run.seen is not None  # noqa: S101  # as steps saw to
        assert run.seen.map is not None  # noqa: S101
        prefix, patches = x[:, : run.prefix], x[:, run.prefix :]
        kept = self.left(patches.shape[1], run.whole)
        distances = self.distances(patches)
        with torch.no_grad():
            weights = run.seen.map.sum(dim=(1, 2), dtype=distances.dtype)[:, run.prefix :]
            found = medoids(distances, weights, kept, self.iterations, self.cost)
        run.moved(lambda: behind(to_nearest(distances, found), run.prefix))
        return torch.cat((prefix, taken(patches, found)), dim=1)


def steps(
    host: Host,
    *,
    keep_rate: Rates = 0.7,
    cost: Cost = "released",
    iterations: int = 3,
    blocks: Blocks = None,
) -> list[Step]:
    """Apply it with what is kept at each stage, as a share of the image's patches.

    ``cost``: as released, the weight of a patch times its distances from all patches; or as in the
    paper, its distances from the patches of its cluster, each by the weight of the other.
    """
    if type(iterations) is not int or iterations < 1:
        raise BadOption(f"iterations={iterations!r}: expected a whole number from 1.")
    at = stages(host, blocks)
    if at and at[0] == 0:
        raise BadOption(
            "blocks: kmedoids goes by the attention in the block before, and before block 0 there "
            "is none. Begin at block 1 or later."
        )
    kept = dict(zip(at, quotas(keep_rate, "int_original", len(at)), strict=True))
    return [
        Pick(kept[block], iterations, cost, seen=block + 1 in kept)
        if block in kept
        else (Watched() if block + 1 in kept else Untouched())
        for block in range(host.depth)
    ]
