"""LV-ViT: a vision transformer behind convolutions, trained with a label for every patch.

It is timm's ``VisionTransformer``, so that all that works on its blocks works here. What differs:
the stem, an MLP that widens 3 times, no bias for queries, keys and values, residuals that are
scaled, and a second head that labels each patch, in training only. MACs of N = P + 1 tokens are

    stem + depth·(4·N·C² + 2·N²·C + 6·N·C²) + C·classes
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, NamedTuple, get_args

from timm.layers import PatchEmbed
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from vtbench.models.arguments import one_of

Stem = Literal["patches", "halving"]
SizeName = Literal["t", "s", "m", "l"]
Pool = Literal["token", "avg"]
Size = int | tuple[int, int]


class Body(NamedTuple):
    """What a size is."""

    width: int
    depth: int
    heads: int
    share: int
    """A residual is divided by it."""
    resolution: int


BODIES: dict[str, Body] = {
    "t": Body(320, 14, 5, 2, 224),
    "s": Body(384, 16, 6, 2, 224),
    "m": Body(512, 20, 8, 2, 224),
    "l": Body(768, 24, 12, 3, 288),
}
"""The sizes; T is the one of Self-slimmed Vision Transformer."""


class Shared(nn.Module):
    """A residual divided by a constant."""

    def __init__(self, share: int) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        return x / self.share

    def extra_repr(self) -> str:
        """The constant."""
        return f"{self.share}"


class Convolutions(PatchEmbed):  # type: ignore[misc]  # timm is untyped
    """A stem of four convolutions or more in the place of timm's one; the image shrinks 16 times.

    ``patches``: 7x7 that halves it, two of 3x3 that do not, and patches of 8x8. ``halving``: four
    of 3x3 that halve it, the width doubling up to that of a token; two more at the first width in
    size L.
    """

    def __init__(
        self, *, stem: Stem, more: int, embed_dim: int, in_chans: int = 3, **own: Any
    ) -> None:
        super().__init__(embed_dim=embed_dim, in_chans=in_chans, **own)
        if stem == "patches":
            self.proj = nn.Sequential(
                *_convolution(in_chans, 64, 7, 2),
                *_convolution(64, 64, 3, 1),
                *_convolution(64, 64, 3, 1),
                nn.Conv2d(64, embed_dim, 8, 8),
            )
            return
        first = embed_dim // 8
        self.proj = nn.Sequential(
            *_convolution(in_chans, first, 3, 2),
            *(layer for _ in range(more) for layer in _convolution(first, first, 3, 1)),
            *_convolution(first, 2 * first, 3, 2),
            *_convolution(2 * first, 4 * first, 3, 2),
            nn.Conv2d(4 * first, embed_dim, 3, 2, 1),
        )


def _convolution(read: int, out: int, kernel: int, stride: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(read, out, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU(inplace=True),
    )


class LVViT(VisionTransformer):  # type: ignore[misc]
    """Class scores (B, classes); in training those of each token behind the class token too."""

    def __init__(self, *, body: Body, stem: Stem, auxiliary: bool, **own: Any) -> None:
        super().__init__(
            embed_dim=body.width,
            depth=body.depth,
            num_heads=body.heads,
            mlp_ratio=3,
            qkv_bias=False,
            embed_layer=partial(Convolutions, stem=stem, more=2 if body is BODIES["l"] else 0),
            **own,
        )
        for block in self.blocks:
            block.ls1, block.ls2 = Shared(body.share), Shared(body.share)
        self.aux_head = nn.Linear(body.width, self.num_classes) if auxiliary else None

    def forward(self, x: Tensor, *args: Any, **more: Any) -> Tensor | tuple[Tensor, Tensor]:
        """An image batch (B, 3, H, W)."""
        x = self.forward_features(x, *args, **more)
        scores: Tensor = self.forward_head(x)
        if not self.training or self.aux_head is None:
            return scores
        return scores, self.aux_head(x[:, self.num_prefix_tokens :])


def lvvit(  # noqa: PLR0913  # a network has as many options as it can be changed by
    *,
    size: SizeName = "s",
    stem: Stem = "patches",
    img_size: Size | None = None,
    num_classes: int = 1000,
    auxiliary: bool = True,
    class_token: bool = True,
    global_pool: Pool = "token",
) -> nn.Module:
    """LV-ViT of a size, with or without the head that labels patches in training.

    As published the class token is scored; without it the mean of the patches is.
    """
    one_of(tuple(BODIES), size=size)
    one_of(get_args(Stem), stem=stem)
    one_of(get_args(Pool) if class_token else ("avg",), global_pool=global_pool)
    body = BODIES[size]
    return LVViT(
        body=body,
        stem=stem,
        auxiliary=auxiliary,
        img_size=body.resolution if img_size is None else img_size,
        num_classes=num_classes,
        class_token=class_token,
        global_pool=global_pool,
    )
