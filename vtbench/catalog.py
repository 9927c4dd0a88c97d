"""What models have a short name: the catalogue as data, and the names nearest to a misspelt one."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable
from typing import Any

import msgspec

from vtbench.libraries import LISTED, timm_architectures


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One short name and what it stands for."""

    name: str
    """The short name."""
    target: str
    """What builds it: ``timm:NAME``, ``torchvision:NAME`` or ``package.module:function``."""
    resolution: tuple[int, int] | None = None
    """Height and width it is counted at; None is the model's own."""
    options: dict[str, Any] = {}
    """Default options of the target; the user's own go over them."""
    paper: str
    """Where the model was published."""
    family: str
    """Under which heading it is listed."""
    stages: tuple[str, ...] | None = None
    """Module paths that divide it; None means its direct children."""
    head: tuple[str, ...] | None = None
    """Module paths of its classifier; None asks the library."""


_RESNET = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016"
_DEIT = "Touvron et al., Training data-efficient image transformers, ICML 2021"
_VIT = "Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021"
_SWIN = "Liu et al., Swin Transformer, ICCV 2021"
_REGNET = "Radosavovic et al., Designing Network Design Spaces, CVPR 2020"
_EFFICIENTNET = "Tan and Le, EfficientNet, ICML 2019"

_SE = "Hu et al., Squeeze-and-Excitation Networks, CVPR 2018"
_CBAM = "Woo et al., CBAM: Convolutional Block Attention Module, ECCV 2018"
_VT = "Wu et al., Visual Transformers, arXiv 2006.03677v3"
_VT_V4 = "Wu et al., Visual Transformers, ICCV 2021 (arXiv 2006.03677v4)"
_FPN = "Kirillov et al., Panoptic Feature Pyramid Networks, CVPR 2019"
_SPARSEFORMER = "Gao et al., SparseFormer, ICLR 2024 (arXiv 2304.03768)"
_NONLOCAL = "Wang et al., Non-local Neural Networks, CVPR 2018"

# Stages 1 to 5 and the head as papers number them; in VT-ResNets layer4 is the transformers' stage.
_RESNET_STAGES = ("conv1", "layer1", "layer2", "layer3", "layer4", "fc")


def _vt_resnet(depth: int, tokens: int, name: str) -> Entry:
    return Entry(
        name=name,
        target="vtbench.models.vt_v3:VTResNet",
        options={"depth": depth, "tokens": tokens},
        paper=_VT,
        family="VT-ResNet",
        stages=_RESNET_STAGES,
        head=("fc",),
    )


def _vt_resnet_v4(depth: int, name: str, **options: Any) -> Entry:
    return Entry(
        name=name,
        target="vtbench.models.vt_v4:VTResNetV4",
        options={"depth": depth, **options},
        paper=_VT_V4,
        family="VT-ResNet",
        stages=_RESNET_STAGES,
        head=("fc",),
    )


# What each of SparseFormer's two transformers consists of.
_LATENT_STAGES = (
    "attention",
    "products",
    "sampling",
    "decoding.generator",
    "decoding.mixing",
    "decoding.output",
    "feed_forward",
)


def _sparseformer(name: str, **sizes: Any) -> Entry:
    return Entry(
        name=name,
        target="vtbench.models.sparseformer:SparseFormer",
        options=sizes,
        paper=_SPARSEFORMER,
        family="SparseFormer",
        stages=(
            "stem",
            "initial",
            *(f"focusing.{part}" for part in _LATENT_STAGES),
            "bridge",
            *(f"cortex.{part}" for part in _LATENT_STAGES),
            "head",
        ),
        head=("head.fc",),
    )


# The advanced recipe, table 8: v3's tokenizer and position code with the new transformer.
_ADVANCED = {"tokenizer": "dynamic", "position": True, "dropout": 0.2}

CATALOG: tuple[Entry, ...] = (
    *(
        Entry(
            name=f"resnet{depth}",
            target=f"timm:resnet{depth}",
            paper=_RESNET,
            family="ResNet",
            stages=_RESNET_STAGES,
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
            stages=_RESNET_STAGES,
            head=("fc",),
        )
        for attention, paper in (("se", _SE), ("cbam", _CBAM))
        for depth in (18, 34, 50, 101)
    ),
    *(_vt_resnet(depth, 8, f"vt_r{depth}") for depth in (18, 34, 50, 101)),
    # The token counts with which the paper's tables come out, where they are not the text's 8.
    *(
        _vt_resnet(depth, tokens, f"vt_r{depth}_l{tokens}")
        for depth, tokens in ((18, 16), (34, 16), (50, 4), (101, 4))
    ),
    _vt_resnet_v4(18, "vt_v4_r18"),
    _vt_resnet_v4(34, "vt_v4_r34"),
    _vt_resnet_v4(18, "vt_v4_adv_r18", **_ADVANCED),
    _vt_resnet_v4(34, "vt_v4_adv_r34", kqv_groups=8, **_ADVANCED),
    _vt_resnet_v4(101, "vt_v4_adv_r101", kqv_groups=8, tokens=4, **_ADVANCED),
    *(
        Entry(
            name=f"{pyramid}_r{depth}",
            target=f"vtbench.models.panoptic_fpn:{pyramid}",
            options={"depth": depth},
            resolution=(800, 1216),
            paper=_VT if pyramid == "vt_fpn" else _FPN,
            family="Segmentation",
            stages=("backbone", "fpn", "head"),
            head=("head",),
        )
        for pyramid in ("fpn", "vt_fpn")
        for depth in (50, 101)
    ),
    _sparseformer(
        "sparseformer_t", tokens=49, width=256, cortex_width=512, blocks=8, drop_path=0.2
    ),
    _sparseformer(
        "sparseformer_s", tokens=64, width=320, cortex_width=640, blocks=8, drop_path=0.3
    ),
    _sparseformer(
        "sparseformer_b", tokens=81, width=384, cortex_width=768, blocks=10, drop_path=0.4
    ),
    Entry(
        name="vt_transformer",
        target="vtbench.models.vt_v3:vt_transformer",
        paper=_VT,
        family="Blocks",
    ),
    Entry(
        name="nonlocal_block",
        target="vtbench.models.nonlocal_block:nonlocal_block",
        paper=_NONLOCAL,
        family="Blocks",
    ),
)

_BY_NAME = {entry.name: entry for entry in CATALOG}


def entry(name: str) -> Entry | None:
    """The catalogue's entry of that exact name."""
    return _BY_NAME.get(name)


def entries(pattern: str | None = None) -> list[Entry]:
    """Catalogue entries whose name matches a glob, in the catalogue's order; all without one.

    A pattern without wildcards matches every name that contains it.
    """
    if not pattern:
        return list(CATALOG)
    glob = pattern if is_glob(pattern) else f"*{pattern}*"
    return [item for item in CATALOG if fnmatch.fnmatchcase(item.name, glob)]


def is_glob(name: str) -> bool:
    """Whether a name holds wildcards."""
    return any(mark in name for mark in "*?[")


def nearest(name: str, limit: int = 3) -> list[str]:
    """The names most like a misspelt one, best first, written as they would be typed."""
    source, _, rest = name.partition(":")
    if not rest:
        names: Iterable[str] = (*_BY_NAME, *timm_architectures())
        return closest(name, names, limit)
    if source not in LISTED:
        return [f"{known}:{rest}" for known in closest(source, LISTED, 1)]
    return [f"{source}:{near}" for near in closest(rest, LISTED[source](), limit)]


def closest(word: str, words: Iterable[str], limit: int = 3) -> list[str]:
    """The words most like this one, best first; differences of case count for nothing."""
    by_lower: dict[str, str] = {}
    for each in words:
        by_lower.setdefault(each.lower(), each)
    matches = difflib.get_close_matches(word.lower(), by_lower, n=limit, cutoff=0.5)
    return [by_lower[match] for match in matches]
