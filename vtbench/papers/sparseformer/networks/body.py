"""A SparseFormer without what stands on it: stem, tokens, focusing and cortex transformer.

Figure 2 of the paper; ``classifier`` lists where its text and its authors' code differ.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vtbench.data.panel import Panel
from vtbench.models.arguments import at_least_1, one_of
from vtbench.papers.sparseformer.networks.adaptive_mixing import (
    MIXINGS,
    Generator,
    MixingKind,
    StaticWeights,
)
from vtbench.papers.sparseformer.networks.early_features import FEATURES, Feature, stem
from vtbench.papers.sparseformer.networks.latent_transformers import (
    Cortex,
    Focusing,
    Latent,
    LatentShape,
)
from vtbench.papers.sparseformer.networks.options import (
    ROI_SIZES,
    RoISize,
    channels_of,
    check_drop_path,
    check_points,
    check_repeats,
    check_widths,
)
from vtbench.papers.sparseformer.networks.pictured import panels
from vtbench.papers.sparseformer.networks.sampling import (
    NORM_EPS,
    NORMS,
    Glimpse,
    Norms,
    RoIAdjustment,
    SamplingPoints,
    initial_rois,
)


class InitialTokens(nn.Module):
    """The embeddings and RoIs that every image starts with; both are learned."""

    def __init__(self, tokens: int, width: int, roi_size: RoISize, *, fixed: bool) -> None:
        super().__init__()
        self.embeddings = nn.Parameter(torch.empty(tokens, width))
        nn.init.trunc_normal_(self.embeddings, std=1.0)
        rois = initial_rois(tokens, roi_size)
        self.rois = nn.Buffer(rois) if fixed else nn.Parameter(rois)

    def forward(self, maps: Tensor) -> Latent:
        """As many copies as there are maps, B,N,d and B,N,4; RoIs as precise as the maps."""
        batch = maps.shape[0]
        return Latent(
            self.embeddings.expand(batch, -1, -1), self.rois.to(maps.dtype).expand(batch, -1, -1)
        )


class Bridge(nn.Module):
    """From the focusing transformer's width to the cortex transformer's: N·d_f·d_c."""

    def __init__(self, width: int, wider: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, wider)
        self.norm = nn.LayerNorm(wider, eps=NORM_EPS)

    def forward(self, tokens: Tensor) -> Tensor:
        """B,N,d_f -> B,N,d_c."""
        bridged: Tensor = self.norm(self.linear(tokens))
        return bridged


class Seen(NamedTuple):
    """What the two transformers made of an image."""

    tokens: Tensor
    """B,N,d_c: the last embeddings."""
    rois: Tensor
    """B,N,4: the last RoIs, as corners in units of the image; tubes B,N,6 of clips."""
    feature_map: Tensor
    """B,C,H,W: what was sampled; B,C,T,H,W of clips."""
    glimpses: list[Glimpse]
    """RoIs and points of every sampling stage, in order."""


class SparseBody(nn.Module):
    """Stem, initial tokens, both transformers: figure 2, for any size of image.

    Every choice of the paper's tables 3, 4 and 9 is an argument; the defaults are SparseFormer-T.
    """

    axes = 2
    """Of RoIs and points."""

    def __init__(  # noqa: PLR0913 - one argument per choice that the paper's ablations vary
        self,
        *,
        tokens: int = 49,
        width: int = 256,
        cortex_width: int = 512,
        repeats: int = 4,
        blocks: int = 8,
        points: int = 36,
        feature: Feature = "conv",
        channels: int | None = None,
        mixing: MixingKind = "adaptive",
        roi_size: RoISize = "half",
        fixed_rois: bool = False,
        norms: Norms = "v1",
        heads: int = 64,
        drop_path: float = 0.2,
    ) -> None:
        super().__init__()
        at_least_1(tokens=tokens, blocks=blocks)
        check_points(points)
        check_widths(heads, width=width, cortex_width=cortex_width)
        one_of(FEATURES, feature=feature)
        one_of(MIXINGS, mixing=mixing)
        one_of(ROI_SIZES, roi_size=roi_size)
        one_of(NORMS, norms=norms)
        check_repeats(repeats, fixed_rois=fixed_rois)
        check_drop_path(drop_path)
        self.channels = channels_of(feature, channels)
        self.width = cortex_width
        shape = LatentShape(
            width=width, blocks=1, heads=heads, channels=self.channels, points=points,
            mixing=mixing, fixed=fixed_rois, axes=self.axes, norms=norms,
        )  # fmt: skip
        self.stem = stem(feature, self.channels, norms)
        self.initial: nn.Module = InitialTokens(tokens, width, roi_size, fixed=fixed_rois)
        self.focusing = Focusing(shape) if repeats else None
        self.bridge = Bridge(width, cortex_width)
        self.cortex = Cortex(replace(shape, width=cortex_width, blocks=blocks))
        entries = repeats + blocks
        rates = [drop_path * index / max(entries - 1, 1) for index in range(entries)]
        self.drops = rates[:repeats], rates[repeats:]

    def mapped(self, image: Tensor) -> Tensor:
        """Image B,3,H,W -> the map B,C,H,W that is sampled."""
        feature_map: Tensor = self.stem(image)
        return feature_map

    def see(self, image: Tensor) -> Seen:
        """Image B,3,H,W -> tokens, their RoIs, the map, and where each stage looked."""
        feature_map = self.mapped(image)
        latent = self.initial(feature_map)
        glimpses: list[Glimpse] = []
        if self.focusing is not None:
            latent, glimpses = self.focusing(latent, feature_map, self.drops[0])
        latent = latent._replace(tokens=self.bridge(latent.tokens))
        latent, last = self.cortex(latent, feature_map, self.drops[1])
        return Seen(latent.tokens, latent.rois, feature_map, [*glimpses, *last])

    @torch.no_grad()
    def panels(self, image: Tensor) -> list[Panel]:
        """Where the tokens look, to be drawn over the image 1,3,H,W."""
        return panels(self.see(image).glimpses)

    def set_loss_scale(self, scale: float) -> None:
        """The factor by which the loss, and with it every gradient, is scaled."""
        for part in (self.focusing, self.cortex):
            if part is not None:
                part.loss_scale = scale

    def no_weight_decay(self) -> set[str]:
        """Parameters that the paper's training leaves undecayed, beside all of one dimension."""
        return {"initial.rois"}


def initialise(net: nn.Module) -> None:
    """Linear layers start from a normal of 0.02 and without bias, some parts in their own way.

    Offsets start as a grid, RoIs without adjustment, mixing unconditional.
    """
    for part in net.modules():
        if isinstance(part, nn.Linear):
            nn.init.trunc_normal_(part.weight, std=0.02)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    for part in net.modules():
        if isinstance(part, SamplingPoints | RoIAdjustment | Generator | StaticWeights):
            part.initialise()
