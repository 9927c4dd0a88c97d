"""SN-Netv2's way from a small vision transformer to a large one.

Pan et al., Stitched ViTs are Flexible Vision Backbones. The first ``small_blocks`` blocks of
DeiT III-S, a linear layer from its width to that of DeiT III-L, and the blocks of DeiT III-L that
are left: both networks are cut at the same share of their depth, so that the large one, of twice
as many blocks, goes on at block 2·small_blocks. Stem, class token and positions are the small
network's, norm and classifier the large one's. Each such cut is one of the networks that share
the weights; a low-rank update of the linear layer, added to it before inference, costs nothing.
"""

from __future__ import annotations

from typing import Any

import timm
from torch import Tensor, nn

from vtbench.errors import BadOption
from vtbench.models.arguments import Size, at_least_1


class Stitched(nn.Module):
    """``small_blocks`` of the 12 blocks of DeiT III-S, and then DeiT III-L."""

    def __init__(
        self, *, small_blocks: int = 6, img_size: Size | int = 224, num_classes: int = 1000
    ) -> None:
        super().__init__()
        at_least_1(small_blocks=small_blocks, num_classes=num_classes)
        small: Any = timm.create_model("deit3_small_patch16_224", img_size=img_size, num_classes=0)
        large: Any = timm.create_model("deit3_large_patch16_224", num_classes=num_classes)
        if small_blocks >= len(small.blocks):
            raise BadOption(
                f"The option small_blocks must be less than {len(small.blocks)}, the blocks of "
                f"the small network, not {small_blocks}."
            )
        steps = len(large.blocks) // len(small.blocks)
        small.blocks, small.norm = small.blocks[:small_blocks], nn.Identity()
        large.blocks = large.blocks[steps * small_blocks :]
        del large.patch_embed, large.cls_token, large.pos_embed
        self.small, self.large = small, large
        self.stitch = nn.Linear(small.embed_dim, large.embed_dim)

    def forward(self, image: Tensor) -> Tensor:  # B,3,H,W
        """Scores per class, B,num_classes."""
        tokens = self.stitch(self.small.forward_features(image))  # B,N,384 -> B,N,1024
        scores: Tensor = self.large.forward_head(self.large.norm(self.large.blocks(tokens)))
        return scores
