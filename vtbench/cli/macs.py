"""``vtbench macs``: names in, counts out."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from vtbench.cli.axes import combined
from vtbench.cli.counting import answer, count
from vtbench.cli.options import (
    Backward,
    BatchSize,
    Conditions,
    FormatOption,
    Inputs,
    Jobs,
    ModelList,
    Models,
    MoreModels,
    Options,
    Output,
    Resolution,
    Traceback,
    Train,
    asked_models,
    parse_counters,
    parse_inputs,
    parse_jobs,
    parse_resolution,
)
from vtbench.cli.output import (
    check_suffix,
    check_writable,
    document_path,
    page_width,
    shape_of,
    wants_color,
)
from vtbench.cli.printed import printed_figures
from vtbench.cli.values import parse_one_batch
from vtbench.cli.weights import WeightFiles, parse_weights
from vtbench.errors import BadOption
from vtbench.report import CountsRendering, View


def macs(
    models: Models = None,
    more_models: MoreModels = None,
    model_list: ModelList = None,
    option: Options = None,
    weights: WeightFiles = None,
    resolution: Resolution = None,
    batch_size: BatchSize = None,
    inputs: Inputs = None,
    backward: Backward = False,
    train: Train = False,
    by: Annotated[
        View, typer.Option(help="Divide each total by stage, module, operator or class.")
    ] = "total",
    depth: Annotated[
        int | None, typer.Option(metavar="N", help="How deep the tree of --by module goes.")
    ] = None,
    counters: Annotated[
        str | None,
        typer.Option(
            metavar="all|A,B",
            help="Run other counters beside ours: fvcore, thop, torch; and ptflops, calflops, "
            "torchinfo, torchprofile with vtbench[counters].",
        ),
    ] = None,
    ops: Annotated[
        str | None,
        typer.Option(
            metavar="PACKAGE.MODULE",
            help="A module of yours whose OPS maps operators to formulas; also MODULE:NAME.",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with status 1 if any operator is unknown.")
    ] = False,
    relative_to: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Add ratio and difference to this model, by stage too."),
    ] = None,
    format_: FormatOption = None,
    output: Output = None,
    cite: Annotated[
        bool, typer.Option("--cite", help="Add a footnote and BibTeX for a paper.")
    ] = False,
    jobs: Jobs = None,
    traceback: Traceback = False,
) -> None:
    """Count the MACs of models; one FMA is one MAC, and every operator is accounted for.

    \b
    vtbench macs swin_t
    vtbench macs resnet50 deit_s convnext_tiny --relative-to resnet50
    vtbench macs --models 'timm:vit_small*' --format csv --output small.csv
    vtbench macs deit_s --resolution 384 -o num_classes=10 --by stage
    vtbench macs transformers:BertModel --input input_ids=1x128:int64
    vtbench macs my_package.nets:make_net --by module --depth 2
    vtbench macs swin_t --counters all

    Exit status: 0 done; 1 some model failed, or --strict met an unknown operator; 2 nothing
    could be counted.
    """
    path = document_path(output)
    view, depth = _view(by, depth)
    question = CountsRendering(
        format=shape_of(format_, path),
        view=view,
        depth=depth,
        relative_to=relative_to,
        cite=cite,
        width=page_width(),
        color=path is None and wants_color(),
        command="vtbench macs",
    )
    conditions = Conditions(
        resolution=parse_resolution(resolution),
        batch_size=parse_one_batch(batch_size) or 1,
        inputs=parse_inputs(inputs),
        train=train,
        backward=backward,
        weights=parse_weights(weights),
    )
    settings = {"counters": parse_counters(counters), "ops": ops}
    processes = parse_jobs(jobs)
    check_suffix(path, format_)
    check_writable(path)
    names = asked_models(models, more_models, model_list)
    asked = combined(names, option, conditions, relative_to)
    if sum(workload.model == relative_to for workload in asked) > 1:
        raise BadOption(f"Give the options of {relative_to} one value; ratios are to one workload.")
    records, finished = count(list(asked.items()), settings, processes, traceback=traceback)
    question = msgspec.structs.replace(question, printed=printed_figures(records))
    raise typer.Exit(answer(records, question, path, strict=strict, finished=finished))


def _view(view: View, depth: int | None) -> tuple[View, int]:
    """A depth alone asks for the module tree."""
    if depth is not None and depth < 1:
        raise BadOption(f"The depth of a module tree is 1 or more, not {depth}.")
    if depth is not None and view == "total":
        view = "module"
    return view, depth or 1
