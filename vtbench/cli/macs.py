"""``vtbench macs``: names in, counts out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import typer

from vtbench.claims.printed_figures import printed_figures
from vtbench.cli.counting import INTERRUPTED, Counter, kept_whole
from vtbench.cli.groups import command
from vtbench.cli.options import (
    Building,
    Counters,
    Depth,
    FailOnUnknown,
    From,
    Jobs,
    Models,
    Output,
    OverInputs,
    RelativeTo,
    Save,
)
from vtbench.cli.output import say, tell
from vtbench.cli.table_shape import Cite, TableShape
from vtbench.cli.workloads import asked, grid_of
from vtbench.cli.written import Written
from vtbench.data.distribution import InputSet
from vtbench.data.files import ResultFile, read_results
from vtbench.data.libraries import installed_versions
from vtbench.data.record import Record
from vtbench.data.relative import refuse_several
from vtbench.data.workload import Workload
from vtbench.errors import BadOption
from vtbench.report import CountsRendering, View, citation, counts_document, failure
from vtbench.report.counts import refuse_unknown_columns


@command
def macs(
    *,
    models: Models,
    building: Building,
    by: Annotated[
        View,
        typer.Option(
            help="Divide each count by stage, block (what the structure of the model repeats), "
            "module, operator, class or precision (the dtypes that are multiplied)."
        ),
    ] = "total",
    depth: Depth = None,
    shapes: Annotated[
        bool,
        typer.Option(
            "--shapes",
            help="Show what each module of --by module is given, what it makes, and its kernel.",
        ),
    ] = False,
    counters: Counters = None,
    ops: Annotated[
        str | None,
        typer.Option(
            metavar="PACKAGE.MODULE",
            help="Your module whose OPS maps operators to formulas; MODULE:NAME takes NAME "
            "instead of OPS.",
        ),
    ] = None,
    fail_on_unknown: FailOnUnknown = False,
    relative_to: RelativeTo = None,
    diff: Annotated[
        bool,
        typer.Option(
            "--diff",
            help="Show what differs between two workloads, module by module, or as --by says.",
        ),
    ] = False,
    over: OverInputs,
    shaped: TableShape,
    cite: Cite = False,
    save: Save,
    kept: From,
    jobs: Jobs,
    output: Output,
) -> int:
    """Count the MACs of models; one FMA is one MAC, and every operator is accounted for.

    \b
    vtbench macs swin_t
    vtbench macs resnet50 deit_s convnext_tiny --relative-to resnet50
    vtbench macs --models 'timm:vit_small*' --format csv --output small.csv
    vtbench macs deit_s --resolution 224,384 -o num_classes=10 --by stage
    vtbench macs transformers:BertModel --input input_ids=1x128:int64
    vtbench macs swin_t vit_b --by block
    vtbench macs my_package.nets:make_net --by module --depth 2
    vtbench macs swin_t swin_s --diff
    vtbench macs resnet50 --resolution 224,320 --diff
    vtbench macs swin_t --counters all
    vtbench macs deit_s swin_t --columns MACs,Params --format latex --cite
    vtbench macs my_package.nets:make_net --seeds 32
    vtbench macs my_package.nets:make_net --inputs photos

    Exit status: 0 if all is done; 1 if a model failed, or if --fail-on-unknown met an unknown
    operator; 2 if nothing could be counted.
    """
    written = shaped.on_paper(output.written("macs", "macs"))
    view, levels = _view(by, depth, shapes=shapes)
    question = written.shown_as(
        CountsRendering,
        view=view,
        depth=levels,
        relative_to=relative_to,
        diff=diff,
        shape=shaped.shape(),
        cite=cite,
    )
    settings: dict[str, Any] = {"counters": _counters(counters), "ops": ops}
    if shapes:
        _refuse_beside_shapes(written, kept, save)
        settings["shapes"] = True
    inputs = over.asked()
    if inputs is not None:
        _refuse_beside_inputs(counters, relative_to)
        settings["over"] = inputs
    if ops is not None and (kept.from_ or save.save):
        raise BadOption(
            "--ops counts with formulas of your own, which saved counts do not have; "
            "leave out --from and --save."
        )
    number = jobs.number
    known = read_results(kept.from_ or (), ("records",)).records
    wanted = asked(models, grid_of(building), relative_to)
    refuse_several(wanted.workloads, relative_to)
    if diff:
        _refuse_beside_diff(wanted.workloads, counters, relative_to, inputs)
    else:
        refuse_unknown_columns([work for work, error in wanted.todo() if error is None], question)
    with ResultFile(save.save, ("records",)) as store:
        tell(store.said)
        fresh = not (known or store.results.records)  # of kept counts nobody knows
        counter = Counter(settings=settings, jobs=number, traceback=output.traceback)
        records, finished = counter.count(
            wanted.todo(), {**known, **store.results.records}, kept_whole(store)
        )
    if not (diff or question.one_table):
        found, otherwise = printed_figures(records)
        question = msgspec.structs.replace(question, printed=found, printed_otherwise=otherwise)
    if cite and fresh:
        question = msgspec.structs.replace(question, versions=installed_versions())
    return answer(records, question, written, strict=fail_on_unknown, finished=finished)


def answer(
    records: Sequence[Record],
    question: CountsRendering,
    written: Written,
    *,
    strict: bool = False,
    finished: bool = True,
) -> int:
    """Write the document and say on standard error what went wrong; the exit status."""
    failed = [record for record in records if record.error is not None]
    for record in failed:
        say(failure(record))
    if not finished and (written.path is None or len(failed) == len(records)):
        return INTERRUPTED
    if len(failed) == len(records) or (question.diff and failed):
        return 2
    written.write(counts_document(records, question))
    if question.cite and question.format == "csv":  # a comment would not be CSV
        sys.stderr.write(citation(records, question) + "\n")
    if not finished:
        return INTERRUPTED
    incomplete = [record.workload.model for record in records if record.unknown]
    if strict and incomplete:
        say(f"--fail-on-unknown: there are unknown operators in {', '.join(incomplete)}.")
    return 1 if failed or (strict and incomplete) else 0


def _refuse_beside_inputs(counters: str | None, relative_to: str | None) -> None:
    """What speaks of one count cannot stand beside a distribution."""
    for option, given in (("--counters", counters), ("--relative-to", relative_to)):
        if given is not None:
            raise BadOption(
                f"{option} compares counts of one input, and --inputs and --seeds count many; "
                f"leave out {option}."
            )


def _refuse_beside_diff(
    workloads: Sequence[Workload],
    counters: str | None,
    relative_to: str | None,
    inputs: InputSet | None,
) -> None:
    """A difference is between two counts of one input each, and nothing else stands beside it."""
    others = {"--counters": counters, "--relative-to": relative_to, "--inputs, --seeds": inputs}
    for option, given in others.items():
        if given is not None:
            raise BadOption(f"--diff shows one difference of two counts; leave out {option}.")
    if len(workloads) != 2:  # noqa: PLR2004 - a difference is between two
        there = "there is 1" if len(workloads) == 1 else f"there are {len(workloads)}"
        raise BadOption(
            f"--diff compares two workloads, and {there}; give two models, or one model with two "
            "values of one option, such as --resolution 224,320."
        )


def _counters(text: str | None) -> tuple[str, ...]:
    """``all``, or names separated by commas; packages that are missing are named at once."""
    if text is None:
        return ()
    from vtbench.count.peers.counters import chosen, parse

    names = parse(text)
    chosen(names)
    return names


def _refuse_beside_shapes(written: Written, kept: From, save: Save) -> None:
    """Shapes are noted as a model is counted, and are no column."""
    if kept.from_ or save.save:
        raise BadOption(
            "--shapes counts the models again, because saved counts have no shapes; "
            "leave out --from and --save."
        )
    if written.rendering.format == "csv":
        raise BadOption("--shapes: CSV has no column for shapes; give --format json.")


def _view(view: View, depth: int | None, *, shapes: bool) -> tuple[View, int | None]:
    """A depth, or shapes, alone ask for the module tree."""
    if depth is not None and depth < 1:
        raise BadOption(f"--depth: expected a positive integer, got {depth}.")
    if shapes and view not in ("total", "module"):
        raise BadOption(f"--shapes is for --by module, not for --by {view}; leave out one of them.")
    if (shapes or depth is not None) and view == "total":
        view = "module"
    return view, depth
