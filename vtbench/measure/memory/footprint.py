"""The memory of a workload or of a live module, measured in this process, beside its prediction."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import msgspec
import torch
from torch import nn

from vtbench import models
from vtbench.count.count_module import CountSettings, count_module
from vtbench.count.count_workload import RunSettings, count_workload
from vtbench.count.isolation import seeded_and_restored
from vtbench.count.mode import Mode
from vtbench.data.distribution import Distribution, InputSet
from vtbench.data.measurement import MeasuredMemory, Measurement
from vtbench.data.record import Record
from vtbench.data.workload import Workload, as_counted
from vtbench.errors import UsageError, VtbenchError
from vtbench.measure.isolated import MEMORY
from vtbench.measure.machine.devices import made_current
from vtbench.measure.memory.step_memory import (
    gauge_of,
    index_of,
    memory_of_live,
    memory_of_new,
    with_prediction,
)
from vtbench.measure.session.live_modules import kept, live_participant
from vtbench.measure.session.participants import (
    as_run,
    date_now,
    empty_record,
    failed,
    torch_device,
    with_count,
)
from vtbench.measure.session.prepare import DTYPES, Prepared, moved, placed, prepare
from vtbench.measure.session.torch_settings import torch_set_for

SOURCE = "memory_source"
"""Environment: where the peak was read from."""


def footprint(
    workload: Workload,
    *,
    index: int | None = None,
    isolated: bool = False,
    over: InputSet | None = None,
) -> Measurement:
    """The record of one workload, measured in this process.

    ``over`` asks for what is predicted over many inputs too; the measured peak is of one.
    """
    measured = functools.partial(_measured, over=over)
    with seeded_and_restored():
        return _recorded(workload, measured, index=index, isolated=isolated)


def live_footprint(
    workload: Workload, module: Callable[..., Any], inputs: tuple[Any, ...], mode: Mode = "eval"
) -> Measurement:
    """The record of a module that its caller holds, in the caller's process."""
    if not isinstance(module, nn.Module):
        raise UsageError(
            f"The memory of a {type(module).__name__} cannot be measured; give a torch.nn.Module."
        )

    def measured(record: Measurement) -> Measurement:
        participant = live_participant(module, inputs, MEMORY, record)
        if participant.prepared is None:
            return participant.record
        gauge = gauge_of(torch_device(record.device))
        memory = memory_of_live(participant.prepared, gauge)
        known = participant.record.memory
        return msgspec.structs.replace(
            participant.record,
            memory=with_prediction(memory, known.predicted if known is not None else None),
            environment={**record.environment, SOURCE: gauge.source},
        )

    with kept(module, mode):
        return _recorded(workload, measured, index=index_of(module, inputs), isolated=False)


def _recorded(
    workload: Workload,
    measured: Callable[[Measurement], Measurement],
    *,
    index: int | None,
    isolated: bool,
) -> Measurement:
    """What measuring gives, under the settings of the workload; what is raised is its sentence."""
    record = empty_record(workload, MEMORY, index, isolated=isolated)
    with made_current(record.device), torch_set_for(workload):
        try:
            record = measured(record)
        except Exception as error:  # noqa: BLE001 - a foreign model raises anything
            record = failed(record, error)
    return msgspec.structs.replace(record, date=date_now())


def _measured(record: Measurement, over: InputSet | None = None) -> Measurement:
    """A model by name; the count comes first, so that no library is taken for the model."""
    workload = record.workload
    counted = count_workload(as_counted(workload), settings=RunSettings(over=over))
    resolved = as_run(workload, counted.workload)
    record = with_count(msgspec.structs.replace(record, workload=resolved), counted)
    device = torch_device(record.device)
    gauge = gauge_of(device)
    memory = memory_of_new(_maker(workload, device), gauge)
    expected = predicted(workload, record.memory)
    return msgspec.structs.replace(
        record,
        memory=with_prediction(memory, expected),
        distribution=_distributed(counted, expected),
        environment={**record.environment, SOURCE: gauge.source},
    )


def _distributed(counted: Record, expected: int | None) -> Distribution | None:
    """The prediction over the inputs of a count.

    In another precision than the count's, it is known only if the inputs make no difference.
    """
    found = counted.memory_distribution
    if found is None or expected is None:
        return None
    if found.constant:
        return msgspec.structs.replace(found, values=(expected,) * found.n)
    return found if expected == found.values[0] else None


def _maker(workload: Workload, device: torch.device) -> Callable[[], Prepared]:
    """Builds the model and places it; what it was built from is let go."""

    def make() -> Prepared:
        built = models.build(as_counted(workload), real=True)
        return prepare(built, workload, MEMORY, device)

    return make


def predicted(workload: Workload, in_fp32: MeasuredMemory | None) -> int | None:
    """Bytes that the counter predicts in the precision of the workload.

    None under autocast, whose copies it does not see, and where the model cannot be counted in
    another precision than fp32.
    """
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
    meta = torch.device("meta")
    built = models.build(as_counted(workload))
    given = moved((built.args, built.kwargs), workload, meta, 0)
    settings = CountSettings(
        backward=workload.backward, road="meta", mode=workload.mode, disposable=True
    )
    counted = count_module(placed(built.module, workload, meta), given, settings)
    return counted.memory.weights + counted.memory.activations_peak
