"""How a workload is executed, as the options of every command that measures say it."""

from __future__ import annotations

import math
from typing import Annotated, Any

import msgspec
import typer

from vtbench.data.protocol import Protocol
from vtbench.data.workload import Attention, Layout, Precision, Workload, freeze_options
from vtbench.errors import BadOption

Gpu = Annotated[
    str | None,
    typer.Option(
        "--gpu", metavar="N|N,M|auto", help="Which GPU, or several; auto takes the idlest."
    ),
]
DeviceOption = Annotated[
    str | None, typer.Option("--device", metavar="cpu|cuda:N", help="The same in torch's words.")
]
Dtype = Annotated[Precision, typer.Option(help="Precision; fp32 is without TF32, which is tf32.")]
Autocast = Annotated[
    bool, typer.Option("--autocast", help="Leave --dtype to torch's autocast; weights stay fp32.")
]
LayoutOption = Annotated[
    Layout, typer.Option("--layout", help="Memory format of weights and images.")
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", metavar="N", help="Threads of the CPU; torch's own choice without."),
]
Compile = Annotated[
    str | None,
    typer.Option(
        "--compile", metavar="MODE", help="Compile first: default, reduce-overhead, max-autotune."
    ),
]
AttentionOption = Annotated[
    Attention | None,
    typer.Option("--attention", help="Hold fused attention to one kernel; torch chooses without."),
]
MaxTime = Annotated[
    float,
    typer.Option("--max-time", metavar="SECONDS", help="Most seconds of samples for each model."),
]
Tokens = Annotated[
    int | None,
    typer.Option("--tokens", metavar="N", help="The option `tokens` of every model that has it."),
]
Batch = Annotated[
    str | None,
    typer.Option(
        "--batch-size",
        metavar="N",
        help="Images per step; without, the protocol's: 64 on a GPU for throughput, otherwise 1.",
    ),
]
CudnnBenchmark = Annotated[
    bool,
    typer.Option(
        "--cudnn-benchmark/--no-cudnn-benchmark", help="Whether cuDNN tries before it chooses."
    ),
]

GPU_ONLY = ("tf32",)
CPU_ONLY = ("bf32",)


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """What the options of one command say of how every workload is executed."""

    dtype: Precision = "fp32"
    autocast: bool = False
    layout: Layout = "nchw"
    threads: int | None = None
    compile: str | None = None
    attention: Attention | None = None
    cudnn_benchmark: bool = True
    batch_size: int | None = None
    tokens: int | None = None


def executed(workload: Workload, execution: Execution, protocol: Protocol, kind: Any) -> Workload:
    """The workload as it is to be executed on a kind of device under a protocol."""
    options = dict(workload.options)
    if execution.tokens is not None:
        options["tokens"] = execution.tokens
    return msgspec.structs.replace(
        workload,
        options=freeze_options(options),
        batch_size=execution.batch_size or protocol.batch_size(kind),
        device=kind,
        dtype=execution.dtype,
        autocast=execution.autocast,
        layout=execution.layout,
        compile=execution.compile,
        threads=execution.threads if kind == "cpu" else None,
        attention=execution.attention,
        cudnn_benchmark=execution.cudnn_benchmark if kind == "cuda" else True,
    )


def refuse_contradictions(execution: Execution, kind: str) -> None:
    """Options that cannot hold together, before anything is measured for them."""
    if kind == "cpu" and execution.dtype in GPU_ONLY:
        raise BadOption("tf32 is a precision of GPUs; give --gpu, or another --dtype on a CPU.")
    if kind == "cuda" and execution.dtype in CPU_ONLY:
        raise BadOption("bf32 is a precision of CPUs; leave out --gpu, or give another --dtype.")
    if execution.autocast and execution.dtype not in ("bf16", "fp16"):
        raise BadOption(f"--autocast goes to bf16 or fp16, not to {execution.dtype}; give --dtype.")
    if kind == "cuda" and execution.threads is not None:
        raise BadOption("--threads is of the CPU; leave it out beside --gpu.")
    if execution.threads is not None and execution.threads < 1:
        raise BadOption(f"{execution.threads} threads cannot run anything; give 1 or more.")
    if execution.tokens is not None and execution.tokens < 1:
        raise BadOption(f"{execution.tokens} tokens are too few; give 1 or more.")


def parse_max_time(seconds: float) -> float:
    """A positive, finite time."""
    if not (seconds > 0 and math.isfinite(seconds)):
        raise BadOption(f"A --max-time of {seconds:g} s cannot be kept; give a positive number.")
    return seconds
