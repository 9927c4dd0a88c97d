"""Image models of transformers whose configurations have to be told what their papers mean.

Attention masks of transformers say which pixels are padding; whether there are any is decided by
their values. Images of one size have none, so these models are built to make no mask, which lets
them run on shapes alone. What they compute is the same.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn, randn

from vtbench.models.clips import Size
from vtbench.models.packages import imported
from vtbench.models.vt_blocks import at_least_1

UNPADDED = "vtbench_unpadded"
"""Under which name transformers' own fused attention stands without a mask."""
COCO_CLASSES = 91
PERCEIVER_IO_WIDTH = 322
"""Numbers per place of the convolved image: 64 channels, and 2·(2·64 + 1) that say the place."""


def perceiver_io(
    *,
    tokens: int = 512,
    num_classes: int = 1000,
    resolution: Size = (224, 224),
    batch_size: int = 1,
) -> tuple[nn.Module, dict[str, Tensor]]:
    """Perceiver IO behind one convolution: one cross-attention, then 8 times the same 6 layers."""
    at_least_1(tokens=tokens, num_classes=num_classes, batch_size=batch_size)
    transformers = imported("transformers")
    configuration = transformers.PerceiverConfig(
        num_latents=tokens,
        d_latents=1024,
        d_model=PERCEIVER_IO_WIDTH,
        num_blocks=8,
        num_self_attends_per_block=6,
        num_self_attention_heads=8,
        num_cross_attention_heads=1,
        num_labels=num_classes,
        **unpadded(transformers),
    )
    model = transformers.PerceiverForImageClassificationConvProcessing(configuration)
    return model, {"pixel_values": _image(batch_size, resolution)}


def detr(
    *,
    dilated: bool = False,
    num_queries: int = 100,
    resolution: Size = (800, 1133),
    batch_size: int = 1,
) -> tuple[nn.Module, dict[str, Tensor]]:
    """DETR on ResNet-50; ``dilated`` is DC5, whose last stage is dilated in place of its stride.

    The stride is told to the backbone: the configuration's own ``dilation`` changes nothing. The
    images of COCO differ in size; 800x1133 is about the mean of what DETR resizes them to.
    """
    at_least_1(num_queries=num_queries, batch_size=batch_size)
    transformers = imported("transformers")
    backbone = transformers.TimmBackboneConfig(
        backbone="resnet50",
        use_pretrained_backbone=False,
        out_indices=[1, 2, 3, 4],
        **({"output_stride": 16} if dilated else {}),
    )
    configuration = transformers.DetrConfig(
        backbone_config=backbone,
        num_queries=num_queries,
        num_labels=COCO_CLASSES,
        **unpadded(transformers),
    )
    model = transformers.DetrForObjectDetection(configuration)
    return model, {"pixel_values": _image(batch_size, resolution)}


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
    return model, {"pixel_values": _image(batch_size, resolution)}


def _image(batch_size: int, resolution: Size) -> Tensor:
    return randn(batch_size, 3, *resolution)


def unpadded(transformers: Any) -> dict[str, str]:
    """The option that leaves masks out; nothing in versions that cannot be told."""
    interface = getattr(transformers, "AttentionInterface", None)
    if interface is None:
        return {}
    fused = imported("transformers.integrations.sdpa_attention").sdpa_attention_forward
    interface.register(UNPADDED, fused)
    return {"attn_implementation": UNPADDED}
