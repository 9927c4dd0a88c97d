"""Symbols of SparseFormer's cost models, what they must meet, and how they become its parts."""

from __future__ import annotations

import math

import msgspec

from vtbench.data.cost.model import Rule, Symbol, Values
from vtbench.data.cost.symbols import setting, size, switch
from vtbench.papers.sparseformer.cost.terms import PATCH, Body, Interpolation, Sampling

N = size("N", "tokens", 49, option="tokens")
WIDTH = size("d", "channels of a token", 256)
P = size("P", "points that a token samples", 36, option="points")
SAMPLED = size("C", "channels of the sampled map", 96, option="channels")
N_T = size("n_t", "tokens along time for each one of an image", 8, option="inflation")
FRAMES = size("T", "frames of the clip", 32, option="frames")

CHANNELS = Symbol(
    name="C",
    meaning="channels of the sampled map; of pixels, 3",
    default=lambda given: 3 if given.get("feature") == "rgb" else 96,
    role="setting",
    option="channels",
)
REPEATS = Symbol(
    name="repeats",
    meaning="runs of the focusing block; 0: there is none",
    default=4,
    role="setting",
    low=0,
    option="repeats",
)
FEATURE = Symbol(
    name="feature",
    meaning="sample a convolution's map, 8x8 patches or pixels",
    default="conv",
    role="setting",
    choices=("conv", "vit8", "rgb"),
    option="feature",
)
MIXING = Symbol(
    name="mixing",
    meaning="decode by a token's matrices, learned ones or none",
    default="adaptive",
    role="setting",
    choices=("adaptive", "static", "linear"),
    option="mixing",
)
AXES = Symbol(
    name="axes",
    meaning="2: boxes in an image; 3: tubes in a clip",
    default=2,
    role="setting",
    low=2,
    high=3,
)


def interpolation(*choices: Interpolation) -> Symbol:
    """How interpolation counts, the first way unless another is set."""
    return Symbol(
        name="interpolation",
        meaning="printed: N·P·C; else a product per neighbour",
        default=choices[0],
        role="setting",
        choices=choices,
    )


def heads(name: str) -> Rule:
    """What 64 heads ask of a width."""
    return Rule(
        symbols=(name,),
        sentence=f"64 heads share the channels of a token, so {name} is a multiple of 64",
        holds=lambda at: at[name] % 64 == 0,
    )


HEADS = heads("d")
QUARTER = Rule(
    symbols=("d",),
    sentence="the generator is a quarter as wide as a token, so d is a multiple of 4",
    holds=lambda at: at["d"] % 4 == 0,
)
GRID = Rule(
    symbols=("P",),
    sentence="points start as a square grid, so P is a square",
    holds=lambda at: math.isqrt(at["P"]) ** 2 == at["P"],
)
PIXELS = Rule(
    symbols=("C",),
    sentence="pixels have 3 channels",
    holds=lambda at: at["feature"] != "rgb" or at["C"] == 3,  # noqa: PLR2004  # red, green, blue
)
PATCHES = Rule(
    symbols=("H", "W"),
    sentence="the embedding takes patches of 8x8, so H and W are multiples of 8",
    holds=lambda at: at["feature"] != "vit8" or at["H"] % PATCH == at["W"] % PATCH == 0,
)
DENSE_CHANNELS = setting(
    "dense_channels", "channels of the dense map", 256, option="dense_channels"
)
"""The paper prints none; with these the figures of its table 8 come out under its counter."""
FIXED_ROIS = switch(
    "fixed_rois", "regions and points stay where they start", on=False, option="fixed_rois"
)
FOCUSES = Rule(
    symbols=("fixed_rois", "repeats"),
    sentence="the focusing block is there to move regions, so fixed ones come with repeats=0",
    holds=lambda at: at["fixed_rois"] == 0 or at["repeats"] == 0,
)
TUBES = Rule(
    symbols=("n_t", "T"),
    sentence="no tube is shorter than a frame, so n_t is T at most",
    holds=lambda at: at["n_t"] <= at["T"],
)
RULES = (GRID, PIXELS, PATCHES, heads("d_f"), heads("d_c"))
"""What every network of the first paper must meet."""


def network(
    body: Body, image: tuple[Symbol, ...], *more: Symbol, tokens: int | None = None
) -> tuple[Symbol, ...]:
    """The symbols of every network of the first paper; ``more`` are those of one."""
    return (
        with_default(N, tokens or body.tokens),
        *image,
        P,
        *more,
        REPEATS,
        CHANNELS,
        FEATURE,
        MIXING,
        setting("d_f", "channels of a token while it focuses", body.focusing, option="width"),
        setting("d_c", "channels of a token after that", body.cortex, option="cortex_width"),
        setting("blocks", "blocks of the cortex transformer", body.layers, option="blocks"),
    )


def body_of(at: Values) -> Body:
    """Both transformers, from the symbols of a network."""
    return Body(focusing=at["d_f"], cortex=at["d_c"], layers=at["blocks"], tokens=at["N"])


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


def with_default(symbol: Symbol, default: int) -> Symbol:
    """The same symbol with another value where none is given."""
    return msgspec.structs.replace(symbol, default=default)
