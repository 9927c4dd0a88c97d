"""The net around the blocks, the same in both versions of the Visual Transformers paper.

ResNet's stem and layers 1 to 3 as they are, blocks that pass a map and tokens on as layer4, and a
classifier that reads the mean of the tokens.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn

from vtbench.models.arguments import at_least_1
from vtbench.papers.resnet.networks.resnet import Trunk, initialise
from vtbench.papers.visual_transformers.networks.blocks import zero_residual_norms


class VTNet(Trunk):
    """Stem and layers 1 to 3; a subclass makes the blocks and puts them on."""

    layer4: nn.ModuleList

    def put_on(
        self,
        blocks: Iterable[nn.Module],
        *,
        token_width: int,
        num_classes: int,
        dropout: float,
        zero_init_residual: bool,
    ) -> None:
        """Add the blocks and the head, then initialise the whole net."""
        at_least_1(num_classes=num_classes)
        self.layer4 = nn.ModuleList(blocks)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(token_width, num_classes)
        initialise(self)
        if zero_init_residual:
            zero_residual_norms(self)

    def forward(self, image: Tensor) -> Tensor:  # N,3,H,W
        """Scores of the classes, N,num_classes, from the mean of the last block's tokens."""
        x = self.maps(image)[-1]  # N,f,H/16,W/16
        tokens: Any = None  # the first block makes them
        for block in self.layer4:
            x, tokens = block(x, tokens)
        scores: Tensor = self.fc(self.dropout(tokens.mean(dim=2)))
        return scores
