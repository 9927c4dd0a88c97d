"""Local relation networks (Hu et al., Local Relation Networks for Image Recognition, ICCV 2019).

A local relation layer adds up the 7x7 pixels around each, with weights

    softmax(-(q_i - k_j)² + g_(j-i)),

one for each of C/m groups of m = 8 channels: query and key are one number per group, made by 1x1
convolutions, and the geometry prior g comes from the relative position by two such, with a ReLU in
between. The pixels are added up as they are, and a last 1x1 gives the layer's channels. The layer
replaces the 3x3 of each bottleneck, whose inner width grows from 64 to 100, and ResNet's first 7x7,
where a 1x1 to 64 channels precedes it.

Layers are written from the paper's equations, the widths from its table of LR-Net-50, of which the
text itself was not at hand. What it leaves open, or what could not be looked up:

- LR-Net-18 has no table. ``block`` chooses between "bottleneck", of which the others are made, and
  "basic", in which two layers replace the two 3x3 of ResNet-18's blocks.
- LR-Net-101 has no table either: it has the widths of LR-Net-50. ``width`` is the inner one.
- 100 channels are no multiple of 8: ⌈C/m⌉ groups, of which the last is smaller.
- The hidden width of the geometry prior is not stated: one number per group.
- ``output_transform``: whether the layer's last 1x1 is there too if a bottleneck's 1x1 follows it.
- Queries are made at the places that the stride leaves, keys everywhere.
- Outside the map stand zeros, which take part in the softmax.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from vtbench.errors import BadOption
from vtbench.models.arguments import at_least_1, one_of
from vtbench.models.windows import windows
from vtbench.papers.resnet.networks.replaced import (
    ReplacedResNet,
    Residual,
    bottleneck,
    pointwise,
)
from vtbench.papers.resnet.networks.resnet import BLOCKS

STEM_WIDTH = 64
KERNEL = 7


class GeometryPrior(nn.Module):
    """A number for each neighbour and group, from where the neighbour stands; once per call."""

    def __init__(self, groups: int, kernel: int) -> None:
        super().__init__()
        steps = torch.arange(kernel) - kernel // 2
        places = torch.cartesian_prod(steps, steps).T[None, :, :, None]  # 1,2,k²,1
        self.register_buffer("places", places.float(), persistent=False)
        self.map = nn.Sequential(
            nn.Conv2d(2, groups, 1), nn.ReLU(inplace=True), nn.Conv2d(groups, groups, 1)
        )

    def forward(self) -> Tensor:
        """1,G,k²,1."""
        prior: Tensor = self.map(self.places)
        return prior


class LocalRelation(nn.Module):
    """k²·C products per place, and 1x1 convolutions for queries, keys and the output."""

    def __init__(
        self, c_in: int, c_out: int, stride: int, shared: int, *, output_transform: bool = True
    ) -> None:
        super().__init__()
        self.shared, self.stride = shared, stride
        groups = -(-c_in // shared)
        self.query = pointwise(c_in, groups, stride)
        self.key = pointwise(c_in, groups)
        self.prior = GeometryPrior(groups, KERNEL)
        self.output = pointwise(c_in, c_out) if output_transform else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """B,c_in,H,W -> B,c_out,H/stride,W/stride."""
        query = self.query(x)  # B,G,H/s,W/s
        key = windows(self.key(x), KERNEL, self.stride)  # B,G,k²,P
        alike = -((query.flatten(2)[:, :, None] - key) ** 2)
        weights = (alike + self.prior()).softmax(dim=2)
        each = weights.repeat_interleave(self.shared, dim=1)[:, : x.shape[1]]  # B,c_in,k²,P
        seen = torch.einsum("bckp,bckp->bcp", each, windows(x, KERNEL, self.stride))
        out: Tensor = self.output(torch.unflatten(seen, 2, query.shape[2:]))
        return out


class LRNet(ReplacedResNet):
    """The stem, residual blocks of local relation layers, the head."""

    def __init__(
        self,
        *,
        depth: Literal[18, 50, 101] = 50,
        block: Literal["bottleneck", "basic"] = "bottleneck",
        width: int = 100,
        shared: int = 8,
        output_transform: bool = True,
        num_classes: int = 1000,
    ) -> None:
        at_least_1(width=width, shared=shared)
        one_of(("bottleneck", "basic"), block=block)
        if depth not in (18, 50, 101):
            raise BadOption(f"A local relation network has depth 18, 50 or 101 here, not {depth}.")

        def made(c_in: int, stage: int, stride: int) -> Residual:
            wide, c_out = width << stage, 256 << stage
            if block == "bottleneck":
                layer = LocalRelation(wide, wide, stride, shared, output_transform=output_transform)
                return bottleneck(c_in, layer, wide, c_out, stride)
            both = (
                LocalRelation(c_in, wide, stride, shared), LocalRelation(wide, wide, 1, shared),
            )  # fmt: skip
            return Residual(both, (wide, wide), c_in, stride)

        stem = nn.Sequential(
            pointwise(3, STEM_WIDTH), nn.BatchNorm2d(STEM_WIDTH), nn.ReLU(inplace=True),
            LocalRelation(STEM_WIDTH, STEM_WIDTH, 2, shared), nn.BatchNorm2d(STEM_WIDTH),
            nn.ReLU(inplace=True), nn.MaxPool2d(3, stride=2, padding=1),
        )  # fmt: skip
        super().__init__(stem, STEM_WIDTH, BLOCKS[depth], made, num_classes)
