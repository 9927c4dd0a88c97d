"""ResNet as the Visual Transformers papers build on it (He et al., CVPR 2016), whole or cut short.

Layers are named as torchvision names them, so its weights load. Two variants of the bottleneck:
the stride in the 3x3 ("v1.5", torchvision's) or, for the segmentation models, in the first 1x1
(the original, whose weights Detectron2 uses). ``attention`` adds squeeze-and-excitation or CBAM
to every block, as the baselines of the papers' first table have them.

Global pooling is the head's, and is not a product: it counts no MACs here. A convention that
adds pooling at its input size counts HW·C of the last map more.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from vtbench.errors import BadOption
from vtbench.papers.resnet.networks.channel_attention import Attention, attention_block

Depth = Literal[18, 34, 50, 101]

BLOCKS: dict[int, tuple[int, int, int, int]] = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
}
"""Depth -> residual blocks in layer1 to layer4."""
PLANES = (64, 128, 256, 512)
"""Width of the 3x3 convolutions in layer1 to layer4."""


def _conv(c_in: int, c_out: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(c_in, c_out, kernel, stride, padding=kernel // 2, bias=False)


def _shortcut(c_in: int, c_out: int, stride: int) -> nn.Module | None:
    """A projection where the shape changes, else nothing."""
    if stride == 1 and c_in == c_out:
        return None
    return nn.Sequential(_conv(c_in, c_out, 1, stride), nn.BatchNorm2d(c_out))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    expansion = 1

    def __init__(self, c_in: int, planes: int, stride: int, attention: Attention = "none") -> None:
        super().__init__()
        self.conv1 = _conv(c_in, planes, 3, stride)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = _conv(planes, planes, 3)
        self.bn2 = nn.BatchNorm2d(planes)
        self.attention = attention_block(attention, planes)
        self.downsample = _shortcut(c_in, planes, stride)

    def forward(self, x: Tensor) -> Tensor:  # N,c_in,H,W
        """The block's output, at H/stride x W/stride."""
        out = self.bn1(self.conv1(x)).relu()
        out = self.bn2(self.conv2(out))
        if self.attention is not None:
            out = self.attention(out)
        return torch.relu(out + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """A 1x1 that narrows, a 3x3, a 1x1 that widens four times, and a shortcut."""

    expansion = 4

    def __init__(
        self,
        c_in: int,
        planes: int,
        stride: int,
        attention: Attention = "none",
        *,
        stride_in_1x1: bool = False,
    ) -> None:
        super().__init__()
        first, second = (stride, 1) if stride_in_1x1 else (1, stride)
        c_out = planes * self.expansion
        self.conv1 = _conv(c_in, planes, 1, first)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = _conv(planes, planes, 3, second)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = _conv(planes, c_out, 1)
        self.bn3 = nn.BatchNorm2d(c_out)
        self.attention = attention_block(attention, c_out)
        self.downsample = _shortcut(c_in, c_out, stride)

    def forward(self, x: Tensor) -> Tensor:  # N,c_in,H,W
        """The block's output, at H/stride x W/stride."""
        out = self.bn1(self.conv1(x)).relu()
        out = self.bn2(self.conv2(out)).relu()
        out = self.bn3(self.conv3(out))
        if self.attention is not None:
            out = self.attention(out)
        return torch.relu(out + (x if self.downsample is None else self.downsample(x)))


class Trunk(nn.Module):
    """The stem and the first ``layers`` of the four layers; subclasses put a head on it."""

    def __init__(
        self,
        depth: Depth,
        layers: int = 4,
        *,
        stride_in_1x1: bool = False,
        attention: Attention = "none",
    ) -> None:
        super().__init__()
        known_depth(depth)
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.widths: list[int] = []
        """Channels of each layer's output."""
        c_in = 64
        for index in range(layers):
            blocks: list[nn.Module] = []
            for position in range(BLOCKS[depth][index]):
                stride = 2 if position == 0 and index > 0 else 1
                block: BasicBlock | Bottleneck
                if is_bottleneck(depth):
                    block = Bottleneck(
                        c_in, PLANES[index], stride, attention, stride_in_1x1=stride_in_1x1
                    )
                else:
                    block = BasicBlock(c_in, PLANES[index], stride, attention)
                blocks.append(block)
                c_in = PLANES[index] * block.expansion
            self.add_module(f"layer{index + 1}", nn.Sequential(*blocks))
            self.widths.append(c_in)

    def maps(self, image: Tensor) -> list[Tensor]:  # N,3,H,W
        """The feature map after each layer, at 1/4, 1/8, 1/16 and 1/32 of the image."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(image))))
        found = []
        for index in range(len(self.widths)):
            x = self.get_submodule(f"layer{index + 1}")(x)
            found.append(x)
        return found


class ResNet(Trunk):
    """The classifier: four layers, global average, one linear layer."""

    def __init__(
        self,
        *,
        depth: Depth,
        num_classes: int = 1000,
        attention: Attention = "none",
        stride_in_1x1: bool = False,
    ) -> None:
        if num_classes < 1:
            raise BadOption(f"The option num_classes must be at least 1, not {num_classes}.")
        super().__init__(depth, attention=attention, stride_in_1x1=stride_in_1x1)
        self.fc = nn.Linear(self.widths[-1], num_classes)
        initialise(self)

    def forward(self, image: Tensor) -> Tensor:  # N,3,H,W
        """Scores of the classes, N,num_classes."""
        scores: Tensor = self.fc(self.maps(image)[-1].mean((2, 3)))
        return scores


def is_bottleneck(depth: int) -> bool:
    """Whether a depth is built of bottlenecks."""
    return depth in (50, 101)


def known_depth(depth: int) -> None:
    """Refuse a depth that no paper here describes."""
    if depth not in BLOCKS:
        raise BadOption(f"A ResNet has depth 18, 34, 50 or 101 here, not {depth}.")


def initialise(module: nn.Module) -> None:
    """He's initialisation for every convolution of images; norms start as the identity."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
