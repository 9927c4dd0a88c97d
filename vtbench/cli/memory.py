"""``vtbench memory``: weights, the peak of a step, and how far it is from the predicted one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from vtbench.cli import executing, timing
from vtbench.cli.options import (
    Backward,
    Conditions,
    Inputs,
    ModelList,
    Models,
    MoreModels,
    Options,
    Output,
    Resolution,
    Traceback,
    Train,
    asked_models,
    parse_inputs,
    parse_resolution,
    workloads,
)
from vtbench.cli.output import (
    SUFFIXES,
    check_suffix,
    check_writable,
    page_width,
    say,
    stdout_kept_clean,
    wants_color,
    write_document,
)
from vtbench.cli.progress import progress
from vtbench.cli.weights import WeightFiles, parse_weights
from vtbench.errors import BadInput
from vtbench.footprint import PROTOCOL, footprints
from vtbench.measurement import Measurement
from vtbench.report.measured import MeasuredQuestion, measured_document
from vtbench.sweep.store import Store
from vtbench.workload import Workload

if TYPE_CHECKING:
    from vtbench.measure.devices import Chosen

Asked = dict[Workload, str | None]
"""Workload -> why it cannot be, or None."""


def memory(
    models: Models = None,
    more_models: MoreModels = None,
    model_list: ModelList = None,
    option: Options = None,
    weights: WeightFiles = None,
    gpu: executing.Gpu = None,
    device: executing.DeviceOption = None,
    batch_size: Annotated[
        str, typer.Option("--batch-size", metavar="N,...", help="Images per step; several values.")
    ] = "1",
    resolution: Resolution = None,
    tokens: executing.Tokens = None,
    inputs: Inputs = None,
    dtype: executing.Dtype = "fp32",
    autocast: executing.Autocast = False,
    layout: executing.LayoutOption = "nchw",
    threads: executing.Threads = None,
    compile_: executing.Compile = None,
    attention: executing.AttentionOption = None,
    cudnn_benchmark: executing.CudnnBenchmark = True,
    backward: Backward = False,
    train: Train = False,
    records: timing.Keep = None,
    format_: timing.FormatOption = None,
    output: Output = None,
    traceback: Traceback = False,
) -> None:
    """Measure the memory of a step, each model in a process of its own, beside the predicted one.

    \b
    vtbench memory --models resnet50,deit_s --batch-size 1,8
    vtbench memory swin_t --gpu 0 --dtype bf16 --batch-size 64 --format json

    On a GPU the peaks are those of torch's allocator, on a CPU of the process, above what it held
    before the model. Running out of memory is a row.

    Exit status: 0 done; 1 some model failed; 2 nothing could be measured.
    """
    from vtbench.measure.devices import choose

    path = None if output == Path("-") else output
    check_suffix(path, format_)
    for file in (path, records):
        check_writable(file)
    execution = executing.Execution(
        gpu=gpu,
        device=device,
        dtype=dtype,
        autocast=autocast,
        layout=layout,
        threads=threads,
        compile=compile_,
        attention=attention,
        cudnn_benchmark=cudnn_benchmark,
        tokens=tokens,
    )
    place = _one(choose(gpu, device))
    executing.refuse_contradictions(execution, place.kind)
    sized = [
        msgspec.structs.replace(execution, batch_size=batch)
        for batch in parse_batch_sizes(batch_size)
    ]
    names = asked_models(models, more_models, model_list)
    files = parse_weights(weights)
    conditions = [
        Conditions(
            options=options,
            resolution=parse_resolution(resolution),
            inputs=parse_inputs(inputs),
            train=train,
            backward=backward,
            weights=files,
        )
        for options in timing.option_values(option)
    ]
    asked: Asked = {
        executing.executed(workload, execution, PROTOCOL, place.kind): error
        for each in conditions
        for workload, error in workloads(names, each)
        for execution in sized
    }
    with Store(records) as store:
        found = _measured(asked, place.index, store, traceback=traceback)
    question = MeasuredQuestion(
        format=format_ or SUFFIXES.get(path.suffix.lower() if path else "", "table"),
        width=page_width(),
        color=path is None and wants_color(),
    )
    raise typer.Exit(_answer(found, question, path))


def _one(devices: Sequence[Chosen]) -> Chosen:
    """The device, where it is not several."""
    if len(devices) > 1:
        raise BadInput("The memory of a step is measured on one GPU; give --gpu one number.")
    return devices[0]


def parse_batch_sizes(text: str) -> tuple[int, ...]:
    """``1,8``: whole numbers from 1, each once."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) for part in parts):
        raise BadInput(f"--batch-size takes whole numbers from 1 between commas; not {text!r}.")
    return tuple(dict.fromkeys(map(int, parts)))


def _measured(
    asked: Asked, index: int | None, store: Store, *, traceback: bool
) -> list[Measurement]:
    """A record for each workload in order, kept as soon as it is there."""
    found = {
        workload: Measurement(workload=workload, protocol=PROTOCOL.id, error=error)
        for workload, error in asked.items()
        if error is not None
    }
    for record in found.values():
        store.append(record)
    todo = [workload for workload in asked if workload not in found]
    with stdout_kept_clean(), progress(len(todo), "measuring") as advance:
        for place, outcome in footprints(todo, index):
            advance(todo[place].model)
            if outcome.result is not None:
                found[todo[place]] = outcome.result
                store.append(outcome.result)
            if traceback and outcome.trace:
                sys.stderr.write(outcome.trace)
    return [found[workload] for workload in asked if workload in found]


def _answer(found: Sequence[Measurement], question: MeasuredQuestion, path: Path | None) -> int:
    """Write what there is, and say what failed; the exit status."""
    failed = [record for record in found if record.error is not None]
    for record in failed:
        say(str(record.error))
    if len(failed) == len(found):
        return 2
    write_document(measured_document(found, (), question), path)
    return 1 if failed else 0
