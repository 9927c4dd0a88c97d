"""SAN (Zhao et al., Exploring Self-attention for Image Recognition, CVPR 2020): vector attention.

A block adds up the pixels around each, with a weight for every 8 channels of theirs that share one
(figure 2): weights from φ and ψ, linear to C/16 channels, by the mapping γ = Linear, ReLU, Linear;
values by β, linear to C/4; then a norm, a ReLU, a linear layer back to C, and the shortcut. With
``attention="patchwise"`` γ reads the concatenation of φ of the pixel and ψ of all its k²
neighbours, and gives all their weights at once. With "pairwise" it reads the difference of φ and ψ
and of two linearly mapped positions, neighbour by neighbour, and a softmax follows. The footprint
is 3x3 in the first stage and 7x7 after it. Between stages: a norm, a ReLU, the maximum of 2x2 with
stride 2, and a linear layer (table 1).

γ is described without norms: ``norms="output"``. The sizes that the paper prints of six nets need
a norm and a ReLU before each linear layer of γ and at the entry of a block: "everywhere", the
default.

What the paper leaves open, and what is done here: γ's hidden width is C/16 for pairs and that of
its output per neighbour, C/32, for patches; linear layers have biases unless a norm follows;
outside the map stand zeros.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from vtbench.errors import BadOption
from vtbench.models.arguments import at_least_1, one_of
from vtbench.models.windows import windows

Attention = Literal["patchwise", "pairwise"]
Norms = Literal["output", "everywhere"]

BLOCKS = {10: (2, 1, 2, 4, 1), 15: (3, 2, 3, 5, 2), 19: (3, 3, 4, 6, 3)}
"""Depth -> blocks in the five stages."""
WIDTHS = (64, 256, 512, 1024, 2048)
FOOTPRINTS = (3, 7, 7, 7, 7)
REDUCED_WEIGHTS = 16
"""φ and ψ have this part of the channels."""
REDUCED_VALUES = 4
"""β has this part of the channels."""
SHARED = 8
"""Channels of values that share a weight."""


class PatchWeights(nn.Module):
    """Weights of all neighbours from all neighbours at once: B,C,H,W -> B,G,k²,P."""

    def __init__(self, width: int, groups: int, kernel: int, norms: Norms) -> None:
        super().__init__()
        reduced = width // REDUCED_WEIGHTS
        self.kernel, self.groups = kernel, groups
        self.centre, self.around = (nn.Conv2d(width, reduced, 1) for _ in range(2))
        read = reduced * (1 + kernel**2)
        first, second = nn.Conv1d(read, groups, 1), nn.Conv1d(groups, groups * kernel**2, 1)
        self.map = nn.Sequential(first, nn.ReLU(), second)
        if norms == "everywhere":
            between = nn.BatchNorm1d(read), nn.BatchNorm1d(groups)
            self.map = nn.Sequential(between[0], nn.ReLU(), first, between[1], nn.ReLU(), second)

    def forward(self, x: Tensor) -> Tensor:
        """The weights of every group and neighbour."""
        around = windows(self.around(x), self.kernel).flatten(1, 2)  # B,C/16·k²,P
        both = torch.cat((self.centre(x).flatten(2), around), dim=1)
        weights: Tensor = self.map(both).unflatten(1, (self.groups, self.kernel**2))
        return weights


class PairWeights(nn.Module):
    """Weights of each neighbour from it and the pixel: B,C,H,W -> B,G,k²,P."""

    def __init__(self, width: int, groups: int, kernel: int, norms: Norms) -> None:
        super().__init__()
        reduced = width // REDUCED_WEIGHTS
        self.kernel = kernel
        self.centre, self.around = (nn.Conv2d(width, reduced, 1) for _ in range(2))
        self.position = nn.Conv2d(2, 2, 1)
        first, second = nn.Conv2d(reduced + 2, reduced, 1), nn.Conv2d(reduced, groups, 1)
        self.map = nn.Sequential(first, nn.ReLU(), second)
        if norms == "everywhere":
            between = nn.BatchNorm2d(reduced + 2), nn.BatchNorm2d(reduced)
            self.map = nn.Sequential(between[0], nn.ReLU(), first, between[1], nn.ReLU(), second)

    def forward(self, x: Tensor) -> Tensor:
        """The weights of every group and neighbour; over the neighbours their sum is 1."""
        spots = self.position(_coordinates(x))  # 1,2,H,W
        by_colour = self.centre(x).flatten(2)[:, :, None] - windows(self.around(x), self.kernel)
        by_place = spots.flatten(2)[:, :, None] - windows(spots, self.kernel)  # 1,2,k²,P
        both = torch.cat((by_colour, by_place.expand(len(x), -1, -1, -1)), dim=1)
        weights: Tensor = self.map(both).softmax(dim=2)
        return weights


def _coordinates(x: Tensor) -> Tensor:
    """Where every pixel stands, from -1 to 1: 1,2,H,W."""
    sides = [torch.linspace(-1, 1, side, device=x.device, dtype=x.dtype) for side in x.shape[2:]]
    return torch.stack(torch.meshgrid(*sides, indexing="ij"))[None]


class SelfAttention(nn.Module):
    """A block: values around each pixel times their weights, widened, and the shortcut."""

    def __init__(self, width: int, kernel: int, attention: Attention, norms: Norms) -> None:
        super().__init__()
        values = width // REDUCED_VALUES
        made = PatchWeights if attention == "patchwise" else PairWeights
        self.kernel = kernel
        entry = (nn.BatchNorm2d(width), nn.ReLU()) if norms == "everywhere" else ()
        self.entry = nn.Sequential(*entry)
        self.weights = made(width, values // SHARED, kernel, norms)
        self.value = nn.Conv2d(width, values, 1)
        self.output = nn.Sequential(nn.BatchNorm2d(values), nn.ReLU(), nn.Conv2d(values, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        """B,C,H,W -> B,C,H,W."""
        seen = self.entry(x)
        value = windows(self.value(seen), self.kernel)  # B,C/4,k²,P
        value = torch.unflatten(value, 1, (-1, SHARED))  # B,G,8,k²,P
        seen = torch.einsum("bgkp,bgckp->bgcp", self.weights(seen), value)
        seen = torch.unflatten(seen.flatten(1, 2), 2, x.shape[2:])  # B,C/4,H,W
        out: Tensor = self.output(seen)
        return x + out


class SAN(nn.Module):
    """A linear stem, five stages of blocks, each behind a transition, and the head."""

    def __init__(
        self,
        *,
        depth: Literal[10, 15, 19] = 19,
        attention: Attention = "patchwise",
        norms: Norms = "everywhere",
        num_classes: int = 1000,
    ) -> None:
        super().__init__()
        at_least_1(num_classes=num_classes)
        one_of(("patchwise", "pairwise"), attention=attention)
        one_of(("output", "everywhere"), norms=norms)
        if depth not in BLOCKS:
            raise BadOption(f"A SAN has depth 10, 15 or 19, not {depth}.")
        self.stem = nn.Conv2d(3, WIDTHS[0], 1, bias=False)
        c_in = WIDTHS[0]
        for index, (width, count) in enumerate(zip(WIDTHS, BLOCKS[depth], strict=True)):
            stage = nn.Sequential(
                nn.BatchNorm2d(c_in), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(c_in, width, 1)
            )
            for _ in range(count):
                stage.append(SelfAttention(width, FOOTPRINTS[index], attention, norms))
            self.add_module(f"stage{index + 1}", stage)
            c_in = width
        self.norm = nn.Sequential(nn.BatchNorm2d(c_in), nn.ReLU())
        self.fc = nn.Linear(c_in, num_classes)

    def forward(self, image: Tensor) -> Tensor:  # N,3,H,W
        """Scores of the classes, N,num_classes."""
        x = self.stem(image)
        for stage in range(len(WIDTHS)):
            x = self.get_submodule(f"stage{stage + 1}")(x)
        scores: Tensor = self.fc(self.norm(x).mean((2, 3)))
        return scores
