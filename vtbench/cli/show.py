"""``vtbench show``: what a model keeps, merges and drops of an image, drawn over it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vtbench.cli.figures import Plot
from vtbench.cli.groups import command
from vtbench.cli.options import Building, Models, Output
from vtbench.cli.output import check_writable, say, stdout_kept_clean
from vtbench.cli.workloads import asked, grid_of
from vtbench.errors import UnknownModel, UsageError
from vtbench.report import plot


@command
def show(
    *,
    models: Models,
    building: Building,
    image: Annotated[
        Path, typer.Option("--image", metavar="FILE", help="The image to show the model.")
    ],
    figure: Plot = None,
    output: Output,
) -> int:
    """Draw what a model keeps, merges and drops of an image, block by block.

    \b
    vtbench show evit_deit_s --image cat.jpg -o keep_rate=0.5
    vtbench show tome_deit_s --image cat.jpg --weights deit_s.pth --plot cat.svg
    vtbench show sparseformer_t --image cat.jpg

    Of a method of token reduction, patches in one token have one colour, and those that were
    dropped are dark. A SparseFormer shows its regions and the points that it reads at each stage,
    and a VT-ResNet the map of each token. The figure is MODEL.png unless --plot names another. The
    default is random weights, which is said.
    """
    written = output.written("show", "panels")
    grid = grid_of(building)
    wanted = asked(models, grid)
    if len(wanted.workloads) != 1:
        raise UsageError("One model is shown with one set of options; name one.")
    for error in wanted.errors.values():
        raise UnknownModel(error)
    (workload,) = wanted.workloads
    path = figure or Path(f"{workload.model.replace(':', '_').replace('/', '_')}.png")
    plot.checked(path)
    check_writable(path)
    from vtbench.api.showing import pictured

    with stdout_kept_clean():
        found = pictured(workload, image)
        plot.save(found.plot(), path)
    say(f"wrote {path}")
    written.write(found.document(written.rendering))
    return 0
