"""SparseFormer for a class at every pixel: appendix A.2 of its paper.

The map of the early convolution, a quarter of the image's sides, asks the tokens what lies where:
cross-attention, whose scores fall off with the distance from a token's RoI in units of its size.
Two 3x3 convolutions and a classifier follow. N tokens of width d, M = HW/16 positions, E channels
of the dense map:

    softmax(Q·Kᵀ/√E + B)·V,  B_ij = -((x_i - x_j)/w_j)² - ((y_i - y_j)/h_j)².

The paper prints no width of this head, and none follows from its text. E = 256, twice as many
before the classifier, one head and no projection of the output are our choice, deduced from its
table 8: with them, and counting convolutions and linear layers alone, its three figures come out.
The layer norm of the tokens, the batch norms and the ReLUs are our choice too, and multiply
nothing. Scores are those of the map's positions; they are not enlarged to the image's pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from typing_extensions import Unpack

from vtbench.models.arguments import at_least_1
from vtbench.papers.sparseformer.networks.body import initialise
from vtbench.papers.sparseformer.networks.classifier import SparseFormer
from vtbench.papers.sparseformer.networks.detector import scatter
from vtbench.papers.sparseformer.networks.options import SizedOptions
from vtbench.papers.sparseformer.networks.sampling import NORM_EPS

DENSE_CHANNELS = 256
PRETRAINED_TOKENS = 49
"""With as many as SparseFormer-T has, RoIs start as its own do; others are scattered."""


def location_bias(rois: Tensor, height: int, width: int) -> Tensor:
    """Corners B,N,4 -> B,M,N: less the squared distances of positions from RoIs, in their sizes."""
    low, high = rois.chunk(2, dim=-1)
    centre, size = (low + high) / 2, (high - low).abs()  # B,N,2
    across = torch.arange(width, device=rois.device, dtype=rois.dtype).add(0.5) / width
    down = torch.arange(height, device=rois.device, dtype=rois.dtype).add(0.5) / height
    x = (across[:, None] - centre[:, None, :, 0]) / size[:, None, :, 0]  # B,W,N
    y = (down[:, None] - centre[:, None, :, 1]) / size[:, None, :, 1]  # B,H,N
    return -(y.square()[:, :, None] + x.square()[:, None]).flatten(1, 2)


class DenseProducts(nn.Module):
    """Scores and their use: softmax(Q·Kᵀ/√E + B)·V, 2·M·N·E."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
        """B,M,E, B,N,E twice and B,M,N -> B,M,E."""
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)  # B,M,N
        attended: Tensor = (scores + bias).softmax(dim=-1).to(value.dtype) @ value
        return attended


class Convolution(nn.Module):
    """A 3x3, batch norm, ReLU."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out_channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """B,C,H,W -> B,out_channels,H,W."""
        out: Tensor = self.norm(self.conv(x)).relu()
        return out


class SegmentationHead(nn.Module):
    """A dense map restored from tokens, and the classes of its positions."""

    def __init__(self, mapped: int, width: int, channels: int, num_classes: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)
        self.query = nn.Linear(mapped, channels)
        self.key = nn.Linear(width, channels)
        self.value = nn.Linear(width, channels)
        self.products = DenseProducts()
        self.conv1 = Convolution(channels, channels)
        self.conv2 = Convolution(channels, 2 * channels)
        self.classifier = nn.Conv2d(2 * channels, num_classes, 1)
        initialise(self)

    def forward(self, feature_map: Tensor, tokens: Tensor, rois: Tensor) -> Tensor:
        """Map B,C,H,W, tokens B,N,d and corners B,N,4 -> scores B,num_classes,H,W."""
        height, width = feature_map.shape[-2:]
        asking = feature_map.to(tokens.dtype).flatten(2).transpose(1, 2)  # B,M,C
        tokens = self.norm(tokens)
        query, key, value = self.query(asking), self.key(tokens), self.value(tokens)
        dense = self.products(query, key, value, location_bias(rois, height, width))
        dense = dense.transpose(1, 2).unflatten(2, (height, width))  # B,E,H,W
        scores: Tensor = self.classifier(self.conv2(self.conv1(dense)))
        return scores


class SparseFormerSegmenter(SparseFormer):
    """SparseFormer-T with a dense head in place of the classifier."""

    def __init__(
        self,
        *,
        tokens: int = 400,
        dense_channels: int = DENSE_CHANNELS,
        num_classes: int = 150,
        **options: Unpack[SizedOptions],
    ) -> None:
        at_least_1(dense_channels=dense_channels)
        super().__init__(tokens=tokens, num_classes=num_classes, **options)
        if tokens != PRETRAINED_TOKENS:
            scatter(self.initial.get_parameter("rois"))
        self.head = SegmentationHead(self.channels, self.width, dense_channels, num_classes)

    def forward(self, image: Tensor) -> Tensor:
        """Image B,3,H,W -> scores B,num_classes,⌈H/4⌉,⌈W/4⌉."""
        seen = self.see(image)
        scores: Tensor = self.head(seen.feature_map, seen.tokens, seen.rois)
        return scores
