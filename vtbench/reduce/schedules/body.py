"""The host of a token reduction as numbers: what its stem, its blocks and its head multiply."""

from __future__ import annotations

import math

import msgspec

from vtbench.errors import BadOption

Conv = tuple[int, int, int, int]
"""Kernel, channels in, channels out, stride."""


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A vision transformer for one size of the image."""

    width: int
    depth: int
    heads: int
    grid: tuple[int, int]
    """Rows and columns of patches."""
    stem: tuple[int, int]
    """MACs and weights of what makes patches of the image."""
    prefix: int = 1
    """Class, distillation and register tokens, which no method removes."""
    hidden: int
    """Channels between the two linear layers of an MLP."""
    classes: int = 1000
    heads_of_classes: int = 1
    """Linear classifiers, each on one token: two if a distillation token has its own."""

    @property
    def patches(self) -> int:
        """Patch tokens before the first block."""
        return math.prod(self.grid)

    @property
    def tokens(self) -> int:
        """Patches and prefix."""
        return self.patches + self.prefix

    @property
    def head_dim(self) -> int:
        """Channels of one head."""
        return self.width // self.heads

    @property
    def head(self) -> int:
        """MACs, and weights, of the classifiers."""
        return self.width * self.classes * self.heads_of_classes

    def without_prefix(self) -> Body:
        """The same network on patches alone, read by their mean."""
        return msgspec.structs.replace(self, prefix=0)


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A host whatever the size of its image."""

    title: str
    width: int
    depth: int
    heads: int
    prefix: int = 1
    ratio: int = 4
    """Hidden channels of an MLP over the width."""
    convolutions: tuple[Conv, ...]
    """The stem; every one is padded so that strides divide sides."""

    @property
    def patch(self) -> int:
        """Pixels of a side of the image for a patch."""
        return math.prod(each[3] for each in self.convolutions)

    def body(self, height: int = 224, width: int = 224, classes: int = 1000) -> Body:
        """The host for an image that its patches divide."""
        side = self.patch
        if min(height, width) < side or height % side or width % side:
            raise BadOption(
                f"{self.title} takes images whose sides are multiples of {side}, not "
                f"{height}x{width}."
            )
        return Body(
            width=self.width,
            depth=self.depth,
            heads=self.heads,
            grid=(height // side, width // side),
            stem=_stem(self.convolutions, height * width),
            prefix=self.prefix,
            hidden=self.ratio * self.width,
            classes=classes,
        )


def _stem(convolutions: tuple[Conv, ...], pixels: int) -> tuple[int, int]:
    macs = weights = 0
    for kernel, into, out, stride in convolutions:
        pixels //= stride**2
        weights += kernel**2 * into * out
        macs += kernel**2 * into * out * pixels
    return macs, weights


def _plain(title: str, width: int, depth: int, heads: int, patch: int = 16) -> Shape:
    return Shape(
        title=title,
        width=width,
        depth=depth,
        heads=heads,
        convolutions=((patch, 3, width, patch),),
    )


def _lvvit(title: str, width: int, depth: int, heads: int, *, halving: bool) -> Shape:
    """LV-ViT: an MLP ratio of 3, and a stem of four convolutions.

    As released, one that halves the image, two that keep its size and one of 8x8 patches. The
    copy on which SiT was published halves four times instead.
    """
    eighth = width // 8
    released = ((7, 3, 64, 2), (3, 64, 64, 1), (3, 64, 64, 1), (8, 64, width, 8))
    halved = (
        (3, 3, eighth, 2), (3, eighth, 2 * eighth, 2), (3, 2 * eighth, 4 * eighth, 2),
        (3, 4 * eighth, width, 2),
    )  # fmt: skip
    return Shape(
        title=title,
        width=width,
        depth=depth,
        heads=heads,
        ratio=3,
        convolutions=halved if halving else released,
    )


_PLAIN: dict[str, Shape] = {
    "deit_t": _plain("DeiT-T", 192, 12, 3),
    "deit_256": _plain("DeiT-256", 256, 12, 4),
    "deit_s": _plain("DeiT-S", 384, 12, 6),
    "deit_b": _plain("DeiT-B", 768, 12, 12),
    "vit_s": _plain("ViT-S/16", 384, 12, 6),
    "vit_b": _plain("ViT-B/16", 768, 12, 12),
    "vit_l": _plain("ViT-L/16", 1024, 24, 16),
    "vit_h": _plain("ViT-H/14", 1280, 32, 16, patch=14),
    "lvvit_s": _lvvit("LV-ViT-S", 384, 16, 6, halving=False),
    "lvvit_m": _lvvit("LV-ViT-M", 512, 20, 8, halving=False),
    "lvvit_s_halving": _lvvit("LV-ViT-S, halving stem", 384, 16, 6, halving=True),
    "lvvit_m_halving": _lvvit("LV-ViT-M, halving stem", 512, 20, 8, halving=True),
    "lvvit_t_halving": _lvvit("LV-ViT-T, halving stem", 320, 14, 5, halving=True),
}

HOSTS = {
    **_PLAIN,
    **{
        f"{name}_pooled": msgspec.structs.replace(
            shape, title=f"{shape.title} without class token", prefix=0
        )
        for name, shape in _PLAIN.items()
    },
}
"""Hosts by their short names; those that are pooled read the mean of their patches."""
