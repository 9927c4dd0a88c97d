"""Workloads in, their memory out: each in a process of its own, beside what is predicted."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from vtbench.data.measurement import MeasuredMemory, Measurement
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.workload import Workload
from vtbench.errors import UsageError, VtbenchError
from vtbench.measure.workers import Outcome, in_processes

if TYPE_CHECKING:
    import torch

    from vtbench.measure.session.prepare import Prepared

PROTOCOL = PROTOCOLS["memory"]
SOURCE = "memory_source"
"""Environment: where the peak was read from."""


def footprints(
    workloads: Sequence[Workload], index: int | None = None
) -> Iterator[tuple[int, Outcome[Measurement]]]:
    """A record for each workload from a fresh process, as they finish, with its place."""
    task = functools.partial(footprint, index=index, isolated=True)
    for place, outcome in in_processes(task, workloads, 1, timing=True):
        yield place, _or_its_end(workloads[place], outcome)


def _or_its_end(workload: Workload, outcome: Outcome[Measurement]) -> Outcome[Measurement]:
    """A process that died leaves a record that says at which batch it did."""
    if outcome.result is not None:
        return outcome
    error = f"{workload.model} at batch {workload.batch_size}: {outcome.error}"
    record = Measurement(workload=workload, protocol=PROTOCOL.id, error=error)
    return Outcome(result=record, trace=outcome.trace)


def footprint(
    workload: Workload, *, index: int | None = None, isolated: bool = False
) -> Measurement:
    """The record of one workload, measured in this process."""
    from vtbench.count.isolation import seeded_and_restored

    with seeded_and_restored():
        return _recorded(workload, _measured, index=index, isolated=isolated)


def live_footprint(
    workload: Workload, module: Callable[..., Any], inputs: tuple[Any, ...]
) -> Measurement:
    """The record of a module that its caller holds, in the caller's process."""
    from torch import nn

    from vtbench.measure.memory.peaks import gauge_of, index_of, memory_of_live, with_prediction
    from vtbench.measure.session.keeping import kept
    from vtbench.measure.session.subjects import live_subject, torch_device

    if not isinstance(module, nn.Module):
        raise UsageError(
            f"The memory of a {type(module).__name__} cannot be measured; give a torch.nn.Module."
        )

    def measured(record: Measurement) -> Measurement:
        subject = live_subject(module, inputs, PROTOCOL, record)
        if subject.prepared is None:
            return subject.record
        gauge = gauge_of(torch_device(record.device))
        memory = memory_of_live(subject.prepared, gauge)
        known = subject.record.memory
        return msgspec.structs.replace(
            subject.record,
            memory=with_prediction(memory, known.predicted if known is not None else None),
            environment={**record.environment, SOURCE: gauge.source},
        )

    with kept(module):
        return _recorded(workload, measured, index=index_of(module, inputs), isolated=False)


def _recorded(
    workload: Workload,
    measured: Callable[[Measurement], Measurement],
    *,
    index: int | None,
    isolated: bool,
) -> Measurement:
    """What measuring gives, under the workload's switches; what is raised is its sentence."""
    from vtbench.measure.machine.devices import describe, made_current
    from vtbench.measure.machine.environment import environment, revision
    from vtbench.measure.session import subjects
    from vtbench.measure.session.switches import switches_lent

    record = Measurement(
        workload=workload,
        protocol=PROTOCOL.id,
        device=describe(workload.device, index),
        environment=environment(),
        isolated=isolated,
        commit=revision(Path.cwd()),
    )
    with made_current(record.device), switches_lent(workload):
        try:
            record = measured(record)
        except Exception as error:  # noqa: BLE001 - a foreign model raises anything
            record = subjects.failed(record, error)
    date = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return msgspec.structs.replace(record, date=date)


def _measured(record: Measurement) -> Measurement:
    """A model by name; the count comes first, so that no library is taken for the model."""
    from vtbench.count.count_workload import count_workload
    from vtbench.measure.memory.peaks import gauge_of, memory_of_new, with_prediction
    from vtbench.measure.session import subjects

    workload = record.workload
    counted = count_workload(subjects.as_counted(workload))
    resolved = subjects.as_run(workload, counted.workload)
    record = subjects.with_count(msgspec.structs.replace(record, workload=resolved), counted)
    device = subjects.torch_device(record.device)
    gauge = gauge_of(device)
    memory = memory_of_new(_maker(workload, device), gauge)
    return msgspec.structs.replace(
        record,
        memory=with_prediction(memory, predicted(workload, record.memory)),
        environment={**record.environment, SOURCE: gauge.source},
    )


def _maker(workload: Workload, device: torch.device) -> Callable[[], Prepared]:
    """Builds the model and places it; what it was built from is let go."""
    from vtbench import models
    from vtbench.measure.session import subjects
    from vtbench.measure.session.prepare import prepare

    def make() -> Prepared:
        built = models.build(subjects.as_counted(workload), real=True)
        return prepare(built, workload, PROTOCOL, device)

    return make


def predicted(workload: Workload, in_fp32: MeasuredMemory | None) -> int | None:
    """Bytes that the counter predicts in the precision of the workload.

    None under autocast, whose copies it does not see, and where the model cannot be counted in
    another precision than fp32.
    """
    from vtbench.measure.session.prepare import DTYPES

    if workload.autocast:
        return None
    if workload.dtype not in DTYPES:
        return in_fp32.predicted if in_fp32 is not None else None
    try:
        return _predicted_in_its_dtype(workload)
    except VtbenchError:
        return None


def _predicted_in_its_dtype(workload: Workload) -> int:
    """The count on meta, with weights and inputs of the type that they will have."""
    import torch

    from vtbench import models
    from vtbench.count.count_module import CountSettings, count_module
    from vtbench.measure.session import subjects
    from vtbench.measure.session.prepare import moved, placed

    meta = torch.device("meta")
    built = models.build(subjects.as_counted(workload))
    given = moved((built.args, built.kwargs), workload, meta, 0)
    settings = CountSettings(
        backward=workload.backward, road="meta", mode=workload.mode, disposable=True
    )
    counted = count_module(placed(built.module, workload, meta), given, settings)
    return counted.memory.weights + counted.memory.activations_peak
