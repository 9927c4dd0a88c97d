"""What every transformer on tokens multiplies: attention and a feed-forward network.

``tokens`` is their number, ``width`` their channels. Heads divide the channels of a product among
them and add up to the same, so their number stands nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable

from vtbench.data.cost.terms import Amount, Term, convolution, exact, product


def attention(tokens: Amount, width: Amount) -> tuple[Term, ...]:
    """Queries, keys, values and the output, all of full width; scores and weighted sums."""
    return (
        convolution("attention_projections", (width, 4 * width), tokens),
        product("attention_products", 2, tokens, tokens, width),
    )


def feed_forward(tokens: Amount, width: Amount, ratio: int = 4) -> tuple[Term, ...]:
    """Two linear layers with ``ratio`` times the channels between them."""
    return (convolution("feed_forward", (width, 2 * ratio * width), tokens),)


def encoder_block(tokens: Amount, width: Amount) -> tuple[Term, ...]:
    """One block of a standard transformer."""
    return (*attention(tokens, width), *feed_forward(tokens, width))


def repeated(terms: Iterable[Term], times: Amount) -> tuple[Term, ...]:
    """The same layers run so many times: they multiply each time, and their weights are shared."""
    return tuple(
        Term(name=term.name, macs=exact(times * term.macs), weights=term.weights) for term in terms
    )


def stacked(terms: Iterable[Term], layers: Amount) -> tuple[Term, ...]:
    """So many layers alike, each with weights of its own."""
    return tuple(
        Term(name=term.name, macs=exact(layers * term.macs), weights=exact(layers * term.weights))
        for term in terms
    )
