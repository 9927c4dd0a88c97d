"""SparseFormer where every token counts: what a detector and a segmenter put behind the body."""

from __future__ import annotations

from vtbench.data.cost.terms import Amount, Term, convolution, product, under


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
    positions: Amount, tokens: Amount, channels: tuple[Amount, Amount, Amount], classes: Amount
) -> tuple[Term, ...]:
    """Positions ask the tokens; then two 3x3 convolutions, of which the second widens, and classes.

    ``channels`` are those of the sampled map, of a token, and of the dense map. Where a token lies
    is a bias of its scores and costs no product.
    """
    mapped, token, dense = channels
    return under(
        "head",
        (
            convolution("query", (mapped, dense), positions),
            convolution("key", (token, dense), tokens),
            convolution("value", (token, dense), tokens),
            product("products", 2, positions, tokens, dense),
            convolution("conv1", (dense, dense), positions, kernel=3),
            convolution("conv2", (dense, 2 * dense), positions, kernel=3),
            convolution("classifier", (2 * dense, classes), positions),
        ),
    )
