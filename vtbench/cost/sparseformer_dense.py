"""SparseFormer where every token counts: what a detector and a segmenter put behind the body."""

from __future__ import annotations

from vtbench.cost.terms import Amount, Term, ceiling, convolution, product, under

DENSE_WIDTH = 256
"""Channels of the dense map. The paper prints none; with these the figures of its table 8 come out
under the counter that it used."""
WIDE = 512
"""Channels before the classifier of a pixel; chosen in the same way."""


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


def segmenter_head(
    height: Amount, width: Amount, tokens: Amount, channels: tuple[Amount, Amount, Amount]
) -> tuple[Term, ...]:
    """Positions at a quarter of the image ask the tokens; two 3x3 convolutions and a classifier.

    ``channels`` are those of the sampled map, of a token, and the classes. Where a token lies is a
    bias of its scores and costs no product.
    """
    mapped, token, classes = channels
    positions = ceiling(height, 4) * ceiling(width, 4)
    return under(
        "head",
        (
            convolution("query", (mapped, DENSE_WIDTH), positions),
            convolution("key", (token, DENSE_WIDTH), tokens),
            convolution("value", (token, DENSE_WIDTH), tokens),
            product("products", 2, positions, tokens, DENSE_WIDTH),
            convolution("conv1", (DENSE_WIDTH, DENSE_WIDTH), positions, kernel=3),
            convolution("conv2", (DENSE_WIDTH, WIDE), positions, kernel=3),
            convolution("classifier", (WIDE, classes), positions),
        ),
    )
