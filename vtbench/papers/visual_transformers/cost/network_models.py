"""Networks and their fifth stages as cost models."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import msgspec

from vtbench.data.cost import symbols
from vtbench.data.cost.model import CostModel, Rule, Symbol, Values
from vtbench.data.cost.terms import Term
from vtbench.papers.resnet.cost import DEPTHS, with_stage5
from vtbench.papers.visual_transformers.cost import fpn
from vtbench.papers.visual_transformers.cost import networks as vt
from vtbench.papers.visual_transformers.cost import symbols as s
from vtbench.papers.visual_transformers.rows import FPN, V3, V4


def network_models() -> Iterator[CostModel]:
    """Every network."""
    yield from _v3()
    yield from _v4()
    yield from _advanced()
    yield from _segmentation()


def _v3() -> Iterator[CostModel]:
    for layers, groups in {18: 1, 34: 8, 50: 8, 101: 8}.items():
        yield from with_stage5(CostModel(
            name=f"vt_r{layers}",
            summary=f"VT-ResNet-{layers}",
            paper=V3,
            symbols=(
                s.L, *symbols.image(), s.TOKEN_WIDTH, _groups(groups), s.GROUPS, s.GROUP_WIDTH,
                symbols.switch("transformer", "transformers; 0: one convolution for each", on=True),
                s.POSITION,
                symbols.switch("dynamic", "tokenizers of later blocks ask with tokens", on=True,
                               option="dynamic"),
                symbols.CLASSES,
            ),
            rules=(s.EVEN_TOKENS, *_widths(layers)),
            build=functools.partial(_vt, layers),
        ))  # fmt: skip


def _groups(number: int) -> Symbol:
    return msgspec.structs.replace(s.KQV_GROUPS, default=number)


def _widths(layers: int) -> tuple[Rule, ...]:
    narrowest = DEPTHS[layers].channels(4)
    groups = (s.divides(name, narrowest) for name in ("groups", "group_width"))
    return (s.HALF_WIDTH, *groups)


def _vt(layers: int, at: Values) -> tuple[Term, ...]:
    how = vt.Tokens(
        number=at["L"], width=at["CT"], kqv_groups=at["kqv_groups"],
        groups=at["groups"], group_width=at["group_width"], transformer=bool(at["transformer"]),
        position=bool(at["position"]), dynamic=bool(at["dynamic"]),
    )  # fmt: skip
    return _whole(layers, at, vt.stage5(layers, vt.pixels_of(at["H"], at["W"]), how))


def _whole(layers: int, at: Values, stage5: tuple[Term, ...]) -> tuple[Term, ...]:
    body = vt.stem_to_stage4(layers, at["H"], at["W"])
    return (*body, *stage5, *vt.head(at["CT"], at["classes"]))


def _v4() -> Iterator[CostModel]:
    for layers in (18, 34):
        yield from with_stage5(CostModel(
            name=f"vt_v4_r{layers}",
            summary=f"VT-ResNet-{layers} of v4, default recipe",
            paper=V4,
            symbols=(
                msgspec.structs.replace(s.L, default=16), *symbols.image(), s.TOKEN_WIDTH,
                s.KQV_GROUPS, s.GROUPS, s.GROUP_WIDTH, s.HIDDEN,
                Symbol(name="tokenizer", meaning="how tokens are drawn", default="recurrent",
                       role="setting", option="tokenizer",
                       choices=("filter", "recurrent", "kmeans", "pooling")),
                Symbol(name="transformer", meaning="what tokens pass through", default="vt",
                       role="setting", choices=("vt", "none", "graphconv"), option="transformer"),
                symbols.switch("projector", "project tokens back and draw new ones", on=True,
                               option="projector"),
                symbols.setting("kmeans_iters", "assignments of pixels to clusters", 3,
                                option="kmeans_iters"),
                symbols.POOL_COUNTED, symbols.CLASSES,
            ),
            rules=_widths(layers),
            build=functools.partial(_vt_v4, layers),
        ))  # fmt: skip


def _vt_v4(layers: int, at: Values) -> tuple[Term, ...]:
    how = vt.TokensV4(
        number=at["L"], width=at["CT"], kqv_groups=at["kqv_groups"],
        groups=at["groups"], group_width=at["group_width"], hidden=at["hidden"],
        tokenizer=at["tokenizer"],
        transformer=at["transformer"], projector=bool(at["projector"]),
        kmeans_iters=at["kmeans_iters"], pool_counted=bool(at["pool_counted"]),
    )  # fmt: skip
    return _whole(layers, at, vt.stage5_v4(layers, vt.pixels_of(at["H"], at["W"]), how))


def _advanced() -> Iterator[CostModel]:
    for layers, (tokens, groups) in {18: (16, 1), 34: (16, 8), 101: (4, 8)}.items():
        yield from with_stage5(CostModel(
            name=f"vt_v4_adv_r{layers}",
            summary=f"VT-ResNet-{layers} of v4, advanced recipe",
            paper=V4,
            symbols=(
                msgspec.structs.replace(s.L, default=tokens), *symbols.image(), s.TOKEN_WIDTH,
                _groups(groups), s.GROUPS, s.GROUP_WIDTH, s.HIDDEN, s.POSITION, symbols.CLASSES,
            ),
            rules=(s.EVEN_TOKENS, *_widths(layers)),
            build=functools.partial(_vt_advanced, layers),
        ))  # fmt: skip


def _vt_advanced(layers: int, at: Values) -> tuple[Term, ...]:
    how = vt.Tokens(
        number=at["L"], width=at["CT"], kqv_groups=at["kqv_groups"],
        groups=at["groups"], group_width=at["group_width"], hidden=at["hidden"],
        position=bool(at["position"]),
        version=4,
    )  # fmt: skip
    return _whole(layers, at, vt.stage5(layers, vt.pixels_of(at["H"], at["W"]), how))


def _segmentation() -> Iterator[CostModel]:
    image = symbols.image(800, 1216)
    queries = "groups of the queries of its projectors"
    groups = (_groups(8), msgspec.structs.replace(s.GROUPS, meaning=queries, default=16, low=1))
    rules = (s.divides("kqv_groups", fpn.TOKEN_WIDTH // 2), s.divides("groups", fpn.WIDTH))
    classes = msgspec.structs.replace(symbols.CLASSES, default=54)
    yield CostModel(
        name="fpn", summary="feature pyramid on ResNet-50 or 101", paper=FPN, symbols=image,
        build=lambda at: fpn.fpn(50, at["H"], at["W"]), depth=2,
    )  # fmt: skip
    yield CostModel(
        name="vt_fpn", summary="pyramid of tokens, L from every level", paper=V3,
        symbols=(s.L, *image, *groups), rules=rules, depth=2,
        build=functools.partial(_vt_fpn, 50),
    )  # fmt: skip
    yield CostModel(
        name="fpn_head", summary="head of a panoptic FPN", paper=FPN,
        symbols=(*image, classes),
        build=lambda at: fpn.head(at["H"], at["W"], at["classes"]), depth=2,
    )  # fmt: skip
    for layers in (50, 101):
        yield CostModel(
            name=f"fpn_r{layers}", summary=f"panoptic FPN on ResNet-{layers}", paper=FPN,
            symbols=(*image, classes), build=functools.partial(_segmenter, layers, _fpn), depth=2,
        )  # fmt: skip
    for layers in (50, 101):
        yield CostModel(
            name=f"vt_fpn_r{layers}", summary=f"VT-FPN on ResNet-{layers}", paper=V3,
            symbols=(s.L, *image, *groups, classes), rules=rules, depth=2,
            build=functools.partial(_segmenter, layers, _vt_fpn),
        )  # fmt: skip


def _fpn(layers: int, at: Values) -> tuple[Term, ...]:
    return fpn.fpn(layers, at["H"], at["W"])


def _vt_fpn(layers: int, at: Values) -> tuple[Term, ...]:
    groups = (at["kqv_groups"], at["groups"])
    return fpn.vt_fpn(layers, at["H"], at["W"], at["L"], groups)


def _segmenter(
    layers: int, neck: Callable[[int, Values], tuple[Term, ...]], at: Values
) -> tuple[Term, ...]:
    return fpn.segmenter(layers, at["H"], at["W"], neck(layers, at), at["classes"])
