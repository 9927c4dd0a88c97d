"""DPC-KNN: patches are clustered around peaks of density, and each cluster becomes one token.

Zeng et al., Not All Tokens Are Equal, CVPR 2022; on vision transformers, Haurum et al., 2023.

Modifications of the host: before a block of each stage, the patches that are dense among their k
nearest and far from any denser one become centres, every patch joins the nearest centre, and a
cluster becomes the mean of its patches, weighted by the softmax of a learned score.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vtbench.errors import BadOption
from vtbench.reduce.clusters import Distances, behind, means, softened, to_nearest
from vtbench.reduce.dial import rate
from vtbench.reduce.host import Host
from vtbench.reduce.run import Run
from vtbench.reduce.selecting import places_of
from vtbench.reduce.stages import Blocks, Quota, Rates, at_stages, quotas, stages
from vtbench.reduce.step import Step

DIAL = rate("keep_rate")


def peaks(distances: Tensor, kept: int, k: int, noise: float) -> Tensor:
    """The patches (B, K) that are centres, of distances (B, P, P), the best first.

    Density is exp(-d²), d² the mean of the k nearest, itself included. A patch is worth its density
    times the distance to the nearest denser one; the densest, times the largest distance of all.
    Of two as dense, or worth as much, the first comes first.
    """
    near = distances.topk(min(k, distances.shape[2]), dim=2, largest=False, sorted=False).values
    density = near.square().mean(dim=2).neg().exp()
    if noise:
        density = density + torch.rand_like(density) * noise
    order = density.argsort(dim=1, descending=True, stable=True)
    rank = places_of(order, order.shape[1])  # (B, P): 0 is the densest
    not_denser = rank[:, :, None] <= rank[:, None, :]
    apart = distances.masked_fill(not_denser, torch.inf).amin(dim=2)
    apart = torch.where(rank == 0, distances.amax(dim=(1, 2))[:, None], apart)
    return (density * apart).argsort(dim=1, descending=True, stable=True)[:, :kept]


class Cluster(Step):
    """One stage."""

    where = "before_block"

    def __init__(self, quota: Quota, width: int, *, k: int, noise: float) -> None:
        super().__init__()
        self.quota = quota
        self.k = k
        self.noise = noise
        self.distances = Distances()
        self.score = nn.Linear(width, 1)

    def left(self, tokens: int, whole: int) -> int:
        """A token for each cluster."""
        return self.quota.of(tokens, whole)

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, prefix + K, C)."""
        prefix, patches = x[:, : run.prefix], x[:, run.prefix :]
        kept = self.left(patches.shape[1], run.whole)
        distances = self.distances(patches) * patches.shape[2] ** -0.5
        clusters = to_nearest(distances, peaks(distances, kept, self.k, self.noise))
        shares = softened(self.score(patches)[..., 0], clusters, kept)
        run.moved(lambda: behind(clusters, run.prefix))
        return torch.cat((prefix, means(patches, shares, clusters, kept)), dim=1)


def steps(
    host: Host,
    *,
    keep_rate: Rates = 0.7,
    k: int = 5,
    noise: float = 0.0,
    blocks: Blocks = None,
) -> list[Step]:
    """Apply it with what is kept at each stage, as a share of the image's patches.

    ``k``: the nearest that density is taken from. ``noise``: what is drawn from 0 to it and added
    to each density, 1e-6 as released; at 0 an image always gives the same, in any batch.
    """
    if type(k) is not int or k < 1:
        raise BadOption(f"k={k!r}: expected a whole number from 1.")
    if isinstance(noise, bool) or not isinstance(noise, int | float) or not 0 <= noise < torch.inf:
        raise BadOption(f"noise={noise!r}: expected a number from 0.")
    at = stages(host, blocks)
    cuts: dict[int, Step] = {
        block: Cluster(quota, host.width, k=k, noise=noise)
        for block, quota in zip(at, quotas(keep_rate, "int_original", len(at)), strict=True)
    }
    return at_stages(host, cuts)
