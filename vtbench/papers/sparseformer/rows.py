"""SparseFormer: for images, for clips, as detector and segmenter, and bootstrapped."""

from __future__ import annotations

from typing import Any

from vtbench.data.catalog_row import ModelRow

SPARSEFORMER = "Gao et al., SparseFormer, ICLR 2024 (arXiv 2304.03768)"
BOOTSTRAPPED = "Gao et al., Bootstrapping SparseFormers from Vision Foundation Models, CVPR 2024"

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
_TINY = {"tokens": 49, "width": 256, "cortex_width": 512, "blocks": 8, "drop_path": 0.2}
_SMALL = {"tokens": 64, "width": 320, "cortex_width": 640, "blocks": 8, "drop_path": 0.3}
_BASE = {"tokens": 81, "width": 384, "cortex_width": 768, "blocks": 10, "drop_path": 0.4}


def _sparseformer(
    name: str,
    target: str,
    sizes: dict[str, Any],
    *,
    resolution: tuple[int, int] | None = None,
    head: tuple[str, ...] = (),
    classifier: str = "head.fc",
) -> ModelRow:
    return ModelRow(
        name=name,
        target=f"vtbench.papers.sparseformer.networks.{target}",
        resolution=resolution,
        options=sizes,
        paper=SPARSEFORMER,
        family="SparseFormer",
        stages=(
            "stem",
            "initial",
            *(f"focusing.{part}" for part in _LATENT_STAGES),
            "bridge",
            *(f"cortex.{part}" for part in _LATENT_STAGES),
            *(f"head.{part}" for part in head),
            "head",
        ),
        head=(classifier,),
    )


_LOOKING_STAGES = ("sampling", "generator", "mixing", "output", "position")
_BLOCK_STAGES = ("attention", "products", "feed_forward")


def _bootstrapped(name: str, **sizes: Any) -> ModelRow:
    return ModelRow(
        name=name,
        target="vtbench.papers.sparseformer.networks.bootstrapped:BootstrappedSparseFormer",
        options=sizes,
        paper=BOOTSTRAPPED,
        family="SparseFormer",
        stages=(
            "stem",
            "initial",
            *(f"focusing.{part}" for part in (*_LOOKING_STAGES, *_BLOCK_STAGES, "roi")),
            "bridge",
            *(f"lifting.{part}" for part in _LOOKING_STAGES),
            *(f"inherited.{part}" for part in _BLOCK_STAGES),
            "head",
        ),
        head=("head.fc",),
    )


_VIT_B = {"tokens": 49, "width": 384, "cortex_width": 768, "blocks": 8}
_VIT_L = {"tokens": 49, "width": 512, "cortex_width": 1024, "blocks": 16}
_CLIP = {"activation": "quick_gelu", "head_bias": False}

_IMAGES = "classifier:SparseFormer"
_CLIPS = "video:VideoSparseFormer"

ROWS: tuple[ModelRow, ...] = (
    _sparseformer("sparseformer_t", _IMAGES, _TINY),
    _sparseformer("sparseformer_s", _IMAGES, _SMALL),
    _sparseformer("sparseformer_b", _IMAGES, _BASE),
    _sparseformer("video_sparseformer_t", _CLIPS, _TINY),
    _sparseformer("video_sparseformer_s", _CLIPS, _SMALL),
    _sparseformer("video_sparseformer_b", _CLIPS, _BASE),
    _sparseformer(
        "sparseformer_det",
        "detector:SparseFormerDetector",
        _SMALL | {"tokens": 400, "detected": 100},
        resolution=(800, 1066),
        head=("classifier", "box"),
        classifier="head.classifier",
    ),
    _sparseformer(
        "sparseformer_seg",
        "segmenter:SparseFormerSegmenter",
        _TINY | {"tokens": 400},
        resolution=(512, 512),
        head=("query", "key", "value", "products", "conv1", "conv2", "classifier"),
        classifier="head.classifier",
    ),
    _bootstrapped("sparseformer_augreg_b", **_VIT_B),
    _bootstrapped("sparseformer_augreg_l", **_VIT_L),
    _bootstrapped("sparseformer_clip_b", **_VIT_B, **_CLIP, num_classes=512),
    _bootstrapped("sparseformer_clip_l", **_VIT_L | {"tokens": 64}, **_CLIP, num_classes=768),
)
"""Catalogue rows, in the order in which they are listed."""
