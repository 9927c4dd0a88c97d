"""UperNet on Swin-T, from the classes of transformers."""

from __future__ import annotations

from torch import Tensor, nn, randn

from vtbench.models.arguments import Size, at_least_1
from vtbench.models.third_party import imported


def upernet_swin_t(
    *,
    auxiliary_head: bool = False,
    num_classes: int = 150,
    resolution: Size = (512, 512),
    batch_size: int = 1,
) -> tuple[nn.Module, dict[str, Tensor]]:
    """UperNet on Swin-T; the auxiliary head serves training, and no printed count includes it."""
    at_least_1(num_classes=num_classes, batch_size=batch_size)
    transformers = imported("transformers")
    swin = transformers.SwinConfig(out_features=["stage1", "stage2", "stage3", "stage4"])
    configuration = transformers.UperNetConfig(
        backbone_config=swin, num_labels=num_classes, use_auxiliary_head=auxiliary_head
    )
    model = transformers.UperNetForSemanticSegmentation(configuration)
    return model, {"pixel_values": randn(batch_size, 3, *resolution)}
