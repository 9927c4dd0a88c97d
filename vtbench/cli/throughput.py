"""``vtbench throughput``: which model is faster, by how much, and how sure that is."""

from __future__ import annotations

from typing import Annotated

import typer

from vtbench.cli import asking, executing, timing
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
from vtbench.cli.weights import WeightFiles

PROTOCOLS = ("throughput", "compiled", "graph")


def throughput(
    models: Models = None,
    more_models: MoreModels = None,
    model_list: ModelList = None,
    option: Options = None,
    weights: WeightFiles = None,
    gpu: executing.Gpu = None,
    device: executing.DeviceOption = None,
    batch_size: executing.Batch = None,
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
    protocol: Annotated[
        str | None, typer.Option(metavar="NAME", help="throughput, compiled or graph.")
    ] = None,
    max_time: executing.MaxTime = 15.0,
    relative_to: timing.RelativeTo = None,
    stages: timing.Stages = False,
    records: asking.Keep = None,
    format_: asking.FormatOption = None,
    output: Output = None,
    traceback: Traceback = False,
) -> None:
    """Measure images per second; several models take turns, and their ratios have intervals.

    \b
    vtbench throughput --models vt_r34,resnet34
    vtbench throughput vt_r34 resnet34 --gpu 0 --dtype bf16 --layout channels_last
    vtbench throughput deit_s --batch-size 16 --threads 1 --stages
    vtbench throughput vt_r18 -o tokens=8,16 --format json

    Without --gpu the CPU is measured. What was held equal stands above the table.

    Exit status: 0 done; 1 some model failed; 2 nothing could be measured.
    """
    asked = dict(locals())  # the parameters by name, which is how Ask takes them
    raise typer.Exit(timing.answer(timing.Ask(**asked), PROTOCOLS))
