"""SparseFormer (arXiv 2304.03768): what its parts multiply, term by term.

``tokens`` is N, ``width`` the channels d of a token, ``points`` P and ``channels`` C of the sampled
map. Only the features depend on the size of the image: every token reads P points, whatever lies
between them.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from vtbench.data.cost.model import Values
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
    """How the interpolation counts; it is not a matrix product, so it is free by convention."""
    fixed: bool = False
    """Whether regions and points stay where they start."""


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


def cortex(tokens: Amount, width: Amount, layers: Amount, how: Sampling) -> tuple[Term, ...]:
    """Standard blocks, the first of which looks at the image once more."""
    return (
        *stacked(attention(tokens, width), layers),
        *sampled(tokens, width, how),
        *stacked(feed_forward(tokens, width), layers),
    )


def bridge(tokens: Amount, focusing: Amount, width: Amount) -> tuple[Term, ...]:
    """From the width of the focusing transformer to that of the cortex transformer."""
    return (convolution("bridge", (focusing, width), tokens),)


def transformers(tokens: Amount, at: Values, how: Sampling) -> tuple[Term, ...]:
    """Everything between the map and the head: nothing here knows the size of the image."""
    focused = repeated(focusing_block(tokens, at["d_f"], how), at["repeats"])
    return (
        *(() if at["repeats"] == 0 else under("focusing", focused)),
        *bridge(tokens, at["d_f"], at["d_c"]),
        *under("cortex", cortex(tokens, at["d_c"], at["blocks"], how)),
    )


def head(width: Amount, classes: Amount) -> tuple[Term, ...]:
    """The mean of the tokens costs no product; the classifier works on it."""
    return (convolution("head", (width, classes), 1),)


def detector_head(detected: Amount, width: Amount, classes: Amount) -> tuple[Term, ...]:
    """A linear classifier, and two linear layers that refine a region, on some of the tokens."""
    return under(
        "head",
        (
            convolution("classifier", (width, classes), detected),
            convolution("box.hidden", (width, width), detected),
            convolution("box.deltas", (width, 4), detected),
        ),
    )


def segmenter_head(at: Values) -> tuple[Term, ...]:
    """Positions ask the tokens; then two 3x3 convolutions, of which the second widens, and classes.

    Where a token lies is a bias of its scores and costs no product.
    """
    positions, tokens = ceiling(at["H"], 4) * ceiling(at["W"], 4), at["N"]
    mapped, token, dense = at["C"], at["d_c"], at["dense_channels"]
    return under(
        "head",
        (
            convolution("query", (mapped, dense), positions),
            convolution("key", (token, dense), tokens),
            convolution("value", (token, dense), tokens),
            product("products", 2, positions, tokens, dense),
            convolution("conv1", (dense, dense), positions, kernel=3),
            convolution("conv2", (dense, 2 * dense), positions, kernel=3),
            convolution("classifier", (2 * dense, at["classes"]), positions),
        ),
    )
