"""From the options of ``throughput`` and ``latency`` to sessions, and from those to a document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from vtbench.cli.groups import Group
from vtbench.cli.options import (
    Building,
    Device,
    Execution,
    Models,
    Output,
    RelativeTo,
    Save,
    Session,
)
from vtbench.cli.output import say, stdout_kept_clean, tell
from vtbench.cli.progress import waiting
from vtbench.cli.table_shape import Cite, TableShape
from vtbench.cli.workloads import asked, grid_of
from vtbench.cli.written import Written
from vtbench.data.from_samples import ratios_of
from vtbench.data.measurement import Measurement
from vtbench.data.protocol import Protocol, protocol_named
from vtbench.data.relative import refuse_several
from vtbench.data.stages import Division
from vtbench.errors import BadOption
from vtbench.report.measured import (
    MeasuredRendering,
    measured_document,
    refuse_unknown_columns,
)
from vtbench.report.units import plural
from vtbench.stats import WarmUp
from vtbench.sweep.cells import Cell
from vtbench.sweep.sessions import held, measured, sessions
from vtbench.sweep.store import Store

if TYPE_CHECKING:
    from vtbench.measure.machine.devices import Chosen

STARTING = 20.0
"""Seconds that starting a process and building models are expected to take."""


class Timing(Group, frozen=True, kw_only=True):
    """Everything that is asked of a command that times models."""

    models: Models
    building: Building
    device: Device
    execution: Execution
    protocol: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="How to measure: throughput, compiled or graph; latency or latency-cold, which "
            "empties the cache before each step (default: the name of the command).",
        ),
    ] = None
    session: Session
    relative_to: RelativeTo = None
    stages: Annotated[
        bool,
        typer.Option("--stages", help="Time the stages of each model too."),
    ] = False
    by: Annotated[
        Division | None,
        typer.Option(
            help="Time the stages, or the repeated blocks, of each model too; `stage` is the same "
            "as --stages.",
            show_default=False,
        ),
    ] = None
    shaped: TableShape
    cite: Cite = False
    save: Save
    output: Output

    @property
    def parts(self) -> Division | None:
        """What each model is divided into, if it is."""
        if self.stages and self.by == "block":
            raise BadOption("--stages: a model is divided into blocks by --by block; give one.")
        return "stage" if self.stages else self.by


def answer(ask: Timing, protocols: Sequence[str]) -> int:
    """Measure what was asked, write the document, and say what went wrong; the exit status.

    ``protocols`` are those of the command; the first is its own.
    """
    from vtbench.measure.machine.devices import choose

    written = ask.shaped.on_paper(ask.output.written(protocols[0], "measurements"))
    question = written.shown_as(
        MeasuredRendering,
        relative_to=ask.relative_to,
        shape=ask.shaped.shape(),
        cite=ask.cite,
    )
    protocol = _protocol(ask.protocol, protocols)
    max_time = ask.session.seconds()
    parts = ask.parts
    devices = choose(ask.device.gpu, ask.device.device)
    grid = grid_of(ask.building, ask.execution, protocols=[protocol.name], kind=devices[0].kind)
    wanted = asked(ask.models, grid, ask.relative_to)
    refuse_several(wanted.workloads, ask.relative_to)
    refuse_unknown_columns(planned(wanted.cells), question)
    with Store(ask.save.save) as store:  # a file of something else is refused before the work
        tell(store.said)
        records = list(wanted.impossible().values())
        try:
            for session in sessions(wanted.possible()):
                kept = _kept(session, devices, store)
                fresh = [] if kept else _measured(session, devices, max_time, parts=parts)
                records += kept or fresh
                for record in fresh:
                    store.append(record)
        finally:  # what cannot be kept is shown all the same
            status = _finish(records, written, question)
        return status


def _protocol(named: str | None, known: Sequence[str]) -> Protocol:
    """The protocol that was named, or the command's own, which is the first."""
    name = named or known[0]
    protocol = protocol_named(name)
    if name not in known:
        raise BadOption(
            f"--protocol: expected one of {', '.join(known)} for this command, got {name}."
        )
    return protocol


def _measured(
    session: Sequence[Cell], devices: Sequence[Chosen], max_time: float, *, parts: Division | None
) -> list[Measurement]:
    """A session on every device, while the user is told how long it takes."""
    from vtbench.measure.isolated import MeasureSettings

    settings = MeasureSettings(max_seconds=max_time, parts=parts)
    doing = f"measuring {plural(len(session), 'model')}{' in turns' if len(session) > 1 else ''}"
    expected = STARTING + len(session) * (max_time + WarmUp().max_seconds)
    with stdout_kept_clean(), waiting(doing, expected):
        return measured(session, devices, settings)


def _kept(session: Sequence[Cell], devices: Sequence[Chosen], store: Store) -> list[Measurement]:
    """What a file holds of a session, if it holds all of it; that it does is said."""
    found = held(session, devices, store)
    if found:
        say(f"{store.path} already holds these measurements; name another file to measure again.")
    return found


def planned(cells: Sequence[Cell]) -> list[Measurement]:
    """A measurement for each cell that was not taken yet."""
    return [
        Measurement(
            workload=cell.workload, protocol=protocol_named(cell.protocol).id, error="Not yet."
        )
        for cell in cells
    ]


def _finish(records: Sequence[Measurement], written: Written, question: MeasuredRendering) -> int:
    """Write what there is; the exit status."""
    failed = [record for record in records if record.error is not None]
    for record in failed:
        say(str(record.error))
    if len(failed) == len(records):
        return 2
    written.write(measured_document(records, ratios_of(records), question))
    return 1 if failed else 0
