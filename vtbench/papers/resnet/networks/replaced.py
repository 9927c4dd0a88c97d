"""ResNets in which another layer stands where He et al. have a 3x3 convolution.

The networks of three later papers share this: the stem and the blocks are theirs, the order of
norms, shortcuts and strides is ResNet's. The stride of a bottleneck stands in its middle layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from vtbench.models.arguments import at_least_1
from vtbench.papers.resnet.networks.resnet import initialise


class Residual(nn.Module):
    """Layers with their norms, beside a shortcut that is projected if the shape changes."""

    def __init__(
        self, layers: Sequence[nn.Module], widths: Sequence[int], c_in: int, stride: int
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths)
        self.width = widths[-1]
        same = stride == 1 and c_in == self.width
        projection = pointwise(c_in, self.width, stride), nn.BatchNorm2d(self.width)
        self.shortcut = None if same else nn.Sequential(*projection)

    def forward(self, x: Tensor) -> Tensor:
        """N,c_in,H,W -> N,widths[-1],H/stride,W/stride."""
        out = x
        for index, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            out = norm(layer(out.relu() if index else out))
        return torch.relu(out + (x if self.shortcut is None else self.shortcut(x)))


class ReplacedResNet(nn.Module):
    """A stem, four layers of residual blocks, the global average and a linear layer."""

    def __init__(
        self,
        stem: nn.Module,
        c_in: int,
        counts: Sequence[int],
        block: Callable[[int, int, int], Residual],
        num_classes: int,
    ) -> None:
        """``block`` makes a residual block of its channels in, its stage and its stride."""
        super().__init__()
        at_least_1(num_classes=num_classes)
        self.stem = stem
        self.stages = len(counts)
        for stage, count in enumerate(counts):
            blocks = nn.Sequential()
            for index in range(count):
                made = block(c_in, stage, 2 if stage and not index else 1)
                c_in = made.width
                blocks.append(made)
            self.add_module(f"layer{stage + 1}", blocks)
        self.fc = nn.Linear(c_in, num_classes)
        initialise(self)

    def forward(self, image: Tensor) -> Tensor:  # N,3,H,W
        """Scores of the classes, N,num_classes."""
        x = self.stem(image)
        for stage in range(self.stages):
            x = self.get_submodule(f"layer{stage + 1}")(x)
        scores: Tensor = self.fc(x.mean((2, 3)))
        return scores


def pointwise(c_in: int, c_out: int, stride: int = 1) -> nn.Conv2d:
    """A 1x1 convolution without bias."""
    return nn.Conv2d(c_in, c_out, 1, stride, bias=False)


def bottleneck(c_in: int, layer: nn.Module, width: int, c_out: int, stride: int) -> Residual:
    """A 1x1 that narrows to ``width``, the layer with the stride, a 1x1 that widens."""
    layers = (pointwise(c_in, width), layer, pointwise(width, c_out))
    return Residual(layers, (width, width, c_out), c_in, stride)


def convolutional_stem(width: int = 64) -> nn.Sequential:
    """ResNet's: a 7x7 convolution with stride 2, its norm, and a maximum over 3x3."""
    conv = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
    pool = nn.MaxPool2d(3, stride=2, padding=1)
    return nn.Sequential(conv, nn.BatchNorm2d(width), nn.ReLU(inplace=True), pool)
