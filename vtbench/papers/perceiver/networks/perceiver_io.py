"""Perceiver IO, from the classes of transformers, with the sizes of the paper."""

from __future__ import annotations

from torch import Tensor, nn, randn

from vtbench.models.arguments import Size, at_least_1
from vtbench.models.packages import imported
from vtbench.models.unpadded import unpadded

WIDTH = 322
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
        d_model=WIDTH,
        num_blocks=8,
        num_self_attends_per_block=6,
        num_self_attention_heads=8,
        num_cross_attention_heads=1,
        num_labels=num_classes,
        **unpadded(transformers),
    )
    model = transformers.PerceiverForImageClassificationConvProcessing(configuration)
    return model, {"pixel_values": randn(batch_size, 3, *resolution)}
