"""Attention augmented ResNets (Bello et al., ICCV 2019): attention beside convolutions.

A convolution gives up d_v of its channels to multi-head attention over the whole map, whose
relative positions are learned, one table for heights and one for widths, shared by the heads. It
is applied once per residual block, in the last three stages: to the first 3x3 of a basic block, to
the only one of a bottleneck. d_k = κ·C_out and d_v = υ·C_out with κ = 2υ = 0.2, 8 heads, and at
least 20 dimensions of keys per head.

What the paper leaves open, and what is done here:

- d_k and d_v are to be divided among the heads: the shares are rounded down to a multiple of them.
- A block that halves its map: the attention reads the 3x3 average of its input with stride 2, the
  paper's way to make a map smaller.
- "Sometimes" the input of attention is made smaller so in the layers with the largest maps, and
  what comes out is enlarged again (bilinear): ``pooled`` does it in the 28x28 stage. Default: not.
- The shares are options, ``key_share`` and ``value_share``: what is printed of ResNet-34 does not
  follow from those above, and the paper's appendix was not at hand.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from vtbench.errors import BadOption
from vtbench.models.arguments import Size, at_least_1
from vtbench.papers.resnet.networks.replaced import (
    ReplacedResNet,
    Residual,
    bottleneck,
    convolutional_stem,
)
from vtbench.papers.resnet.networks.resnet import BLOCKS, PLANES, is_bottleneck

KEYS_PER_HEAD = 20
"""The least number of dimensions of a head's keys."""
FIRST_STAGE = 1
"""The first stage with attention, that of 28x28 (layer1 is 0)."""


class RelativeAttention(nn.Module):
    """Every place looks at every place: HW·HW products of d_k and of d_v numbers."""

    def __init__(self, c_in: int, keys: int, values: int, heads: int, size: Size) -> None:
        super().__init__()
        self.split = (keys, keys, values)
        self.heads = heads
        self.in_projection = nn.Conv2d(c_in, sum(self.split), 1, bias=False)
        self.output = nn.Conv2d(values, values, 1, bias=False)
        width = keys // heads
        # One vector for every distance between two rows, and two columns.
        self.rows = nn.Parameter(torch.randn(2 * size[0] - 1, width) * width**-0.5)
        self.columns = nn.Parameter(torch.randn(2 * size[1] - 1, width) * width**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """B,C,H,W -> B,d_v,H,W."""
        parts = self.in_projection(x).split(self.split, dim=1)
        query, key, value = (part.unflatten(1, (self.heads, -1)) for part in parts)  # B,h,d,H,W
        query = query * query.shape[2] ** -0.5
        logits = query.flatten(3).transpose(2, 3) @ key.flatten(3)  # B,h,HW,HW
        by_place = query.permute(0, 1, 3, 4, 2)  # B,h,H,W,d
        columns = _shifted(by_place @ self.columns.T)  # B,h,H,W,W'
        rows = _shifted((by_place @ self.rows.T).transpose(2, 3)).transpose(2, 3)  # B,h,H,W,H'
        relative = rows[..., :, None] + columns[..., None, :]  # B,h,H,W,H',W'
        weights = (logits + relative.flatten(4).flatten(2, 3)).softmax(dim=3)
        seen = value.flatten(3) @ weights.transpose(2, 3)  # B,h,d,HW
        out: Tensor = self.output(seen.flatten(1, 2).unflatten(2, x.shape[2:]))
        return out


def _shifted(by_distance: Tensor) -> Tensor:
    """Products with every distance -> with every place: ..,n,2n-1 -> ..,n,n."""
    count = by_distance.shape[-2]
    places = torch.arange(count, device=by_distance.device)
    distance = places[None] - places[:, None] + count - 1  # n,n: from 0 to 2n-2
    return by_distance.gather(-1, distance.expand(*by_distance.shape[:-1], count))


class AugmentedConv(nn.Module):
    """A 3x3 convolution of C_out - d_v channels, and d_v of attention behind them."""

    def __init__(
        self, c_in: int, c_out: int, stride: int, shares: Shares, size: Size, *, pooled: bool
    ) -> None:
        """``size`` is that of the output; ``pooled`` halves what attention sees once more."""
        super().__init__()
        keys, values = shares.of(c_out)
        self.conv = nn.Conv2d(c_in, c_out - values, 3, stride, padding=1, bias=False)
        self.shrink = nn.Sequential(*(nn.AvgPool2d(3, 2, 1) for _ in range((stride > 1) + pooled)))
        seen = (_half(size[0]), _half(size[1])) if pooled else size
        self.attention = RelativeAttention(c_in, keys, values, shares.heads, seen)

    def forward(self, x: Tensor) -> Tensor:
        """B,c_in,H,W -> B,c_out,H/stride,W/stride."""
        local = self.conv(x)
        seen = self.attention(self.shrink(x))
        if seen.shape[2:] != local.shape[2:]:
            seen = interpolate(seen, local.shape[2:], mode="bilinear", align_corners=False)
        return torch.cat((local, seen), dim=1)


class Shares:
    """How many of a layer's channels keys and values have, in whole heads."""

    def __init__(self, keys: float, values: float, heads: int) -> None:
        at_least_1(heads=heads)
        for name, share in (("key_share", keys), ("value_share", values)):
            if not 0 < share < 1:
                raise BadOption(f"The option {name} must be between 0 and 1, not {share}.")
        self.keys, self.values, self.heads = keys, values, heads

    def of(self, c_out: int) -> tuple[int, int]:
        """d_k and d_v of a layer with ``c_out`` channels."""
        keys, values = (int(c_out * share / self.heads) for share in (self.keys, self.values))
        if not values:
            raise BadOption(
                f"The option value_share={self.values} leaves no channel for each of "
                f"{self.heads} heads in a layer of {c_out} channels."
            )
        return max(keys, KEYS_PER_HEAD) * self.heads, values * self.heads


def _half(side: int) -> int:
    return (side + 1) // 2


def aa_resnet(  # noqa: PLR0913 - the paper's choices, and the images
    *,
    depth: Literal[34, 50, 101] = 50,
    key_share: float = 0.2,
    value_share: float = 0.1,
    heads: int = 8,
    pooled: bool = False,
    num_classes: int = 1000,
    resolution: Size = (224, 224),
    batch_size: int = 1,
) -> tuple[ReplacedResNet, Tensor]:
    """The network for images of one size, which its relative positions depend on, and a batch."""
    at_least_1(batch_size=batch_size)
    if depth not in (34, 50, 101):
        raise BadOption(f"An attention augmented ResNet has depth 34, 50 or 101, not {depth}.")
    shares = Shares(key_share, value_share, heads)

    def block(c_in: int, stage: int, stride: int) -> Residual:
        width, size = PLANES[stage], resolution
        for _ in range(stage + 2):
            size = (_half(size[0]), _half(size[1]))
        wide = c_in if not is_bottleneck(depth) else width
        layer: nn.Module = nn.Conv2d(wide, width, 3, stride, padding=1, bias=False)
        if stage >= FIRST_STAGE:
            smaller = pooled and stage == FIRST_STAGE
            layer = AugmentedConv(wide, width, stride, shares, size, pooled=smaller)
        if is_bottleneck(depth):
            return bottleneck(c_in, layer, width, 4 * width, stride)
        second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        return Residual((layer, second), (width, width), c_in, stride)

    net = ReplacedResNet(convolutional_stem(), 64, BLOCKS[depth], block, num_classes)
    return net, torch.randn(batch_size, 3, *resolution)
