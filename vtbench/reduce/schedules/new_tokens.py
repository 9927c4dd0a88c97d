"""Methods that put other tokens into the place of the patches."""

from __future__ import annotations

from vtbench.errors import BadOption
from vtbench.reduce.schedules.body import Body
from vtbench.reduce.schedules.counts import Blocks, stages
from vtbench.reduce.schedules.layer import Layer, Overhead, Schedule, whole

_HIDDEN = 64
"""Hidden channels of TokenLearner's maps, version 1.1."""
_KERNEL = 9
"""Weights of a 3x3 convolution for a pair of channels."""


def tokenlearner(
    body: Body, *, learned: int = 8, block: int | None = None, version: str = "v1.1"
) -> Schedule:
    """Before one block, P patches become T learned tokens; a class token stays as it is.

    v1.1: a network of 64 hidden channels makes T maps, P·(64·C + 64·T), and weighted sums, T·P·C.
    v1: 3x3 convolutions C -> T and three T -> T, 9·P·(C·T + 3·T²); its sums are elementwise.
    """
    at = body.depth // 2 if block is None else block
    stages(body, (at,))
    if not 1 <= learned <= body.patches:
        raise BadOption(f"learned: expected a number from 1 to {body.patches}, got {learned}.")
    n, width = body.patches, body.width
    if version == "v1":
        weights = _KERNEL * (width * learned + 3 * learned**2)
        sums = 0
    else:
        weights = _HIDDEN * (width + learned)
        sums = learned * n * width
    found = (
        Overhead(name="maps", macs=n * weights, weights=weights, block=at),
        Overhead(name="sums", macs=sums, block=at),
    )
    return Schedule(
        body=body,
        layers=tuple(
            whole(body.prefix + (n if each < at else learned)) for each in range(body.depth)
        ),
        overheads=tuple(each for each in found if each.macs),
        parameters=None,
    )


def stvit(
    body: Body, *, semantic: int = 16, base_layers: int | None = None, stgm_layers: int = 2
) -> Schedule:
    """Semantic tokens: some plain blocks, some of cross-attention, the others on them alone.

    (s, P + s, P + s, s, s) in the blocks of cross-attention: keys are the patches and s of their
    own. There is no class token.
    """
    plain = body.depth // 3 if base_layers is None else base_layers
    if plain < 0 or stgm_layers < 1 or plain + stgm_layers > body.depth:
        raise BadOption(
            f"base_layers={plain} and stgm_layers={stgm_layers}: the network has {body.depth} "
            "blocks, and at least one of them makes semantic tokens."
        )
    if not 1 <= semantic <= body.patches:
        raise BadOption(f"semantic: expected a number from 1 to {body.patches}, got {semantic}.")
    bare = body.without_prefix()
    seen = bare.patches + semantic
    crossed = Layer(q=semantic, k=seen, v=seen, o=semantic, m=semantic, left=semantic)
    layers = (
        *[whole(bare.patches)] * plain,
        *[crossed] * stgm_layers,
        *[whole(semantic)] * (bare.depth - plain - stgm_layers),
    )
    return Schedule(body=bare, layers=layers, parameters=None)


def gridpool(body: Body, *, stride: int = 2, blocks: Blocks = None) -> Schedule:
    """Before each of these blocks, squares of the grid are averaged, those at its edges too."""
    if not 1 <= stride <= max(body.grid):
        raise BadOption(f"stride: expected a number from 1 to {max(body.grid)}, got {stride}.")
    at = stages(body, (body.depth // 2,) if blocks is None else blocks)
    rows, columns = body.grid
    layers: list[Layer] = []
    for block in range(body.depth):
        if block in at:
            rows, columns = -(-rows // stride), -(-columns // stride)
        layers.append(whole(rows * columns + body.prefix))
    return Schedule(body=body, layers=tuple(layers))
