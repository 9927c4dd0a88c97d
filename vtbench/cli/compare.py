"""``vtbench compare``: measurements held against earlier ones, or against another revision's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from vtbench.cli import executing
from vtbench.cli.options import (
    Backward,
    FormatOption,
    Inputs,
    Options,
    Output,
    Resolution,
    Traceback,
    Train,
)
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
from vtbench.cli.revisions import LAUNCHES, Ask, compared_revisions
from vtbench.data.comparison import Comparison, compare_records, failing
from vtbench.data.files import read_measurements
from vtbench.errors import BadOption, UsageError
from vtbench.report.compared import ComparisonRendering, compared_document
from vtbench.stats import Gate

_FILES = 2


def compare(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="BASE.jsonl NEW.jsonl | PACKAGE.MODULE:FUNCTION",
            help="Two files of measurements, the one to compare with first; with --base, a "
            "function of yours that returns a module.",
            show_default=False,
        ),
    ] = None,
    across: Annotated[
        str | None,
        typer.Option(
            metavar="KEY,...",
            help="What differs on purpose, such as torch, commit, dtype or device.",
        ),
    ] = None,
    smallest: Annotated[
        str, typer.Option(metavar="P%", help="The smallest change of the time that matters.")
    ] = "3%",
    fail_on_unclear: Annotated[
        bool,
        typer.Option("--fail-on-unclear", help="End with status 1 too where it cannot be told."),
    ] = False,
    base: Annotated[
        str | None,
        typer.Option(metavar="REV", help="Measure now, this revision and the files as they are."),
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(metavar="REV", help="With --base: another revision in place of the files."),
    ] = None,
    launches: Annotated[
        int, typer.Option(metavar="N", help="With --base: how often both are started afresh.")
    ] = LAUNCHES,
    protocol: Annotated[
        str, typer.Option(metavar="NAME", help="With --base: throughput, latency, ...")
    ] = "throughput",
    option: Options = None,
    gpu: executing.Gpu = None,
    device: executing.DeviceOption = None,
    batch_size: executing.Batch = None,
    resolution: Resolution = None,
    inputs: Inputs = None,
    dtype: executing.Dtype = "fp32",
    autocast: executing.Autocast = False,
    layout: executing.LayoutOption = "nchw",
    threads: executing.Threads = None,
    compile_: executing.Compile = None,
    attention: executing.AttentionOption = None,
    backward: Backward = False,
    train: Train = False,
    max_time: executing.MaxTime = 15.0,
    format_: FormatOption = None,
    output: Output = None,
    traceback: Traceback = False,
) -> None:
    """Compare measurements of the same workloads: faster, slower, the same, or not to be told.

    \b
    vtbench compare before.jsonl after.jsonl
    vtbench compare torch27.jsonl torch28.jsonl --across torch
    vtbench compare --base main my_package.nets:make_net

    Only what has the same workload, protocol and device is compared; whatever else differs is
    named. With --base both revisions are measured here and now, in turns; how they are executed is
    said with the same options as for `vtbench throughput`.

    Exit status: 1 if something got slower or no longer runs; 2 if nothing could be compared; 0
    otherwise.
    """
    given = dict(locals())  # the parameters by name, which is how Ask takes them
    path = document_path(output)
    check_suffix(path, format_)
    check_writable(path)
    gate = Gate(smallest=parse_share(smallest))
    ask = Ask(**{name: given[name] for name in Ask.__struct_fields__})
    if base is None:
        found, sides = _files(names, across, ask, gate)
    else:
        if across is not None:
            raise UsageError("--across is for files; two revisions differ in their commit.")
        found, sides = compared_revisions(names or [], ask, gate)
    page = ComparisonRendering(
        format=shape_of(format_, path),
        smallest=gate.smallest,
        names=sides,
        width=page_width(),
        color=path is None and wants_color(),
        command="vtbench compare",
    )
    write_document(compared_document(found, page), path)
    raise typer.Exit(status(found, fail_on_unclear=fail_on_unclear))


def _files(
    names: list[str] | None, across: str | None, ask: Ask, gate: Gate
) -> tuple[list[Comparison], tuple[str, str]]:
    """What two files say; how something is executed stands in them already."""
    unused = [name for name in ask.__struct_fields__ if getattr(ask, name) != _default(name)]
    if unused:
        option = unused[0].strip("_").replace("_", "-")
        raise UsageError(f"--{option} says what to measure, which needs --base REV.")
    if names is None or len(names) != _FILES:
        raise UsageError(
            "Name two files of measurements, the one to compare with first; or --base REV and a "
            "function of yours."
        )
    before, after = (read_measurements(Path(name)) for name in names)
    return compare_records(before, after, parse_keys(across), gate), (names[0], names[1])


def _default(name: str) -> Any:
    return getattr(Ask(), name)


def status(found: list[Comparison], *, fail_on_unclear: bool) -> int:
    """0 nothing got slower, 1 something did or no longer runs, 2 nothing could be compared."""
    if all(each.verdict == "not compared" for each in found):
        say("nothing could be compared.")
        return 2
    return 1 if failing(found, unclear=fail_on_unclear) else 0


def parse_share(text: str) -> float:
    """``3%`` or ``0.03``, above nothing and below all."""
    number = text.strip().removesuffix("%")
    try:
        share = float(number) / (100 if text.strip().endswith("%") else 1)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise BadOption(
            f"The smallest change {text!r} is no share between 0 and 100 %; write 3% or 0.03."
        )
    return share


def parse_keys(text: str | None) -> tuple[str, ...]:
    """Names between commas."""
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())
