"""The side of ``vtbench compare`` that measures: from its options to two revisions in turns."""

from __future__ import annotations

from pathlib import Path

import msgspec

from vtbench.cli.axes import one_of_each
from vtbench.cli.executing import Execution, executed, parse_max_time, refuse_contradictions
from vtbench.cli.options import parse_inputs, parse_resolution
from vtbench.cli.values import parse_one_batch
from vtbench.data.comparison import Comparison
from vtbench.data.protocol import Protocol, protocol_named
from vtbench.data.workload import Attention, DeviceKind, Layout, Precision, Workload, freeze_options
from vtbench.errors import BadOption, UsageError
from vtbench.stats import Gate

LAUNCHES = 3
"""Processes of the same code differ; three of each show by how much."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What the user typed of what to measure, by the names of the command's parameters."""

    base: str | None = None
    head: str | None = None
    launches: int = LAUNCHES
    protocol: str = "throughput"
    option: list[str] | None = None
    gpu: str | None = None
    device: str | None = None
    batch_size: str | None = None
    resolution: str | None = None
    inputs: list[str] | None = None
    dtype: Precision = "fp32"
    autocast: bool = False
    layout: Layout = "nchw"
    threads: int | None = None
    compile_: str | None = None
    attention: Attention | None = None
    backward: bool = False
    train: bool = False
    max_time: float = 15.0


def compared_revisions(
    names: list[str], ask: Ask, gate: Gate
) -> tuple[list[Comparison], tuple[str, str]]:
    """The comparison of two revisions of one function, and what they are called."""
    if len(names) != 1:
        raise UsageError("With --base, name one function of yours, as package.module:function.")
    if ask.launches < 1:
        raise BadOption(f"{ask.launches} launches measure nothing; give 1 or more.")
    protocol = protocol_named(ask.protocol)
    parse_max_time(ask.max_time)
    from vtbench.measure.machine.devices import choose
    from vtbench.measure.revisions import Asked, compare_launches, measure_revisions

    devices = choose(ask.gpu, ask.device)
    if len(devices) > 1:
        raise BadOption("Two revisions take turns on one device; name one --gpu.")
    asked = Asked(
        base=ask.base or "",
        head=ask.head,
        workload=_workload(names[0], ask, protocol, devices[0].kind),
        protocol=protocol.name,
        index=devices[0].index,
        max_seconds=ask.max_time,
        launches=ask.launches,
        smallest=gate.smallest,
    )
    pairs = measure_revisions(asked, Path.cwd())
    return [compare_launches(pairs, gate)], (asked.base, ask.head or "working tree")


def _workload(model: str, ask: Ask, protocol: Protocol, kind: DeviceKind) -> Workload:
    execution = Execution(
        dtype=ask.dtype,
        autocast=ask.autocast,
        layout=ask.layout,
        threads=ask.threads,
        compile=ask.compile_,
        attention=ask.attention,
        batch_size=parse_one_batch(ask.batch_size),
    )
    refuse_contradictions(execution, kind)
    workload = Workload(
        model=model,
        resolution=parse_resolution(ask.resolution),
        options=freeze_options({key: value for _, key, value in one_of_each(ask.option)}),
        inputs=parse_inputs(ask.inputs),
        mode="train" if ask.train else "eval",
        backward=ask.backward,
    )
    return executed(workload, execution, protocol, kind)
