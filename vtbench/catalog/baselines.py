"""The image classifiers that papers hold their own against."""

from __future__ import annotations

from vtbench.catalog.row import Entry

_RESNET = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016"
_DEIT = "Touvron et al., Training data-efficient image transformers, ICML 2021"
_VIT = "Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021"
_SWIN = "Liu et al., Swin Transformer, ICCV 2021"
_REGNET = "Radosavovic et al., Designing Network Design Spaces, CVPR 2020"
_EFFICIENTNET = "Tan and Le, EfficientNet, ICML 2019"
_SE = "Hu et al., Squeeze-and-Excitation Networks, CVPR 2018"
_CBAM = "Woo et al., CBAM: Convolutional Block Attention Module, ECCV 2018"

# Stages 1 to 5 and the head as papers number them; in VT-ResNets layer4 is the transformers' stage.
RESNET_STAGES = ("conv1", "layer1", "layer2", "layer3", "layer4", "fc")
"""Module paths that divide a ResNet."""

BASELINES: tuple[Entry, ...] = (
    *(
        Entry(
            name=f"resnet{depth}",
            target=f"timm:resnet{depth}",
            paper=_RESNET,
            family="ResNet",
            stages=RESNET_STAGES,
            head=("fc",),
        )
        for depth in (18, 34, 50, 101)
    ),
    *(
        Entry(
            name=f"deit_{size[0]}",
            target=f"timm:deit_{size}_patch16_224",
            paper=_DEIT,
            family="DeiT",
            head=("head",),
        )
        for size in ("tiny", "small", "base")
    ),
    *(
        Entry(
            name=f"vit_{size[0]}",
            target=f"timm:vit_{size}_patch16_224",
            paper=_VIT,
            family="ViT",
            head=("head",),
        )
        for size in ("small", "base", "large")
    ),
    *(
        Entry(
            name=f"swin_{size[0]}",
            target=f"timm:swin_{size}_patch4_window7_224",
            paper=_SWIN,
            family="Swin",
            stages=("patch_embed", "layers.0", "layers.1", "layers.2", "layers.3", "norm", "head"),
            head=("head.fc",),
        )
        for size in ("tiny", "small", "base")
    ),
    Entry(
        name="regnety_8g",
        target="timm:regnety_080",
        paper=_REGNET,
        family="RegNet",
        stages=("stem", "s1", "s2", "s3", "s4", "head"),
        head=("head.fc",),
    ),
    Entry(
        name="efficientnet_b3",
        target="timm:efficientnet_b3",
        resolution=(300, 300),
        paper=_EFFICIENTNET,
        family="EfficientNet",
        head=("classifier",),
    ),
    # The baselines with attention in Visual Transformers' first table; the larger ones are quoted
    # from a paper whose ResNet has the stride in the first 1x1.
    *(
        Entry(
            name=f"resnet{depth}_{attention}",
            target="vtbench.models.resnet:ResNet",
            options={"depth": depth, "attention": attention, "stride_in_1x1": depth in (50, 101)},
            paper=paper,
            family="ResNet",
            stages=RESNET_STAGES,
            head=("fc",),
        )
        for attention, paper in (("se", _SE), ("cbam", _CBAM))
        for depth in (18, 34, 50, 101)
    ),
)
"""Catalogue rows, in the order in which they are listed."""
