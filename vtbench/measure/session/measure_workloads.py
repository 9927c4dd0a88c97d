"""What is measured together is one *session*: its workloads take turns in one process.

They run under one set of torch's settings and are watched as a whole. The session runs in this
process; whether it was started for that is what its records say.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import msgspec
import torch
from torch import nn

from vtbench.count.isolation import seeded_and_restored
from vtbench.count.mode import Mode
from vtbench.data.from_samples import with_samples
from vtbench.data.measurement import Measurement, Telemetry
from vtbench.data.protocol import Protocol, protocol_named
from vtbench.data.workload import EXECUTION, Workload
from vtbench.errors import BadOption, UsageError
from vtbench.measure.ceilings.utilisation import with_utilisation
from vtbench.measure.clocks import clock_of
from vtbench.measure.isolated import MeasureSettings
from vtbench.measure.machine.devices import describe, made_current
from vtbench.measure.memory.step_memory import index_of
from vtbench.measure.session.interleaved_arms import Arm, Rules, measure_arms
from vtbench.measure.session.live_modules import kept, live_participant
from vtbench.measure.session.participants import (
    Participant,
    date_now,
    empty_record,
    failed,
    participant_of,
    torch_device,
)
from vtbench.measure.session.torch_settings import torch_set_for
from vtbench.measure.telemetry.watching import watching


def measure_session(
    workloads: Sequence[Workload], settings: MeasureSettings, *, isolated: bool = False
) -> list[Measurement]:
    """One session in this process: a record for each workload, in order."""
    protocol = _fitting(workloads, settings)
    common = _common(workloads[0], protocol, settings, isolated=isolated)
    with made_current(common.device), seeded_and_restored(), torch_set_for(workloads[0]):
        participants = [participant_of(workload, protocol, common) for workload in workloads]
        return timed(participants, protocol, settings)


def measure_live(
    live: Sequence[tuple[Workload, Callable[..., Any]]],
    inputs: tuple[Any, ...],
    settings: MeasureSettings,
    mode: Mode = "eval",
) -> list[Measurement]:
    """One session of live modules and functions, which stay where they are, in this process."""
    workloads = [workload for workload, _ in live]
    protocol = _fitting(workloads, settings)
    index, *others = {index_of(called, inputs): None for _, called in live}
    if others:
        raise UsageError(
            "These modules are on different GPUs; move them to one GPU, or measure them one by one."
        )
    settings = msgspec.structs.replace(settings, index=index)
    with torch_set_for(workloads[0]), ExitStack() as lent:
        common = _common(workloads[0], protocol, settings, isolated=False)
        lent.enter_context(made_current(common.device))
        for _, called in live:
            if isinstance(called, nn.Module):
                lent.enter_context(kept(called, mode))
        participants = [
            live_participant(called, inputs, protocol, _of(common, workload))
            for workload, called in live
        ]
        return timed(participants, protocol, settings)


def _of(common: Measurement, workload: Workload) -> Measurement:
    """A record of the session for one of its workloads, with the number of threads filled in."""
    threads = torch.get_num_threads() if workload.device == "cpu" else None
    return msgspec.structs.replace(
        common, workload=msgspec.structs.replace(workload, threads=threads)
    )


def _common(
    workload: Workload, protocol: Protocol, settings: MeasureSettings, *, isolated: bool
) -> Measurement:
    """What all records of a session say alike."""
    record = empty_record(workload, protocol, settings.index, isolated=isolated)
    return msgspec.structs.replace(record, session=uuid.uuid4().hex[:12])


def timed(
    participants: Sequence[Participant], protocol: Protocol, settings: MeasureSettings
) -> list[Measurement]:
    """The participants' records once all have been timed in turns and watched meanwhile."""
    device = participants[0].record.device or describe("cpu")
    ready = [each for each in participants if each.step is not None]
    arms = [
        Arm(each.record.workload.model, each.step, clock_of(protocol, torch_device(device)))
        for each in ready
        if each.step is not None
    ]
    rules = Rules(stop=settings.rule(), single_steps=protocol.synchronised, seed=settings.seed)
    with watching(device, participants[0].record.workload.threads) as watcher:
        measure_arms(arms, rules, warmed=watcher.restart)
    seen = watcher.telemetry(_images(arms[0], ready[0]) if len(arms) == 1 else None)
    for participant, arm in zip(ready, arms, strict=True):
        participant.record = _finished(participant, arm, seen)
    with_utilisation(participants, parts=settings.parts)
    return [participant.record for participant in participants]


def _images(arm: Arm, participant: Participant) -> int:
    """Images of all samples; the energy of a session of several models belongs to none of them."""
    return len(arm.samples) * arm.steps_per_sample * participant.record.workload.batch_size


def _finished(participant: Participant, arm: Arm, telemetry: Telemetry) -> Measurement:
    """A record with its samples, or with what its step raised."""
    record = msgspec.structs.replace(
        participant.record,
        telemetry=telemetry,
        warmup_steps=arm.warmup_steps,
        warmup_seconds=round(arm.warmup_seconds, 3),
        date=date_now(),
    )
    if arm.failure is not None:
        return failed(record, arm.failure)
    record = msgspec.structs.replace(
        record, stopped_by=arm.stopped_by, samples_per_visit=arm.samples_per_visit
    )
    return with_samples(record, arm.samples, arm.steps_per_sample)


def _fitting(workloads: Sequence[Workload], settings: MeasureSettings) -> Protocol:
    """The protocol, once it is sure that it can time these workloads together."""
    protocol = protocol_named(settings.protocol)
    if not protocol.timed:
        raise BadOption(
            f"The protocol {protocol.name} does not measure time; use throughput or latency."
        )
    if not workloads:
        raise UsageError("There is nothing to measure; name a model.")
    common = EXECUTION - {"compile", "layout"}
    for name in sorted(common):
        if len({getattr(workload, name) for workload in workloads}) > 1:
            raise UsageError(
                f"Workloads of one session must have the same {name}; measure them one by one."
            )
    kind = workloads[0].device
    if kind not in protocol.devices:
        raise BadOption(
            f"The protocol {protocol.name} needs a {protocol.devices[0].upper()} device, "
            f"and these workloads are for a {kind.upper()}."
        )
    return protocol
