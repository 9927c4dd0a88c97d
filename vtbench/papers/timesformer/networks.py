"""TimeSformer, from the class of transformers, with frames and size as options."""

from __future__ import annotations

from torch import Tensor, nn

from vtbench.errors import BadResolution
from vtbench.models.arguments import Size, at_least_1, check_sides, clip
from vtbench.models.sizes import written
from vtbench.models.third_party import imported


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
