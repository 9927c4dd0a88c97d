"""ViViT with a factorised encoder: Arnab et al., ViViT: A Video Vision Transformer, ICCV 2021.

Its model 2: a ViT-B looks at the 14x14 tubelets of each of the T/2 steps in time by themselves,
and four more layers look at the T/2 class tokens that come of it. Tubelets are 2 frames of 16x16
pixels. transformers' Vivit classes are the paper's model 1, where all tubelets look at all others.

With T' = T/2 steps, N = HW/16² + 1 and width D, MACs are

    tubelets T'·(N-1)·2·16²·3·D,  space 12·T'·(12·N·D² + 2·N²·D),
    time 4·(12·(T'+1)·D² + 2·(T'+1)²·D),  and the head.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from vtbench.errors import BadOption
from vtbench.models.arguments import Size, at_least_1, check_frames, check_sides, clip

PATCH = 16
TUBELET = 2


class Layer(nn.Module):
    """Self-attention and a feed-forward part that widens four times; pre-norm."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.qkv = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width, eps=1e-6),
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Linear(4 * width, width),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """B,N,D -> B,N,D."""
        split = self.qkv(self.norm(tokens)).unflatten(2, (3, self.heads, -1))  # B,N,3,h,D/h
        query, key, value = split.permute(2, 0, 3, 1, 4)  # B,h,N,D/h each
        seen = F.scaled_dot_product_attention(query, key, value)  # B,h,N,D/h
        tokens = tokens + self.output(seen.transpose(1, 2).flatten(2))
        fed: Tensor = self.feed_forward(tokens)
        return tokens + fed


class Encoder(nn.Module):
    """Layers over tokens with learned places and a class token, which is what comes out."""

    def __init__(self, tokens: int, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(torch.empty(1, tokens + 1, width))
        nn.init.trunc_normal_(self.position, std=0.02)
        self.layers = nn.Sequential(*(Layer(width, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, tokens: Tensor) -> Tensor:
        """B,N,D -> B,D."""
        first = self.class_token.expand(tokens.shape[0], -1, -1)
        seen = self.layers(torch.cat([first, tokens], dim=1) + self.position)  # B,N+1,D
        out: Tensor = self.norm(seen[:, 0])
        return out


class ViViT(nn.Module):
    """Tubelets, an encoder over space, an encoder over time, a head."""

    def __init__(  # noqa: PLR0913 - the paper's choices, each with its name
        self,
        *,
        steps: int,
        patches: int,
        width: int,
        heads: int,
        layers: int,
        temporal_layers: int,
        num_classes: int,
    ) -> None:
        super().__init__()
        tubelet = (TUBELET, PATCH, PATCH)
        self.tubelets = nn.Conv3d(3, width, tubelet, tubelet)
        self.space = Encoder(patches, width, heads, layers)
        self.time = Encoder(steps, width, heads, temporal_layers)
        self.head = nn.Linear(width, num_classes)

    def forward(self, clip: Tensor) -> Tensor:  # B,3,T,H,W
        """Scores per class, B,num_classes."""
        tubelets = self.tubelets(clip)  # B,D,T',H/16,W/16
        by_step = tubelets.flatten(3).permute(0, 2, 3, 1)  # B,T',N-1,D
        steps = self.space(by_step.flatten(0, 1)).unflatten(0, by_step.shape[:2])  # B,T',D
        scores: Tensor = self.head(self.time(steps))
        return scores


def vivit_fe(  # noqa: PLR0913 - the paper's choices, and the clip
    *,
    width: int = 768,
    heads: int = 12,
    layers: int = 12,
    temporal_layers: int = 4,
    frames: int = 32,
    num_classes: int = 400,
    resolution: Size = (224, 224),
    batch_size: int = 1,
) -> tuple[ViViT, Tensor]:
    """The model for clips of ``frames`` frames, with such a clip."""
    at_least_1(width=width, heads=heads, layers=layers, temporal_layers=temporal_layers)
    at_least_1(num_classes=num_classes, batch_size=batch_size)
    if width % heads:
        raise BadOption(f"The option heads={heads} does not divide the width {width}.")
    check_frames(frames, TUBELET)
    check_sides(resolution, PATCH)
    model = ViViT(
        steps=frames // TUBELET,
        patches=resolution[0] * resolution[1] // PATCH**2,
        width=width,
        heads=heads,
        layers=layers,
        temporal_layers=temporal_layers,
        num_classes=num_classes,
    )
    return model, clip(batch_size, frames, resolution)
