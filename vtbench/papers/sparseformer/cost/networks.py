"""SparseFormer's networks as cost models, and those that were built on it."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import msgspec

from vtbench.data.cost import symbols
from vtbench.data.cost.model import CostModel, Rule, Symbol, Values
from vtbench.data.cost.terms import Term, ceiling
from vtbench.data.cost.tokens import repeated
from vtbench.papers.sparseformer.cost import bootstrapped, dense
from vtbench.papers.sparseformer.cost import symbols as s
from vtbench.papers.sparseformer.cost import terms as sf
from vtbench.papers.sparseformer.rows import BOOTSTRAPPED, SPARSEFORMER

DENSE_TOKENS = 400
"""Tokens where objects or pixels are told apart."""
DENSE_SIDE = 512
"""Height and width of the images that the segmenter is printed for."""


def sparseformer_models() -> Iterator[CostModel]:
    """Networks for images and clips, then what detects and segments, then the bootstrapped."""
    for size, body in sf.VARIANTS.items():
        yield _images(f"sparseformer_{size}", f"SparseFormer-{size.upper()}", body)
    for size, body in sf.VARIANTS.items():
        yield _clips(f"video_sparseformer_{size}", f"VideoSparseFormer-{size.upper()}", body)
    yield _detector()
    yield _segmenter()
    for name, net in bootstrapped.VARIANTS.items():
        yield _bootstrapped(f"sparseformer_{name}", net)


def _features(at: Values) -> tuple[Term, ...]:
    return sf.stem(at["H"], at["W"], at["C"], at["feature"])


def _images(name: str, summary: str, body: sf.Body) -> CostModel:
    return CostModel(
        name=name,
        summary=summary,
        paper=SPARSEFORMER,
        symbols=(
            *s.network(body, symbols.image()),
            s.FIXED_ROIS,
            s.interpolation("free", "printed", "bilinear"),
            symbols.CLASSES,
        ),
        rules=(*s.RULES, s.FOCUSES),
        build=_classifier,
        depth=2,
    )


def _classifier(at: Values) -> tuple[Term, ...]:
    return (
        *_features(at),
        *sf.transformers(s.body_of(at), s.sampling_of(at), at["repeats"]),
        *sf.head(at["d_c"], at["classes"]),
    )


def _clips(name: str, summary: str, body: sf.Body) -> CostModel:
    return CostModel(
        name=name,
        summary=summary,
        paper=SPARSEFORMER,
        symbols=(
            *s.network(body, symbols.image(), s.N_T, s.FRAMES),
            s.interpolation("free", "printed", "trilinear"),
            s.with_default(symbols.CLASSES, 400),
        ),
        rules=(*s.RULES, s.TUBES),
        build=_video,
        depth=2,
    )


def _video(at: Values) -> tuple[Term, ...]:
    """The stem sees frame by frame; tokens of all times attend to each other."""
    body = s.body_of({**at, "N": at["N"] * at["n_t"]})
    return (
        *repeated(_features(at), at["T"]),
        *sf.transformers(body, s.sampling_of(at, axes=3), at["repeats"]),
        *sf.head(at["d_c"], at["classes"]),
    )


def _detector() -> CostModel:
    meaning = "classes, the one of no object among them"
    return CostModel(
        name="sparseformer_det",
        summary="SparseFormer-S as a detector",
        paper=SPARSEFORMER,
        symbols=(
            *s.network(sf.VARIANTS["s"], symbols.image(800, 1066), tokens=DENSE_TOKENS),
            symbols.setting("detected", "tokens that detect", 100, option="detected"),
            msgspec.structs.replace(symbols.CLASSES, meaning=meaning, default=92),
        ),
        rules=(
            *s.RULES,
            Rule(
                symbols=("detected", "N"),
                sentence="only tokens detect",
                holds=lambda at: at["detected"] <= at["N"],
            ),
        ),
        build=_detecting,
        depth=2,
    )


def _detecting(at: Values) -> tuple[Term, ...]:
    return (
        *_features(at),
        *sf.transformers(s.body_of(at), s.sampling_of(at), at["repeats"]),
        *dense.detector_head(at["detected"], at["d_c"], at["classes"]),
    )


def _segmenter() -> CostModel:
    return CostModel(
        name="sparseformer_seg",
        summary="SparseFormer-T as a segmenter",
        paper=SPARSEFORMER,
        symbols=(
            *s.network(
                sf.VARIANTS["t"], symbols.image(DENSE_SIDE, DENSE_SIDE), tokens=DENSE_TOKENS
            ),
            s.DENSE_CHANNELS,
            s.with_default(symbols.CLASSES, 150),
        ),
        rules=(
            *s.RULES,
            Rule(
                symbols=("C",),
                sentence="the dense map has the size of the convolution's, so feature is conv",
                holds=lambda at: at["feature"] == "conv",
            ),
        ),
        build=_segmenting,
        depth=2,
    )


def _segmenting(at: Values) -> tuple[Term, ...]:
    channels = (at["C"], at["d_c"], at["dense_channels"])
    positions = ceiling(at["H"], 4) * ceiling(at["W"], 4)
    return (
        *_features(at),
        *sf.transformers(s.body_of(at), s.sampling_of(at), at["repeats"]),
        *dense.segmenter_head(positions, at["N"], channels, at["classes"]),
    )


def _bootstrapped(name: str, net: bootstrapped.Inherited) -> CostModel:
    family, size = name.removeprefix("sparseformer_").split("_")
    origin = {"augreg": "AugReg", "clip": "CLIP"}[family]
    tokens = Symbol(
        name="N",
        meaning="tokens, the class token among them",
        default=net.tokens,
        low=2,
        option="tokens",
    )
    return CostModel(
        name=name,
        summary=f"SparseFormer bootstrapped from {origin} ViT-{size.upper()}",
        paper=BOOTSTRAPPED,
        symbols=(
            tokens,
            *symbols.image(),
            symbols.setting("P", "points that a token samples", 16, option="points"),
            symbols.setting("C", "channels of the sampled map", 64, option="channels"),
            symbols.setting("repeats", "times that the focusing block runs", 4, option="repeats"),
            symbols.setting(
                "classes", "numbers that the head writes", net.written, option="num_classes"
            ),
        ),
        rules=(s.GRID,),
        build=functools.partial(_inherited, net),
        depth=2,
    )


def _inherited(net: bootstrapped.Inherited, at: Values) -> tuple[Term, ...]:
    looks = bootstrapped.Looks(points=at["P"], channels=at["C"], repeats=at["repeats"])
    return (
        *sf.stem(at["H"], at["W"], at["C"]),
        *bootstrapped.transformers(at["N"], net, looks),
        *sf.head(net.width, at["classes"]),
    )
