"""Bootstrapped SparseFormer: a focusing transformer in front of blocks of a vision transformer.

A class token joins where the inherited blocks begin, so that what stands before them works on one
token fewer.
"""

from __future__ import annotations

import msgspec

from vtbench.data.cost.terms import Amount, Term, convolution, product, under
from vtbench.data.cost.tokens import attention, encoder_block, feed_forward, repeated, stacked

GENERATOR = 128
"""Channels between the two layers of the generator."""
FEWEST_MIXED = 32
"""Points after mixing, where fewer are sampled."""


class Inherited(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a vision transformer, and what is put before it."""

    focusing: int
    width: int
    """Channels of a token of the vision transformer."""
    layers: int
    """How many of its blocks are kept."""
    tokens: int
    """Tokens of these blocks, the class token among them."""
    written: int
    """Numbers that the head writes: classes, or the width of a shared space."""


VARIANTS = {
    "augreg_b": Inherited(focusing=384, width=768, layers=8, tokens=49, written=1000),
    "augreg_l": Inherited(focusing=512, width=1024, layers=16, tokens=49, written=1000),
    "clip_b": Inherited(focusing=384, width=768, layers=8, tokens=49, written=512),
    "clip_l": Inherited(focusing=512, width=1024, layers=16, tokens=64, written=768),
}


class Looks(msgspec.Struct, frozen=True, kw_only=True):
    """How the new parts look at the image."""

    points: Amount = 16
    channels: Amount = 64
    repeats: Amount = 4


def looking(tokens: Amount, width: Amount, how: Looks) -> tuple[Term, ...]:
    """Sampling, mixing that widens P points to at least 32, and a code of the region."""
    points, channels = how.points, how.channels
    mixed = max(points, FEWEST_MIXED)
    written = channels * channels + mixed * points
    return (
        convolution("offsets", (width, 2 * points), tokens),
        convolution("generator.narrow", (width, GENERATOR), tokens),
        convolution("generator.wide", (GENERATOR, written), tokens),
        product("mixing.channels", tokens, points, channels, channels),
        product("mixing.points", tokens, mixed, points, channels),
        convolution("output", (mixed * channels, width), tokens),
        convolution("position", (width, width), tokens),
    )


def roi_head(tokens: Amount, width: Amount) -> tuple[Term, ...]:
    """Two linear layers to the deltas of a region."""
    return (
        convolution("roi.hidden", (width, width), tokens),
        convolution("roi.deltas", (width, 4), tokens),
    )


def focusing_block(tokens: Amount, width: Amount, how: Looks) -> tuple[Term, ...]:
    """It samples first and moves its regions last."""
    return (
        *looking(tokens, width, how),
        *attention(tokens, width),
        *feed_forward(tokens, width),
        *roi_head(tokens, width),
    )


def transformers(tokens: Amount, net: Inherited, how: Looks) -> tuple[Term, ...]:
    """Everything between the map and the head."""
    drawn = tokens - 1
    focused = repeated(focusing_block(drawn, net.focusing, how), how.repeats)
    return (
        *under("focusing", focused),
        convolution("bridge", (net.focusing, net.width), drawn),
        *under("lifting", looking(drawn, net.width, how)),
        *under("inherited", stacked(encoder_block(tokens, net.width), net.layers)),
    )
