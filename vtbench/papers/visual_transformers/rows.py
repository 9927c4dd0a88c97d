"""Visual Transformers: networks, segmentation, and blocks by themselves."""

from __future__ import annotations

from typing import Any

from vtbench.data.catalog_row import ModelRow
from vtbench.papers.nonlocal_networks.rows import PAPER as NONLOCAL
from vtbench.papers.resnet.rows import STAGES

V3 = "Wu et al., Visual Transformers, arXiv 2006.03677v3"
V4 = "Wu et al., Visual Transformers, ICCV 2021 (arXiv 2006.03677v4)"
FPN = "Kirillov et al., Panoptic Feature Pyramid Networks, CVPR 2019"


def _vt_resnet(depth: int, tokens: int, name: str) -> ModelRow:
    return ModelRow(
        name=name,
        target="vtbench.papers.visual_transformers.networks.v3:VTResNet",
        options={"depth": depth, "tokens": tokens},
        paper=V3,
        family="VT-ResNet",
        stages=STAGES,
        head=("fc",),
    )


def _vt_resnet_v4(depth: int, name: str, **options: Any) -> ModelRow:
    return ModelRow(
        name=name,
        target="vtbench.papers.visual_transformers.networks.v4:VTResNetV4",
        options={"depth": depth, **options},
        paper=V4,
        family="VT-ResNet",
        stages=STAGES,
        head=("fc",),
    )


# The advanced recipe, table 8: v3's tokenizer and position code with the new transformer.
_ADVANCED = {"tokenizer": "dynamic", "position": True, "dropout": 0.2}

ROWS: tuple[ModelRow, ...] = (
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
        ModelRow(
            name=f"{pyramid}_r{depth}",
            target=f"vtbench.papers.visual_transformers.networks.fpn:{pyramid}",
            options={"depth": depth},
            resolution=(800, 1216),
            paper=V3 if pyramid == "vt_fpn" else FPN,
            family="Segmentation",
            stages=("backbone", "fpn", "head"),
            head=("head",),
        )
        for pyramid in ("fpn", "vt_fpn")
        for depth in (50, 101)
    ),
    ModelRow(
        name="vt_transformer",
        target="vtbench.papers.visual_transformers.networks.v3:vt_transformer",
        paper=V3,
        family="Blocks",
    ),
    ModelRow(
        name="nonlocal_block",
        target="vtbench.papers.visual_transformers.networks.nonlocal_block:nonlocal_block",
        paper=NONLOCAL,
        family="Blocks",
    ),
)
"""Networks, then parts of them by themselves."""
