"""What the user typed of models to measure: how they are built, and how they are executed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from vtbench.cli.axes import combined
from vtbench.cli.executing import Execution, executed, refuse_contradictions
from vtbench.cli.options import Conditions, asked_models, parse_inputs, parse_resolution
from vtbench.cli.output import document_path, page_width, shape_of, wants_color
from vtbench.cli.weights import parse_weights
from vtbench.data.protocol import Protocol
from vtbench.data.workload import Attention, DeviceKind, Layout, Precision, Workload
from vtbench.report.measured import MeasuredRendering

TimedFormat = Literal[
    "table", "json", "csv", "markdown", "latex", "github-action-benchmark", "bencher", "timm-csv"
]
FormatOption = Annotated[
    TimedFormat | None,
    typer.Option(
        "--format", help="Shape of the document; a table, or what the name of --output ends in."
    ),
]
Keep = Annotated[
    Path | None,
    typer.Option("--records", metavar="FILE", help="Append the measurements to a file as well."),
]


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What the user typed, by the names of the command's parameters."""

    models: list[str] | None
    more_models: list[str] | None
    model_list: str | None
    option: list[str] | None
    weights: list[str] | None
    gpu: str | None
    device: str | None
    batch_size: str | None
    resolution: str | None
    tokens: int | None
    inputs: list[str] | None
    dtype: Precision
    autocast: bool
    layout: Layout
    threads: int | None
    compile_: str | None
    attention: Attention | None
    cudnn_benchmark: bool
    backward: bool
    train: bool
    records: Path | None
    format_: TimedFormat | None
    output: Path | None
    traceback: bool

    def execution(self, batch_size: int | None) -> Execution:
        """How every workload is executed."""
        return Execution(
            dtype=self.dtype,
            autocast=self.autocast,
            layout=self.layout,
            threads=self.threads,
            compile=self.compile_,
            attention=self.attention,
            cudnn_benchmark=self.cudnn_benchmark,
            batch_size=batch_size,
            tokens=self.tokens,
        )

    def path(self) -> Path | None:
        """The file of the document; None is standard output."""
        return document_path(self.output)

    def question(self, relative_to: str | None = None) -> MeasuredRendering:
        """The document that was asked for."""
        path = self.path()
        return MeasuredRendering(
            format=shape_of(self.format_, path),
            relative_to=relative_to,
            width=page_width(),
            color=path is None and wants_color(),
        )


def asked_workloads(
    ask: Ask,
    batch_sizes: Sequence[int | None],
    protocol: Protocol,
    kind: DeviceKind,
    base: str | None = None,
) -> dict[Workload, str | None]:
    """A workload for every model, batch and value of its options, and why it cannot be.

    ``base`` is a model that has to be there.
    """
    executions = [ask.execution(batch_size) for batch_size in batch_sizes]
    for execution in executions:
        refuse_contradictions(execution, kind)
    conditions = Conditions(
        resolution=parse_resolution(ask.resolution),
        inputs=parse_inputs(ask.inputs),
        train=ask.train,
        backward=ask.backward,
        weights=parse_weights(ask.weights),
    )
    names = asked_models(ask.models, ask.more_models, ask.model_list)
    return {
        executed(workload, execution, protocol, kind): error
        for workload, error in combined(names, ask.option, conditions, base).items()
        for execution in executions
    }
