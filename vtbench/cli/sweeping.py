"""From the options of ``sweep`` to cells, from those to records, and from those to a document."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from vtbench.cli import axes, values
from vtbench.cli.asking import TimedFormat
from vtbench.cli.cost import check_figure
from vtbench.cli.counting import INTERRUPTED
from vtbench.cli.executing import Execution, parse_max_time, refuse_contradictions
from vtbench.cli.options import Conditions, asked_models, parse_inputs, parse_jobs, workloads
from vtbench.cli.output import (
    check_suffix,
    check_writable,
    document_path,
    page_width,
    say,
    shape_of,
    wants_color,
    write_document,
)
from vtbench.cli.sweep_run import Run, Trials, run_cells
from vtbench.cli.sweep_search import Sought, Wanted, solved, sought_in
from vtbench.data.measurement import Device, Measurement
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.workload import PRECISIONS, Attention, Layout
from vtbench.errors import UnknownModel, UsageError
from vtbench.report import Rendering
from vtbench.report.measured import AUTO, MeasuredRendering, measured_document
from vtbench.report.measured.charts import chart_of
from vtbench.report.planned import Planned, planned_document
from vtbench.sweep.axes import Grid, OptionAxis, cells
from vtbench.sweep.cells import COUNTED, Cell, shard
from vtbench.sweep.estimate import Estimate
from vtbench.sweep.local import Isolate
from vtbench.sweep.store import Store

LAYOUTS: tuple[Layout, ...] = ("nchw", "channels_last")
KERNELS: tuple[Attention, ...] = ("math", "flash", "efficient", "cudnn")


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What the user typed, by the names of the command's parameters."""

    models: list[str] | None
    more_models: list[str] | None
    model_list: str | None
    option: list[str] | None
    resolution: str | None
    tokens: str | None
    batch_size: str | None
    metric: str
    gpu: str | None
    device: str | None
    inputs: list[str] | None
    dtype: str
    autocast: bool
    layout: str
    threads: str | None
    compile_: str | None
    attention: str | None
    cudnn_benchmark: bool
    backward: bool
    train: bool
    records: Path | None
    retry: bool
    shard: str | None
    dry_run: bool
    yes: bool
    isolate: Isolate | None
    jobs: int | None
    executor: Literal["local", "ray"]
    max_time: float
    match_macs: str | None
    over: str | None
    max_batch: bool
    knee: bool
    by: str | None
    plot: Path | None
    format_: TimedFormat | None
    output: Path | None
    traceback: bool


def answer(ask: Ask) -> int:
    """Run the cells that are not done, write the document, say what went wrong; the status."""
    path = document_path(ask.output)
    parse_max_time(ask.max_time)
    parse_jobs(ask.jobs)
    part = axes.shard_of(ask.shard)
    check_suffix(path, ask.format_)
    for file in (path, ask.records):
        check_writable(file)
    check_figure(ask.plot)
    devices = _devices(ask)
    grid = _grid(ask, devices)
    sought = _sought(ask, grid)
    found = cells(sought.bases if sought else grid, many=ask.yes or ask.dry_run)
    if part is not None:
        found = shard(found, *part)
    if ask.dry_run:
        return _plan(ask, found, devices, path)
    with Store(ask.records) as store:
        return _run(ask, sought, found, (store, devices), path)


def _sought(ask: Ask, grid: Grid) -> Sought | None:
    """What is searched for, if anything."""
    wanted = Wanted(
        match_macs=ask.match_macs, over=ask.over, max_batch=ask.max_batch, knee=ask.knee
    )
    if ask.over is not None and ask.match_macs is None:
        raise UsageError("--over says what meets the budget of --match-macs; give both.")
    if not wanted:
        return None
    if ask.dry_run:
        raise UsageError("Cells that are searched for are not known before; leave out --dry-run.")
    return sought_in(wanted, grid)


def _run(
    ask: Ask,
    sought: Sought | None,
    found: Sequence[Cell],
    where: tuple[Store, tuple[Device, ...]],
    path: Path | None,
) -> int:
    """Search where something is searched for, run the cells, and finish; the exit status."""
    store, devices = where
    run = Run(
        executor=ask.executor,
        isolate=ask.isolate,
        jobs=ask.jobs,
        retry=ask.retry,
        max_seconds=ask.max_time,
        traceback=ask.traceback,
    )
    unsolved = 0
    try:
        if sought is not None:
            with contextlib.closing(Trials(store, devices, run)) as trials:
                found, unsolved = solved(sought, found, trials, devices)
        finished = run_cells(found, store, devices, run)
    except KeyboardInterrupt:
        finished = False
    records = [store.of(cell.key, _device_of(cell, devices)) for cell in found]
    kept = [record for record in records if record is not None]
    if not finished:
        _say_how_to_go_on(ask, len(kept), len(found))
        return INTERRUPTED
    return _finish(ask, kept, path, unsolved)


def _devices(ask: Ask) -> tuple[Device, ...]:
    """The devices to measure on; one that Ray lends is known when it has been used."""
    if ask.executor == "ray":
        return ()
    from vtbench.sweep.places import places

    return places(ask.gpu, ask.device)


def _grid(ask: Ask, devices: Sequence[Device]) -> Grid:
    """The grid that the options span."""
    kind = devices[0].kind if devices else _kind(ask)
    tokens = values.numbers(ask.tokens, "--tokens")
    options = axes.options(ask.option)
    if tokens is not None:
        options = (*options, OptionAxis(None, "tokens", tokens))
    grid = Grid(
        models=_models(ask, options),
        protocols=values.words(ask.metric, "--metric", tuple(PROTOCOLS)),
        options=options,
        resolutions=axes.resolutions(ask.resolution),
        batch_sizes=values.numbers(ask.batch_size, "--batch-size") or (None,),
        dtypes=values.words(ask.dtype, "--dtype", PRECISIONS),
        layouts=values.words(ask.layout, "--layout", LAYOUTS),
        threads=values.numbers(ask.threads, "--threads") or (None,),
        compiles=values.or_none(ask.compile_, str),
        attentions=values.or_none(ask.attention, _kernel),
        inputs=parse_inputs(ask.inputs),
        device=kind,
        autocast=ask.autocast,
        cudnn_benchmark=ask.cudnn_benchmark,
        train=ask.train,
        backward=ask.backward,
    )
    if grid.protocols != (COUNTED,):
        for dtype in grid.dtypes:
            for threads in grid.threads:
                execution = Execution(dtype=dtype, autocast=ask.autocast, threads=threads)
                refuse_contradictions(execution, kind)
    return grid


def _kind(ask: Ask) -> Literal["cpu", "cuda"]:
    """What to ask a cluster for."""
    on_gpu = ask.gpu is not None or (ask.device or "cpu").startswith("cuda")
    return "cuda" if on_gpu else "cpu"


def _kernel(name: str) -> Attention:
    return values.words(name, "--attention", KERNELS)[0]


def _models(ask: Ask, options: Sequence[OptionAxis]) -> tuple[str, ...]:
    """The models, patterns resolved; one that does not exist ends the sweep before it begins."""
    first = tuple((axis.only, axis.key, axis.values[0]) for axis in options)
    names = asked_models(ask.models, ask.more_models, ask.model_list)
    asked = workloads(names, Conditions(options=first))
    for _, error in asked:
        if error is not None:
            raise UnknownModel(error)
    return tuple(workload.model for workload, _ in asked)


def _device_of(cell: Cell, devices: Sequence[Device]) -> str | None:
    return None if cell.protocol == COUNTED or not devices else devices[0].name


def _plan(ask: Ask, found: Sequence[Cell], devices: Sequence[Device], path: Path | None) -> int:
    """What would be run, and for how long."""
    there = ask.records if ask.records is not None and ask.records.exists() else None
    with Store(there) as store:
        estimate = Estimate(store.records, ask.max_time)
        plan = [
            Planned(
                cell.workload,
                cell.protocol,
                estimate.seconds(cell),
                estimate.known(cell),
                store.of(cell.key, _device_of(cell, devices)) is not None,
            )
            for cell in found
        ]
    workers = max(1, len(devices))
    seconds = sum(each.seconds for each in plan if not each.done) / workers
    shape = shape_of(ask.format_, path)
    color = path is None and wants_color()
    asked = Rendering(
        format=shape, width=page_width(), color=color, command="vtbench sweep --dry-run"
    )
    write_document(planned_document(plan, seconds, asked), path)
    return 0


def _say_how_to_go_on(ask: Ask, done: int, number: int) -> None:
    say(f"stopped with {done} of {number} cells done.")
    if ask.records is None:
        say("They are not kept, for want of --records FILE.")
    else:
        say(f"To go on: {shlex.join(['vtbench', *sys.argv[1:]])}")


def _finish(ask: Ask, records: Sequence[Measurement], path: Path | None, unsolved: int) -> int:
    """Say what failed, and write the document; the exit status."""
    failed = [record for record in records if record.error is not None]
    _say_failures(failed)
    if len(failed) == len(records):
        return 2
    shape = shape_of(ask.format_, path)
    question = MeasuredRendering(
        format=shape,
        by=ask.by or AUTO,
        width=page_width(),
        color=path is None and wants_color(),
    )
    write_document(measured_document(records, (), question), path)
    if ask.plot is not None:
        _draw(records, ask.by, ask.plot)
    return 1 if failed or unsolved else 0


def _draw(records: Sequence[Measurement], by: str | None, path: Path) -> None:
    """The first metric that came off, along the longest axis or the one that was asked for."""
    from vtbench.report.plot import draw

    first = next(record.protocol for record in records if record.error is None)
    same = [record for record in records if record.protocol == first]
    draw(chart_of(same, by, None), path)
    say(f"wrote {path}")


def _say_failures(failed: Sequence[Measurement]) -> None:
    """Every kind of failure once, with how many cells it befell."""
    kinds: dict[str, int] = {}
    for record in failed:
        said = f"{record.workload.model}: {record.error}"
        kinds[said] = kinds.get(said, 0) + 1
    for said, number in kinds.items():
        say(said if number == 1 else f"{said} ({number} cells)")
