"""MViT-B and MViT-S, from the class of torchvision, with frames and size as options."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor, nn

from vtbench.models.arguments import Size, at_least_1, check_frames, check_sides, clip
from vtbench.models.third_party import imported

# Channels, blocks and stride of keys and values in each stage; each stage doubles the heads.
_MVIT: dict[str, tuple[tuple[int, int, int], ...]] = {
    "b": ((96, 1, 8), (192, 2, 4), (384, 11, 2), (768, 2, 1)),
    "s": ((128, 3, 4), (256, 7, 2), (512, 6, 1)),
}
# Kernel, stride and padding with which a clip is cut into patches.
_PATCHES = {
    "b": ((3, 7, 7), (2, 4, 4), (1, 3, 3)),
    "s": ((3, 8, 8), (2, 8, 8), (1, 0, 0)),
}
_MVIT_SIDE = 32


def mvit(
    *,
    size: Literal["s", "b"],
    frames: int = 16,
    num_classes: int = 400,
    resolution: Size = (224, 224),
    batch_size: int = 1,
) -> tuple[nn.Module, Tensor]:
    """MViT-B as torchvision's ``mvit_v1_b``, and MViT-S by the same class, B,3,T,H,W.

    MViT-S has no first stage of high resolution: patches of 8x8, then 3, 7 and 6 blocks from 128
    channels. The paper does not print the stride of its keys and values; here they shrink to 7x7
    as in MViT-B. That gives 29.9 G where the paper prints 32.9.
    """
    at_least_1(num_classes=num_classes, batch_size=batch_size)
    check_frames(frames, 2)
    check_sides(resolution, _MVIT_SIDE)
    net = imported("torchvision.models.video.mvit")
    kernel, stride, padding = _PATCHES[size]
    model: nn.Module = net.MViT(
        spatial_size=resolution,
        temporal_size=frames,
        block_setting=_blocks(net, _MVIT[size]),
        residual_pool=False,
        residual_with_cls_embed=False,
        rel_pos_embed=False,
        proj_after_attn=False,
        stochastic_depth_prob=0.2,
        num_classes=num_classes,
        patch_embed_kernel=kernel,
        patch_embed_stride=stride,
        patch_embed_padding=padding,
    )
    return model, clip(batch_size, frames, resolution)


def _blocks(net: Any, stages: tuple[tuple[int, int, int], ...]) -> list[Any]:
    """What torchvision is told of each block: the last of a stage widens for the next one.

    The first block of a later stage halves the sides of its queries.
    """
    made = []
    for stage, (channels, blocks, stride) in enumerate(stages):
        following = stages[min(stage + 1, len(stages) - 1)][0]
        for index in range(blocks):
            halves = stage > 0 and index == 0
            made.append(
                net.MSBlockConfig(
                    num_heads=2**stage,
                    input_channels=channels,
                    output_channels=following if index == blocks - 1 else channels,
                    kernel_q=[3, 3, 3] if halves else [],
                    kernel_kv=[3, 3, 3],
                    stride_q=[1, 2, 2] if halves else [],
                    stride_kv=[1, stride, stride],
                )
            )
    return made
