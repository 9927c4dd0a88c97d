"""Methods that take tokens away after a block or around it, and may bring them back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from vtbench.errors import BadOption
from vtbench.reduce.schedules.body import Body
from vtbench.reduce.schedules.counts import (
    Blocks,
    PerBlock,
    Rate,
    Rates,
    alike,
    kept,
    removed,
    share,
    stages,
)
from vtbench.reduce.schedules.layer import Layer, Overhead, Schedule, same, whole

HALF = Fraction(1, 2)
NINE_TENTHS = Fraction(9, 10)
_FEWEST_BLOCKS = 3


def tomesd(
    body: Body,
    *,
    ratio: Rate = HALF,
    merge_mlp: bool = False,
    sy: int = 2,
    sx: int = 2,
) -> Schedule:
    """Around attention, or the whole block, r patches join the one target of a cell of sy x sx.

    r = int(P·ratio), at most the sources. Similarities of sources and targets on the width of the
    block: s·t·C. Every block hands on all tokens.
    """
    rows, columns = body.grid
    targets = (rows // sy) * (columns // sx)
    sources = body.patches - targets
    share_of_all = float(ratio)
    if not 0 <= share_of_all <= 1 or targets < 1:
        raise BadOption(
            f"ratio={share_of_all:g}, a cell of {sy}x{sx}: expected a ratio from 0 to 1 and a "
            f"cell within {rows}x{columns} patches."
        )
    gone = min(int(body.patches * share_of_all), sources)
    inside = body.tokens - gone
    layer = Layer(
        q=inside, k=inside, v=inside, o=inside, left=body.tokens,
        m=inside if merge_mlp else body.tokens,
    )  # fmt: skip
    macs = sources * targets * body.width if gone else 0
    return Schedule(
        body=body,
        layers=(layer,) * body.depth,
        overheads=tuple(
            Overhead(name="matching", macs=macs, block=block) for block in range(body.depth) if macs
        ),
    )


def evovit(body: Body, *, keep_rate: Rates = HALF, blocks: Blocks = None) -> Schedule:
    """From one block to the next of these, int(P·keep) patches are computed and the rest wait.

    They come back before patches are sorted anew, and after the last block.
    """
    third = body.depth // 3
    at = stages(body, (third, 2 * third) if blocks is None else blocks)
    if not at:
        return Schedule(body=body, layers=(whole(body.tokens),) * body.depth)
    rates = alike(keep_rate, len(at))
    stay = {block: max(1, int(body.patches * rate)) for block, rate in zip(at, rates, strict=True)}
    layers: list[Layer] = []
    inside = body.tokens
    for block in range(body.depth):
        inside = stay[block] + body.prefix if block in stay else inside
        back = block + 1 in (*at, body.depth)
        layers.append(same(inside, body.tokens if back else inside))
    return Schedule(body=body, layers=tuple(layers))


def cropr(  # noqa: PLR0913  # the choices of its paper, each with its name
    body: Body,
    *,
    r: PerBlock = 8,
    llf: bool = False,
    queries: int = 1,
    query_projection: bool = False,
    key_projection: bool = False,
    keep_rate: Rates | None = None,
    blocks: Blocks = None,
) -> Schedule:
    """After every block but the last, the r lowest scores go; the first time r + 1.

    Scores: n·C·Q of all tokens with Q queries, with n·C² and Q·C² if keys and queries have
    projections. With last-layer fusion (llf) nothing goes after the last two blocks, and all
    tokens are together again in the last one.
    """
    modules = body.depth - 2 if llf else body.depth - 1
    if modules < 1 or queries < 1:
        raise BadOption("cropr needs at least three blocks and one query.")
    gone = _cropped(body, r, modules, keep_rate, blocks)
    layers: list[Layer] = []
    overheads: list[Overhead] = []
    tokens = body.tokens
    weights = body.width**2 * (query_projection + key_projection)
    for block in range(body.depth):
        scored = block in gone and block < modules
        last = block == body.depth - 1
        tokens = body.tokens if llf and last else tokens
        left = tokens - (gone[block] if scored else 0)
        if left < body.prefix + 1:
            raise BadOption(f"r: no patch would be left after block {block}; remove fewer.")
        if scored:
            macs = tokens * body.width * queries
            macs += tokens * body.width**2 * key_projection + queries * body.width**2 * (
                query_projection
            )
            overheads.append(Overhead(name="scores", macs=macs, weights=weights, block=block))
        layers.append(same(tokens, body.tokens if llf and block == body.depth - 2 else left))
        tokens = left
    return Schedule(body=body, layers=tuple(layers), overheads=tuple(overheads), parameters=None)


def _cropped(
    body: Body, r: PerBlock, modules: int, keep_rate: Rates | None, blocks: Blocks
) -> dict[int, int]:
    """Block -> tokens that go after it; a module scores even if none goes."""
    if keep_rate is not None:
        found: dict[int, int] = {}
        before = body.patches
        for block, after in kept(body, keep_rate, blocks).items():
            if block == 0:
                raise BadOption("blocks: scores are taken after a block, so not before the first.")
            found[block - 1] = max(0, before - after)
            before = min(before, after)
        return found
    if blocks is not None:
        raise BadOption("blocks: only with keep_rate; r alone is of every block.")
    if isinstance(r, Sequence):
        return dict(enumerate(removed(body, r)))
    each = removed(body, r)
    return {block: each[block] + (block == 0) for block in range(modules)}


def dct(body: Body, *, ratio: Rates | None = None, r: PerBlock | None = None) -> Schedule:
    """After every block, the ⌈T·ratio⌉ lowest frequencies of T patches; transforms count 0.

    With r in the place of the ratio, which is 0.9 unless it is given, so many go at each block.
    """
    if ratio is not None and r is not None:
        raise BadOption("ratio and r exclude each other; give one of them.")
    ratios = share(body, NINE_TENTHS if ratio is None else ratio)
    gone = None if r is None else removed(body, r)
    layers: list[Layer] = []
    tokens = body.tokens
    for block, rate in enumerate(ratios):
        patches = tokens - body.prefix
        stay = math.ceil(patches * rate) if gone is None else patches - gone[block]
        if stay < 1:
            raise BadOption(f"r: no patch would be left after block {block}; remove fewer.")
        left = stay + body.prefix
        layers.append(same(tokens, left))
        tokens = left
    return Schedule(body=body, layers=tuple(layers))
