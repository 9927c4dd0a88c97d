"""Non-local I3D: Wang et al., Non-local Neural Networks, CVPR 2018.

A ResNet inflated to clips, as section 4 of the paper has it: conv1 is 5x7x7 with stride 2 in time
too, pool1 is 3x3x3 with stride 2 in all directions, pool2 after res2 halves time once more, and one
of every two residual blocks, the first, reaches over three frames. Five non-local blocks stand
after every other residual block: two in res3, three in res4. Keys and values of each are pooled
2x2 in space; all four convolutions have half as many channels inside as outside.

Which layers are inflated, and how 128 frames are led through, the paper says of ResNet-50 and in
part. The 359 G that a later paper prints for ResNet-101 are not what follows from it: readings that
the text allows give 350 to 395 G at 256x256 pixels, so that a match with one of them would prove
nothing. This is the text's reading word for word.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from vtbench.models.arguments import Size, at_least_1, check_frames, clip
from vtbench.papers.resnet.networks.video import STAGES, ConvNorm, bottlenecks, initialise

SHORTER = 8
"""Frames that become one on the way to res3."""
NONLOCAL = {1: (1, 3), 2: (1, 3, 5)}
"""Stage (res3 is 1) -> the blocks that a non-local block follows."""


class NonLocal(nn.Module):
    """Every place of a clip looks at every pooled place: N·M products of C/2 numbers, twice."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = width // 2
        self.query = nn.Conv3d(width, inner, 1)
        self.key = nn.Conv3d(width, inner, 1)
        self.value = nn.Conv3d(width, inner, 1)
        self.pool = nn.MaxPool3d((1, 2, 2))
        self.output = nn.Conv3d(inner, width, 1)
        self.norm = nn.BatchNorm3d(width)

    def forward(self, x: Tensor) -> Tensor:
        """B,C,T,H,W -> B,C,T,H,W."""
        query = self.query(x).flatten(2).transpose(1, 2)  # B,N,C/2
        key = self.pool(self.key(x)).flatten(2)  # B,C/2,M
        value = self.pool(self.value(x)).flatten(2).transpose(1, 2)  # B,M,C/2
        weights = (query @ key / query.shape[2] ** 0.5).softmax(dim=2)  # B,N,M
        seen = (weights @ value).transpose(1, 2).unflatten(2, x.shape[2:])  # B,C/2,T,H,W
        out: Tensor = self.norm(self.output(seen))
        return x + out


class NonLocalI3D(nn.Module):
    """Stem, four stages with non-local blocks in two of them, a head."""

    def __init__(
        self, *, depth: Literal[50, 101] = 101, width: int = 64, num_classes: int = 400
    ) -> None:
        super().__init__()
        self.stem = ConvNorm(3, width, 5, 7, (2, 2, 2))
        self.pool1 = nn.MaxPool3d(3, 2, 1)
        self.pool2 = nn.MaxPool3d((3, 1, 1), (2, 1, 1), (1, 0, 0))
        self.stages = nn.ModuleList()
        c_in = width
        for stage, count in enumerate(STAGES[depth]):
            times = [1 if index % 2 else 3 for index in range(count)]
            layers = nn.Sequential()
            blocks = bottlenecks(c_in, width << stage, times, 2 if stage else 1)
            c_in = 4 * width << stage
            for index, block in enumerate(blocks):
                layers.append(block)
                if index in NONLOCAL.get(stage, ()):
                    layers.append(NonLocal(c_in))
            self.stages.append(layers)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(c_in, num_classes)
        initialise(self)
        for part in self.modules():
            if isinstance(part, NonLocal):
                nn.init.zeros_(part.norm.weight)  # so that it starts as what was there before it

    def forward(self, clip: Tensor) -> Tensor:  # B,3,8T,H,W
        """Scores per class, B,num_classes."""
        x = self.pool1(self.stem(clip).relu())  # B,64,2T,H/4,W/4
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index == 0:
                x = self.pool2(x)  # B,256,T,H/4,W/4
        scores: Tensor = self.head(self.dropout(x.mean((2, 3, 4))))
        return scores


def nonlocal_i3d(
    *,
    depth: Literal[50, 101] = 101,
    frames: int = 128,
    num_classes: int = 400,
    resolution: Size = (256, 256),
    batch_size: int = 1,
) -> tuple[NonLocalI3D, Tensor]:
    """The network and a clip of ``frames`` frames."""
    at_least_1(num_classes=num_classes, batch_size=batch_size)
    check_frames(frames, SHORTER)
    return NonLocalI3D(depth=depth, num_classes=num_classes), clip(batch_size, frames, resolution)
