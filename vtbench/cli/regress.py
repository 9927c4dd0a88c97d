"""``vtbench regress``: two revisions of one function, measured in turns on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vtbench.cli.comparisons import Smallest, parse_share, shown, status
from vtbench.cli.groups import command
from vtbench.cli.options import (
    Building,
    Device,
    Execution,
    FailOnUnknown,
    Models,
    Output,
    Session,
)
from vtbench.cli.workloads import grid_of, named
from vtbench.data.protocol import protocol_named
from vtbench.errors import BadOption, UsageError
from vtbench.measure.revisions import Asked, compare_launches, measure_revisions
from vtbench.measure.revisions.session import LAUNCHES
from vtbench.stats import Gate
from vtbench.sweep.axes import cells_of, every_option_fits


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
        int, typer.Option(metavar="N", help="How many times both revisions are started.")
    ] = LAUNCHES,
    smallest: Smallest = "3%",
    fail_on_unknown: FailOnUnknown = False,
    output: Output,
) -> int:
    """Compare the speed of two revisions of your function: faster, slower or the same.

    \b
    vtbench regress my_package.nets:make_net --base main
    vtbench regress my_package.nets:make_net --base v1.0 --head main --batch-size 16

    The function must return a module; name it as package.module:function. Both revisions take
    turns on one device, so that a change of the machine affects both of them.

    Exit status: 1 if the function got slower or no longer runs; 2 if nothing could be compared; 0
    otherwise.
    """
    written = output.written("regress", "compare")
    gate = Gate(smallest=parse_share(smallest))
    names = named(models)
    if len(names) != 1:
        raise UsageError(
            f"Expected one function of yours, as package.module:function, got {len(names)} models."
        )
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
    cells = list(cells_of(grid, names[0]))
    if len(cells) > 1:
        raise BadOption(
            "Two revisions are compared under one set of options; give each option one value."
        )
    asked = Asked(
        base=base,
        head=head,
        workload=cells[0].workload,
        protocol=protocol,
        index=devices[0].index,
        max_seconds=max_time,
        launches=launches,
        smallest=gate.smallest,
    )
    pairs = measure_revisions(asked, Path.cwd())
    found = [compare_launches(pairs, gate)]
    written.write(shown(found, (base, head or "working tree"), gate, written))
    return status(found, fail_on_unknown=fail_on_unknown)
