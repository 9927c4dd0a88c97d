"""Visual Transformers: networks, segmentation, and blocks by themselves."""

from __future__ import annotations

from typing import Any

from vtbench.data.catalog_row import ModelRow
from vtbench.papers.nonlocal_networks.rows import PAPER as NONLOCAL
from vtbench.papers.resnet.rows import STAGES

V3 = "Wu et al., Visual Transformers, arXiv 2006.03677v3"
V4 = "Wu et al., Visual Transformers, ICCV 2021 (arXiv 2006.03677v4)"
FPN = "Kirillov et al., Panoptic Feature Pyramid Networks, CVPR 2019"
_NETWORKS = "vtbench.papers.visual_transformers.networks"


def _vt_resnet(name: str, depth: int, tokens: int = 8) -> ModelRow:
    options = {"depth": depth, "tokens": tokens}
    return ModelRow(
        name, f"{_NETWORKS}.v3:VTResNet", V3, "VT-ResNet", options, stages=STAGES, head=("fc",)
    )


def _vt_resnet_v4(name: str, depth: int, **options: Any) -> ModelRow:
    options = {"depth": depth, **options}
    return ModelRow(
        name, f"{_NETWORKS}.v4:VTResNetV4", V4, "VT-ResNet", options, stages=STAGES, head=("fc",)
    )


def _segmenter(pyramid: str, depth: int) -> ModelRow:
    return ModelRow(
        f"{pyramid}_r{depth}",
        f"{_NETWORKS}.fpn:{pyramid}",
        V3 if pyramid == "vt_fpn" else FPN,
        "Segmentation",
        {"depth": depth},
        resolution=(800, 1216),
        stages=("backbone", "fpn", "head"),
        head=("head",),
    )


_ADVANCED = {"recipe": "advanced", "dropout": 0.2}

ROWS: tuple[ModelRow, ...] = (
    *(_vt_resnet(f"vt_r{depth}", depth) for depth in (18, 34, 50, 101)),
    # The token counts with which the paper's tables come out, where they are not the text's 8.
    *(
        _vt_resnet(f"vt_r{depth}_l{tokens}", depth, tokens)
        for depth, tokens in ((18, 16), (34, 16), (50, 4), (101, 4))
    ),
    _vt_resnet_v4("vt_v4_r18", 18),
    _vt_resnet_v4("vt_v4_r34", 34),
    _vt_resnet_v4("vt_v4_adv_r18", 18, **_ADVANCED),
    _vt_resnet_v4("vt_v4_adv_r34", 34, **_ADVANCED),
    _vt_resnet_v4("vt_v4_adv_r101", 101, **_ADVANCED),
    *(_segmenter(pyramid, depth) for pyramid in ("fpn", "vt_fpn") for depth in (50, 101)),
    ModelRow("vt_transformer", f"{_NETWORKS}.v3:vt_transformer", V3, "Blocks"),
    ModelRow("nonlocal_block", f"{_NETWORKS}.nonlocal_block:nonlocal_block", NONLOCAL, "Blocks"),
)
"""Networks, then parts of them by themselves."""
