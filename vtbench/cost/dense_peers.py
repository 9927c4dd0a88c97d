"""Networks that read every pixel: ViT and DeiT, Swin, and Perceiver."""

from __future__ import annotations

import msgspec

from vtbench.cost.terms import Amount, Term, ceiling, convolution, divided, product, under
from vtbench.cost.tokens import encoder_block, feed_forward, repeated, stacked

WINDOW = 7
"""Side of a window of Swin."""


def vit(
    image: tuple[Amount, Amount], patch: int, body: tuple[Amount, Amount], classes: Amount
) -> tuple[Term, ...]:
    """Patches and a class token through standard blocks; ``body`` is their width and number."""
    width, layers = body
    patches = divided(image[0], patch) * divided(image[1], patch)
    return (
        convolution("patches", (3, width), patches, kernel=patch),
        *under("blocks", stacked(encoder_block(patches + 1, width), layers)),
        convolution("head", (width, classes), 1),
    )


class Swin(msgspec.Struct, frozen=True, kw_only=True):
    """What tells one Swin transformer from another."""

    width: int
    """Channels of the first stage; every later one has twice as many as the one before."""
    layers: tuple[int, int, int, int]


SWINS = {
    "t": Swin(width=96, layers=(2, 2, 6, 2)),
    "s": Swin(width=96, layers=(2, 2, 18, 2)),
    "b": Swin(width=128, layers=(2, 2, 18, 2)),
}


def swin(net: Swin, height: Amount, width: Amount, classes: Amount) -> tuple[Term, ...]:
    """Four stages; before each but the first, four neighbours become one position.

    Height and width are such that only the last map may be smaller than a window, and is then one.
    """
    terms: list[Term] = [
        convolution("patches", (3, net.width), divided(height, 4) * divided(width, 4), kernel=4)
    ]
    for stage, layers in enumerate(net.layers):
        stride, channels = 4 * 2**stage, net.width * 2**stage
        sides = (divided(height, stride), divided(width, stride))
        if stage:
            merged = convolution("merging", (2 * channels, channels), sides[0] * sides[1])
            terms += under(f"stage{stage + 1}", (merged,))
        last = stage == len(net.layers) - 1
        windows = tuple(_least(WINDOW, side) if last else WINDOW for side in sides)
        blocks = stacked(_windowed(sides, windows, channels), layers)
        terms += under(f"stage{stage + 1}", blocks)
    return (*terms, convolution("head", (net.width * 2 ** (len(net.layers) - 1), classes), 1))


def _windowed(
    sides: tuple[Amount, Amount], windows: tuple[Amount, ...], width: int
) -> tuple[Term, ...]:
    """Attention within windows, for which the map is padded to whole ones."""
    # a side of s has ⌈s/7⌉ windows: one where s < 7, and that one is s wide
    padded = windows[0] * ceiling(sides[0], WINDOW) * windows[1] * ceiling(sides[1], WINDOW)
    return (
        convolution("attention_projections", (width, 4 * width), padded),
        product("attention_products", 2, padded, windows[0], windows[1], width),
        *feed_forward(sides[0] * sides[1], width),
    )


def _least(one: int, other: Amount) -> Amount:
    if isinstance(other, int):
        return min(one, other)
    import sympy  # only symbols come here, so it is loaded already

    return sympy.Min(one, other)


class Perceiver(msgspec.Struct, frozen=True, kw_only=True):
    """Latents that read all pixels several times."""

    latents: Amount = 512
    width: Amount = 1024
    reads: Amount = 8
    """Cross-attentions; all but the first share their weights."""
    layers: Amount = 6
    """Blocks of self-attention after each read; every read has the same."""
    bands: int = 64
    """Frequencies of the Fourier features of a position, for each axis."""


def perceiver(height: Amount, width: Amount, net: Perceiver, classes: Amount) -> tuple[Term, ...]:
    """Every read multiplies with every pixel; the blocks between them see latents alone."""
    pixels = height * width
    # colours, and for each axis a sine and a cosine of every band and the coordinate itself
    seen = 3 + 2 * (2 * net.bands + 1)
    read = (
        convolution("query", (net.width, seen), net.latents),
        convolution("keys_values", (seen, 2 * seen), pixels),
        product("products", 2, net.latents, pixels, seen),
        convolution("output", (seen, net.width), net.latents),
        *feed_forward(net.latents, net.width, ratio=1),
    )
    block = (
        convolution("attention_projections", (net.width, 4 * net.width), net.latents),
        product("attention_products", 2, net.latents, net.latents, net.width),
        *feed_forward(net.latents, net.width, ratio=1),
    )
    others = () if net.reads == 1 else repeated(read, net.reads - 1)
    return (
        *under("first_read", read),
        *under("later_reads", others),
        *under("blocks", repeated(stacked(block, net.layers), net.reads)),
        convolution("head", (net.width, classes), 1),
    )
