"""Blocks as cost models: their symbols, and what these must meet together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from vtbench.data.cost import symbols
from vtbench.data.cost.model import CostModel, Rule, Symbol, Values
from vtbench.data.cost.terms import Term
from vtbench.papers.visual_transformers.cost import blocks
from vtbench.papers.visual_transformers.cost import symbols as s
from vtbench.papers.visual_transformers.cost.blocks import Map
from vtbench.papers.visual_transformers.rows import V3, V4

Build = Callable[[Values], tuple[Term, ...]]


def block_models() -> Iterator[CostModel]:
    """Every block by itself."""
    yield from _attention()
    yield from _tokenizers()
    yield from _projectors()


def _source(at: Values) -> Map:
    return Map(pixels=at["HW"], channels=at["C"], group_width=at["group_width"])


def _attention() -> Iterator[CostModel]:
    yield CostModel(
        name="vt_transformer",
        summary="transformer on tokens",
        paper=V3,
        symbols=(s.L, msgspec.structs.replace(s.CT, option="width"), s.KQV_GROUPS),
        rules=(s.HALF_WIDTH,),
        build=lambda at: blocks.transformer(at["L"], at["CT"], at["kqv_groups"]),
    )
    yield CostModel(
        name="vt_v4_transformer",
        summary="transformer on tokens, v4",
        paper=V4,
        symbols=(msgspec.structs.replace(s.L, default=16), s.CT, s.KQV_GROUPS, s.HIDDEN),
        rules=(s.HALF_WIDTH,),
        build=lambda at: blocks.transformer_v4(at["L"], at["CT"], at["kqv_groups"], at["hidden"]),
    )
    yield CostModel(
        name="nonlocal_block",
        summary="the same transformer on every pixel",
        paper=V3,
        symbols=(
            msgspec.structs.replace(s.HW, default=49),
            msgspec.structs.replace(s.C, option="width"),
        ),
        rules=(s.HALF_CHANNELS,),
        build=lambda at: blocks.nonlocal_block(at["HW"], at["C"]),
    )


def _tokenizers() -> Iterator[CostModel]:
    plain = (s.HW, msgspec.structs.replace(s.C, default=256), s.L, s.CT, s.GROUP_WIDTH)

    def block(name: str, summary: str, paper: str, build: Build, *rules: Rule,
              more: tuple[Symbol, ...] = ()) -> CostModel:  # fmt: skip
        return CostModel(
            name=name, summary=summary, paper=paper, symbols=(*plain, *more), build=build,
            rules=(s.WHOLE_GROUPS, *rules),
        )  # fmt: skip

    yield block(
        "static_tokenizer", "tokens by learned filters", V3,
        lambda at: blocks.static_tokenizer(
            _source(at), at["L"], at["CT"], position=bool(at["position"])),
        more=(s.POSITION,),
    )  # fmt: skip
    yield block(
        "dynamic_tokenizer", "half of the tokens, asked for by tokens", V3,
        lambda at: blocks.dynamic_tokenizer(
            _source(at), at["L"], at["CT"], position=bool(at["position"])),
        s.EVEN_TOKENS, more=(s.POSITION,),
    )  # fmt: skip
    yield block(
        "filter_tokenizer", "tokens by learned filters, no positions", V4,
        lambda at: blocks.static_tokenizer(_source(at), at["L"], at["CT"], position=False),
    )  # fmt: skip
    yield block(
        "recurrent_tokenizer", "all tokens, asked for by tokens", V4,
        lambda at: blocks.recurrent_tokenizer(_source(at), at["L"], at["CT"]),
    )  # fmt: skip
    yield block(
        "kmeans_tokenizer", "tokens by clusters of pixels", V4,
        lambda at: blocks.kmeans_tokenizer(_source(at), at["L"], at["CT"], at["kmeans_iters"]),
        more=(symbols.setting("kmeans_iters", "assignments of pixels to clusters", 3),),
    )  # fmt: skip
    yield block(
        "pooling_tokenizer", "tokens by averages of the map", V4,
        lambda at: blocks.pooling_tokenizer(
            _source(at), at["L"], at["CT"], pool_counted=bool(at["pool_counted"])),
        more=(symbols.POOL_COUNTED,),
    )  # fmt: skip
    yield CostModel(
        name="position_encoder",
        summary="codes of the positions of tokens",
        paper=V3,
        symbols=(s.L,),
        build=lambda at: blocks.position_encoder(at["L"]),
    )


def _projectors() -> Iterator[CostModel]:

    def values(given: Values) -> int:
        return int(given.get("C", s.C.default) != given.get("CT", s.CT.default))

    yield CostModel(
        name="projector",
        summary="tokens back onto the feature map",
        paper=V3,
        symbols=(
            s.HW, s.C, s.L, s.CT, s.GROUP_WIDTH,
            Symbol(name="value", meaning="convolve the values; 0 where C = CT", default=values,
                   role="setting", low=0, high=1),
        ),
        rules=(
            s.WHOLE_GROUPS,
            Rule(symbols=("value", "C", "CT"),
                 sentence="tokens are their own values only where C = CT",
                 holds=lambda at: at["value"] == 1 or at["C"] == at["CT"]),
        ),
        build=lambda at: blocks.projector(
            _source(at), at["C"], at["L"], at["CT"], value=bool(at["value"])),
    )  # fmt: skip
