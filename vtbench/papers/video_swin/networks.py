"""Video Swin, from the class of torchvision, with frames and size as options."""

from __future__ import annotations

from torch import Tensor, nn

from vtbench.models.arguments import Size, at_least_1, clip
from vtbench.models.third_party import imported


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
