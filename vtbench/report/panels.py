"""What a model makes of an image, as a document: a row for each panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from vtbench.data.panel import Panel
from vtbench.data.workload import Workload
from vtbench.report.document import Document, Rendering, written
from vtbench.report.table import Column, Table, name_column


class Pictured(msgspec.Struct, frozen=True, kw_only=True):
    """The panels of a model on one image."""

    workload: Workload
    image: str
    """The file that was read."""
    panels: tuple[Panel, ...]


def panels_document(found: Pictured, rendering: Rendering) -> str:
    """The panels as a table, or as data."""
    page = Document(
        kind="panels",
        results=lambda: panel_objects(found.panels),
        tables=lambda: [_table(found)],
        more=lambda: {"workload": msgspec.to_builtins(found.workload), "image": found.image},
    )
    return written(page, rendering)


def panel_objects(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """Each panel as data."""
    return [msgspec.to_builtins(panel) for panel in panels]


def weights_said(found: Pictured) -> str:
    """With which weights the model saw the image."""
    return "random weights of seed 0" if found.workload.weights is None else "the given weights"


def _table(found: Pictured) -> Table:
    return Table(
        title=f"{found.workload.model} on {found.image}",
        conditions=(weights_said(found),),
        columns=(name_column("Where"), Column(head="Seen", align="left", shrink=True)),
        rows=tuple((panel.title, panel.said) for panel in found.panels),
    )
