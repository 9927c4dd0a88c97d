"""SparseFormer's parts as cost models, each by itself, with all of its sizes as letters."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from vtbench.data.cost import tokens as standard
from vtbench.data.cost.model import CostModel, Rule, Symbol, Values
from vtbench.data.cost.symbols import CLASSES, image, with_default
from vtbench.data.cost.terms import Term
from vtbench.papers.sparseformer.cost import symbols as s
from vtbench.papers.sparseformer.cost import terms as sf
from vtbench.papers.sparseformer.rows import SPARSEFORMER

_CORTEX = with_default(s.WIDTH, 512)
_SAMPLES = (s.P, s.SAMPLED)


def sparseformer_parts() -> Iterator[CostModel]:
    """What samples, what decodes, blocks of both transformers, and what joins them."""
    yield from _sampling()
    yield from _blocks()
    yield _part(
        "sparseformer_bridge", "from the focusing to the cortex transformer",
        (s.N, msgspec.structs.replace(s.WIDTH, name="d_f", meaning="channels before"),
         msgspec.structs.replace(_CORTEX, name="d_c", meaning="channels after")),
        lambda at: sf.bridge(at["N"], at["d_f"], at["d_c"]),
    )  # fmt: skip
    yield _part(
        "sparseformer_head", "classifier on the mean of the tokens", (_CORTEX, CLASSES),
        lambda at: sf.head(at["d"], at["classes"]),
    )  # fmt: skip


def _part(
    name: str,
    summary: str,
    its: tuple[Symbol, ...],
    build: Callable[[Values], tuple[Term, ...]],
    rules: tuple[Rule, ...] = (),
) -> CostModel:
    return CostModel(name, summary, SPARSEFORMER, its, build, rules, depth=2)


def _sampling() -> Iterator[CostModel]:
    yield _part(
        "sparseformer_stem", "convolution whose map is sampled",
        (*image(), s.SAMPLED), lambda at: sf.stem(at["H"], at["W"], at["C"]),
    )  # fmt: skip
    yield _part(
        "sparse_sampling", "interpolation of the points of all tokens",
        (s.N, *_SAMPLES, s.interpolation("printed", "bilinear", "trilinear")),
        lambda at: sf.interpolation(at["N"], s.sampling_of(at)),
    )  # fmt: skip
    yield _part(
        "sampling_offsets", "where in its region a token samples",
        (s.N, s.WIDTH, s.P, s.AXES),
        lambda at: sf.offsets(at["N"], at["d"], sf.Sampling(points=at["P"], axes=at["axes"])),
    )  # fmt: skip
    yield _part(
        "roi_adjustment", "how a token moves its region", (s.N, s.WIDTH, s.AXES),
        lambda at: sf.roi_adjustment(at["N"], at["d"], at["axes"]),
    )  # fmt: skip
    yield _part(
        "mixing_generator", "a token's own matrices", (s.N, s.WIDTH, *_SAMPLES),
        lambda at: sf.generator(at["N"], at["d"], at["C"] ** 2 + at["P"] ** 2),
        (s.QUARTER,),
    )  # fmt: skip
    yield _part(
        "adaptive_mixing", "decoding of what is sampled", (s.N, s.WIDTH, *_SAMPLES, s.MIXING),
        lambda at: sf.mixing(at["N"], at["d"], s.sampling_of(at)),
        (s.QUARTER,),
    )  # fmt: skip


def _blocks() -> Iterator[CostModel]:
    yield _part(
        "token_attention", "self-attention of tokens", (s.N, s.WIDTH),
        lambda at: standard.attention(at["N"], at["d"]), (s.HEADS,),
    )  # fmt: skip
    yield _part(
        "token_feed_forward", "feed-forward network on tokens", (s.N, s.WIDTH),
        lambda at: standard.feed_forward(at["N"], at["d"]),
    )  # fmt: skip
    for name, summary, width in (
        ("focusing_block", "block that samples, as it runs once", s.WIDTH),
        ("first_cortex_block", "the same at the width of the cortex transformer", _CORTEX),
    ):
        yield _part(
            name, summary, (s.N, width, *_SAMPLES, s.AXES, s.MIXING),
            lambda at: sf.focusing_block(at["N"], at["d"], s.sampling_of(at)), (s.HEADS,),
        )  # fmt: skip
    yield _part(
        "cortex_block", "block that does not sample", (s.N, _CORTEX),
        lambda at: standard.encoder_block(at["N"], at["d"]), (s.HEADS,),
    )  # fmt: skip
