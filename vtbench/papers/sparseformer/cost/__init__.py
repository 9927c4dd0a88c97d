"""SparseFormer's networks as cost models, and those built on it; nothing here knows the networks.

``parts`` has the blocks by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from vtbench.data.cost.model import CostModel, Values
from vtbench.data.cost.symbols import CLASSES, image, setting, with_default
from vtbench.data.cost.terms import Term
from vtbench.data.cost.tokens import repeated
from vtbench.papers.sparseformer.cost import bootstrapped
from vtbench.papers.sparseformer.cost import symbols as s
from vtbench.papers.sparseformer.cost import terms as sf
from vtbench.papers.sparseformer.cost.parts import sparseformer_parts
from vtbench.papers.sparseformer.rows import SPARSEFORMER

DENSE_TOKENS = 400
"""Tokens where objects or pixels are told apart."""


def cost_models() -> Iterator[CostModel]:
    """Networks for images and clips, those that detect and segment, the bootstrapped, parts."""
    for size in s.VARIANTS:
        yield CostModel(
            f"sparseformer_{size}", f"SparseFormer-{size.upper()}", SPARSEFORMER,
            (*s.network(size, image()), s.FIXED_ROIS,
             s.interpolation("free", "printed", "bilinear"), CLASSES),
            _classifier, (*s.RULES, s.FOCUSES), depth=2,
        )  # fmt: skip
    for size in s.VARIANTS:
        yield CostModel(
            f"video_sparseformer_{size}", f"VideoSparseFormer-{size.upper()}", SPARSEFORMER,
            (*s.network(size, image(), s.N_T, s.FRAMES),
             s.interpolation("free", "printed", "trilinear"), with_default(CLASSES, 400)),
            _video, (*s.RULES, s.TUBES), depth=2,
        )  # fmt: skip
    meaning = "classes, the one of no object among them"
    yield CostModel(
        "sparseformer_det", "SparseFormer-S as a detector", SPARSEFORMER,
        (*s.network("s", image(800, 1066), tokens=DENSE_TOKENS),
         setting("detected", "tokens that detect", 100, option="detected"),
         msgspec.structs.replace(CLASSES, meaning=meaning, default=92)),
        _detector, (*s.RULES, s.DETECTORS), depth=2,
    )  # fmt: skip
    yield CostModel(
        "sparseformer_seg", "SparseFormer-T as a segmenter", SPARSEFORMER,
        (*s.network("t", image(512, 512), tokens=DENSE_TOKENS), s.DENSE_CHANNELS,
         with_default(CLASSES, 150)),
        _segmenter, (*s.RULES, s.DENSE_MAP), depth=2,
    )  # fmt: skip
    yield from bootstrapped.bootstrapped_models()
    yield from sparseformer_parts()


def _body(at: Values) -> tuple[Term, ...]:
    return (*_stem(at), *sf.transformers(at["N"], at, s.sampling_of(at)))


def _stem(at: Values) -> tuple[Term, ...]:
    return sf.stem(at["H"], at["W"], at["C"], at["feature"])


def _classifier(at: Values) -> tuple[Term, ...]:
    return (*_body(at), *sf.head(at["d_c"], at["classes"]))


def _video(at: Values) -> tuple[Term, ...]:
    """The stem sees frame by frame; tokens of all times attend to each other."""
    return (
        *repeated(_stem(at), at["T"]),
        *sf.transformers(at["N"] * at["n_t"], at, s.sampling_of(at, axes=3)),
        *sf.head(at["d_c"], at["classes"]),
    )


def _detector(at: Values) -> tuple[Term, ...]:
    return (*_body(at), *sf.detector_head(at["detected"], at["d_c"], at["classes"]))


def _segmenter(at: Values) -> tuple[Term, ...]:
    return (*_body(at), *sf.segmenter_head(at))
