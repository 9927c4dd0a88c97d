"""Panels drawn over an image: groups of patches, regions with points, weights of a token."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from vtbench.data.panel import Panel
from vtbench.data.visible import visible
from vtbench.report.plot.look import DPI, INCH, LABEL, NOTE, SETTINGS, TITLE, Look

_MOST_COLUMNS = 6
_WORDS = 24.0
"""Points above each picture for its two lines."""
_LETTER = 0.55
"""Width of a letter over its height, about."""
_TOP = 22.0
_GAP = 6.0
_VEIL = 0.75
"""How much is covered of what weighs nothing."""
_DROPPED = 0.22
"""How much of its light a dropped patch keeps."""


def panel_figure(image: Any, panels: Sequence[Panel], title: str, look: Look | None = None) -> Any:
    """The image (H, W, 3 bytes) and a picture for each panel, as a figure of matplotlib."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from vtbench.report.plot.shown import ShownFigure

    look = look or Look()
    number = len(panels) + 1
    columns = _columns(number, look)
    rows = math.ceil(number / columns)
    wide = (look.points - _GAP * (columns + 1)) / columns
    high = wide * image.shape[0] / image.shape[1]
    height = _TOP + rows * (high + _WORDS) + _GAP
    with mpl.rc_context(SETTINGS):
        made = ShownFigure(figsize=(look.points / INCH, height / INCH), dpi=DPI)
        FigureCanvasAgg(made)
        made.text(_GAP / look.points, 1 - 4 / height, visible(title), fontsize=TITLE, weight="bold",
                  va="top")  # fmt: skip
        for index, panel in enumerate([Panel(title="image"), *panels]):
            row, column = divmod(index, columns)
            left = _GAP + column * (wide + _GAP)
            bottom = height - _TOP - (row + 1) * (high + _WORDS) + 2
            axes = made.add_axes(
                (left / look.points, bottom / height, wide / look.points, high / height)
            )
            _draw(axes, image, panel, wide)
    return made


def _columns(number: int, look: Look) -> int:
    """A few pictures stand side by side, many in a block that is wider than high."""
    most = _MOST_COLUMNS if look.width == "page" else _MOST_COLUMNS // 2
    few = most - 2
    return number if number <= few else min(most, max(few, math.ceil(math.sqrt(1.6 * number))))


def _draw(axes: Any, image: Any, panel: Panel, wide: float) -> None:
    """One picture and its words."""
    shown = _grouped(image, panel.groups) if panel.groups else image
    axes.imshow(shown, extent=(0, 1, 1, 0), aspect="auto", interpolation="nearest")
    if panel.groups:
        _borders(axes, panel.groups)
    if panel.weights:
        _weights(axes, panel.weights)
    _regions(axes, panel, wide)
    axes.set(xlim=(0, 1), ylim=(1, 0), xticks=[], yticks=[])
    small = {"xy": (0, 1), "xycoords": "axes fraction", "textcoords": "offset points"}
    axes.annotate(panel.title, xytext=(0, 10), fontsize=LABEL - 1, weight="bold", **small)
    axes.annotate(
        _as_fits(panel.said, wide), xytext=(0, 2), fontsize=NOTE, color="#555555", **small
    )


def _as_fits(said: str, wide: float) -> str:
    """So many parts of the words as a picture is wide; the first is always there."""
    parts = said.split(", ")
    while len(parts) > 1 and len(", ".join(parts)) * _LETTER * NOTE > wide:
        parts.pop()
    return ", ".join(parts)


def _grouped(image: Any, groups: Sequence[Sequence[int]]) -> Any:
    """The image in which each group has its mean colour; patches that were dropped are dark."""
    import numpy as np

    label = np.asarray(groups)
    rows, columns = label.shape
    down = (np.arange(image.shape[0]) * rows) // image.shape[0]
    across = (np.arange(image.shape[1]) * columns) // image.shape[1]
    of_pixel = label[down][:, across]
    made = image.astype(float)
    names, sizes = np.unique(label, return_counts=True)
    for name, size in zip(names, sizes, strict=True):
        here = of_pixel == name
        if name < 0:
            made[here] *= _DROPPED
        elif size > 1:
            made[here] = made[here].mean(axis=0)
    return made.astype(np.uint8)


def _borders(axes: Any, groups: Sequence[Sequence[int]]) -> None:
    """A line between neighbouring patches of different tokens, where either is merged."""
    import numpy as np
    from matplotlib.collections import LineCollection

    label = np.asarray(groups)
    rows, columns = label.shape
    lines = []
    for row, column in zip(*np.nonzero(label[:, 1:] != label[:, :-1]), strict=True):
        x = (column + 1) / columns
        lines.append([(x, row / rows), (x, (row + 1) / rows)])
    for row, column in zip(*np.nonzero(label[1:] != label[:-1]), strict=True):
        y = (row + 1) / rows
        lines.append([(column / columns, y), ((column + 1) / columns, y)])
    axes.add_collection(LineCollection(lines, colors="white", linewidths=0.35, alpha=0.8))


def _weights(axes: Any, weights: Sequence[Sequence[float]]) -> None:
    """The weights as a veil: what weighs nothing is covered."""
    import numpy as np

    values = np.asarray(weights)
    most = values.max()
    veil = np.zeros((*values.shape, 4))
    veil[..., 3] = _VEIL * (1 - values / most) if most > 0 else _VEIL
    axes.imshow(veil, extent=(0, 1, 1, 0), aspect="auto", interpolation="bilinear")


def _regions(axes: Any, panel: Panel, wide: float) -> None:
    """Regions and their points, a colour for each token."""
    if not panel.boxes:
        return
    import matplotlib as mpl
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    colours = mpl.colormaps["turbo"]
    known = [colours(index / max(len(panel.boxes) - 1, 1)) for index in range(len(panel.boxes))]
    boxes = [
        Rectangle((left, top), right - left, bottom - top)
        for left, top, right, bottom in panel.boxes
    ]
    axes.add_collection(
        PatchCollection(boxes, facecolor="none", edgecolor=known, linewidth=0.5, alpha=0.7)
    )
    for colour, read in zip(known, panel.points, strict=False):
        axes.scatter(
            [x for x, _ in read], [y for _, y in read], s=wide / 200, color=[colour], linewidths=0
        )
