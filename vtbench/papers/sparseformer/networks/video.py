"""VideoSparseFormer: SparseFormer on clips, whose RoIs are tubes and whose sampling is trilinear.

Section 3 of the paper, "Extension to video classification". The early convolution sees every frame
by itself. Tokens are inflated: each stands n_t times, once for every n_t-th part of the clip, and
all of them attend to each other. Everything else is the image network's.

Where the text leaves a choice, this is the authors' code's: a tube starts as long as its part of
the clip, and all sampling points of a tube start in its middle, since the weights and biases that
give them other times start at 0. The equal offsets in time have no deviation; the epsilon that is
added to it keeps them finite.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from typing_extensions import Unpack

from vtbench.errors import BadInput, BadOption
from vtbench.models.arguments import at_least_1, one_of
from vtbench.models.inputs import OfClips
from vtbench.papers.sparseformer.networks.classifier import SparseFormer
from vtbench.papers.sparseformer.networks.early_features import Feature
from vtbench.papers.sparseformer.networks.latent_transformers import Latent
from vtbench.papers.sparseformer.networks.options import ROI_SIZES, RoISize, SizedOptions
from vtbench.papers.sparseformer.networks.sampling import initial_rois

_CLIP_DIMENSIONS = 5


def tubes(rois: Tensor, inflation: int) -> Tensor:
    """RoIs N,4 -> tubes n_t·N,6: all RoIs for the first part of the clip, then for the next."""
    starts = torch.arange(inflation, dtype=rois.dtype) / inflation
    low, high = (side.repeat(inflation, 1) for side in rois.chunk(2, dim=-1))  # n_t·N,2
    start, end = (
        time.repeat_interleave(len(rois))[:, None] for time in (starts, starts + 1 / inflation)
    )
    return torch.cat((low, start, high, end), dim=-1)


class InflatedTokens(nn.Module):
    """Embeddings and tubes that every clip starts with: n_t copies, which training tells apart."""

    def __init__(self, tokens: int, width: int, inflation: int, roi_size: RoISize) -> None:
        super().__init__()
        embeddings = torch.empty(tokens, width)
        nn.init.trunc_normal_(embeddings, std=1.0)
        self.embeddings = nn.Parameter(embeddings.repeat(inflation, 1))
        self.rois = nn.Parameter(tubes(initial_rois(tokens, roi_size), inflation))

    def forward(self, maps: Tensor) -> Latent:
        """As many copies as there are clips, B,n_t·N,d and B,n_t·N,6; tubes in the maps' type."""
        batch = maps.shape[0]
        return Latent(
            self.embeddings.expand(batch, -1, -1), self.rois.to(maps.dtype).expand(batch, -1, -1)
        )


class VideoSparseFormer(SparseFormer, OfClips):
    """SparseFormer for clips of ``frames`` frames or more; the defaults are VideoSparseFormer-T."""

    axes = 3

    def __init__(
        self,
        *,
        tokens: int = 49,
        inflation: int = 8,
        frames: int = 32,
        feature: Feature = "conv",
        roi_size: RoISize = "half",
        num_classes: int = 400,
        **options: Unpack[SizedOptions],
    ) -> None:
        at_least_1(tokens=tokens, inflation=inflation, frames=frames)
        one_of(ROI_SIZES, roi_size=roi_size)
        if inflation > frames:
            raise BadOption(
                f"inflation={inflation} and frames={frames} contradict each other: a tube would "
                "be shorter than a frame; give at most as many as there are frames."
            )
        super().__init__(tokens=tokens, feature=feature, num_classes=num_classes, **options)
        self.frames, self.inflation = frames, inflation
        self.initial = InflatedTokens(tokens, self.bridge.linear.in_features, inflation, roi_size)

    def mapped(self, image: Tensor) -> Tensor:
        """A clip B,3,T,H,W -> B,C,T,H/4,W/4, frame by frame."""
        check_clip(image, self.frames)
        maps = self.stem(image.transpose(1, 2).flatten(0, 1))  # B·T,C,H/4,W/4
        mapped: Tensor = maps.unflatten(0, (image.shape[0], -1)).transpose(1, 2)
        return mapped

    def translated(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """A checkpoint's tensors under the names here; those of an image network are inflated."""
        tensors = super().translated(tensors)
        kernel = tensors.get("stem.conv.weight")
        if kernel is not None and kernel.dim() == _CLIP_DIMENSIONS:  # one frame deep
            tensors["stem.conv.weight"] = kernel.squeeze(2)
        rois = tensors.get("initial.rois")
        if rois is None or rois.shape[-1] != 4:  # noqa: PLR2004 - corners of an image
            return tensors
        return {name: inflated(name, each, self.inflation) for name, each in tensors.items()}


def inflated(name: str, tensor: Tensor, inflation: int) -> Tensor:
    """A tensor of an image network as a clip's starts: copied over time, and 0 for what is new."""
    if name == "initial.rois":
        return tubes(tensor, inflation)
    if name == "initial.embeddings":
        return tensor.repeat(inflation, 1)
    if ".sampling.points.linear." in name:  # P·2,... -> P·3,...
        pairs = tensor.reshape(-1, 2, *tensor.shape[1:])
        return torch.cat((pairs, torch.zeros_like(pairs[:, :1])), dim=1).flatten(0, 1)
    if ".sampling.adjustment.linear." in name:  # shift and growth, 2,d each -> 3,d
        return torch.cat(
            [part for each in tensor.chunk(2) for part in (each, torch.zeros_like(each[:1]))]
        )
    return tensor


def check_clip(clip: Tensor, frames: int) -> None:
    """Refuse what is not a clip, and clips shorter than those that the model is made for."""
    if clip.dim() != _CLIP_DIMENSIONS:
        raise BadInput(
            "A model of clips takes five sides, batch x 3 x frames x height x width, not "
            f"{'x'.join(map(str, clip.shape))}."
        )
    if clip.shape[2] < frames:
        raise BadInput(
            f"A clip of {clip.shape[2]} frames is shorter than the {frames} that the model is "
            "made for; give a longer one, or the option frames."
        )
