"""SparseFormer (arXiv 2304.03768): what its parts multiply, term by term.

``tokens`` is N, ``width`` the channels d of a token, ``points`` P and ``channels`` C of the sampled
map. Only the features depend on the size of the image: every token reads P points, whatever lies
between them.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from vtbench.data.cost.terms import Amount, Term, ceiling, convolution, divided, product, under
from vtbench.data.cost.tokens import attention, feed_forward, repeated, stacked

Feature = Literal["conv", "vit8", "rgb"]
Mixing = Literal["adaptive", "static", "linear"]
Interpolation = Literal["free", "printed", "bilinear", "trilinear"]

TAPS: dict[Interpolation, int] = {"free": 0, "printed": 1, "bilinear": 4, "trilinear": 8}
"""Multiplications for one channel of one sampled point; the paper prints N·P·C, one for each."""
PATCH = 8
"""Side of the patches of the embedding that stands in for the convolution."""


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How a block reads the map and decodes what it read."""

    points: Amount = 36
    channels: Amount = 96
    axes: int = 2
    """2 for boxes in an image, 3 for tubes in a clip."""
    mixing: Mixing = "adaptive"
    interpolation: Interpolation = "free"
    """How the interpolation counts; it is no matrix product, so it is free by convention."""
    fixed: bool = False
    """Whether regions and points stay where they start."""


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """Both transformers of a SparseFormer."""

    focusing: Amount
    """d_f: channels of a token in the focusing transformer."""
    cortex: Amount
    """d_c: channels of a token in the cortex transformer."""
    layers: Amount
    """Blocks of the cortex transformer; the focusing one is a single block."""
    tokens: Amount
    """N."""


VARIANTS = {
    "t": Body(focusing=256, cortex=512, layers=8, tokens=49),
    "s": Body(focusing=320, cortex=640, layers=8, tokens=64),
    "b": Body(focusing=384, cortex=768, layers=10, tokens=81),
}


def stem(
    height: Amount, width: Amount, channels: Amount, feature: Feature = "conv"
) -> tuple[Term, ...]:
    """What makes the map that tokens sample from; pixels themselves cost nothing."""
    if feature == "rgb":
        return ()
    if feature == "vit8":
        patches = divided(height, PATCH) * divided(width, PATCH)
        return (convolution("stem", (3, channels), patches, kernel=PATCH),)
    halved = ceiling(height, 2) * ceiling(width, 2)
    return (convolution("stem", (3, channels), halved, kernel=7),)


def interpolation(tokens: Amount, how: Sampling) -> tuple[Term, ...]:
    """P points of C channels for every token, in any image."""
    taps = TAPS[how.interpolation]
    if taps == 0:
        return ()
    return (product("interpolation", taps, tokens, how.points, how.channels),)


def roi_adjustment(tokens: Amount, width: Amount, axes: int = 2) -> tuple[Term, ...]:
    """Centre and size of every token's region, two deltas for each axis."""
    return (convolution("roi", (width, 2 * axes), tokens),)


def offsets(tokens: Amount, width: Amount, how: Sampling) -> tuple[Term, ...]:
    """Where in its region a token reads: a coordinate for each axis of each point."""
    return (convolution("offsets", (width, how.axes * how.points), tokens),)


def generator(
    tokens: Amount, width: Amount, written: Amount, hidden: Amount = None
) -> tuple[Term, ...]:
    """A token's own matrices, ``written`` numbers of them, over a quarter of its width."""
    between = divided(width, 4) if hidden is None else hidden
    return (
        convolution("generator.narrow", (width, between), tokens),
        convolution("generator.wide", (between, written), tokens),
    )


def mixing(tokens: Amount, width: Amount, how: Sampling) -> tuple[Term, ...]:
    """Decoding of P points of C channels to a token: generated, learned, or no matrices."""
    points, channels = how.points, how.channels
    written = channels * channels + points * points
    made = generator(tokens, width, written) if how.mixing == "adaptive" else ()
    products = (
        # x·M_c: [P, C]·[C, C], then M_s·y: [P, P]·[P, C], for every token; matrices that are
        # learned and not generated are parameters of no linear layer
        product("mixing.channels", tokens, points, channels, channels),
        product("mixing.points", tokens, points, points, channels),
    )
    return (
        *made,
        *(() if how.mixing == "linear" else products),
        convolution("output", (points * channels, width), tokens),
    )


def sampled(tokens: Amount, width: Amount, how: Sampling) -> tuple[Term, ...]:
    """What a block does between attention and feed-forward network, where it samples."""
    moved = (*roi_adjustment(tokens, width, how.axes), *offsets(tokens, width, how))
    return (
        *(() if how.fixed else under("heads", moved)),
        *interpolation(tokens, how),
        *mixing(tokens, width, how),
    )


def focusing_block(tokens: Amount, width: Amount, how: Sampling) -> tuple[Term, ...]:
    """Attention, a look at the image, and a feed-forward network."""
    return (
        *attention(tokens, width),
        *sampled(tokens, width, how),
        *feed_forward(tokens, width),
    )


def cortex(body: Body, how: Sampling) -> tuple[Term, ...]:
    """Standard blocks, the first of which looks at the image once more."""
    tokens = body.tokens
    return (
        *stacked(attention(tokens, body.cortex), body.layers),
        *sampled(tokens, body.cortex, how),
        *stacked(feed_forward(tokens, body.cortex), body.layers),
    )


def bridge(tokens: Amount, focusing: Amount, width: Amount) -> tuple[Term, ...]:
    """From the width of the focusing transformer to that of the cortex transformer."""
    return (convolution("bridge", (focusing, width), tokens),)


def transformers(body: Body, how: Sampling, repeats: Amount = 4) -> tuple[Term, ...]:
    """Everything between the map and the head: nothing here knows the size of the image."""
    tokens = body.tokens
    focused = repeated(focusing_block(tokens, body.focusing, how), repeats)
    return (
        *(() if repeats == 0 else under("focusing", focused)),
        *bridge(tokens, body.focusing, body.cortex),
        *under("cortex", cortex(body, how)),
    )


def head(width: Amount, classes: Amount) -> tuple[Term, ...]:
    """The mean of the tokens costs no product; the classifier works on it."""
    return (convolution("head", (width, classes), 1),)
