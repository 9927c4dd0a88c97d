"""Panoptic FPN for semantic segmentation, with convolutions or with visual transformers between.

Kirillov et al., Panoptic Feature Pyramid Networks, CVPR 2019, against VT-FPN of Visual Transformers
(arXiv 2006.03677v3, section 4.2 and table 4). Backbone and head are the same in both: ResNet with
the stride in the first 1x1, whose four maps P2 to P5 lie at 1/4 to 1/32 of the image, and the head
that brings all four to 1/4 and adds them. Stage ``fpn`` is what table 4 calls "FPN MACs".

Of VT-FPN the paper says that 8 tokens are read from every map, that one transformer has all of
them, and that its tokens are projected back. With ``reading="literal"`` that is done by its
listings: a 1x1 on the maps that do not have the pyramid's 256 channels yet, a tokenizer with values
and position code, and all 32 tokens projected to every level. The fitted reading, the default, is
as its table comes out: lateral 1x1 convolutions on all levels as FPN has them; a tokenizer without
values and position code; each level takes back from its own 8 tokens. Both have kqv_groups 8 and
16 groups of the query convolution (16 channels each, not the 64 of the fitted VT-ResNet).

Maps of odd sides (473 pixels give 119, 60, 30, 15) are met by resizing to the finer map's size.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast, get_args

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from vtbench.models.arguments import at_least_1, one_of
from vtbench.papers.resnet.networks.resnet import Depth, Trunk, initialise
from vtbench.papers.visual_transformers.networks import listings
from vtbench.papers.visual_transformers.networks.blocks import (
    BlockShape,
    Projector,
    Reading,
    StaticTokenizer,
    check_shape,
    pointwise2d,
)
from vtbench.papers.visual_transformers.networks.v3 import Transformer

WIDTH = 256
"""Channels of every map of the pyramid."""
HEAD_WIDTH = 128
HEAD_CONVOLUTIONS = (1, 1, 2, 3)
"""3x3 convolutions of the head on P2 to P5: one for each doubling, and one where there is none."""
STUFF_CLASSES = 54
"""What Detectron2's head predicts on COCO-stuff: 53 classes of stuff, and all things as one."""


class FPN(nn.Module):
    """Top-down: coarser maps are enlarged and added to the laterals, then a 3x3 on each."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(width, WIDTH, 1) for width in widths)
        self.outputs = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in widths)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Four maps N,C_l,H_l,W_l, finest first -> four maps N,256,H_l,W_l."""
        merged = [lateral(x) for lateral, x in zip(self.laterals, maps, strict=True)]
        for level in range(len(merged) - 2, -1, -1):
            coarser = F.interpolate(merged[level + 1], merged[level].shape[2:], mode="nearest")
            merged[level] = merged[level] + coarser
        return [output(x) for output, x in zip(self.outputs, merged, strict=True)]


class VTFPN(nn.Module):
    """Tokens of every level, one transformer over all of them, and back: figure 3."""

    def __init__(self, widths: list[int], shape: BlockShape, *, position: bool) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(pointwise2d(width, shape.f) for width in widths)
        self.tokenizers = nn.ModuleList(
            StaticTokenizer(shape, position=position, value=False) for _ in widths
        )
        self.transformer = Transformer(shape.CT, shape.heads, shape.kqv_groups)
        self.projectors = nn.ModuleList(Projector(shape) for _ in widths)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Four maps N,C_l,H_l,W_l -> four maps N,256,H_l,W_l."""
        merged = [lateral(x) for lateral, x in zip(self.laterals, maps, strict=True)]
        tokens = [read(x) for read, x in zip(self.tokenizers, merged, strict=True)]  # N,C_T,L each
        mixed = self.transformer(torch.cat(tokens, dim=2)).chunk(len(tokens), dim=2)  # N,C_T,4L
        return [
            project(x, own) for project, x, own in zip(self.projectors, merged, mixed, strict=True)
        ]


class PrintedVTFPN(nn.Module):
    """Section 4.2 and the listings: tokens of every map, one transformer, all of them back."""

    def __init__(self, widths: list[int], shape: BlockShape, *, position: bool) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(
            nn.Identity() if width == shape.C else listings.conv1x1_2d(width, shape.C)
            for width in widths
        )
        self.tokenizers = nn.ModuleList(
            listings.Tokenizer(shape, dynamic=False, position=position) for _ in widths
        )
        self.transformer = listings.Transformer(shape.CT, shape.heads, shape.kqv_groups)
        self.projectors = nn.ModuleList(listings.Projector(shape) for _ in widths)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Four maps N,C_l,H_l,W_l -> four maps N,256,H_l,W_l."""
        adjusted = [lateral(x) for lateral, x in zip(self.laterals, maps, strict=True)]
        tokens = [read(x, None) for read, x in zip(self.tokenizers, adjusted, strict=True)]
        mixed = self.transformer(torch.cat(tokens, dim=2))  # N,C_T,4L
        return [project(x, mixed) for project, x in zip(self.projectors, adjusted, strict=True)]


class ConvNorm(nn.Module):
    """A 3x3 convolution, group norm, ReLU."""

    def __init__(self, c_in: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, HEAD_WIDTH, 3, padding=1, bias=False)
        self.norm = nn.GroupNorm(32, HEAD_WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """N,c_in,H,W -> N,128,H,W."""
        out: Tensor = self.norm(self.conv(x)).relu()
        return out


class SegmentationHead(nn.Module):
    """Every map to 1/4 of the image by convolutions and doublings, their sum, a score per class."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            nn.ModuleList(ConvNorm(HEAD_WIDTH if index else WIDTH) for index in range(count))
            for count in HEAD_CONVOLUTIONS
        )
        self.predictor = nn.Conv2d(HEAD_WIDTH, num_classes, 1)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Four maps N,256,H_l,W_l, finest first -> scores N,num_classes,H_2,W_2."""
        sizes = [x.shape[2:] for x in maps]
        at_quarter = [
            _enlarged(x, cast("nn.ModuleList", convolutions), sizes[:level][::-1])
            for level, (convolutions, x) in enumerate(zip(self.levels, maps, strict=True))
        ]
        scores: Tensor = self.predictor(torch.stack(at_quarter).sum(0))
        return scores


def _enlarged(x: Tensor, convolutions: Iterable[nn.Module], finer: list[torch.Size]) -> Tensor:
    """A map after each convolution resized to the next finer level, until there is none."""
    for step, convolution in enumerate(convolutions):
        x = convolution(x)
        if step < len(finer):
            x = F.interpolate(x, finer[step], mode="bilinear")
    return x


class PanopticFPN(nn.Module):
    """Backbone, pyramid, head; scores at the size of the image."""

    def __init__(self, backbone: Trunk, pyramid: nn.Module, num_classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.fpn = pyramid
        self.head = SegmentationHead(num_classes)
        initialise(self)

    def forward(self, image: Tensor) -> Tensor:  # N,3,H,W
        """Scores per pixel, N,num_classes,H,W."""
        scores = self.head(self.fpn(self.backbone.maps(image)))
        return F.interpolate(scores, image.shape[2:], mode="bilinear")


def fpn(*, depth: Depth, num_classes: int = STUFF_CLASSES) -> PanopticFPN:
    """The baseline: convolutions between backbone and head."""
    at_least_1(num_classes=num_classes)
    backbone = _backbone(depth)
    return PanopticFPN(backbone, FPN(backbone.widths), num_classes)


def vt_fpn(  # noqa: PLR0913 - one argument per choice that the paper leaves open
    *,
    depth: Depth,
    reading: Reading = "fitted",
    tokens: int = 8,
    token_width: int = 1024,
    heads: int = 16,
    groups: int = 16,
    kqv_groups: int = 8,
    position: bool | None = None,
    num_classes: int = STUFF_CLASSES,
) -> PanopticFPN:
    """Visual transformers between backbone and head; ``tokens`` of them on each level.

    Positions are encoded in the literal reading alone unless ``position`` is given.
    """
    at_least_1(num_classes=num_classes)
    one_of(get_args(Reading), reading=reading)
    shape = BlockShape(
        f=WIDTH, C=WIDTH, L=tokens, CT=token_width, heads=heads, groups=groups,
        kqv_groups=kqv_groups,
    )  # fmt: skip
    check_shape(shape)
    backbone = _backbone(depth)
    literal = reading == "literal"
    coded = literal if position is None else position
    pyramid = (PrintedVTFPN if literal else VTFPN)(backbone.widths, shape, position=coded)
    return PanopticFPN(backbone, pyramid, num_classes)


def _backbone(depth: Depth) -> Trunk:
    return Trunk(depth, stride_in_1x1=True)
