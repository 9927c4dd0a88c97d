"""The blocks of Visual Transformers (arXiv 2006.03677), term by term.

``pixels`` is the number of positions of a feature map, ``tokens`` L, ``width`` C_T. The number of
heads stands nowhere: heads divide the channels of a product among them and add up to the same.
"""

from __future__ import annotations

import msgspec

from vtbench.data.cost.terms import Amount, Term, convolution, divided, product, under

POSITIONS = 14 * 14
"""Positions to which the coefficients are resized before their place is encoded."""
POSITION_WIDTH = 32
"""Channels that encode the place of a token."""


class Map(msgspec.Struct, frozen=True, kw_only=True):
    """A feature map that tokens are drawn from."""

    pixels: Amount
    channels: Amount
    group_width: Amount = 64
    """Channels in one group of its grouped 1x1 convolutions, unless their number is given."""
    groups: Amount = 0
    """Groups of these convolutions; 0 leaves it to the width."""

    def in_group(self, channels: Amount) -> Amount:
        """Channels in one group, where a convolution writes so many."""
        return self.group_width if self.groups == 0 else divided(channels, self.groups)


def transformer(tokens: Amount, width: Amount, kqv_groups: Amount = 1) -> tuple[Term, ...]:
    """v3, equation 3: keys and queries of half the width, values, attention, and F."""
    half = divided(width, 2)
    return (
        convolution("key", (width, half), tokens, groups=kqv_groups),
        convolution("query", (width, half), tokens, groups=kqv_groups),
        convolution("value", (width, width), tokens, groups=kqv_groups),
        product("scores", half, tokens, tokens),
        product("attention", width, tokens, tokens),
        convolution("feed_forward", (width, width), tokens),
    )


def transformer_v4(
    tokens: Amount, width: Amount, kqv_groups: Amount = 1, hidden: Amount = 768
) -> tuple[Term, ...]:
    """v4, equations 3 and 4: no values of its own, and two convolutions after the attention."""
    half = divided(width, 2)
    return (
        convolution("key", (width, half), tokens, groups=kqv_groups),
        convolution("query", (width, half), tokens, groups=kqv_groups),
        product("scores", half, tokens, tokens),
        product("attention", width, tokens, tokens),
        convolution("feed_forward1", (width, hidden), tokens),
        convolution("feed_forward2", (hidden, width), tokens),
    )


def mixing(tokens: Amount, width: Amount) -> tuple[Term, ...]:
    """One convolution, which takes the place of a transformer that is left out."""
    return (convolution("convolution", (width, width), tokens),)


def graph_convolution(tokens: Amount, width: Amount) -> tuple[Term, ...]:
    """v4, table 5: a learned adjacency of tokens, and one convolution."""
    return (
        Term(name="adjacency", macs=width * tokens * tokens, weights=tokens * tokens),
        convolution("convolution", (width, width), tokens),
    )


def nonlocal_block(pixels: Amount, channels: Amount) -> tuple[Term, ...]:
    """Section 3.2: the same transformer on every pixel of the map."""
    return transformer(pixels, channels)


def position_encoder(tokens: Amount) -> tuple[Term, ...]:
    """Equation 2: the coefficients of a token, resized, to a code of its place."""
    return (convolution("position", (POSITIONS, POSITION_WIDTH), tokens),)


def static_tokenizer(
    source: Map, tokens: Amount, width: Amount, *, position: bool = True
) -> tuple[Term, ...]:
    """Equation 1: a learned filter for each token."""
    return (
        convolution("coef", (source.channels, tokens), source.pixels),
        *_extracted(source, tokens, width, position=position),
    )


def dynamic_tokenizer(
    source: Map, tokens: Amount, width: Amount, *, position: bool = True
) -> tuple[Term, ...]:
    """Equation 5: one half of the tokens asks for new ones, the other half is kept."""
    return recurrent_tokenizer(source, divided(tokens, 2), width, position=position)


def recurrent_tokenizer(
    source: Map, tokens: Amount, width: Amount, *, position: bool = False
) -> tuple[Term, ...]:
    """v4, equation 2: tokens of the block before are the filters; as many new ones come."""
    pixels, channels = source.pixels, source.channels
    return (
        convolution("query", (width, channels), tokens),
        convolution("key", (channels, source.in_group(channels)), pixels),
        product("scores", pixels, channels, tokens),
        *_extracted(source, tokens, width, position=position),
    )


def kmeans_tokenizer(source: Map, tokens: Amount, width: Amount, iters: Amount) -> tuple[Term, ...]:
    """v4, appendix C: centroids of the pixels are the filters; every assignment is a product."""
    pixels, channels = source.pixels, source.channels
    return (
        product("assignment", iters, pixels, channels, tokens),
        product("scores", pixels, channels, tokens),
        *_extracted(source, tokens, width, position=False),
    )


def pooling_tokenizer(
    source: Map, tokens: Amount, width: Amount, *, pool_counted: bool = False
) -> tuple[Term, ...]:
    """v4, table 3: the map is averaged down to one position for each token."""
    pooled = (product("pool", source.pixels, source.channels),) if pool_counted else ()
    return (*pooled, convolution("token", (source.channels, width), tokens))


def _extracted(source: Map, tokens: Amount, width: Amount, *, position: bool) -> tuple[Term, ...]:
    """What follows the coefficients: values, their weighted sums, and the tokens' width."""
    pixels, channels = source.pixels, source.channels
    code = POSITION_WIDTH if position else 0
    return (
        convolution("value", (channels, source.in_group(channels)), pixels),
        product("pooling", pixels, channels, tokens),
        *(position_encoder(tokens) if position else ()),
        convolution("token", (channels + code, width), tokens),
    )


def projector(
    source: Map, channels: Amount, tokens: Amount, width: Amount, *, value: bool
) -> tuple[Term, ...]:
    """Equation 4: every pixel asks the tokens; without ``value``, tokens are used as they are."""
    pixels = source.pixels
    values = (convolution("value", (width, channels), tokens),) if value else ()
    return (
        convolution("query", (source.channels, source.in_group(channels)), pixels),
        convolution("key", (width, channels), tokens),
        *values,
        product("scores", pixels, channels, tokens),
        product("spread", pixels, channels, tokens),
    )


def fusion(source: Map, channels: int, tokens: Amount, width: int) -> tuple[Term, ...]:
    """Projector as a network has it, with a 1x1 that widens the map on its way past the tokens.

    Neither converts between equal widths.
    """
    widened = convolution("adjust", (source.channels, channels), source.pixels)
    projected = projector(source, channels, tokens, width, value=width != channels)
    return under("projector", projected if source.channels == channels else (*projected, widened))
