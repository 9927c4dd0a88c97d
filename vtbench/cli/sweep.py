"""``vtbench sweep``: every combination of what was given several values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from vtbench.cli import executing, sweeping
from vtbench.cli.asking import FormatOption
from vtbench.cli.options import (
    Backward,
    Inputs,
    ModelList,
    Models,
    MoreModels,
    Options,
    Output,
    Traceback,
    Train,
)
from vtbench.sweep.local import Isolate

Axis = str | None


def sweep(
    models: Models = None,
    more_models: MoreModels = None,
    model_list: ModelList = None,
    option: Options = None,
    resolution: Annotated[
        Axis, typer.Option("--resolution", metavar="N,HxW,A:B:STEP", help="Image sizes.")
    ] = None,
    tokens: Annotated[
        Axis, typer.Option("--tokens", metavar="N,...", help="Values of the option `tokens`.")
    ] = None,
    batch_size: Annotated[
        Axis, typer.Option("--batch-size", metavar="N,...", help="Images per step.")
    ] = None,
    metric: Annotated[
        str,
        typer.Option(
            metavar="A,B",
            help="macs, throughput, latency, latency-cold, graph, compiled, memory.",
        ),
    ] = "macs",
    gpu: executing.Gpu = None,
    device: executing.DeviceOption = None,
    inputs: Inputs = None,
    dtype: Annotated[
        str, typer.Option("--dtype", metavar="A,B", help="Precisions: fp32, tf32, bf16, ...")
    ] = "fp32",
    autocast: executing.Autocast = False,
    layout: Annotated[
        str, typer.Option("--layout", metavar="A,B", help="Memory formats: nchw, channels_last.")
    ] = "nchw",
    threads: Annotated[
        Axis, typer.Option("--threads", metavar="N,...", help="Threads of the CPU.")
    ] = None,
    compile_: Annotated[
        Axis, typer.Option("--compile", metavar="MODE,...", help="Modes; none is eager.")
    ] = None,
    attention: Annotated[
        Axis, typer.Option("--attention", metavar="A,B", help="Kernels; none leaves it to torch.")
    ] = None,
    cudnn_benchmark: executing.CudnnBenchmark = True,
    backward: Backward = False,
    train: Train = False,
    records: Annotated[
        Path | None,
        typer.Option(
            "--records", metavar="FILE", help="Keep every measurement in a file, and go on there."
        ),
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Try cells again that failed when they were run.")
    ] = False,
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="Only part I of N, for jobs side by side.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the cells and how long they take, no more.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Run more than 1,000 cells.")] = False,
    isolate: Annotated[
        Isolate | None,
        typer.Option(help="A fresh process per cell, per model, or none; counts share one."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", metavar="N", help="Worker processes that count.")
    ] = None,
    executor: Annotated[
        Literal["local", "ray"], typer.Option(help="This machine, or a Ray cluster.")
    ] = "local",
    max_time: executing.MaxTime = 15.0,
    match_macs: Annotated[
        str | None,
        typer.Option("--match-macs", metavar="3.0G", help="The value nearest a budget, by --over."),
    ] = None,
    over: Annotated[
        str | None,
        typer.Option(
            "--over", metavar="AXIS", help="The option, or resolution, that meets the budget."
        ),
    ] = None,
    max_batch: Annotated[
        bool, typer.Option("--max-batch", help="Measure at the largest batch that fits.")
    ] = False,
    knee: Annotated[
        bool,
        typer.Option("--knee", help="Measure at the batch where throughput stops growing."),
    ] = False,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="AXIS", help="The axis whose values stand across."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw the first metric as PNG or SVG."),
    ] = None,
    format_: FormatOption = None,
    output: Output = None,
    traceback: Traceback = False,
) -> None:
    """Count and measure every combination of the values that are given.

    \b
    vtbench sweep --models vt_r34,resnet34 --resolution 192:512:32
    vtbench sweep vt_r34 --tokens 8,16,32 --batch-size 1,16 --metric macs,latency --records vt.jsonl
    vtbench sweep deit_s --dtype fp32,bf16 --metric throughput,memory --gpu 0,1 --records gpu.jsonl
    vtbench sweep deit_s -o drop_rate=0,0.1 -o 'deit_s:img_size=[224,256]' --dry-run
    vtbench sweep vt_r18 vt_r34 --match-macs 2.5G --over tokens --metric latency
    vtbench sweep deit_s --gpu 0 --max-batch --metric throughput,memory

    Values stand between commas or as start:stop:step, stop included; brackets make one value.
    With --records nothing is lost: the same command goes on where it stopped.

    Exit status: 0 done; 1 some cell failed; 2 nothing could be done; 130 interrupted.
    """
    asked = dict(locals())  # the parameters by name, which is how Ask takes them
    raise typer.Exit(sweeping.answer(sweeping.Ask(**asked)))
