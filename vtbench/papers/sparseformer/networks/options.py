"""The options that SparseFormers share, and which of them go together; the rest are refused."""

from __future__ import annotations

import math
from typing import Literal, TypedDict

from vtbench.errors import BadOption
from vtbench.models.arguments import at_least_1
from vtbench.papers.sparseformer.networks.adaptive_mixing import MixingKind
from vtbench.papers.sparseformer.networks.early_features import Feature
from vtbench.papers.sparseformer.networks.sampling import Norms

RoISize = Literal["half", "cell", "whole"]
ROI_SIZES = ("half", "cell", "whole")


class CommonOptions(TypedDict, total=False):
    """Those that a network hands on as they are, whatever stands on it."""

    repeats: int
    blocks: int
    points: int
    channels: int | None
    mixing: MixingKind
    norms: Norms
    heads: int


class SizedOptions(CommonOptions, total=False):
    """The same and the widths, for a network that has the defaults of SparseFormer-T."""

    width: int
    cortex_width: int
    drop_path: float


class BodyOptions(SizedOptions, total=False):
    """All of them, for the classifier."""

    tokens: int
    feature: Feature
    roi_size: RoISize
    fixed_rois: bool


def check_fast(mixing: MixingKind, *, fixed_rois: bool) -> None:
    """Refuse the fast path to ablations; it is there for the networks of table 1."""
    if mixing != "adaptive" or fixed_rois:
        raise BadOption(
            "path=fast works only with adaptive mixing and RoIs that move; give "
            "path=plain, or leave out the options mixing and fixed_rois."
        )


def check_points(points: int) -> None:
    """Refuse a number of points that makes no grid, or too few for a deviation."""
    if points < 4 or math.isqrt(points) ** 2 != points:  # noqa: PLR2004 - 2x2, the least grid
        raise BadOption(
            f"The option points={points} is not a square grid; choose a square of at least "
            "4, such as 16, 36 or 64."
        )


def check_widths(heads: int, **widths: int) -> None:
    """Refuse widths that do not divide into heads, or into the quarter of the generator."""
    at_least_1(heads=heads, **widths)
    for name, width in widths.items():
        for parts in (heads, 4):
            if width % parts:
                raise BadOption(
                    f"The option {name}={width} is not a multiple of {parts}; with {heads} heads "
                    "and a generator of a quarter of the width, choose a multiple of "
                    f"{math.lcm(heads, 4)}."
                )


def check_repeats(repeats: int, *, fixed_rois: bool) -> None:
    """Refuse negative repeats, and repeats that would have no RoI to adjust."""
    if repeats < 0:
        raise BadOption(f"The option repeats must be at least 0, not {repeats}.")
    if fixed_rois and repeats:
        raise BadOption(
            f"fixed_rois=True and repeats={repeats} contradict each other, because a "
            "focusing transformer adjusts RoIs; give repeats=0 or leave fixed_rois out."
        )


def channels_of(feature: Feature, channels: int | None) -> int:
    """Channels of the map: those of RGB are three, others 96 unless given."""
    if channels is None:
        return 3 if feature == "rgb" else 96
    if feature == "rgb":
        raise BadOption(
            f"feature=rgb and channels={channels} contradict each other, because an image "
            "has 3 channels; give one of them."
        )
    if channels < 2:  # noqa: PLR2004 - one channel has no variance
        raise BadOption(f"The option channels must be at least 2, not {channels}.")
    return channels


def check_drop_path(drop_path: float) -> None:
    """Refuse a rate of stochastic depth that keeps nothing, or more than all."""
    if not 0 <= drop_path < 1:
        raise BadOption(f"The option drop_path must be at least 0 and below 1, not {drop_path}.")
