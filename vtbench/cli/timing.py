"""From the options of ``throughput`` and ``latency`` to sessions, and from those to a document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from vtbench.cli import asking
from vtbench.cli.executing import parse_max_time
from vtbench.cli.output import check_suffix, check_writable, say, stdout_kept_clean, write_document
from vtbench.cli.values import parse_one_batch
from vtbench.cli.waiting import waiting
from vtbench.data.from_samples import ratios_of
from vtbench.data.measurement import Measurement
from vtbench.data.protocol import Protocol, protocol_named
from vtbench.data.workload import Workload
from vtbench.errors import BadOption
from vtbench.report.measured import measured_document
from vtbench.report.units import plural
from vtbench.stats import WarmUp
from vtbench.sweep.store import Store

if TYPE_CHECKING:
    from vtbench.measure.machine.devices import Chosen

STARTING = 20.0
"""Seconds that starting a process and building models may take."""

RelativeTo = Annotated[
    str | None, typer.Option("--relative-to", metavar="MODEL", help="Say ratios to this model.")
]
Stages = Annotated[
    bool,
    typer.Option("--stages", help="Time the stages of each model too: where the time goes."),
]


class Ask(asking.Ask, frozen=True, kw_only=True):
    """What the user typed, by the names of the command's parameters."""

    protocol: str | None
    max_time: float
    relative_to: str | None
    stages: bool


def answer(ask: Ask, allowed: Sequence[str]) -> int:
    """Measure what was asked, write the document, and say what went wrong; the exit status."""
    from vtbench.measure.machine.devices import choose

    protocol = _protocol(ask, allowed)
    parse_max_time(ask.max_time)
    check_suffix(ask.path(), ask.format_)
    for file in (ask.path(), ask.records):
        check_writable(file)
    batch_size = parse_one_batch(ask.batch_size)
    devices = choose(ask.gpu, ask.device)
    kind, base = devices[0].kind, ask.relative_to
    asked = asking.asked_workloads(ask, [batch_size], protocol, kind, base)
    refused = [
        Measurement(workload=workload, protocol=protocol.id, error=error)
        for workload, error in asked.items()
        if error is not None
    ]
    todo = [workload for workload, error in asked.items() if error is None]
    with Store(ask.records) as store:  # a file that is none of ours is refused before the work
        records = refused + _measured(todo, protocol, devices, ask)
        return _finish(records, store, ask)


def _protocol(ask: Ask, allowed: Sequence[str]) -> Protocol:
    """The protocol that was named, or the command's own; compiling has one of its own."""
    name = ask.protocol or ("compiled" if ask.compile_ and "compiled" in allowed else allowed[0])
    protocol = protocol_named(name)
    if name not in allowed:
        raise BadOption(
            f"The protocol {name} is not one of this command; it has {', '.join(allowed)}."
        )
    return protocol


def _measured(
    todo: Sequence[Workload],
    protocol: Protocol,
    devices: Sequence[Chosen],
    ask: Ask,
) -> list[Measurement]:
    """One session on every device, each in a process of its own."""
    from vtbench.measure.isolated import MeasureSettings, measure

    if not todo:
        return []
    sessions = [
        MeasureSettings(
            protocol=protocol.name,
            index=device.index,
            max_seconds=ask.max_time,
            stages=ask.stages,
        )
        for device in devices
    ]
    doing = f"measuring {plural(len(todo), 'model')}{' in turns' if len(todo) > 1 else ''}"
    most = STARTING + len(todo) * (ask.max_time + WarmUp().max_seconds)
    with stdout_kept_clean(), waiting(doing, most):
        return measure(todo, sessions)


def _finish(records: Sequence[Measurement], store: Store, ask: Ask) -> int:
    """Keep and write what there is; the exit status."""
    failed = [record for record in records if record.error is not None]
    for record in failed:
        say(str(record.error))
    try:
        for record in records:
            store.append(record)
    finally:  # what cannot be kept is shown all the same
        if len(failed) < len(records):
            question = ask.question(ask.relative_to)
            write_document(measured_document(records, ratios_of(records), question), ask.path())
    if len(failed) == len(records):
        return 2
    return 1 if failed else 0
