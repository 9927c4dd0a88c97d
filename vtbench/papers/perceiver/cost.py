"""Perceiver as a cost model: every read multiplies with every pixel."""

from __future__ import annotations

from collections.abc import Iterator

from vtbench.data.cost.model import CostModel, Symbol, Values
from vtbench.data.cost.symbols import CLASSES, image, setting
from vtbench.data.cost.terms import Term, convolution, product, under
from vtbench.data.cost.tokens import attention, feed_forward, repeated, stacked
from vtbench.papers.perceiver.rows import PERCEIVER


def cost_models() -> Iterator[CostModel]:
    """Perceiver."""
    yield CostModel(
        "perceiver", "Perceiver that reads all pixels, with Fourier features", PERCEIVER,
        (
            *image(),
            Symbol("N", "latents", 512, option="tokens"),
            setting("width", "channels of a latent", 1024, option="width"),
            setting("cross_attends", "times that all pixels are read", 8, option="cross_attends"),
            setting("layers", "blocks of self-attention after each", 6, option="layers"),
            setting("bands", "frequencies of a position, for each axis", 64, option="bands"),
            CLASSES,
        ),
        perceiver, depth=2,
    )  # fmt: skip


def perceiver(at: Values) -> tuple[Term, ...]:
    """Every read multiplies with every pixel; the blocks between them see latents alone.

    All reads but the first share their weights, and every read has the same blocks after it.
    """
    latents, width, reads = at["N"], at["width"], at["cross_attends"]
    pixels = at["H"] * at["W"]
    # colours, and for each axis a sine and a cosine of every band and the coordinate itself
    seen = 3 + 2 * (2 * at["bands"] + 1)
    read = (
        convolution("query", (width, seen), latents),
        convolution("keys_values", (seen, 2 * seen), pixels),
        product("products", 2, latents, pixels, seen),
        convolution("output", (seen, width), latents),
        *feed_forward(latents, width, ratio=1),
    )
    block = (*attention(latents, width), *feed_forward(latents, width, ratio=1))
    return (
        *under("first_read", read),
        *under("later_reads", () if reads == 1 else repeated(read, reads - 1)),
        *under("blocks", repeated(stacked(block, at["layers"]), reads)),
        convolution("head", (width, at["classes"]), 1),
    )
