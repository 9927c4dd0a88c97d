"""``vtbench memory``: weights, the peak of a step, and how far it is from the predicted one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from vtbench.cli import asking, executing
from vtbench.cli.options import (
    Backward,
    Inputs,
    ModelList,
    Models,
    MoreModels,
    Options,
    Output,
    Resolution,
    Traceback,
    Train,
)
from vtbench.cli.output import check_suffix, check_writable, say, stdout_kept_clean, write_document
from vtbench.cli.progress import progress
from vtbench.cli.values import numbers
from vtbench.cli.weights import WeightFiles
from vtbench.data.measurement import Measurement
from vtbench.data.workload import Workload
from vtbench.errors import BadInput
from vtbench.measure.isolated import MEMORY, footprints
from vtbench.report.measured import measured_document
from vtbench.sweep.store import Store

if TYPE_CHECKING:
    from vtbench.measure.machine.devices import Chosen

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
    records: asking.Keep = None,
    format_: asking.FormatOption = None,
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
    asked = dict(locals())  # the parameters by name, which is how Ask takes them
    raise typer.Exit(_answer(asking.Ask(**asked)))


def _answer(ask: asking.Ask) -> int:
    """Measure what was asked, write the document, and say what went wrong; the exit status."""
    from vtbench.measure.machine.devices import choose

    check_suffix(ask.path(), ask.format_)
    for file in (ask.path(), ask.records):
        check_writable(file)
    batch_sizes = numbers(ask.batch_size, "--batch-size") or (1,)
    place = _one(choose(ask.gpu, ask.device))
    asked = asking.asked_workloads(ask, batch_sizes, MEMORY, place.kind)
    with Store(ask.records) as store:
        found = _measured(asked, place.index, store, traceback=ask.traceback)
    return _finish(found, ask)


def _one(devices: Sequence[Chosen]) -> Chosen:
    """The device, where it is not several."""
    if len(devices) > 1:
        raise BadInput("The memory of a step is measured on one GPU; give --gpu one number.")
    return devices[0]


def _measured(
    asked: Asked, index: int | None, store: Store, *, traceback: bool
) -> list[Measurement]:
    """A record for each workload in order, kept as soon as it is there."""
    found = {
        workload: Measurement(workload=workload, protocol=MEMORY.id, error=error)
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


def _finish(found: Sequence[Measurement], ask: asking.Ask) -> int:
    """Write what there is, and say what failed; the exit status."""
    failed = [record for record in found if record.error is not None]
    for record in failed:
        say(str(record.error))
    if len(failed) == len(found):
        return 2
    write_document(measured_document(found, (), ask.question()), ask.path())
    return 1 if failed else 0
