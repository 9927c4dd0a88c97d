"""SlowFast: Feichtenhofer et al., SlowFast Networks for Video Recognition, ICCV 2019.

Two ResNets look at one clip: the slow one at every fourth frame, with the widths of a ResNet; the
fast one at all frames, with an eighth of them. After pool1, res2, res3 and res4, convolutions of
5x1x1 with stride 4 in time bring the fast maps, at twice their width, beside the slow ones.

Only res4 and res5 of the slow pathway reach over three frames; all of the fast one does. The table
of the paper is that of ResNet-50. In ResNet-101, res4 has 23 blocks; here the first 6 of both
pathways reach over time, as many as ResNet-50 has, and the others over one frame. That is how the
printed 106 G come out at 256x256 pixels; all 23 would take 126 G.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from vtbench.models.arguments import Size, at_least_1, check_frames, clip
from vtbench.papers.resnet.networks.video import STAGES, ConvNorm, bottlenecks, initialise

FASTER = 4
"""Frames of the fast pathway for each of the slow one."""
NARROWER = 8
"""Widths of the slow pathway for each of the fast one."""
LATERAL_REACH = 5
REACHING_BLOCKS = 6
"""At most so many blocks of a stage reach over three frames."""


class Stem(nn.Module):
    """A ``time`` x 7x7 with stride 2 and a pooling with stride 2, both in space alone."""

    def __init__(self, width: int, time: int) -> None:
        super().__init__()
        self.conv = ConvNorm(3, width, time, 7, (1, 2, 2))
        self.pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """B,3,T,H,W -> B,width,T,H/4,W/4."""
        out: Tensor = self.pool(self.conv(x).relu())
        return out


class Lateral(nn.Module):
    """The fast map brought beside the slow one."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = ConvNorm(width, 2 * width, LATERAL_REACH, 1, (FASTER, 1, 1))

    def forward(self, slow: Tensor, fast: Tensor) -> Tensor:
        """B,C,T,H,W and B,c,4T,H,W -> B,C+2c,T,H,W."""
        return torch.cat([slow, self.conv(fast).relu()], dim=1)


class SlowFast(nn.Module):
    """Both pathways, what joins them, and a head over both."""

    def __init__(
        self, *, depth: Literal[50, 101] = 101, width: int = 64, num_classes: int = 400
    ) -> None:
        super().__init__()
        fast = width // NARROWER
        self.slow_stem, self.fast_stem = Stem(width, 1), Stem(fast, 5)
        slow_in, fast_in = width, fast
        self.laterals = nn.ModuleList()
        self.slow, self.fast = nn.ModuleList(), nn.ModuleList()
        for stage, blocks in enumerate(STAGES[depth]):
            self.laterals.append(Lateral(fast_in))
            stride, reaching = 2 if stage else 1, min(blocks, REACHING_BLOCKS)
            over_time = [3] * reaching + [1] * (blocks - reaching)
            times = over_time if stage > 1 else [1] * blocks
            planes = width << stage
            own, other = slow_in + 2 * fast_in, fast_in
            self.slow.append(nn.Sequential(*bottlenecks(own, planes, times, stride)))
            fast_planes = planes // NARROWER
            self.fast.append(nn.Sequential(*bottlenecks(other, fast_planes, over_time, stride)))
            slow_in, fast_in = 4 * planes, 4 * fast_planes
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(slow_in + fast_in, num_classes)
        initialise(self)

    def forward(self, clip: Tensor) -> Tensor:  # B,3,4T,H,W
        """Scores per class, B,num_classes."""
        slow, fast = self.slow_stem(clip[:, :, ::FASTER]), self.fast_stem(clip)
        stages = zip(self.laterals, self.slow, self.fast, strict=True)
        for lateral, slow_stage, fast_stage in stages:
            slow, fast = slow_stage(lateral(slow, fast)), fast_stage(fast)
        pooled = torch.cat([slow.mean((2, 3, 4)), fast.mean((2, 3, 4))], dim=1)
        scores: Tensor = self.head(self.dropout(pooled))
        return scores


def slowfast(
    *,
    depth: Literal[50, 101] = 101,
    frames: int = 32,
    num_classes: int = 400,
    resolution: Size = (256, 256),
    batch_size: int = 1,
) -> tuple[SlowFast, Tensor]:
    """The network and a clip of ``frames`` frames, of which the slow pathway sees a quarter."""
    at_least_1(num_classes=num_classes, batch_size=batch_size)
    check_frames(frames, FASTER)
    return SlowFast(depth=depth, num_classes=num_classes), clip(batch_size, frames, resolution)
