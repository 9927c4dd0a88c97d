"""Blocks as cost models: their symbols, and what these must meet together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from vtbench.data.cost.model import CostModel, Rule, Symbol, Values
from vtbench.data.cost.symbols import POOL_COUNTED, setting, with_default
from vtbench.data.cost.terms import Term
from vtbench.papers.visual_transformers.cost import blocks
from vtbench.papers.visual_transformers.cost import symbols as s
from vtbench.papers.visual_transformers.cost.blocks import Map
from vtbench.papers.visual_transformers.rows import V3, V4

WIDTH = msgspec.structs.replace(s.CT, option="width")
CHANNELS = msgspec.structs.replace(s.C, option="width")


def block_models() -> Iterator[CostModel]:
    """Every block by itself."""
    yield CostModel(
        "vt_transformer", "transformer on tokens", V3, (s.L, WIDTH, s.KQV_GROUPS),
        lambda at: blocks.transformer(at["L"], at["CT"], at["kqv_groups"]), (s.HALF_WIDTH,),
    )  # fmt: skip
    yield CostModel(
        "vt_v4_transformer", "transformer on tokens, v4", V4,
        (with_default(s.L, 16), s.CT, s.KQV_GROUPS, s.HIDDEN),
        lambda at: blocks.transformer_v4(at["L"], at["CT"], at["kqv_groups"], at["hidden"]),
        (s.HALF_WIDTH,),
    )  # fmt: skip
    yield CostModel(
        "nonlocal_block", "the same transformer on every pixel", V3,
        (with_default(s.HW, 49), CHANNELS), lambda at: blocks.nonlocal_block(at["HW"], at["C"]),
        (s.HALF_CHANNELS,),
    )  # fmt: skip
    yield from _tokenizers()
    yield CostModel(
        "position_encoder", "codes of the positions of tokens", V3, (s.L,),
        lambda at: blocks.position_encoder(at["L"]),
    )  # fmt: skip
    value = setting("value", "convolve the values; 0 if C = CT", _converts, low=0, high=1)
    yield CostModel(
        "projector", "tokens back onto the feature map", V3,
        (s.HW, s.C, s.L, s.CT, s.GROUP_WIDTH, value),
        lambda at: blocks.projector(
            _source(at), at["C"], at["L"], at["CT"], value=bool(at["value"])),
        (s.WHOLE_GROUPS, s.OWN_VALUES),
    )  # fmt: skip


def _converts(given: Values) -> int:
    return int(given.get("C", s.C.default) != given.get("CT", s.CT.default))


def _source(at: Values) -> Map:
    return Map(pixels=at["HW"], channels=at["C"], group_width=at["group_width"])


def _tokenizers() -> Iterator[CostModel]:
    plain = (s.HW, with_default(s.C, 256), s.L, s.CT, s.GROUP_WIDTH)

    def tokenizer(
        name: str, summary: str, paper: str, build: Callable[[Values], tuple[Term, ...]],
        *rules: Rule, more: tuple[Symbol, ...] = (),
    ) -> CostModel:  # fmt: skip
        its = (*plain, *more)
        return CostModel(name, summary, paper, its, build, (s.WHOLE_GROUPS, *rules))

    yield tokenizer(
        "static_tokenizer", "tokens by learned filters", V3,
        lambda at: blocks.static_tokenizer(
            _source(at), at["L"], at["CT"], position=bool(at["position"])),
        more=(s.POSITION,),
    )  # fmt: skip
    yield tokenizer(
        "dynamic_tokenizer", "half of the tokens, asked for by tokens", V3,
        lambda at: blocks.dynamic_tokenizer(
            _source(at), at["L"], at["CT"], position=bool(at["position"])),
        s.EVEN_TOKENS, more=(s.POSITION,),
    )  # fmt: skip
    yield tokenizer(
        "filter_tokenizer", "tokens by learned filters, no positions", V4,
        lambda at: blocks.static_tokenizer(_source(at), at["L"], at["CT"], position=False),
    )  # fmt: skip
    yield tokenizer(
        "recurrent_tokenizer", "all tokens, asked for by tokens", V4,
        lambda at: blocks.recurrent_tokenizer(_source(at), at["L"], at["CT"]),
    )  # fmt: skip
    yield tokenizer(
        "kmeans_tokenizer", "tokens by clusters of pixels", V4,
        lambda at: blocks.kmeans_tokenizer(_source(at), at["L"], at["CT"], at["kmeans_iters"]),
        more=(s.KMEANS_ITERS,),
    )  # fmt: skip
    yield tokenizer(
        "pooling_tokenizer", "tokens by averages of the map", V4,
        lambda at: blocks.pooling_tokenizer(
            _source(at), at["L"], at["CT"], pool_counted=bool(at["pool_counted"])),
        more=(POOL_COUNTED,),
    )  # fmt: skip
