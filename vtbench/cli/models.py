"""``vtbench models``: the short names, and what other libraries list; torch is not imported."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from vtbench.cli.groups import command
from vtbench.cli.options import Output
from vtbench.data import catalog
from vtbench.errors import UnknownModel
from vtbench.report import Column, Document, Table, name_column
from vtbench.report import written as document_text


@command
def models(
    *,
    pattern: Annotated[
        str | None,
        typer.Argument(
            metavar="PATTERN",
            help="A part of a name, or a quoted pattern; timm:PATTERN searches timm instead.",
        ),
    ] = None,
    output: Output,
) -> int:
    """List models by their short names, with the papers that published them.

    \b
    vtbench models
    vtbench models 'resnet*'
    vtbench models 'timm:convnext*'
    vtbench models --format json

    The short names are only a small part of the models that vtbench can count. You can use any
    timm name as it is, and timm:NAME, torchvision:NAME and transformers:CLASS name any model of
    these libraries.
    """
    written = output.written("models", "models")
    found = _found(pattern)
    if not found:
        raise UnknownModel(
            f"No model matches {pattern!r}; `vtbench models` lists the short names, "
            f"and `vtbench models 'timm:*'` those of timm."
        )
    page = Document(kind="models", results=lambda: found, tables=lambda: [_table(found)])
    written.write(document_text(page, written.rendering))
    return 0


def _found(pattern: str | None) -> list[dict[str, object]]:
    """Entries of the catalogue, or names of a library if the pattern names one."""
    if pattern is not None and ":" in pattern:
        from vtbench.models import expand

        return [
            {"name": name, "target": name, "resolution": None, "paper": None, "family": None}
            for name in expand([pattern])
        ]
    return [
        {
            "name": entry.name,
            "target": entry.target,
            "resolution": msgspec.to_builtins(entry.resolution),
            "paper": entry.paper,
            "family": entry.family,
        }
        for entry in catalog.entries(pattern)
    ]


def _table(found: list[dict[str, object]]) -> Table:
    return Table(
        title="Models",
        columns=(
            name_column("Name"),
            Column(head="Built from", align="left", shrink=True, least=28),
            Column(head="Paper", align="left", shrink=True, least=14, drop=1),
        ),
        rows=tuple(
            (str(each["name"]), str(each["target"]), str(each["paper"] or "")) for each in found
        ),
    )
