"""What a model makes of an image, drawn over it: what ``vtbench show`` does, from Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from vtbench.api.public import public
from vtbench.api.shown import Shown, frame, nothing_to_draw
from vtbench.data.workload import Workload, freeze_options
from vtbench.errors import UsageError
from vtbench.report import plot
from vtbench.report.document import Rendering
from vtbench.report.panels import Pictured, panel_objects, panels_document, weights_said

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class Picture(Shown):
    """The panels of a model on an image; ``.plot()`` draws them."""

    def __init__(self, found: Pictured, pixels: Any) -> None:
        self.found = found
        self.pixels = pixels
        """The image as the model saw it: H, W, 3 of bytes."""

    def document(self, asked: Rendering) -> str:
        """The document of ``vtbench show``."""
        return panels_document(self.found, asked)

    def to_frame(self) -> pd.DataFrame:
        """A row for each panel."""
        return frame(panel_objects(self.found.panels), ("title", "said"))

    def chart(self) -> NoReturn:
        """There is none; `plot` draws pictures."""
        nothing_to_draw("Panels are pictures")

    def plot(self, *, scale: str | None = None, width: plot.PlotWidth = "page") -> Figure:
        """The pictures, as a figure of matplotlib."""
        if scale is not None:
            raise UsageError("A picture has no scales; leave out scale.")
        title = f"{labelled(self.found.workload)}, {weights_said(self.found)}"
        made: Figure = plot.panel_figure(
            self.pixels, self.found.panels, title, plot.Look(width=width)
        )
        return made


def labelled(workload: Workload) -> str:
    """The model with the options that were given."""
    options = " ".join(f"{key}={value}" for key, value in workload.options)
    return f"{workload.model} {options}".strip()


@public()
def show(
    model: str,
    image: str | Path,
    *,
    options: dict[str, Any] | None = None,
    tokens: int | None = None,
    resolution: int | tuple[int, int] | None = None,
    weights: str | Path | None = None,
) -> Picture:
    """Draw what a model makes of an image, block by block.

    >>> vtbench.show("tome_deit_s", "cat.jpg", weights="deit_s.pth").plot().savefig("cat.png")

    Options:
      model: A method of token reduction such as 'evit_deit_s', a SparseFormer, or a VT-ResNet.
      image: The file of an image; it is resized to what the model takes.
      options: Constructor options of the model.
      tokens: Number of tokens; the same as options={'tokens': N}.
      resolution: Height and width, or the side of a square (default: the model's own).
      weights: A checkpoint (default: random weights of seed 0).
    """
    given = dict(options or {})
    if tokens is not None:
        given["tokens"] = tokens
    size = (resolution, resolution) if isinstance(resolution, int) else resolution
    workload = Workload(model=model, resolution=size, options=freeze_options(given))
    if weights is not None:
        workload = msgspec.structs.replace(workload, weights=str(weights))
    return pictured(workload, Path(image))


def pictured(workload: Workload, image: Path) -> Picture:
    """The panels of a workload on the image of a file; refused if the model has none."""
    from vtbench import models
    from vtbench.count.isolation import seeded_and_restored
    from vtbench.models.image_files import image_in, standardised

    image_in(image, (8, 8), "--image")  # refused before a model is built
    with seeded_and_restored():
        built = models.build(workload, real=True)
        panels = getattr(built.module, "panels", None)
        if panels is None:
            raise UsageError(
                f"{workload.model} shows nothing of what it makes of an image; methods of token "
                "reduction (such as evit_deit_s), SparseFormers and VT-ResNets do."
            )
        pixels = image_in(image, built.workload.resolution or (224, 224), "--image")
        found = panels(standardised(pixels)[None])
    seen = Pictured(workload=built.workload, image=image.name, panels=tuple(found))
    return Picture(seen, pixels)
