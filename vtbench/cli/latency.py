"""``vtbench latency``: how long one step takes while the caller waits for it."""

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

PROTOCOLS = ("latency", "latency-cold")


def latency(
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
        str | None,
        typer.Option(
            metavar="NAME",
            help="latency, or latency-cold, which empties the cache before each step.",
        ),
    ] = None,
    max_time: executing.MaxTime = 15.0,
    relative_to: timing.RelativeTo = None,
    stages: timing.Stages = False,
    records: asking.Keep = None,
    format_: asking.FormatOption = None,
    output: Output = None,
    traceback: Traceback = False,
) -> None:
    """Measure seconds of single steps, batch 1 unless asked, with percentiles where samples allow.

    \b
    vtbench latency vt_r34 resnet34
    vtbench latency deit_s --gpu 0 --protocol latency-cold

    The host waits for the device after every step. Without --gpu the CPU is measured.

    Exit status: 0 done; 1 some model failed; 2 nothing could be measured.
    """
    asked = dict(locals())  # the parameters by name, which is how Ask takes them
    raise typer.Exit(timing.answer(timing.Ask(**asked), PROTOCOLS))
