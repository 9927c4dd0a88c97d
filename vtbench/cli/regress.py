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
from vtbench.stats import Gate
from vtbench.sweep.axes import cells_of, every_option_fits

LAUNCHES = 3
"""Processes of the same code differ; three of each show by how much."""


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
        typer.Option(metavar="NAME", help="throughput, latency, latency-cold, compiled, graph."),
    ] = "throughput",
    session: Session,
    launches: Annotated[
        int, typer.Option(metavar="N", help="How often both revisions are started afresh.")
    ] = LAUNCHES,
    smallest: Smallest = "3%",
    fail_on_unknown: FailOnUnknown = False,
    output: Output,
) -> int:
    """Measure two revisions of a function of yours in turns: faster, slower, or the same.

    \b
    vtbench regress my_package.nets:make_net --base main
    vtbench regress my_package.nets:make_net --base v1.0 --head main --batch-size 16

    The function returns a module, and is named as package.module:function. A stored figure is of
    another hour; here both revisions share the hour, on one device.

    Exit status: 1 if the function got slower or no longer runs; 2 if nothing could be compared; 0
    otherwise.
    """
    written = output.written("regress", "compare")
    gate = Gate(smallest=parse_share(smallest))
    names = named(models)
    if len(names) != 1:
        raise UsageError("Name one function of yours, as package.module:function.")
    if launches < 1:
        raise BadOption(f"--launches: expected a positive integer, got {launches}.")
    from vtbench.measure.machine.devices import choose
    from vtbench.measure.revisions import Asked, compare_launches, measure_revisions

    max_time = session.seconds()
    devices = choose(device.gpu, device.device)
    if len(devices) > 1:
        raise BadOption("Two revisions take turns on one device; name one --gpu.")
    grid = grid_of(
        building, execution, protocols=[protocol_named(protocol).name], kind=devices[0].kind
    )
    every_option_fits(grid, names)
    cells = list(cells_of(grid, names[0]))
    if len(cells) > 1:
        raise BadOption(
            "Two revisions are compared under one condition; give each option one value."
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
