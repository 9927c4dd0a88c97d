"""From the options of ``sweep`` to cells, from those to records, and from those to a document."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
import typer

from vtbench.cli.counting import INTERRUPTED
from vtbench.cli.figures import Drawing
from vtbench.cli.groups import Group
from vtbench.cli.options import (
    LAUNCHES_HELP,
    Across,
    Building,
    Device,
    Execution,
    Jobs,
    Models,
    Output,
    RelativeTo,
    Save,
    Session,
)
from vtbench.cli.output import say
from vtbench.cli.sweep_output import Shown, finish, first_drawn
from vtbench.cli.sweep_plan import show_plan
from vtbench.cli.sweep_run import Trials, run_cells
from vtbench.cli.sweep_search import Searches, Sought, solved, sought_in
from vtbench.cli.table_shape import Cite, TableShape, refuse_beside_axis
from vtbench.cli.timing import planned
from vtbench.cli.values import one_of, seconds_of, spelled
from vtbench.cli.workloads import found_models, grid_of, named
from vtbench.data.measurement import Device as Place
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.workload import DeviceKind
from vtbench.errors import UnknownModel, UsageError
from vtbench.report.measured import (
    AUTO,
    MeasuredRendering,
    refuse_unknown_columns,
)
from vtbench.report.measured.charts import ROWS, refuse_figure
from vtbench.sweep.axes import Grid, cells, tokens_where_taken
from vtbench.sweep.cells import COUNTED, Cell, device_of, shard, which_part
from vtbench.sweep.held_against import check_base
from vtbench.sweep.local import Isolate
from vtbench.sweep.rounds import in_rounds, rounds_asked
from vtbench.sweep.running import Run
from vtbench.sweep.store import Store


class Running(Group, frozen=True, kw_only=True):
    """How the cells of a sweep are run."""

    metric: Annotated[
        str,
        typer.Option(
            metavar="A,B",
            help="Protocols to run for each cell: macs, throughput, latency, latency-cold, "
            "graph, compiled, memory.",
        ),
    ] = "macs"
    retry: Annotated[
        bool, typer.Option("--retry", help="Run the cells again that failed before.")
    ] = False
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Run only part I of N, so that N jobs can share a sweep."),
    ] = None
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show the cells and how long they may take, and run none."),
    ] = False
    yes: Annotated[bool, typer.Option("--yes", help="Allow more than 1,000 cells.")] = False
    isolate: Annotated[
        Isolate | None,
        typer.Option(
            help="Start a new process for each cell, for each model, or for none (default: "
            "cell; counts share a process)."
        ),
    ] = None
    launches: Annotated[
        int | None,
        typer.Option(metavar="N", help=LAUNCHES_HELP),
    ] = None
    seed: Annotated[
        int, typer.Option(metavar="N", help="Seed of the random order of cells in each round.")
    ] = 0
    within: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="End within this time, such as 90s, 20m or 1.5h, with as many rounds as fit "
            "(default: all rounds).",
        ),
    ] = None
    executor: Annotated[
        Literal["local", "ray"], typer.Option(help="Run on this machine, or on a Ray cluster.")
    ] = "local"


class Sweep(Group, frozen=True, kw_only=True):
    """Everything that is asked of a sweep."""

    models: Models
    building: Building
    device: Device
    execution: Execution
    running: Running
    session: Session
    searches: Searches
    jobs: Jobs
    save: Save
    relative_to: RelativeTo = None
    across: Across = None
    drawing: Drawing
    shaped: TableShape = TableShape()
    cite: Cite = False
    output: Output


def answer(ask: Sweep) -> int:
    """Run the cells that are not done, write the document, say what went wrong; the status."""
    written = ask.shaped.on_paper(
        ask.output.written("sweep", "plan" if ask.running.dry_run else "measurements")
    )
    question = written.shown_as(
        MeasuredRendering,
        by=None if ask.across == ROWS else ask.across or AUTO,
        relative_to=ask.relative_to,
        shape=ask.shaped.shape(),
        cite=ask.cite,
    )
    refuse_beside_axis(question.shape, across=ask.across)
    run = _run_of(ask)
    part = shard_of(ask.running.shard)
    figure = ask.drawing.figure()
    devices = _devices(ask)
    grid = _grid(ask, devices)
    sought = _sought(ask, grid)
    running = ask.running
    found = cells(sought.bases if sought else grid, many=running.yes or running.dry_run)
    if ask.relative_to is not None:
        check_base(ask.relative_to, found, grid, run.rounds)
    if part is not None:
        found = shard(found, *part)
    if running.dry_run:
        return show_plan(found, (ask.save.save, devices), run, written)
    if sought is None:
        refuse_unknown_columns(planned(found), question)
        if figure is not None:
            refuse_figure(first_drawn(found), ask.across)
    with Store(ask.save.save) as store:
        shown = Shown(written, question, figure, ask.across)
        return _run(ask, run, (sought, found), (store, devices), shown)


def _sought(ask: Sweep, grid: Grid) -> Sought | None:
    """What is searched for, if anything."""
    if ask.searches.over is not None and ask.searches.match_macs is None:
        raise UsageError("--over chooses the axis of --match-macs; give both.")
    if not ask.searches.any:
        return None
    if ask.running.dry_run:
        raise UsageError(
            "Cells that a search has still to find cannot be shown; leave out --dry-run."
        )
    return sought_in(ask.searches, grid)


def _run_of(ask: Sweep) -> Run:
    """How cells are run; what cannot be is refused before any work."""
    running = ask.running
    return Run(
        executor=ask.running.executor,
        isolate=ask.running.isolate,
        jobs=ask.jobs.number,
        retry=ask.running.retry,
        max_seconds=ask.session.seconds(),
        rounds=rounds_asked(running.launches, running.seed, running.isolate),
        within=_within(ask),
        traceback=ask.output.traceback,
    )


def _within(ask: Sweep) -> float | None:
    """Seconds that the whole sweep may take, if it was told."""
    if ask.running.within is None:
        return None
    if ask.searches.any or ask.running.executor == "ray":
        other = "--executor ray" if ask.running.executor == "ray" else "a search"
        raise UsageError(f"--within cannot be held beside {other}; leave out one of them.")
    return seconds_of(ask.running.within, "--within")


def _run(
    ask: Sweep,
    run: Run,
    asked: tuple[Sought | None, Sequence[Cell]],
    where: tuple[Store, tuple[Place, ...]],
    shown: Shown,
) -> int:
    """Search if something is searched for, run the cells, and finish; the exit status."""
    (sought, found), (store, devices) = asked, where
    unsolved = 0
    try:
        if sought is not None:
            with contextlib.closing(Trials(store, devices, run)) as trials:
                found, unsolved = solved(sought, found, trials, devices)
        finished = run_cells(found, store, devices, run)
    except KeyboardInterrupt:
        finished = False
    records = [store.of(cell.key, device_of(cell, devices)) for cell in found]
    kept = [record for record in records if record is not None]
    if not finished:
        todo = found if run.rounds is None else in_rounds(found, run.rounds)
        done = sum(store.launch_of(each, device_of(each, devices)) is not None for each in todo)
        noun = "launches" if any(each.turn is not None for each in todo) else "cells"
        _say_how_to_go_on(ask, f"{done} of {len(todo)} {noun}")
        return INTERRUPTED
    return finish(kept, shown, unsolved + len(found) - len(kept))


def _devices(ask: Sweep) -> tuple[Place, ...]:
    """The devices to measure on; one that Ray lends is known when it has been used."""
    if ask.running.executor == "ray":
        return ()
    from vtbench.sweep.device_lookup import look_up_devices

    return look_up_devices(ask.device.gpu, ask.device.device)


def _grid(ask: Sweep, devices: Sequence[Place]) -> Grid:
    """The grid that the options span."""
    metrics = [
        one_of(word, "--metric", tuple(PROTOCOLS))
        for word in spelled(ask.running.metric, "--metric")
    ]
    kind = devices[0].kind if devices else _kind(ask)
    executed = ask.execution if metrics != [COUNTED] else None
    grid = grid_of(ask.building, executed, protocols=tuple(dict.fromkeys(metrics)), kind=kind)
    from vtbench.models.axes import takes

    return tokens_where_taken(msgspec.structs.replace(grid, models=_models(ask)), takes)


def _kind(ask: Sweep) -> DeviceKind:
    """What to ask a cluster for."""
    on_gpu = ask.device.gpu is not None or (ask.device.device or "cpu").startswith("cuda")
    return "cuda" if on_gpu else "cpu"


def _models(ask: Sweep) -> tuple[str, ...]:
    """The models, patterns resolved; one that does not exist ends the sweep before it begins."""
    found = found_models(named(ask.models))
    for error in found.values():
        if error is not None:
            raise UnknownModel(error)
    return tuple(found)


def _say_how_to_go_on(ask: Sweep, done: str) -> None:
    say(f"The sweep stopped with {done} done.")
    if ask.save.save is None:
        say("Their results are lost; give --save FILE to keep them.")
    else:
        say(f"To go on, run: {shlex.join(['vtbench', *sys.argv[1:]])}")


def shard_of(text: str | None) -> tuple[int, int] | None:
    """``2/5``: the second of five parts."""
    if text is None:
        return None
    found = which_part(text)
    if found is None:
        raise UsageError(f"--shard: expected a part such as 2/5, got {text!r}.")
    return found
