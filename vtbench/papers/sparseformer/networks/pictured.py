"""Where the tokens look, stage by stage: their regions, and the points that they read."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.data.panel import Panel
from vtbench.papers.sparseformer.networks.sampling import Glimpse

_CORNERS = 4


def panels(glimpses: Sequence[Glimpse]) -> list[Panel]:
    """A panel for each sampling stage of the first image; tubes of clips are not drawn."""
    found = []
    for stage, glimpse in enumerate(glimpses):
        rois, points = glimpse.rois[0].tolist(), glimpse.points[0].tolist()
        found.append(
            Panel(
                title=f"sampling {stage + 1}",
                said=f"{len(rois)} regions, {len(points[0])} points in each",
                boxes=tuple((box[0], box[1], box[2], box[3]) for box in rois),
                points=tuple(tuple((x, y) for x, y, *_ in read) for read in points),
            )
        )
    return found
