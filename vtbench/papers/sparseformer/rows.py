"""SparseFormer: for images, for clips, as detector and segmenter, and bootstrapped."""

from __future__ import annotations

from typing import Any

from vtbench.data.catalog_row import ModelRow

SPARSEFORMER = "Gao et al., SparseFormer, ICLR 2024 (arXiv 2304.03768)"
BOOTSTRAPPED = "Gao et al., Bootstrapping SparseFormers from Vision Foundation Models, CVPR 2024"

_NETWORKS = "vtbench.papers.sparseformer.networks"

# What each of SparseFormer's two transformers consists of.
_LATENT = (
    "attention", "products", "sampling", "decoding.generator", "decoding.mixing",
    "decoding.output", "feed_forward",
)  # fmt: skip
# What samples in the bootstrapped ones, and what their blocks have beside it.
_SAMPLING = ("sampling", "generator", "mixing", "output", "position")
_BLOCK = ("attention", "products", "feed_forward")

_TINY = {"tokens": 49, "width": 256, "cortex_width": 512, "blocks": 8, "drop_path": 0.2}
_SMALL = {"tokens": 64, "width": 320, "cortex_width": 640, "blocks": 8, "drop_path": 0.3}
_BASE = {"tokens": 81, "width": 384, "cortex_width": 768, "blocks": 10, "drop_path": 0.4}
_VIT_B = {"tokens": 49, "width": 384, "cortex_width": 768, "blocks": 8}
_VIT_L = {"tokens": 49, "width": 512, "cortex_width": 1024, "blocks": 16}
_CLIP = {"activation": "quick_gelu", "head_bias": False}


def _parts(module: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{module}.{name}" for name in names)


def _sparseformer(
    name: str,
    target: str,
    options: dict[str, Any],
    *,
    resolution: tuple[int, int] | None = None,
    head: tuple[str, ...] = ("fc",),
) -> ModelRow:
    """A network whose last part of the head classifies; several parts are a stage each."""
    stages = (
        "stem", "initial", *_parts("focusing", _LATENT), "bridge", *_parts("cortex", _LATENT),
        *(_parts("head", head) if len(head) > 1 else ()), "head",
    )  # fmt: skip
    return ModelRow(
        name, f"{_NETWORKS}.{target}", SPARSEFORMER, "SparseFormer", options, resolution, stages,
        ("head.fc" if len(head) == 1 else "head.classifier",),
    )  # fmt: skip


def _bootstrapped(name: str, **options: Any) -> ModelRow:
    stages = (
        "stem", "initial", *_parts("focusing", (*_SAMPLING, *_BLOCK, "roi")), "bridge",
        *_parts("lifting", _SAMPLING), *_parts("inherited", _BLOCK), "head",
    )  # fmt: skip
    target = f"{_NETWORKS}.bootstrapped:BootstrappedSparseFormer"
    return ModelRow(
        name, target, BOOTSTRAPPED, "SparseFormer", options, stages=stages, head=("head.fc",)
    )


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
        "sparseformer_det", "detector:SparseFormerDetector",
        _SMALL | {"tokens": 400, "detected": 100}, resolution=(800, 1066),
        head=("classifier", "box"),
    ),
    _sparseformer(
        "sparseformer_seg", "segmenter:SparseFormerSegmenter", _TINY | {"tokens": 400},
        resolution=(512, 512),
        head=("query", "key", "value", "products", "conv1", "conv2", "classifier"),
    ),
    _bootstrapped("sparseformer_augreg_b", **_VIT_B),
    _bootstrapped("sparseformer_augreg_l", **_VIT_L),
    _bootstrapped("sparseformer_clip_b", **_VIT_B, **_CLIP, num_classes=512),
    _bootstrapped("sparseformer_clip_l", **_VIT_L | {"tokens": 64}, **_CLIP, num_classes=768),
    ModelRow(
        "sparse_feature_sampling", f"{_NETWORKS}.sampling_block:sparse_feature_sampling",
        SPARSEFORMER, "Blocks",
    ),
)  # fmt: skip
"""Catalogue rows, in the order in which they are listed."""
