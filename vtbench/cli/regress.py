"""``vtbench regress``: two revisions of one function, measured in turns on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vtbench.cli.comparisons import Smallest, parse_share, shown, status
from vtbench.cli.groups import command
from vtbench.cli.options import (
    LAUNCHES_HELP,
    Building,
    Device,
    Execution,
    FailOnUnknown,
    Models,
    Output,
    Session,
)
from vtbench.cli.output import say
from vtbench.cli.workloads import grid_of, named
from vtbench.data.comparison import Comparison
from vtbench.data.protocol import protocol_named
from vtbench.errors import BadOption, ModelError, UnknownModel, UsageError
from vtbench.measure.revisions import Asked, compare_launches, measure_revisions
from vtbench.measure.revisions.session import LAUNCHES
from vtbench.stats import Gate
from vtbench.sweep.axes import MANY, cells_of, every_option_fits


@command
def regress(
    *,
    models: Models,
    base: Annotated[
        str,
        typer.Option(metavar="REV", help="The revision to compare with, such as main or HEAD~1."),
    ],
    head: Annotated[
        str | None,
        typer.Option(metavar="REV", help="The revision to judge (default: the files as they are)."),
    ] = None,
    building: Building,
    device: Device,
    execution: Execution,
    protocol: Annotated[
        str,
        typer.Option(metavar="NAME", help="throughput, latency, latency-cold, compiled or graph."),
    ] = "throughput",
    session: Session,
    launches: Annotated[
        int, typer.Option(metavar="N", help=LAUNCHES_HELP, show_default=False)
    ] = LAUNCHES,
    smallest: Smallest = "3%",
    fail_on_unknown: FailOnUnknown = False,
    output: Output,
) -> int:
    """Compare the speed of two revisions of your function: faster, slower or the same.

    \b
    vtbench regress my_package.nets:make_net --base main
    vtbench regress my_package.nets:make_net --base v1.0 --head main --batch-size 1,16

    The function must return a module; name it as package.module:function or ./file.py:function.
    Both revisions take
    turns on one device, so that a change of the machine affects both of them.

    Several functions, and several values of an option, are compared one after the other.

    Exit status: 1 if a function got slower or no longer runs; 2 if nothing could be compared; 0
    otherwise.
    """
    written = output.written("regress", "compare")
    gate = Gate(smallest=parse_share(smallest))
    names = named(models)
    if launches < 1:
        raise BadOption(f"--launches: expected a positive integer, got {launches}.")
    from vtbench.measure.machine.devices import choose

    max_time = session.seconds()
    devices = choose(device.gpu, device.device)
    if len(devices) > 1:
        raise BadOption("--gpu: two revisions take turns on one GPU; give one number.")
    grid = grid_of(
        building, execution, protocols=[protocol_named(protocol).name], kind=devices[0].kind
    )
    every_option_fits(grid, names)
    asked = [
        Asked(
            base=base,
            head=head,
            workload=cell.workload,
            protocol=protocol,
            index=devices[0].index,
            max_seconds=max_time,
            launches=launches,
            smallest=gate.smallest,
        )
        for name in names
        for cell in cells_of(grid, name)
    ]
    if len(asked) > MANY:
        raise UsageError(
            f"The options have {len(asked):,} combinations, and this command takes at most "
            f"{MANY:,}; give fewer values."
        )
    found, failed = _compared(asked, gate)
    if not found:
        return 2
    written.write(shown(found, (base, head or "working tree"), gate, written))
    return max(status(found, fail_on_unknown=fail_on_unknown), int(failed))


def _compared(asked: list[Asked], gate: Gate) -> tuple[list[Comparison], bool]:
    """A comparison of each workload, one after the other, and whether one could not be had."""
    found = [_one(each, gate) for each in asked]
    return [each for each in found if each is not None], None in found


def _one(asked: Asked, gate: Gate) -> Comparison | None:
    """None, once it is said, if one of the revisions cannot be built."""
    try:
        return compare_launches(measure_revisions(asked, Path.cwd()), gate)
    except (ModelError, UnknownModel) as error:
        say(str(error))
        return None
