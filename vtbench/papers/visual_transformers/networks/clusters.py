"""K-means over the pixels of a map: the clusters of v4's table 3, and of its appendix C."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from vtbench.papers.visual_transformers.networks.blocks import BlockShape, Extraction


def grid(tokens: int) -> tuple[int, int]:
    """Rows and columns of the most nearly square grid with that many positions."""
    rows = next(rows for rows in range(math.isqrt(tokens), 0, -1) if tokens % rows == 0)
    return rows, tokens // rows


def kmeans(x: Tensor, tokens: int, iterations: int) -> Tensor:
    """Centroids N,f,L of the pixels of a map N,f,H,W, all of unit length: listing 1 of v4.

    Pixels start at the map pooled to L positions; each of Lloyd's iterations assigns them to the
    centroid that is nearest in angle, by one matrix product, and takes the mean. A centroid that
    no pixel is nearest to stays where it is. No gradient.

    The listing takes distances by differences, which are no product, and means by a product with
    the mask of the nearest: one product of the same size for each iteration as well. It divides by
    zero for an empty cluster, and a pixel that is as near to two centroids counts in both.
    """
    with torch.no_grad():
        # In half precision a sum over a few hundred pixels would lose its last ones.
        x = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
        start = F.adaptive_avg_pool2d(x, grid(tokens)).flatten(2)
        centroids = F.normalize(start, dim=1)  # N,f,L
        pixels = F.normalize(x.flatten(2), dim=1)  # N,f,HW
        for _ in range(iterations):
            nearness = pixels.transpose(1, 2) @ centroids  # N,HW,L
            nearest = nearness.argmax(dim=2)[:, None].expand_as(pixels)  # N,f,HW
            sums = torch.zeros_like(centroids).scatter_add(2, nearest, pixels)  # N,f,L
            # The mean of a cluster has the direction of its sum.
            centroids = torch.where(sums.norm(dim=1, keepdim=True) > 0, F.normalize(sums, dim=1),
                                    centroids)  # fmt: skip
    return centroids


class KMeansTokenizer(nn.Module):
    """Coefficients by the centroids of this image's own pixels as filters: eq. 6 of v4."""

    def __init__(self, shape: BlockShape, iterations: int, *, position: bool) -> None:
        super().__init__()
        self.tokens = shape.L
        self.iterations = iterations
        self.extraction = Extraction(shape, position=position)

    def forward(self, x: Tensor) -> Tensor:
        """Map N,f,H,W -> tokens N,C_T,L."""
        centroids = kmeans(x, self.tokens, self.iterations).to(x.dtype)  # N,f,L
        coefficients = (x.flatten(2).transpose(1, 2) @ centroids).softmax(dim=1)  # N,HW,L
        tokens: Tensor = self.extraction(x, coefficients[:, None])
        return tokens
