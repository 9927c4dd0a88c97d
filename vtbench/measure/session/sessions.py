"""Workloads in, their times out.

What is measured together is one *session*: its workloads are interleaved in one process, under
one set of switches, watched as a whole. ``measure`` gives a session a fresh process of its own;
``measure_session`` runs it in this one and the records say so.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from vtbench.data.derived import with_samples
from vtbench.data.measurement import Measurement, Telemetry
from vtbench.data.protocol import Protocol, protocol_named
from vtbench.data.workload import EXECUTION, Workload
from vtbench.errors import BadOption, UsageError
from vtbench.measure.workers import in_processes
from vtbench.stats import StoppingRule

if TYPE_CHECKING:
    from vtbench.measure.session.interleaved import Arm
    from vtbench.measure.session.subjects import Subject

LATENCY_SAMPLES = 64
"""Single steps are sampled at least so often, which is what a 90th percentile needs."""


class MeasureSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a session is measured, beyond what its workloads say."""

    protocol: str = "throughput"
    index: int | None = None
    """Which CUDA device; None on a CPU."""
    max_seconds: float = 15.0
    """Most seconds of samples for each workload."""
    half_width: float = 0.01
    """Half the width of the median's interval, as a share of it, that is narrow enough."""
    seed: int = 0
    """Of the order in which the workloads take turns."""
    stages: bool = False
    """Whether a short pass after the session times the stages of each model."""

    def rule(self) -> StoppingRule:
        """When there are samples enough."""
        single = protocol_named(self.protocol).synchronised
        return StoppingRule(
            relative_half_width=self.half_width,
            min_samples=LATENCY_SAMPLES if single else StoppingRule().min_samples,
            min_seconds=min(StoppingRule().min_seconds, self.max_seconds),
            max_seconds=self.max_seconds,
        )


def measure(
    workloads: Sequence[Workload], settings: Sequence[MeasureSettings]
) -> list[Measurement]:
    """The same session under each of some settings, in a fresh process each, all at a time.

    Settings differ in their device, so that every GPU has its worker. The death of a process is
    what its records then say.
    """
    task = functools.partial(_in_its_process, workloads=tuple(workloads))
    found: dict[int, list[Measurement]] = {}
    for place, outcome in in_processes(task, settings, len(settings), timing=True):
        protocol = protocol_named(settings[place].protocol)
        found[place] = outcome.result or [
            Measurement(workload=workload, protocol=protocol.id, error=outcome.error)
            for workload in workloads
        ]
    return [record for place in sorted(found) for record in found[place]]


def _in_its_process(
    settings: MeasureSettings, workloads: tuple[Workload, ...]
) -> list[Measurement]:
    return measure_session(workloads, settings, isolated=True)


def measure_session(
    workloads: Sequence[Workload], settings: MeasureSettings, *, isolated: bool = False
) -> list[Measurement]:
    """One session in this process: a record for each workload, in order."""
    from vtbench.count.isolation import seeded_and_restored
    from vtbench.measure.machine.devices import made_current
    from vtbench.measure.session.subjects import subject_of
    from vtbench.measure.session.switches import switches_lent

    protocol = _fitting(workloads, settings)
    common = _common(workloads[0], protocol, settings, isolated=isolated)
    with made_current(common.device), seeded_and_restored(), switches_lent(workloads[0]):
        subjects = [subject_of(workload, protocol, common) for workload in workloads]
        return timed(subjects, protocol, settings)


def measure_live(
    live: Sequence[tuple[Workload, Callable[..., Any]]],
    inputs: tuple[Any, ...],
    settings: MeasureSettings,
) -> list[Measurement]:
    """One session of live modules and functions, which stay as they are, in this process."""
    from torch import nn

    from vtbench.measure.machine.devices import made_current
    from vtbench.measure.memory.peaks import index_of
    from vtbench.measure.session.keeping import kept
    from vtbench.measure.session.subjects import live_subject
    from vtbench.measure.session.switches import switches_lent

    workloads = [workload for workload, _ in live]
    protocol = _fitting(workloads, settings)
    index, *others = {index_of(subject, inputs): None for _, subject in live}
    if others:
        raise UsageError("These modules lie on different GPUs; measure them on one, or apart.")
    settings = msgspec.structs.replace(settings, index=index)
    with switches_lent(workloads[0]), ExitStack() as lent:
        common = _common(workloads[0], protocol, settings, isolated=False)
        lent.enter_context(made_current(common.device))
        for _, subject in live:
            if isinstance(subject, nn.Module):
                lent.enter_context(kept(subject))
        subjects = [
            live_subject(subject, inputs, protocol, _of(common, workload))
            for workload, subject in live
        ]
        return timed(subjects, protocol, settings)


def _of(common: Measurement, workload: Workload) -> Measurement:
    """A record of the session for one of its workloads, with the number of threads filled in."""
    import torch

    threads = torch.get_num_threads() if workload.device == "cpu" else None
    return msgspec.structs.replace(
        common, workload=msgspec.structs.replace(workload, threads=threads)
    )


def _common(
    workload: Workload, protocol: Protocol, settings: MeasureSettings, *, isolated: bool
) -> Measurement:
    """What all records of a session say alike."""
    from vtbench.measure.machine.devices import describe
    from vtbench.measure.machine.environment import environment, revision

    return Measurement(
        workload=workload,
        protocol=protocol.id,
        device=describe(workload.device, settings.index),
        environment=environment(),
        isolated=isolated,
        session=uuid.uuid4().hex[:12],
        commit=revision(Path.cwd()),
    )


def timed(
    subjects: Sequence[Subject], protocol: Protocol, settings: MeasureSettings
) -> list[Measurement]:
    """The subjects' records once all have been timed in turns and watched meanwhile."""
    from vtbench.measure.ceilings.standing import with_standing
    from vtbench.measure.machine.devices import describe
    from vtbench.measure.session.interleaved import Arm, Rules, measure_arms
    from vtbench.measure.session.subjects import clock_of, torch_device
    from vtbench.measure.telemetry.watching import watching

    device = subjects[0].record.device or describe("cpu")
    ready = [subject for subject in subjects if subject.step is not None]
    arms = [
        Arm(s.record.workload.model, s.step, clock_of(protocol, torch_device(device)))
        for s in ready
        if s.step
    ]
    rules = Rules(stop=settings.rule(), single_steps=protocol.synchronised, seed=settings.seed)
    with watching(device, subjects[0].record.workload.threads) as watcher:
        measure_arms(arms, rules, warmed=watcher.restart)
    seen = watcher.telemetry(_images(arms[0], ready[0]) if len(arms) == 1 else None)
    for subject, arm in zip(ready, arms, strict=True):
        subject.record = _finished(subject, arm, seen)
    with_standing(subjects, stages=settings.stages)
    return [subject.record for subject in subjects]


def _images(arm: Arm, subject: Subject) -> int:
    """Images of all samples; the energy of a session of several models belongs to none of them."""
    return len(arm.samples) * arm.steps_per_sample * subject.record.workload.batch_size


def _finished(subject: Subject, arm: Arm, telemetry: Telemetry) -> Measurement:
    """A record with its samples, or with what its step raised."""
    from vtbench.measure.session.subjects import failed

    record = msgspec.structs.replace(
        subject.record,
        telemetry=telemetry,
        warmup_steps=arm.warmup_steps,
        warmup_seconds=round(arm.warmup_seconds, 3),
        date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )
    if arm.failure is not None:
        return failed(record, arm.failure)
    record = msgspec.structs.replace(record, stopped_by=arm.stopped_by)
    return with_samples(record, arm.samples, arm.steps_per_sample)


def _fitting(workloads: Sequence[Workload], settings: MeasureSettings) -> Protocol:
    """The protocol, once it is sure that it can time these workloads together."""
    protocol = protocol_named(settings.protocol)
    if not protocol.timed:
        raise BadOption(f"The protocol {protocol.name} takes no time; it cannot be timed.")
    if not workloads:
        raise UsageError("There is nothing to measure; name a model.")
    common = EXECUTION - {"compile", "layout"}
    for name in sorted(common):
        if len({getattr(workload, name) for workload in workloads}) > 1:
            raise UsageError(f"Workloads of one session have the same {name}; measure them apart.")
    kind = workloads[0].device
    if kind not in protocol.devices:
        raise BadOption(
            f"The protocol {protocol.name} needs a {protocol.devices[0].upper()} device, "
            f"and these workloads are for a {kind.upper()}."
        )
    return protocol
