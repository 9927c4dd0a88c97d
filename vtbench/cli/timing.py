"""From the options of ``throughput`` and ``latency`` to sessions, and from those to a document."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import typer

from vtbench.cli.executing import (
    Execution,
    executed,
    parse_max_time,
    parse_one_batch,
    refuse_contradictions,
)
from vtbench.cli.options import (
    Conditions,
    asked_models,
    parse_inputs,
    parse_options,
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
from vtbench.cli.waiting import waiting
from vtbench.cli.weights import parse_weights
from vtbench.derived import ratios_of
from vtbench.errors import BadOption
from vtbench.measurement import Measurement, Ratio
from vtbench.protocol import Protocol, protocol_named
from vtbench.report.measured import MeasuredQuestion, measured_document
from vtbench.report.units import plural
from vtbench.stats import WarmUp
from vtbench.sweep.store import Store
from vtbench.workload import Attention, Layout, Precision, Workload

if TYPE_CHECKING:
    from vtbench.measure.devices import Chosen

TimedFormat = Literal[
    "table", "json", "csv", "markdown", "latex", "github-action-benchmark", "bencher", "timm-csv"
]
STARTING = 20.0
"""Seconds that starting a process and building models may take."""
_VALUE = re.compile(r"""(?:[^,(\["']|\([^)]*\)|\[[^\]]*\]|"[^"]*"|'[^']*')+""")

FormatOption = Annotated[
    TimedFormat | None,
    typer.Option(
        "--format", help="Shape of the document; a table, or what the name of --output ends in."
    ),
]
RelativeTo = Annotated[
    str | None, typer.Option("--relative-to", metavar="MODEL", help="Say ratios to this model.")
]
Stages = Annotated[
    bool,
    typer.Option("--stages", help="Time the stages of each model too: where the time goes."),
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
    protocol: str | None
    max_time: float
    relative_to: str | None
    stages: bool
    records: Path | None
    format_: TimedFormat | None
    output: Path | None
    traceback: bool


def answer(ask: Ask, allowed: Sequence[str]) -> int:
    """Measure what was asked, write the document, and say what went wrong; the exit status."""
    from vtbench.measure.devices import choose

    path = None if ask.output == Path("-") else ask.output
    protocol = _protocol(ask, allowed)
    parse_max_time(ask.max_time)
    check_suffix(path, ask.format_)
    for file in (path, ask.records):
        check_writable(file)
    execution = _execution(ask)
    devices = choose(execution.gpu, execution.device)
    asked = _asked(ask, execution, protocol, devices[0].kind)
    refused = [
        Measurement(workload=workload, protocol=protocol.id, error=error)
        for workload, error in asked
        if error is not None
    ]
    todo = [workload for workload, error in asked if error is None]
    with Store(ask.records) as store:  # a file that is none of ours is refused before the work
        records = refused + _measured(todo, protocol, devices, ask)
        return _finish(records, store, ask, path)


def _protocol(ask: Ask, allowed: Sequence[str]) -> Protocol:
    """The protocol that was named, or the command's own; compiling has one of its own."""
    name = ask.protocol or ("compiled" if ask.compile_ and "compiled" in allowed else allowed[0])
    protocol = protocol_named(name)
    if name not in allowed:
        raise BadOption(
            f"The protocol {name} is not one of this command; it has {', '.join(allowed)}."
        )
    return protocol


def _execution(ask: Ask) -> Execution:
    return Execution(
        gpu=ask.gpu,
        device=ask.device,
        dtype=ask.dtype,
        autocast=ask.autocast,
        layout=ask.layout,
        threads=ask.threads,
        compile=ask.compile_,
        attention=ask.attention,
        cudnn_benchmark=ask.cudnn_benchmark,
        batch_size=parse_one_batch(ask.batch_size),
        tokens=ask.tokens,
    )


def _asked(
    ask: Ask, execution: Execution, protocol: Protocol, kind: str
) -> list[tuple[Workload, str | None]]:
    """A workload for every model and every value of its options, and why it cannot be."""
    refuse_contradictions(execution, kind)
    names = asked_models(ask.models, ask.more_models, ask.model_list)
    files = parse_weights(ask.weights)
    found: dict[Workload, str | None] = {}
    for options in option_values(ask.option):
        conditions = Conditions(
            options=options,
            resolution=parse_resolution(ask.resolution),
            inputs=parse_inputs(ask.inputs),
            train=ask.train,
            backward=ask.backward,
            weights=files,
        )
        for workload, error in workloads(names, conditions, ask.relative_to):
            found.setdefault(executed(workload, execution, protocol, kind), error)
    return list(found.items())


def option_values(given: Sequence[str] | None) -> list[tuple[tuple[str | None, str, Any], ...]]:
    """Every combination of the values that options were given: ``key=a,b`` is two of them.

    What stands in brackets or quotes is one value.
    """
    spelled = []
    for text in given or ():
        left, equals, values = text.partition("=")
        spelled.append([f"{left}{equals}{value}" for value in split_values(values)])
    return [parse_options(chosen) for chosen in itertools.product(*spelled)]


def split_values(text: str) -> list[str]:
    """Values between commas that stand outside of brackets and quotes."""
    return _VALUE.findall(text) or [text]


def _measured(
    todo: Sequence[Workload],
    protocol: Protocol,
    devices: Sequence[Chosen],
    ask: Ask,
) -> list[Measurement]:
    """One session on every device, each in a process of its own."""
    from vtbench.measuring import MeasureSettings, measure

    if not todo:
        return []
    sessions = [
        MeasureSettings(
            protocol=protocol.name,
            index=device.index,
            max_seconds=ask.max_time,
            stages=ask.stages,
        )
        for device in devices
    ]
    doing = f"measuring {plural(len(todo), 'model')}{' in turns' if len(todo) > 1 else ''}"
    most = STARTING + len(todo) * (ask.max_time + WarmUp().max_seconds)
    with stdout_kept_clean(), waiting(doing, most):
        return measure(todo, sessions)


def _finish(records: Sequence[Measurement], store: Store, ask: Ask, path: Path | None) -> int:
    """Keep and write what there is; the exit status."""
    failed = [record for record in records if record.error is not None]
    for record in failed:
        say(str(record.error))
    try:
        for record in records:
            store.append(record)
    finally:  # what cannot be kept is shown all the same
        if len(failed) < len(records):
            write_document(_document(records, ratios_of(records), ask, path), path)
    if len(failed) == len(records):
        return 2
    return 1 if failed else 0


def _document(
    records: Sequence[Measurement], ratios: Sequence[Ratio], ask: Ask, path: Path | None
) -> str:
    format_ = ask.format_ or SUFFIXES.get(path.suffix.lower() if path else "", "table")
    question = MeasuredQuestion(
        format=format_,
        relative_to=ask.relative_to,
        width=page_width(),
        color=path is None and wants_color(),
    )
    return measured_document(records, ratios, question)
