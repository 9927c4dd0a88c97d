"""Methods that replace patches before a block, which sees the new ones from its first norm on.

With K patches and the prefix, such a block has tuple (K + 1) x 5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

import msgspec

from vtbench.errors import BadOption
from vtbench.reduce.schedules.body import Body
from vtbench.reduce.schedules.counts import Blocks, Rates, kept, stages
from vtbench.reduce.schedules.layer import Layer, Overhead, Schedule, whole

SEVEN_TENTHS = Fraction(7, 10)
_DIRECT = 25
"""Up to so many rows, distances are taken directly and not by a product."""


class Cut(NamedTuple):
    """Patches before and after one replacement."""

    block: int
    before: int
    after: int


Added = Callable[[Cut], tuple[Overhead, ...]]


def _cuts(body: Body, keep_rate: Rates, blocks: Blocks) -> tuple[Cut, ...]:
    found: list[Cut] = []
    patches = body.patches
    for block, stay in kept(body, keep_rate, blocks).items():
        found.append(Cut(block, patches, min(stay, patches)))
        patches = found[-1].after
    return tuple(found)


def _layers(body: Body, cuts: Sequence[Cut]) -> tuple[Layer, ...]:
    after = {cut.block: cut.after + body.prefix for cut in cuts}
    layers: list[Layer] = []
    tokens = body.tokens
    for block in range(body.depth):
        tokens = after.get(block, tokens)
        layers.append(whole(tokens))
    return tuple(layers)


def _scheduled(
    body: Body,
    keep_rate: Rates,
    blocks: Blocks,
    added: Added,
    parameters: Callable[[Cut], int] | None = None,
    distances: Added | None = None,
) -> Schedule:
    cuts = _cuts(body, keep_rate, blocks)
    return Schedule(
        body=body,
        layers=_layers(body, cuts),
        overheads=tuple(each for cut in cuts for each in added(cut)),
        distances=tuple(each for cut in cuts if distances for each in distances(cut)),
        parameters=sum(map(parameters, cuts)) if parameters else 0,
    )


def unsettled(schedule: Schedule) -> Schedule:
    """The same with the number of parameters left open: biases and norms are not published."""
    return msgspec.structs.replace(schedule, parameters=None)


def _none(_: Cut) -> tuple[Overhead, ...]:
    return ()


def _pairwise(body: Body) -> Added:
    """Euclidean distances of all patches: T²·(C + 2), by a product if there are more than 25."""

    def found(cut: Cut) -> tuple[Overhead, ...]:
        if cut.before <= _DIRECT:
            return ()
        macs = cut.before**2 * (body.width + 2)
        return (Overhead(name="distances", macs=macs, block=cut.block),)

    return found


def dpcknn(body: Body, *, keep_rate: Rates = SEVEN_TENTHS, blocks: Blocks = None) -> Schedule:
    """Means of clusters around density peaks, weighted by a linear score: T·C."""

    def score(cut: Cut) -> tuple[Overhead, ...]:
        macs = cut.before * body.width
        return (Overhead(name="score", macs=macs, weights=body.width, block=cut.block),)

    return _scheduled(
        body, keep_rate, blocks, score, lambda _: body.width + 1, distances=_pairwise(body)
    )


def kmedoids(body: Body, *, keep_rate: Rates = SEVEN_TENTHS, blocks: Blocks = None) -> Schedule:
    """Medoids, found by distances alone."""
    return _scheduled(body, keep_rate, blocks, _none, distances=_pairwise(body))


def _queried(body: Body) -> Added:
    """Weights of each of K learned queries on T patches, and the weighted sums: 2·T·C·K."""

    def found(cut: Cut) -> tuple[Overhead, ...]:
        return (
            Overhead(
                name="assignment",
                macs=2 * cut.before * body.width * cut.after,
                block=cut.block,
            ),
        )

    return found


def sinkhorn(body: Body, *, keep_rate: Rates = SEVEN_TENTHS, blocks: Blocks = None) -> Schedule:
    """Patches in optimal transport to K learned centres."""
    return _scheduled(body, keep_rate, blocks, _queried(body), lambda cut: cut.after * body.width)


def patchmerger(
    body: Body,
    *,
    keep_rate: Rates = SEVEN_TENTHS,
    blocks: Blocks = None,
    merged: int | None = None,
) -> Schedule:
    """K learned queries, each a weighted mean of the normalised patches.

    ``merged`` is the form of its paper: so many once, before the middle block.
    """
    if merged is None:
        return _scheduled(
            body, keep_rate, blocks, _queried(body), lambda cut: (cut.after + 2) * body.width
        )
    if not 1 <= merged <= body.patches:
        raise BadOption(f"merged: expected a number from 1 to {body.patches}, got {merged}.")
    at = stages(body, (body.depth // 2,) if blocks is None else blocks)
    if len(at) != 1:
        raise BadOption(f"blocks: merged patches take one block, not {len(at)}.")
    cut = Cut(at[0], body.patches, merged)
    return Schedule(
        body=body,
        layers=_layers(body, (cut,)),
        overheads=_queried(body)(cut),
        parameters=(merged + 2) * body.width,
    )


def sit(body: Body, *, keep_rate: Rates = SEVEN_TENTHS, blocks: Blocks = None) -> Schedule:
    """Patches slimmed by a small network after a block, which is before the next one.

    T·C·C/2 and T·(C/2)·K for the weights, K·T·C for the weighted sums.
    """
    half = body.width // 2

    def slimming(cut: Cut) -> tuple[Overhead, ...]:
        before, after = cut.before, cut.after
        return (
            Overhead(
                name="weights",
                macs=before * half * (body.width + after),
                weights=half * (body.width + after),
                block=cut.block,
            ),
            Overhead(name="slimming", macs=after * before * body.width, block=cut.block),
        )

    return unsettled(_scheduled(body, keep_rate, blocks, slimming))


def dynamicvit(body: Body, *, keep_rate: Rates = SEVEN_TENTHS, blocks: Blocks = None) -> Schedule:
    """Patches that a small network scores: T·(1.625·C² + C/2) at each stage."""
    return _scheduled(
        body, keep_rate, blocks, _predictor(body), lambda _: _predictor_parameters(body)
    )


def _predictor(body: Body) -> Added:
    # C -> C, C -> C/2, C/2 -> C/4, C/4 -> 2
    width = body.width
    weights = width**2 + width * (width // 2) + (width // 2) * (width // 4) + 2 * (width // 4)

    def found(cut: Cut) -> tuple[Overhead, ...]:
        macs = cut.before * weights
        return (Overhead(name="predictor", macs=macs, weights=weights, block=cut.block),)

    return found


def _predictor_parameters(body: Body) -> int:
    width = body.width
    (predictor,) = _predictor(body)(Cut(0, 1, 1))
    return predictor.weights + 2 * width + width + width // 2 + width // 4 + 2  # norm and biases


def dtps(body: Body, *, keep_rate: Rates = SEVEN_TENTHS, blocks: Blocks = None) -> Schedule:
    """DynamicViT's cut; each dropped patch joins the nearest kept one: 2·K·(T - K)·C."""
    predictor = _predictor(body)

    def added(cut: Cut) -> tuple[Overhead, ...]:
        macs = cut.after * (cut.before - cut.after) * body.width
        return (
            *predictor(cut),
            Overhead(name="nearest", macs=macs, block=cut.block),
            Overhead(name="squeezing", macs=macs, block=cut.block),
        )

    return _scheduled(body, keep_rate, blocks, added, lambda _: _predictor_parameters(body))
