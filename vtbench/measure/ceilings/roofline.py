"""How near a model comes to what its device can do, whole and stage by stage.

Two ceilings bound every step: of arithmetic and of memory. The work is at least the counted MACs
and the least bytes; the time is measured; a share is what the ceiling alone would have taken,
over the time. Everything here is arithmetic on numbers that others measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from vtbench.data.measurement import Roofline, StageShare
from vtbench.data.stages import OTHER, StageWork
from vtbench.data.workload import Workload

WIDTHS = {"fp64": 8, "bf16": 2, "fp16": 2}
"""Bytes of an element; 4 for what is not named, as tf32 and bf32 lie in memory as fp32."""
FP32 = 4

NEAR = 1 / 3
"""A ceiling of which less is used does not bind: something else takes the time."""

Bound = Literal["arithmetic", "memory", "neither"]


class Ceilings(msgspec.Struct, frozen=True, kw_only=True):
    """The most that a device was seen to do in one precision."""

    macs_per_second: float | None = None
    """Multiply-accumulates per second."""
    bytes_per_second: float | None = None
    """Bytes per second, read and written ones together."""


def widths(workload: Workload) -> tuple[int, int]:
    """Bytes of an element of weights and of activations; autocast keeps its weights in fp32."""
    width = WIDTHS.get(workload.dtype, FP32)
    return (FP32 if workload.autocast else width), width


def roofline(
    whole: StageWork,
    seconds: float,
    workload: Workload,
    measured: Ceilings,
    datasheet: Ceilings,
    stages: Sequence[StageShare] = (),
) -> Roofline:
    """A step of known work that took some seconds, under the ceilings."""
    least = whole.least_bytes(*widths(workload))
    return Roofline(
        macs_per_second=whole.macs / seconds,
        bytes_per_second=least / seconds,
        ceiling_macs_per_second=measured.macs_per_second,
        ceiling_bytes_per_second=measured.bytes_per_second,
        datasheet_macs_per_second=datasheet.macs_per_second,
        datasheet_bytes_per_second=datasheet.bytes_per_second,
        bound=bound(whole.macs / seconds, least / seconds, measured),
        stages=tuple(stages),
    )


def share_of(rate: float, ceiling: float | None) -> float | None:
    """A rate as a share of its ceiling; above 1 if the ceiling was measured too low."""
    return rate / ceiling if ceiling else None


def utilisation(macs: int, seconds: float, ceilings: Ceilings) -> float | None:
    """Achieved MAC/s over the measured ceiling."""
    return share_of(macs / seconds, ceilings.macs_per_second) if seconds > 0 else None


def bound(macs_rate: float, bytes_rate: float, ceilings: Ceilings) -> Bound | None:
    """The ceiling that is nearer; ``neither`` if less than a third of both is used."""
    arithmetic = share_of(macs_rate, ceilings.macs_per_second)
    memory = share_of(bytes_rate, ceilings.bytes_per_second)
    if arithmetic is None or memory is None:
        return None
    if max(arithmetic, memory) < NEAR:
        return "neither"
    return "arithmetic" if arithmetic >= memory else "memory"


def stage_shares(
    work: Sequence[StageWork], seconds: Mapping[str, float], workload: Workload, ceilings: Ceilings
) -> tuple[StageShare, ...]:
    """Every stage with its time; time outside of all stages stands under ``(other)``."""
    known = {each.stage: each for each in work}
    if OTHER in seconds and OTHER not in known:
        known[OTHER] = StageWork(stage=OTHER, macs=0, weights=0, written=0)
    return tuple(
        StageShare(
            stage=name,
            seconds=seconds[name],
            macs=each.macs,
            bytes=each.least_bytes(*widths(workload)),
            utilisation=utilisation(each.macs, seconds[name], ceilings),
        )
        for name, each in known.items()
        if name in seconds
    )
