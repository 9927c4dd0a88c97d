"""``vtbench latency``: how long one step takes while the caller waits for it."""

from __future__ import annotations

from typing import Annotated

import typer

from vtbench.cli.groups import command
from vtbench.cli.options import Building, Device, Execution, Models, Output, Save, Session
from vtbench.cli.timing import Timing, TimingView, answer

PROTOCOLS = ("latency", "latency-cold")


@command
def latency(
    *,
    models: Models,
    building: Building,
    device: Device,
    execution: Execution,
    protocol: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="latency, or latency-cold, which empties the cache before each step (default: "
            "latency).",
        ),
    ] = None,
    session: Session,
    shown: TimingView,
    save: Save,
    output: Output,
) -> int:
    """Measure how long single steps take, with percentiles if there are enough samples.

    \b
    vtbench latency vt_r34 resnet34
    vtbench latency deit_s --gpu 0 --protocol latency-cold

    The host waits for the device after every step. The batch size is 1, and the CPU is measured,
    unless you give other values.

    Exit status: 0 if all is done; 1 if a model failed; 2 if nothing could be measured.
    """
    return answer(
        Timing(
            protocols=PROTOCOLS,
            protocol=protocol,
            models=models,
            building=building,
            device=device,
            execution=execution,
            session=session,
            shown=shown,
            save=save,
            output=output,
        )
    )
