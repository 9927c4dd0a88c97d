"""Stand-alone self-attention (Ramachandran et al., NeurIPS 2019): ResNets of local attention.

Each 3x3 of a bottleneck is replaced by attention of every pixel to the 7x7 pixels around it, in 8
heads, with embeddings of the row and of the column of each neighbour (equation 3: q·k + q·r). If
the block halves its map, a 2x2 average with stride 2 follows. ResNet-38 and -26 have one and two
blocks less in each layer than ResNet-50. The stem attends within blocks of 4x4 pixels, in 4 heads,
its values made by a mixture of matrices that depends on the place in the block (equations 8 and 9);
a norm and a 4x4 maximum follow. With ``stem="convolution"`` it is ResNet's.

Where two readings stand against each other, ``projections`` chooses. Section 2.2 splits the pixels'
channels among the heads and gives each head matrices of its own group, d_out/N x d_in/N:
"per_head". With "full", the default, every head reads all channels, as equation 2 has it for one
head: the sizes that the paper prints, and its FLOPs of the nets with ResNet's stem, need it.

What the paper leaves open, and what is done here: the stem mixes 4 matrices, and its embeddings
have 16 numbers; a head's embedding is half of rows and half of columns; outside the map stand
zeros, which take part in the softmax.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import unfold

from vtbench.errors import BadOption
from vtbench.models.arguments import at_least_1, one_of
from vtbench.models.windows import windows
from vtbench.papers.resnet.networks.replaced import (
    ReplacedResNet,
    Residual,
    bottleneck,
    convolutional_stem,
)

BLOCKS = {26: (1, 2, 4, 1), 38: (2, 3, 5, 2), 50: (3, 4, 6, 3)}
"""Depth -> bottlenecks in layer1 to layer4."""
STEM = 4
"""Side of a block of the stem, and how many heads it has."""
MIXTURES = 4
"""Matrices of values that the stem mixes."""
WIDTH = 64


class LocalAttention(nn.Module):
    """Every place looks at k² places: three times k²·C products, and three projections."""

    def __init__(self, width: int, kernel: int, heads: int, groups: int) -> None:
        super().__init__()
        self.kernel, self.heads = kernel, heads
        self.query, self.key, self.value = (
            nn.Conv2d(width, width, 1, groups=groups, bias=False) for _ in range(3)
        )
        half = width // heads // 2
        self.rows = nn.Parameter(torch.randn(heads, half, kernel) * half**-0.5)
        self.columns = nn.Parameter(torch.randn(heads, half, kernel) * half**-0.5)

    def positions(self) -> Tensor:
        """Each neighbour's embedding, half of its row's and half of its column's: h,d,k²."""
        sides = (-1, -1, self.kernel, self.kernel)
        both = (self.rows[..., None].expand(sides), self.columns[:, :, None].expand(sides))
        return torch.cat(both, dim=1).flatten(2)

    def forward(self, x: Tensor) -> Tensor:
        """B,C,H,W -> B,C,H,W."""
        query = self.query(x).flatten(2).unflatten(1, (self.heads, -1))  # B,h,d,P
        key, value = (
            torch.unflatten(windows(made, self.kernel), 1, (self.heads, -1))  # B,h,d,k²,P
            for made in (self.key(x), self.value(x))
        )
        logits = torch.einsum("bhdp,bhdkp->bhkp", query, key)
        logits = logits + torch.einsum("bhdp,hdk->bhkp", query, self.positions())
        seen = torch.einsum("bhkp,bhdkp->bhdp", logits.softmax(dim=2), value)
        return torch.unflatten(seen.flatten(1, 2), 2, x.shape[2:])


class AttentionStem(nn.Module):
    """Attention within 4x4 pixels, values by place, and the largest of each block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key = (nn.Linear(3, width, bias=False) for _ in range(2))
        self.values = nn.Parameter(torch.randn(MIXTURES, 3, width) * 3**-0.5)
        embedding = width // STEM
        self.rows = nn.Parameter(torch.randn(STEM, 1, embedding))
        self.columns = nn.Parameter(torch.randn(STEM, embedding))
        self.mixtures = nn.Parameter(torch.randn(MIXTURES, embedding))
        self.norm = nn.BatchNorm2d(width)

    def forward(self, image: Tensor) -> Tensor:
        """B,3,H,W -> B,width,H/4,W/4."""
        cut = torch.unflatten(unfold(image, STEM, stride=STEM), 1, (3, -1))  # B,3,16,P
        pixels = cut.permute(0, 3, 2, 1)  # B,P,16,3
        shares = ((self.rows + self.columns).flatten(0, 1) @ self.mixtures.T).softmax(1)  # 16,M
        matrices = torch.unflatten(shares @ self.values.flatten(1), 1, (3, -1))  # 16,3,C
        value = torch.einsum("bpnc,ncd->bpnd", pixels, matrices)
        heads = [
            torch.unflatten(each, 3, (STEM, -1)).transpose(2, 3)  # B,P,h,16,d
            for each in (self.query(pixels), self.key(pixels), value)
        ]
        weights = (heads[0] @ heads[1].transpose(3, 4)).softmax(dim=4)  # B,P,h,16,16
        seen = (weights @ heads[2]).transpose(3, 4).flatten(2, 3)  # B,P,C,16
        strongest: Tensor = self.norm(seen.permute(0, 2, 3, 1)).amax(2)  # B,C,P
        return torch.unflatten(strongest, 2, (image.shape[2] // STEM, image.shape[3] // STEM))


class SASAResNet(ReplacedResNet):
    """The stem, bottlenecks of local attention, the head."""

    def __init__(
        self,
        *,
        depth: Literal[26, 38, 50] = 50,
        stem: Literal["attention", "convolution"] = "attention",
        projections: Literal["per_head", "full"] = "full",
        kernel: int = 7,
        heads: int = 8,
        num_classes: int = 1000,
    ) -> None:
        at_least_1(kernel=kernel, heads=heads)
        one_of(("attention", "convolution"), stem=stem)
        one_of(("per_head", "full"), projections=projections)
        if depth not in BLOCKS:
            raise BadOption(f"A ResNet of attention has depth 26, 38 or 50, not {depth}.")
        if kernel % 2 == 0:
            raise BadOption(f"The option kernel must be odd, not {kernel}.")
        if WIDTH % (2 * heads):
            raise BadOption(f"The option heads must divide {WIDTH // 2}; {heads} does not.")

        def block(c_in: int, stage: int, stride: int) -> Residual:
            width = WIDTH << stage
            layer: nn.Module = LocalAttention(
                width, kernel, heads, heads if projections == "per_head" else 1
            )
            if stride > 1:
                layer = nn.Sequential(layer, nn.AvgPool2d(2, 2, ceil_mode=True))
            return bottleneck(c_in, layer, width, 4 * width, stride)

        first = AttentionStem(WIDTH) if stem == "attention" else convolutional_stem(WIDTH)
        super().__init__(first, WIDTH, BLOCKS[depth], block, num_classes)
