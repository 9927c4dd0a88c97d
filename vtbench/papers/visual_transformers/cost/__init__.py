"""Visual Transformers' networks and their fifth stages as cost models.

``block_models`` has the blocks by themselves. Nothing here knows the networks.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import msgspec

from vtbench.data.cost.model import CostModel, Rule, Symbol
from vtbench.data.cost.symbols import CLASSES, POOL_COUNTED, choice, image, setting, switch
from vtbench.data.cost.symbols import with_default as but
from vtbench.papers.resnet.cost import DEPTHS, with_stage5
from vtbench.papers.visual_transformers.cost import networks as vt
from vtbench.papers.visual_transformers.cost import symbols as s
from vtbench.papers.visual_transformers.cost.block_models import block_models
from vtbench.papers.visual_transformers.rows import FPN, V3, V4


def cost_models() -> Iterator[CostModel]:
    """Blocks, then networks, in the order in which they are listed."""
    yield from block_models()
    for layers, groups in {18: 1, 34: 8, 50: 8, 101: 8}.items():
        name, summary = f"vt_r{layers}", f"VT-ResNet-{layers}"
        yield from with_stage5(CostModel(
            name, summary, V3,
            (
                s.L, *_sizes(groups, literal=(8, 16)), s.HEADS,
                switch("transformer", "transformers; 0: one convolution for each", on=True),
                s.POSITION,
                switch("dynamic", "tokenizers of later blocks ask with tokens", on=True,
                       option="dynamic"),
                CLASSES,
            ),
            partial(vt.vt_resnet, layers, vt.stage5), (s.EVEN_TOKENS, *_widths(layers)),
        ))  # fmt: skip
    for layers in (18, 34):
        name, summary = f"vt_v4_r{layers}", f"VT-ResNet-{layers} of v4, default recipe"
        yield from with_stage5(CostModel(
            name, summary, V4,
            (
                but(s.L, 16), *_sizes(1), _HIDDEN,
                choice("tokenizer", "how tokens are drawn", "filter", "recurrent", "kmeans",
                       "pooling", default="recurrent", option="tokenizer"),
                choice("transformer", "what tokens pass through", "vt", "none", "graphconv",
                       option="transformer"),
                switch("projector", "project tokens back and draw new ones", on=True,
                       option="projector"),
                s.KMEANS_ITERS, POOL_COUNTED, CLASSES,
            ),
            partial(vt.vt_resnet, layers, vt.stage5_v4), _widths(layers),
        ))  # fmt: skip
    for layers, (tokens, groups) in {18: (16, 1), 34: (16, 8), 101: (4, 8)}.items():
        name, summary = f"vt_v4_adv_r{layers}", f"VT-ResNet-{layers} of v4, advanced recipe"
        yield from with_stage5(CostModel(
            name, summary, V4,
            (
                s.by_reading(s.L, tokens, 16), *_sizes(groups), _HIDDEN,
                s.by_reading(s.POSITION, 1, 0), CLASSES,
            ),
            partial(vt.vt_resnet, layers, vt.stage5_advanced),
            (s.EVEN_IF_FITTED, s.NO_CODE, *_widths(layers)),
        ))  # fmt: skip
    yield from _segmentation()


_HIDDEN = msgspec.structs.replace(
    s.HIDDEN,
    default=lambda given: given.get("CT", 1024) if given.get("reading") == "literal" else 768,
)


def _sizes(groups: int, literal: tuple[int, int] = (1, 1)) -> tuple[Symbol, ...]:
    """The image, the reading, and the sizes of a token and of groups.

    ``groups`` are those of keys, queries and values; ``literal`` has them and the groups of
    convolutions over pixels as they are printed.
    """
    return (
        *image(), s.READING, s.TOKEN_WIDTH, s.by_reading(s.KQV_GROUPS, groups, literal[0]),
        s.by_reading(s.GROUPS, 0, literal[1]), s.GROUP_WIDTH,
    )  # fmt: skip


def _widths(layers: int) -> tuple[Rule, ...]:
    narrowest = DEPTHS[layers].channels(4)
    groups = (s.divides(name, narrowest) for name in ("groups", "group_width"))
    return (s.HALF_WIDTH, *groups)


def _segmentation() -> Iterator[CostModel]:
    sides, classes = image(800, 1216), but(CLASSES, 54)
    queries = setting("groups", "groups of the queries of its projectors", 16, option="groups")
    tokens = (s.L, *sides, s.READING, but(s.KQV_GROUPS, 8), queries)
    rules = (s.divides("kqv_groups", vt.TOKEN_WIDTH // 2), s.divides("groups", vt.WIDTH))
    yield CostModel(
        "fpn", "feature pyramid on ResNet-50 or 101", FPN, sides, partial(vt.fpn, 50), depth=2
    )
    yield CostModel(
        "vt_fpn", "pyramid of tokens, L from every level", V3, tokens, partial(vt.vt_fpn, 50),
        rules, depth=2,
    )  # fmt: skip
    yield CostModel("fpn_head", "head of a panoptic FPN", FPN, (*sides, classes), vt.head, depth=2)
    for layers in (50, 101):
        yield CostModel(
            f"fpn_r{layers}", f"panoptic FPN on ResNet-{layers}", FPN, (*sides, classes),
            partial(vt.segmenter, layers, vt.fpn), depth=2,
        )  # fmt: skip
    for layers in (50, 101):
        yield CostModel(
            f"vt_fpn_r{layers}", f"VT-FPN on ResNet-{layers}", V3, (*tokens, classes),
            partial(vt.segmenter, layers, vt.vt_fpn), rules, depth=2,
        )  # fmt: skip
