"""The non-local block with which section 3.2 of Visual Transformers compares its transformer.

Wang et al., Non-local Neural Networks, CVPR 2018, in the widths that the comparison takes: eq. 3 on
pixels in the place of tokens. Key and query have C/2 channels, value and output C, so that

    key HW·C²/2 + query HW·C²/2 + value HW·C² + output HW·C²  = 3·HW·C²
    scores (HW)²·C/2 + their use (HW)²·C                       = 1.5·(HW)²·C

(the original has C/2 channels throughout: 2·HW·C² + (HW)²·C).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vtbench.errors import BadOption
from vtbench.models.arguments import at_least_1
from vtbench.models.sizes import written
from vtbench.papers.visual_transformers.networks.blocks import (
    as_map,
    check_transformer,
    pointwise2d,
    split_heads,
)

SIZE = 7


class NonLocalBlock(nn.Module):
    """Every pixel looks at every pixel."""

    def __init__(self, width: int, heads: int = 1) -> None:
        super().__init__()
        check_transformer(width, heads, 1)
        self.heads = heads
        self.key = pointwise2d(width, width // 2)
        self.query = pointwise2d(width, width // 2)
        self.value = pointwise2d(width, width)
        self.output = pointwise2d(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """N,C,H,W -> N,C,H,W."""
        key = split_heads(self.key(x), self.heads)  # N,h,C/2h,HW
        query = split_heads(self.query(x), self.heads)  # N,h,C/2h,HW
        value = split_heads(self.value(x), self.heads)  # N,h,C/h,HW
        scores = key.transpose(2, 3) @ query / query.shape[2] ** 0.5  # N,h,HW,HW: keys by queries
        attended = as_map(value @ scores.softmax(dim=2), x)  # N,C,H,W
        seen: Tensor = self.output(attended)
        return x + seen


def nonlocal_block(
    *,
    width: int = 512,
    size: int | None = None,
    heads: int = 1,
    resolution: tuple[int, int] | None = None,
    batch_size: int = 1,
) -> tuple[nn.Module, Tensor]:
    """The block at C = ``width`` and a map of ``size`` x ``size`` pixels, or of ``resolution``."""
    at_least_1(width=width, heads=heads, size=SIZE if size is None else size)
    pixels = resolution or (size or SIZE, size or SIZE)
    if size is not None and pixels != (size, size):
        asked = written(pixels)
        raise BadOption(f"The option size={size} and the resolution {asked} disagree; give one.")
    return NonLocalBlock(width, heads), torch.randn(batch_size, width, *pixels)
