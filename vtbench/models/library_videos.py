"""Video models of torchvision and transformers, at the clip lengths of their papers.

Both libraries name such models too, for the clips they choose; these functions take the number of
frames and the size of a frame as options.
"""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor, nn

from vtbench.errors import BadResolution
from vtbench.models.clips import Size, check_frames, check_sides, clip
from vtbench.models.packages import imported
from vtbench.models.sizes import written
from vtbench.models.vt_blocks import at_least_1

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


def video_swin_t(
    *,
    frames: int = 32,
    num_classes: int = 400,
    resolution: Size = (224, 224),
    batch_size: int = 1,
) -> tuple[nn.Module, Tensor]:
    """Video Swin-T: torchvision's ``swin3d_t``, B,3,T,H,W."""
    at_least_1(frames=frames, num_classes=num_classes, batch_size=batch_size)
    video = imported("torchvision").models.video
    return video.swin3d_t(weights=None, num_classes=num_classes), clip(
        batch_size, frames, resolution
    )


def timesformer(
    *,
    frames: int = 8,
    num_classes: int = 400,
    resolution: Size = (224, 224),
    batch_size: int = 1,
) -> tuple[nn.Module, dict[str, Tensor]]:
    """TimeSformer with divided attention: transformers' class, B,T,3,H,W."""
    at_least_1(frames=frames, num_classes=num_classes, batch_size=batch_size)
    check_sides(resolution, 16)
    if resolution[0] != resolution[1]:
        raise BadResolution(f"TimeSformer takes square frames only, not {written(resolution)}.")
    transformers = imported("transformers")
    configuration = transformers.TimesformerConfig(
        image_size=resolution[0],
        num_frames=frames,
        num_labels=num_classes,
    )
    pixels = clip(batch_size, frames, resolution).transpose(1, 2)
    return transformers.TimesformerForVideoClassification(configuration), {"pixel_values": pixels}


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
