"""SparseFormer: a few latent tokens that look at the image where they choose to.

Gao et al., SparseFormer: Sparse Visual Recognition via Limited Latent Tokens. Read it beside
section 3 of the paper and its appendix A.3. Where its text and its authors' code differ, this is
the code's reading:

- The early convolution's map is normalised over channels, without parameters; the text ends with
  the pooling.
- Attention has 64 heads at every width; the text gives no number.
- A point is the RoI's centre plus offset times size, offsets divided by three deviations. Eq. 3
  halves the offset once more, which would leave the outer half of every RoI unseen.
- RoIs are kept as corners and may leave the image; the text keeps centre and size in [0, 1].
- The linear layer that makes offsets starts from a truncated normal of 0.02; the text says zero.
- A layer norm follows the linear layer between the transformers, another stands before the
  classifier, and a third before the generator of the mixing weights; the text names none of them.
- The gradient of sampling points is clamped to one row of the map, times the scale of the loss;
  the text is silent.
- Stochastic depth also drops the adjustment of RoIs; the text gives its rate alone.

The authors' later library is another function of the same weights, by up to 2 % of the logits'
deviation: its norm of the map takes the biased variance, that norm and the one of offsets an
epsilon of 1e-5, and it does not clamp. ``norms=library`` is that function.

``repeats=0`` leaves the focusing transformer out, and ``fixed_rois=True`` also the heads that
adjust RoIs and choose points: the row "nil" of table 3b.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from torch import Tensor, nn

from vtbench.models.arguments import at_least_1, one_of
from vtbench.papers.sparseformer.networks.adaptive_mixing import (
    MIXINGS,
    Generator,
    MixingKind,
    StaticWeights,
)
from vtbench.papers.sparseformer.networks.checkpoint_names import sparseformer_names
from vtbench.papers.sparseformer.networks.early_features import FEATURES, Feature, stem
from vtbench.papers.sparseformer.networks.fast.forward import joined
from vtbench.papers.sparseformer.networks.fast.frozen import FastPath, Passed
from vtbench.papers.sparseformer.networks.latent_transformers import (
    Cortex,
    Focusing,
    Latent,
    LatentShape,
)
from vtbench.papers.sparseformer.networks.options import (
    channels_of,
    check_drop_path,
    check_fast,
    check_points,
    check_repeats,
    check_widths,
)
from vtbench.papers.sparseformer.networks.sampling import (
    NORM_EPS,
    NORMS,
    Glimpse,
    Norms,
    RoIAdjustment,
    SamplingPoints,
    initial_rois,
)

if TYPE_CHECKING:
    from typing_extensions import Self

RoISize = Literal["half", "cell", "whole"]
ROI_SIZES = ("half", "cell", "whole")
Path = Literal["plain", "fast"]
PATHS = ("plain", "fast")


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


class Head(nn.Module):
    """The classifier: the mean of the tokens, a norm, a linear layer."""

    def __init__(self, width: int, num_classes: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)
        self.fc = nn.Linear(width, num_classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """B,N,d -> B,num_classes."""
        scores: Tensor = self.fc(self.norm(tokens.mean(dim=1)))
        return scores


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


class SparseFormer(nn.Module):
    """Stem, focusing transformer, cortex transformer, classifier: figure 2, for any size of image.

    Every choice of the paper's tables 3, 4 and 9 is an argument; the defaults are SparseFormer-T.
    Where training scales the loss, ``set_loss_scale`` tells the clamp of the points' gradients.
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
        path: Path = "plain",
        heads: int = 64,
        drop_path: float = 0.2,
        num_classes: int = 1000,
    ) -> None:
        super().__init__()
        at_least_1(tokens=tokens, blocks=blocks, num_classes=num_classes)
        check_points(points)
        check_widths(heads, width=width, cortex_width=cortex_width)
        one_of(FEATURES, feature=feature)
        one_of(MIXINGS, mixing=mixing)
        one_of(ROI_SIZES, roi_size=roi_size)
        one_of(NORMS, norms=norms)
        one_of(PATHS, path=path)
        check_repeats(repeats, fixed_rois=fixed_rois)
        if path == "fast":
            check_fast(mixing, fixed_rois=fixed_rois)
        check_drop_path(drop_path)
        channels = channels_of(feature, channels)
        shape = LatentShape(
            width=width,
            blocks=1,
            heads=heads,
            channels=channels,
            points=points,
            mixing=mixing,
            fixed=fixed_rois,
            axes=self.axes,
            norms=norms,
        )
        self.stem = stem(feature, channels, norms)
        self.initial: nn.Module = InitialTokens(tokens, width, roi_size, fixed=fixed_rois)
        self.focusing = Focusing(shape) if repeats else None
        self.bridge = Bridge(width, cortex_width)
        self.cortex = Cortex(replace(shape, width=cortex_width, blocks=blocks))
        self.head: nn.Module = Head(cortex_width, num_classes)
        entries = repeats + blocks
        rates = [drop_path * index / max(entries - 1, 1) for index in range(entries)]
        self.drops = rates[:repeats], rates[repeats:]
        initialise(self)
        self.fast = FastPath() if path == "fast" else None

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's own signature
        """Training or evaluation mode; what the fast path keeps is forgotten."""
        if self.fast is not None:
            self.fast.forget()
        return super().train(mode)

    def mapped(self, image: Tensor) -> Tensor:
        """Image B,3,H,W -> the map B,C,H,W that is sampled."""
        feature_map: Tensor = self.stem(image)
        return feature_map

    def see(self, image: Tensor) -> Seen:
        """Image B,3,H,W -> tokens, their RoIs, the map, and where each stage looked."""
        if self.fast is not None:
            return seen(self.fast.passed(self, image, pooled=False))
        feature_map = self.mapped(image)
        latent = self.initial(feature_map)
        glimpses: list[Glimpse] = []
        if self.focusing is not None:
            latent, glimpses = self.focusing(latent, feature_map, self.drops[0])
        latent = latent._replace(tokens=self.bridge(latent.tokens))
        latent, last = self.cortex(latent, feature_map, self.drops[1])
        return Seen(latent.tokens, latent.rois, feature_map, [*glimpses, *last])

    def forward(self, image: Tensor) -> Tensor:
        """Image B,3,H,W -> scores of the classes B,num_classes."""
        if self.fast is not None:
            tokens = self.fast.passed(self, image, pooled=True).tokens
        else:
            tokens = self.see(image).tokens
        scores: Tensor = self.head(tokens)
        return scores

    def translated(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of the authors' checkpoints under the names that they have here."""
        return sparseformer_names(tensors)

    def set_loss_scale(self, scale: float) -> None:
        """The factor by which the loss, and with it every gradient, is scaled."""
        for part in (self.focusing, self.cortex):
            if part is not None:
                part.loss_scale = scale

    def no_weight_decay(self) -> set[str]:
        """Parameters that the paper's training leaves undecayed, beside all of one dimension."""
        return {"initial.rois"}


def seen(passed: Passed) -> Seen:
    """What the fast path made of a batch, as the plain path tells it."""
    glimpses = [sight.glimpse() for sight in passed.sights]
    feature_map = joined([part.feature_map() for part in passed.rows])
    return Seen(passed.tokens, glimpses[-1].rois, feature_map, glimpses)


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
