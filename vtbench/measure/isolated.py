"""Workloads in, measurements out, each session and each footprint in a fresh process of its own.

The process that asks imports no torch: what measures is imported where it runs.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import msgspec

from vtbench.data.distribution import InputSet
from vtbench.data.measurement import Measurement
from vtbench.data.protocol import PROTOCOLS, protocol_named
from vtbench.data.stages import Division
from vtbench.data.workload import Workload
from vtbench.measure.workers import Outcome, in_processes
from vtbench.stats import StoppingRule

MEMORY = PROTOCOLS["memory"]

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
    parts: Division | None = None
    """Whether a short pass after the session times the stages, or the blocks, of each model."""

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
    from vtbench.measure.session.measure_workloads import measure_session

    return measure_session(workloads, settings, isolated=True)


def footprints(
    workloads: Sequence[Workload], index: int | None = None, over: InputSet | None = None
) -> Iterator[tuple[int, Outcome[Measurement]]]:
    """A record for each workload from a fresh process, as they finish, with its place.

    ``over`` asks for what is predicted over many inputs too.
    """
    task = functools.partial(_footprint_in_its_process, index=index, over=over)
    for place, outcome in in_processes(task, workloads, 1, timing=True):
        yield place, _or_its_end(workloads[place], outcome)


def _or_its_end(workload: Workload, outcome: Outcome[Measurement]) -> Outcome[Measurement]:
    """A process that died leaves a record that says at which batch it did."""
    if outcome.result is not None:
        return outcome
    error = f"{workload.model} at batch {workload.batch_size}: {outcome.error}"
    record = Measurement(workload=workload, protocol=MEMORY.id, error=error)
    return Outcome(result=record, trace=outcome.trace)


def _footprint_in_its_process(
    workload: Workload, index: int | None, over: InputSet | None
) -> Measurement:
    from vtbench.measure.memory.footprint import footprint

    return footprint(workload, index=index, isolated=True, over=over)
