"""The division of a model into stages: which of them a module belongs to, and what each one does.

Stages may hold one another; a module belongs to the deepest that holds it. What belongs to none
is ``(other)``, so that stages always sum to the whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from vtbench.data.record import Block, Record

OTHER = "(other)"
"""What belongs to no stage."""


Division = Literal["stage", "block"]
"""What a model is divided into."""


class StageWork(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage has to do in one step, however long it takes."""

    stage: str
    macs: int
    weights: int
    """Elements of the parameters that it holds, each tensor at its first place."""
    written: int
    """Elements that its counted operators write."""

    def least_bytes(self, weight_width: int, width: int) -> int:
        """Bytes to be moved at least: weights once, and what is written once out and once in.

        Less is possible only where a cache holds it all.
        """
        return self.weights * weight_width + 2 * self.written * width


def stages_of(record: Record) -> tuple[str, ...]:
    """The paths of a record's stages: those it names, or else its direct children."""
    if record.stages:
        return record.stages
    paths = [*record.module_parameters, *(row.module for row in record.rows)]
    return tuple(dict.fromkeys(path.partition(".")[0] for path in paths if path))


def blocks_of(record: Record, depth: int | None = None) -> tuple[Block, ...]:
    """The blocks that divide a record, each before those that it holds.

    Stages are entered and blocks are not, unless a depth says how many levels are told apart.
    """
    chosen: list[Block] = []
    for block in record.blocks:
        holder = chosen[-1] if chosen and block.path.startswith(f"{chosen[-1].path}.") else None
        outside = holder is None or holder.is_stage
        if outside if depth is None else block.depth <= depth:
            chosen.append(block)
    return tuple(chosen)


def stage_of(path: str, stages: Iterable[str]) -> str:
    """The deepest stage that holds a module."""
    holders = (stage for stage in stages if path == stage or path.startswith(stage + "."))
    return max(holders, key=len, default=OTHER)


def parts_of(record: Record, by: Division) -> tuple[str, ...]:
    """The paths of a record's stages, or of its blocks and the stages that hold them."""
    if by == "stage":
        return stages_of(record)
    return tuple(block.path for block in blocks_of(record))


def stage_work(record: Record, by: Division = "stage") -> tuple[StageWork, ...]:
    """The work of every stage or block, in order; what belongs to none at the end if any does."""
    stages = parts_of(record, by)
    sums = {stage: [0, 0, 0] for stage in (*stages, OTHER)}
    for row in record.rows:
        own = sums[stage_of(row.module, stages)]
        own[0] += row.macs
        own[2] += row.written
    for path, elements in record.module_parameters.items():
        sums[stage_of(path, stages)][1] += elements
    if not any(sums[OTHER]):
        del sums[OTHER]
    return tuple(
        StageWork(stage=stage, macs=macs, weights=weights, written=written)
        for stage, (macs, weights, written) in sums.items()
    )


def whole_work(record: Record) -> StageWork:
    """The work of the whole model, as a single stage."""
    return StageWork(
        stage=record.workload.model,
        macs=record.macs,
        weights=sum(record.module_parameters.values()),
        written=record.activations,
    )
