"""Bootstrapped SparseFormer: a focusing transformer in front of blocks of a vision transformer.

A class token joins where the inherited blocks begin, so that what stands before them works on one
token fewer.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vtbench.data.cost.model import CostModel, Symbol, Values
from vtbench.data.cost.symbols import image, setting
from vtbench.data.cost.terms import Amount, Term, convolution, product, under
from vtbench.data.cost.tokens import attention, encoder_block, feed_forward, repeated, stacked
from vtbench.papers.sparseformer.cost import symbols as s
from vtbench.papers.sparseformer.cost import terms as sf
from vtbench.papers.sparseformer.rows import BOOTSTRAPPED

GENERATOR = 128
"""Channels between the two layers of the generator."""
FEWEST_MIXED = 32
"""Points after mixing, where fewer are sampled."""
BODIES = {"B": (384, 768, 8), "L": (512, 1024, 16)}
"""Size of the ViT -> channels while focusing, channels of its tokens, blocks that are kept."""
VARIANTS = {
    "augreg_b": ("AugReg", "B", 49, 1000),
    "augreg_l": ("AugReg", "L", 49, 1000),
    "clip_b": ("CLIP", "B", 49, 512),
    "clip_l": ("CLIP", "L", 64, 768),
}
"""Name -> origin, size, tokens, and the numbers that the head writes."""


def bootstrapped_models() -> Iterator[CostModel]:
    """The four published ones."""
    for name, (origin, size, tokens, written) in VARIANTS.items():
        yield CostModel(
            f"sparseformer_{name}", f"SparseFormer bootstrapped from {origin} ViT-{size}",
            BOOTSTRAPPED,
            (
                Symbol("N", "tokens, the class token among them", tokens, low=2, option="tokens"),
                *image(),
                setting("P", "points that a token samples", 16, option="points"),
                setting("C", "channels of the sampled map", 64, option="channels"),
                setting("repeats", "times that the focusing block runs", 4, option="repeats"),
                setting("classes", "numbers that the head writes", written, option="num_classes"),
            ),
            partial(_network, *BODIES[size]), (s.GRID,), depth=2,
        )  # fmt: skip


def _network(focusing: int, width: int, layers: int, at: Values) -> tuple[Term, ...]:
    tokens, drawn = at["N"], at["N"] - 1
    return (
        *sf.stem(at["H"], at["W"], at["C"]),
        *under("focusing", repeated(focusing_block(drawn, focusing, at), at["repeats"])),
        convolution("bridge", (focusing, width), drawn),
        *under("lifting", sampling_block(drawn, width, at)),
        *under("inherited", stacked(encoder_block(tokens, width), layers)),
        *sf.head(width, at["classes"]),
    )


def focusing_block(tokens: Amount, width: Amount, at: Values) -> tuple[Term, ...]:
    """It samples first and moves its regions last, by two linear layers to their deltas."""
    return (
        *sampling_block(tokens, width, at),
        *attention(tokens, width),
        *feed_forward(tokens, width),
        convolution("roi.hidden", (width, width), tokens),
        convolution("roi.deltas", (width, 4), tokens),
    )


def sampling_block(tokens: Amount, width: Amount, at: Values) -> tuple[Term, ...]:
    """Sampling, mixing that widens P points to at least 32, and a code of the region."""
    points, channels = at["P"], at["C"]
    mixed = max(points, FEWEST_MIXED)
    written = channels * channels + mixed * points
    return (
        convolution("offsets", (width, 2 * points), tokens),
        *sf.generator(tokens, width, written, GENERATOR),
        product("mixing.channels", tokens, points, channels, channels),
        product("mixing.points", tokens, mixed, points, channels),
        convolution("output", (mixed * channels, width), tokens),
        convolution("position", (width, width), tokens),
    )
