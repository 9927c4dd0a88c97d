"""Methods that act between queries and values, or on the attention map itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from vtbench.errors import BadOption
from vtbench.reduce.schedules.before_mlp_stages import dense
from vtbench.reduce.schedules.body import Body
from vtbench.reduce.schedules.counts import (
    Blocks,
    PerBlock,
    Rate,
    Rates,
    each_stage,
    halved,
    kept,
    pairs,
    removed,
    stages,
    steps_between,
)
from vtbench.reduce.schedules.layer import Layer, Overhead, Schedule, whole

SEVEN_TENTHS = Fraction(7, 10)
_LEAST = 10
"""MCTF leaves so many tokens."""


def mctf(
    body: Body, *, r: PerBlock = 16, keep_rate: Rates | None = None, blocks: Blocks = None
) -> Schedule:
    """(n, n, m, m, m): values, output and MLP see what is left after a merge by several criteria.

    r tokens go at every block but the first; below 1, r is a share of what comes in, at a quarter,
    half and three quarters of the depth. At most half of the patches, and 10 tokens stay. A block
    that would cut and has 10 left takes attention once more for the next one.
    """
    wanted = _wanted(body, r, keep_rate, blocks)
    layers: list[Layer] = []
    overheads: list[Overhead] = []
    tokens = body.tokens
    for block in range(body.depth):
        asked = wanted.get(block)
        if asked is None:
            layers.append(whole(tokens))
            continue
        gone = min(halved(asked(tokens), tokens, body.prefix), max(0, tokens - _LEAST))
        left = tokens - gone
        layers.append(Layer(q=tokens, k=tokens, v=left, o=left, m=left, left=left))
        if gone:
            macs = pairs(tokens) * body.width
            overheads.append(Overhead(name="matching", macs=macs, block=block))
        elif asked(tokens) > 0:  # queries and keys of all tokens, and their products
            macs = 2 * body.width**2 * tokens + tokens**2 * body.width
            overheads.append(Overhead(name="attention_again", macs=macs, block=block))
        tokens = left
    return Schedule(body=body, layers=tuple(layers), overheads=tuple(overheads))


def _wanted(
    body: Body, r: PerBlock, keep_rate: Rates | None, blocks: Blocks
) -> dict[int, Callable[[int], int]]:
    """Block -> what would go of the tokens that come in."""
    if keep_rate is not None:
        gone = steps_between(body, keep_rate, blocks)
        return {block: _always(gone[block]) for block in stages(body, blocks)}
    if isinstance(r, Sequence) or float(r) >= 1 or not r:
        at = range(1, body.depth) if blocks is None else stages(body, blocks)
        if isinstance(r, Sequence) and len(r) != body.depth:  # one for each of the blocks that cut
            at = stages(body, blocks)
            found = zip(at, each_stage(r, len(at)), strict=True)
            return {block: _always(each) for block, each in found if each}
        gone = removed(body, r)
        if isinstance(r, Sequence) and blocks is None:
            at = range(body.depth)
        return {block: _always(gone[block]) for block in at if gone[block]}
    rate = float(r)
    if rate < 0:
        raise BadOption(f"r: expected a number from 0, got {rate:g}.")
    return {
        block: lambda tokens: int((tokens - body.prefix) * rate) for block in stages(body, blocks)
    }


def _always(gone: int) -> Callable[[int], int]:
    return lambda _: gone


def ats(
    body: Body,
    *,
    keep_rate: Rates = SEVEN_TENTHS,
    blocks: Blocks = None,
    sampler: str = "inverse",
) -> Schedule:
    """(n, n, n, m, m): rows of the map are sampled, at most K patches; an image may keep fewer.

    Rows are read off the inverse of a distribution; another sampler takes 3·K·T distances.
    """
    stay = kept(body, keep_rate, blocks)
    layers: list[Layer] = []
    distances: list[Overhead] = []
    tokens = body.tokens
    for block in range(body.depth):
        left = min(tokens, stay.get(block, tokens) + body.prefix)
        if block in stay and sampler == "distances":
            macs = 3 * (left - body.prefix) * (tokens - body.prefix)
            distances.append(Overhead(name="sampling", macs=macs, block=block))
        layers.append(Layer(q=tokens, k=tokens, v=tokens, o=left, m=left, left=left))
        tokens = left
    return Schedule(body=body, layers=tuple(layers), distances=tuple(distances), bound=True)


def avit(body: Body) -> Schedule:
    """Tokens halt one by one and are masked, so the network multiplies all of them."""
    return Schedule(body=body, layers=dense(body), bound=True)


def sparsifiner(
    body: Body,
    *,
    keep_rate: Rate = Fraction(1, 4),
    reduce_n: int = 6,
    reduce_c: int = 2,
    top: int = 8,
    basis_density: Rate = Fraction(1, 4),
) -> Schedule:
    """Every token stays; a share of the attention map is formed, and a predictor says which.

    The predictor has 1/reduce_c of a head's channels and 1/reduce_n of the tokens; its sparse
    product depends on the image and stands at an assumed density.
    """
    for name, rate in (("keep_rate", keep_rate), ("basis_density", basis_density)):
        if not 0 < rate <= 1:
            raise BadOption(f"{name}: expected a rate above 0 up to 1, got {float(rate):g}.")
    tokens, heads = body.tokens, body.heads
    narrow, basis = body.head_dim // reduce_c, tokens // reduce_n
    products = int(2 * tokens**2 * body.width * Fraction(keep_rate))
    layer = Layer(
        q=tokens, k=tokens, v=tokens, o=tokens, m=tokens, left=tokens, products=products
    )  # fmt: skip
    overheads: list[Overhead] = []
    for block in range(body.depth):
        weights = 2 * body.width * narrow
        found = {
            "projections": tokens * weights,
            "low_rank": 2 * heads * narrow * tokens * basis,
            "sparse_basis": int(top * tokens**2 * heads * Fraction(basis_density)),
        }
        overheads += [Overhead(name=name, macs=macs, block=block) for name, macs in found.items()]
    return Schedule(
        body=body,
        layers=(layer,) * body.depth,
        overheads=tuple(overheads),
        parameters=None,
        bound=True,
    )
