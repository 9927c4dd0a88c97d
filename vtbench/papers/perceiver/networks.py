"""Perceiver: Jaegle et al., Perceiver: General Perception with Iterative Attention, ICML 2021.

Its ImageNet model: all M = H·W pixels as they are, C = 261 numbers each (three colours, two
coordinates, and sines and cosines of both at 64 frequencies), read by N = 512 latent vectors of D
= 1024 in 8 cross-attentions of one head. Each is followed by the same 6 layers of self-attention;
all cross-attentions but the first share their weights. No feed-forward part widens. MACs are

    cross-attention   2·N·D·C (query, output) + 2·M·C² (key, value) + 2·N·M·C + 2·N·D²
    self-attention    4·N·D² + 2·N²·D + 2·N·D²

The paper does not print the width inside a cross-attention; it is that of a pixel here, as in the
authors' later Perceiver IO. The later paper prints 707 G for this model, which is 2·MAC.

Perceiver IO comes from the classes of transformers, with the sizes of its paper.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn, randn

from vtbench.errors import BadOption
from vtbench.models.arguments import Size, at_least_1
from vtbench.models.third_party import imported, unpadded

COLOURS = 3
CONVOLVED = 322
"""Numbers per place of the image that Perceiver IO convolves: 64 channels, 2·(2·64+1) of place."""


class Attention(nn.Module):
    """Latents look at ``inner`` numbers of each thing they read; pre-norm, with a residual."""

    def __init__(self, width: int, read: int | None, heads: int) -> None:
        super().__init__()
        inner = width if read is None else read
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.norm_read = None if read is None else nn.LayerNorm(read)
        self.query = nn.Linear(width, inner)
        self.key = nn.Linear(inner, inner)
        self.value = nn.Linear(inner, inner)
        self.output = nn.Linear(inner, width)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width)
        )

    def forward(self, latents: Tensor, read: Tensor | None = None) -> Tensor:
        """Latents B,N,D and what they read, B,M,C or themselves -> B,N,D."""
        own = self.norm(latents)
        other = own if read is None or self.norm_read is None else self.norm_read(read)
        query, key, value = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in (self.query(own), self.key(other), self.value(other))
        )  # B,h,N,C/h and B,h,M,C/h
        seen = F.scaled_dot_product_attention(query, key, value)  # B,h,N,C/h
        latents = latents + self.output(seen.transpose(1, 2).flatten(2))
        fed: Tensor = self.feed_forward(latents)
        return latents + fed


def fourier_features(image: Tensor, bands: int) -> Tensor:
    """B,3,H,W -> B,HW,3+2+4·bands: colours, coordinates in [-1, 1], their sines and cosines.

    Frequencies run linearly from 1 to half the number of pixels on a side, the Nyquist frequency.
    """
    batch, _, *sides = image.shape
    axes = [torch.linspace(-1, 1, side, device=image.device, dtype=image.dtype) for side in sides]
    parts = []
    for axis, side in enumerate(sides):
        shape = [-1, 1] if axis == 0 else [1, -1]
        place = axes[axis].view(*shape, 1).expand(*sides, 1)  # H,W,1
        frequencies = torch.linspace(1, side / 2, bands, device=image.device, dtype=image.dtype)
        angles = math.pi * place * frequencies  # H,W,bands
        parts += [place, angles.sin(), angles.cos()]
    code = torch.cat(parts, dim=2).flatten(0, 1)  # HW,2+4·bands
    return torch.cat([image.flatten(2).transpose(1, 2), code.expand(batch, -1, -1)], dim=2)


class Perceiver(nn.Module):
    """``tokens`` latents that read the image ``cross_attends`` times."""

    def __init__(  # noqa: PLR0913 - the paper's choices, each with its name
        self,
        *,
        tokens: int = 512,
        width: int = 1024,
        cross_attends: int = 8,
        layers: int = 6,
        heads: int = 8,
        bands: int = 64,
        num_classes: int = 1000,
    ) -> None:
        super().__init__()
        at_least_1(tokens=tokens, width=width, cross_attends=cross_attends, layers=layers)
        at_least_1(heads=heads, bands=bands, num_classes=num_classes)
        if width % heads:
            raise BadOption(f"The option heads={heads} does not divide the width {width}.")
        self.bands = bands
        self.repeats = cross_attends - 1
        pixel = COLOURS + 2 + 4 * bands
        self.latents = nn.Parameter(torch.empty(tokens, width))
        nn.init.trunc_normal_(self.latents, std=0.02, a=-2.0, b=2.0)
        self.first = Attention(width, pixel, heads=1)
        self.later = Attention(width, pixel, heads=1) if self.repeats else None
        self.layers = nn.ModuleList(Attention(width, None, heads) for _ in range(layers))
        self.head = nn.Linear(width, num_classes)

    def forward(self, image: Tensor) -> Tensor:  # B,3,H,W
        """Scores per class, B,num_classes."""
        pixels = fourier_features(image, self.bands)  # B,HW,C
        latents = self._layers(self.first(self.latents.expand(image.shape[0], -1, -1), pixels))
        for _ in range(self.repeats):
            if self.later is not None:
                latents = self._layers(self.later(latents, pixels))
        scores: Tensor = self.head(latents.mean(1))
        return scores

    def _layers(self, latents: Tensor) -> Tensor:
        for layer in self.layers:
            latents = layer(latents)
        return latents


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
        d_model=CONVOLVED,
        num_blocks=8,
        num_self_attends_per_block=6,
        num_self_attention_heads=8,
        num_cross_attention_heads=1,
        num_labels=num_classes,
        **unpadded(transformers),
    )
    model = transformers.PerceiverForImageClassificationConvProcessing(configuration)
    return model, {"pixel_values": randn(batch_size, 3, *resolution)}
