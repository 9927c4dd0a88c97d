"""ResNet, stage by stage, for any image size: every stride rounds a side up."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Literal

import msgspec

from vtbench.data.cost.model import CostModel, Values
from vtbench.data.cost.symbols import CLASSES, POOL_COUNTED, image
from vtbench.data.cost.terms import Amount, Term, ceiling, convolution, macs_of, product, weights_of
from vtbench.papers.resnet.rows import PAPER

STAGES = (2, 3, 4, 5)
"""The papers number the stem 1; the four stages of blocks follow."""


class Depth(msgspec.Struct, frozen=True):
    """What tells one ResNet from another."""

    block: Literal["basic", "bottleneck"]
    repeats: tuple[int, int, int, int]

    def channels(self, stage: int) -> int:
        """Output channels of a stage, 2 to 5."""
        planes: int = 64 * 2 ** (stage - 2)
        return planes * (4 if self.block == "bottleneck" else 1)


DEPTHS = {
    18: Depth("basic", (2, 2, 2, 2)),
    34: Depth("basic", (3, 4, 6, 3)),
    50: Depth("bottleneck", (3, 4, 6, 3)),
    101: Depth("bottleneck", (3, 4, 23, 3)),
}


def area(height: Amount, width: Amount, stride: int) -> Amount:
    """Positions of a map at a stride of the image."""
    return ceiling(height, stride) * ceiling(width, stride)


def stem(height: Amount, width: Amount) -> Term:
    """Stage 1: one 7x7 convolution with stride 2."""
    return convolution("stage1", (3, 64), area(height, width, 2), kernel=7)


def stage(
    net: Depth, number: int, height: Amount, width: Amount, *, stride_in_1x1: bool = False
) -> tuple[Term, ...]:
    """A stage of blocks: the first one, which strides and widens, and all others together."""
    stride = 2**number
    after = area(height, width, stride)
    before = after if number == STAGES[0] else area(height, width, stride // 2)
    planes, out = 64 * 2 ** (number - 2), net.channels(number)
    entry = 64 if number == STAGES[0] else net.channels(number - 1)
    repeats = net.repeats[number - 2]
    if net.block == "basic":
        first, other = _basic(entry, planes, after), _basic(planes, planes, after)
    else:
        reduced = after if stride_in_1x1 else before
        first = _bottleneck((entry, planes, out), reduced, after)
        other = _bottleneck((out, planes, out), after, after)
    if entry != out:
        first = (*first, convolution("shortcut", (entry, out), after))
    others = "block1" if repeats == 2 else f"blocks1-{repeats - 1}"  # noqa: PLR2004  # one other
    return (
        Term(name=f"stage{number}.block0", macs=macs_of(first), weights=weights_of(first)),
        Term(
            name=f"stage{number}.{others}",
            macs=(repeats - 1) * macs_of(other),
            weights=(repeats - 1) * weights_of(other),
        ),
    )


def _basic(entry: int, planes: int, positions: Amount) -> tuple[Term, ...]:
    return (
        convolution("conv1", (entry, planes), positions, kernel=3),
        convolution("conv2", (planes, planes), positions, kernel=3),
    )


def _bottleneck(channels: tuple[int, int, int], before: Amount, after: Amount) -> tuple[Term, ...]:
    """The stride stands in the 3x3 convolution, so the 1x1 before it sees the larger map."""
    entry, planes, out = channels
    return (
        convolution("conv1", (entry, planes), before),
        convolution("conv2", (planes, planes), after, kernel=3),
        convolution("conv3", (planes, out), after),
    )


def backbone(
    net: Depth, height: Amount, width: Amount, last: int, *, stride_in_1x1: bool = False
) -> tuple[Term, ...]:
    """The stem and all stages up to ``last``."""
    stages = (
        stage(net, number, height, width, stride_in_1x1=stride_in_1x1)
        for number in STAGES
        if number <= last
    )
    return (stem(height, width), *(term for terms in stages for term in terms))


def cost_models() -> Iterator[CostModel]:
    """ResNets of every depth, each followed by its fifth stage."""
    for layers, depth in DEPTHS.items():
        yield from with_stage5(CostModel(
            f"resnet{layers}", f"ResNet-{layers}", PAPER, (*image(), CLASSES, POOL_COUNTED),
            partial(resnet, depth),
        ))  # fmt: skip


def resnet(net: Depth, at: Values) -> tuple[Term, ...]:
    """All stages and the head; the papers count pooling as the size of its input."""
    channels = net.channels(5)
    pooled = product("head.pool", area(at["H"], at["W"], 32), channels)
    return (
        *backbone(net, at["H"], at["W"], last=5),
        *((pooled,) if at["pool_counted"] else ()),
        convolution("head.fc", (channels, at["classes"]), 1),
    )


def with_stage5(net: CostModel) -> Iterator[CostModel]:
    """A network, and its fifth stage alone."""
    yield net
    kept = tuple(symbol for symbol in net.symbols if symbol.name != "classes")
    yield CostModel(
        f"{net.name}_stage5", f"stage 5 of {net.name}", net.paper, kept,
        lambda at: tuple(
            term for term in net.build({**at, "classes": 0}) if term.name.startswith("stage5.")
        ),
        net.rules,
    )  # fmt: skip
