"""Where timed models stand below the ceilings of their device, as a whole and by stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec
import torch

from vtbench.data.measurement import Measurement, StageShare
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.stages import Division, parts_of, stage_work, whole_work
from vtbench.measure.ceilings import roofline
from vtbench.measure.ceilings.measured import ceilings, datasheet
from vtbench.measure.ceilings.roofline import Ceilings
from vtbench.measure.session.stage_times import CudaMarker, HostMarker, stage_seconds

if TYPE_CHECKING:
    from vtbench.measure.session.participants import Participant

SOURCE = "ceiling_source"
"""Environment: what the ceiling of arithmetic was seen in."""
PRODUCTS = "products of square matrices"

Find = Callable[..., Ceilings]


def with_utilisation(
    participants: Sequence[Participant], *, parts: Division | None = None, find: Find = ceilings
) -> None:
    """Give the records of one session their utilisation and their place on the roofline.

    The device has nothing else to do by now. Where a model is faster than a product of matrices
    was, the product is measured again; if the model still is, it is the ceiling of this session.
    Whatever goes wrong here costs no sample: the records say what it was.
    """
    timed = [each for each in participants if _is_timed(each)]
    if not timed:
        return
    try:
        passes = [stage_pass(each, parts) if parts else {} for each in timed]
        known, source = _session_ceilings(timed, passes, parts or "stage", find)
    except Exception as error:  # noqa: BLE001 - hooks in foreign models, a device with no room left
        for participant in timed:
            participant.record = _with_source(
                participant.record, f"none, {type(error).__name__}: {error}"
            )
        return
    for participant, seconds in zip(timed, passes, strict=True):
        participant.record = _placed(participant, seconds, parts, known, source)


def stage_pass(participant: Participant, parts: Division = "stage") -> dict[str, float]:
    """Seconds of each stage or block of a model per step; none if hooks would not see them.

    A compiled model and a replayed graph call no modules, and neither does the backward pass.
    """
    work, counted, prepared = participant.record.workload, participant.counted, participant.prepared
    protocol = PROTOCOLS[participant.record.protocol.name]
    called = not (work.compile or work.backward or protocol.graph or protocol.compiled)
    if counted is None or prepared is None or not called:
        return {}
    index = participant.record.device.index if participant.record.device else None
    marker = HostMarker() if work.device == "cpu" else CudaMarker(torch.cuda, index or 0)
    return stage_seconds(prepared.module, prepared.step, parts_of(counted, parts), marker)


def _is_timed(participant: Participant) -> bool:
    record = participant.record
    return bool(record.error is None and record.median and record.macs and participant.counted)


def _session_ceilings(
    timed: Sequence[Participant],
    passes: Sequence[dict[str, float]],
    parts: Division,
    find: Find,
) -> tuple[Ceilings, str]:
    """The ceilings of a session, and what that of arithmetic was seen in."""
    device, workload = timed[0].record.device, timed[0].record.workload
    fastest, name = max(
        (rate, participant.record.workload.model)
        for participant, seconds in zip(timed, passes, strict=True)
        for rate in _rates(participant, seconds, parts)
    )
    known = find(device, workload)
    if known.macs_per_second is None or fastest <= known.macs_per_second:
        return known, PRODUCTS
    known = find(device, workload, again=True)
    if known.macs_per_second is None or fastest <= known.macs_per_second:
        return known, PRODUCTS
    return msgspec.structs.replace(known, macs_per_second=fastest), name


def _rates(participant: Participant, seconds: dict[str, float], parts: Division) -> list[float]:
    """MAC/s of the whole step and of every stage or block that was timed."""
    record, counted = participant.record, participant.counted
    assert counted is not None  # noqa: S101  # as _is_timed has seen
    assert record.median is not None  # noqa: S101  # the same
    stages = [each for each in stage_work(counted, parts) if each.stage in seconds]
    return [
        counted.macs / record.median,
        *(each.macs / seconds[each.stage] for each in stages),
    ]


def _placed(
    participant: Participant,
    seconds: dict[str, float],
    parts: Division | None,
    known: Ceilings,
    source: str,
) -> Measurement:
    record, counted = participant.record, participant.counted
    if counted is None or record.median is None or record.device is None:
        return record
    work = record.workload
    shares: tuple[StageShare, ...] = ()
    if parts and seconds:
        shares = roofline.stage_shares(stage_work(counted, parts), seconds, work, known)
    placed = roofline.roofline(
        whole_work(counted),
        record.median,
        work,
        known,
        datasheet(record.device, work.dtype),
        shares,
    )
    return msgspec.structs.replace(
        _with_source(record, source),
        utilisation=roofline.utilisation(counted.macs, record.median, known),
        roofline=msgspec.structs.replace(placed, by=parts),
    )


def _with_source(record: Measurement, source: str) -> Measurement:
    environment = {**record.environment, SOURCE: source}
    return msgspec.structs.replace(record, environment=environment)
