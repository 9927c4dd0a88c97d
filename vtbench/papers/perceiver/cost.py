"""Perceiver as a cost model: every read multiplies with every pixel."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from vtbench.data.cost import symbols
from vtbench.data.cost.model import CostModel, Values
from vtbench.data.cost.terms import Amount, Term, convolution, product, under
from vtbench.data.cost.tokens import feed_forward, repeated, stacked
from vtbench.papers.perceiver.rows import PERCEIVER


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


def cost_models() -> Iterator[CostModel]:
    """Perceiver with Fourier features."""
    yield CostModel(
        name="perceiver", summary="Perceiver that reads all pixels, with Fourier features",
        paper=PERCEIVER,
        symbols=(
            *symbols.image(),
            symbols.size("N", "latents", 512, option="tokens"),
            symbols.setting("width", "channels of a latent", 1024, option="width"),
            symbols.setting(
                "cross_attends", "times that all pixels are read", 8, option="cross_attends"
            ),
            symbols.setting("layers", "blocks of self-attention after each", 6, option="layers"),
            symbols.setting(
                "bands", "frequencies of a position, for each axis", 64, option="bands"
            ),
            symbols.CLASSES,
        ),
        build=_perceiver, depth=2,
    )  # fmt: skip


def _perceiver(at: Values) -> tuple[Term, ...]:
    net = Perceiver(
        latents=at["N"], width=at["width"], reads=at["cross_attends"], layers=at["layers"],
        bands=at["bands"],
    )  # fmt: skip
    return perceiver(at["H"], at["W"], net, at["classes"])
