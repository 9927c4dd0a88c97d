"""DETR, from the classes of transformers, with the sizes of the paper."""

from __future__ import annotations

from torch import Tensor, nn, randn

from vtbench.models.arguments import Size, at_least_1
from vtbench.models.third_party import imported, unpadded

COCO_CLASSES = 91


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
    return model, {"pixel_values": randn(batch_size, 3, *resolution)}
