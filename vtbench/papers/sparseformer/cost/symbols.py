"""Symbols of SparseFormer's cost models, and what their values must meet together."""

from __future__ import annotations

import math

from vtbench.data.cost.model import Rule, Symbol, Values
from vtbench.data.cost.symbols import choice, setting, switch, with_default
from vtbench.papers.sparseformer.cost.terms import PATCH, Interpolation, Sampling

N = Symbol("N", "tokens", 49, option="tokens")
WIDTH = Symbol("d", "channels of a token", 256)
P = Symbol("P", "points that a token samples", 36, option="points")
SAMPLED = Symbol("C", "channels of the sampled map", 96, option="channels")
N_T = Symbol("n_t", "tokens along time for each one of an image", 8, option="inflation")
FRAMES = Symbol("T", "frames of the clip", 32, option="frames")
CHANNELS = setting(
    "C", "channels of the sampled map; of pixels, 3",
    lambda given: 3 if given.get("feature") == "rgb" else 96, option="channels",
)  # fmt: skip
REPEATS = setting(
    "repeats", "runs of the focusing block; 0: there is none", 4, low=0, option="repeats"
)
FEATURE = choice(
    "feature", "sample a convolution's map, 8x8 patches or pixels", "conv", "vit8", "rgb",
    option="feature",
)  # fmt: skip
MIXING = choice(
    "mixing", "decode by a token's matrices, learned ones or none", "adaptive", "static", "linear",
    option="mixing",
)  # fmt: skip
AXES = setting("axes", "2: boxes in an image; 3: tubes in a clip", 2, low=2, high=3)
DENSE_CHANNELS = setting(
    "dense_channels", "channels of the dense map", 256, option="dense_channels"
)
"""The paper prints none; with these the figures of its table 8 come out under its counter."""
FIXED_ROIS = switch(
    "fixed_rois", "regions and points stay where they start", on=False, option="fixed_rois"
)


def interpolation(*choices: Interpolation) -> Symbol:
    """How interpolation counts, the first way unless another is set."""
    return choice("interpolation", "printed: N·P·C; else a product per neighbour", *choices)


def heads(name: str) -> Rule:
    """What 64 heads ask of a width."""
    return Rule(
        (name,), f"64 heads share the channels of a token, so {name} is a multiple of 64",
        lambda at: at[name] % 64 == 0,
    )  # fmt: skip


HEADS = heads("d")
QUARTER = Rule(
    ("d",), "the generator is a quarter as wide as a token, so d is a multiple of 4",
    lambda at: at["d"] % 4 == 0,
)  # fmt: skip
GRID = Rule(
    ("P",), "points start as a square grid, so P is a square",
    lambda at: math.isqrt(at["P"]) ** 2 == at["P"],
)  # fmt: skip
PIXELS = Rule(
    ("C",), "pixels have 3 channels",
    lambda at: at["feature"] != "rgb" or at["C"] == 3,  # noqa: PLR2004  # red, green, blue
)  # fmt: skip
PATCHES = Rule(
    ("H", "W"), "the embedding takes patches of 8x8, so H and W are multiples of 8",
    lambda at: at["feature"] != "vit8" or at["H"] % PATCH == at["W"] % PATCH == 0,
)  # fmt: skip
FOCUSES = Rule(
    ("fixed_rois", "repeats"),
    "the focusing block is there to move regions, so fixed ones come with repeats=0",
    lambda at: at["fixed_rois"] == 0 or at["repeats"] == 0,
)
TUBES = Rule(
    ("n_t", "T"), "no tube is shorter than a frame, so n_t is T at most",
    lambda at: at["n_t"] <= at["T"],
)  # fmt: skip
DETECTORS = Rule(("detected", "N"), "only tokens detect", lambda at: at["detected"] <= at["N"])
DENSE_MAP = Rule(
    ("C",), "the dense map has the size of the convolution's, so feature is conv",
    lambda at: at["feature"] == "conv",
)  # fmt: skip
RULES = (GRID, PIXELS, PATCHES, heads("d_f"), heads("d_c"))
"""What every network of the first paper must meet."""

VARIANTS = {"t": (49, 256, 512, 8), "s": (64, 320, 640, 8), "b": (81, 384, 768, 10)}
"""Size -> tokens, channels of each in both transformers, and blocks of the cortex transformer."""


def network(
    size: str, image: tuple[Symbol, ...], *more: Symbol, tokens: int | None = None
) -> tuple[Symbol, ...]:
    """The symbols of every network of the first paper; ``more`` are those of one."""
    number, focusing, cortex, blocks = VARIANTS[size]
    return (
        with_default(N, tokens or number), *image, P, *more, REPEATS, CHANNELS, FEATURE, MIXING,
        setting("d_f", "channels of a token while it focuses", focusing, option="width"),
        setting("d_c", "channels of a token after that", cortex, option="cortex_width"),
        setting("blocks", "blocks of the cortex transformer", blocks, option="blocks"),
    )  # fmt: skip


def sampling_of(at: Values, axes: int = 2) -> Sampling:
    """How a block samples, from those symbols that its cost model has."""
    return Sampling(
        points=at["P"],
        channels=at["C"],
        axes=at.get("axes", axes),
        mixing=at.get("mixing", "adaptive"),
        interpolation=at.get("interpolation", "free"),
        fixed=bool(at.get("fixed_rois", False)),
    )
