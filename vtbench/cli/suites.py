"""``vtbench suites``: which papers ship as suites of claims; torch is not imported."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from vtbench.claims.suite import Suite
from vtbench.claims.suite.files import find
from vtbench.cli.options import Output
from vtbench.cli.output import check_writable, page_width, wants_color, write_document
from vtbench.report import Column, Document, Rendering, Table, json_text, written

SuitesFormat = Literal["table", "json", "csv", "markdown"]


def suites(
    format_: Annotated[SuitesFormat, typer.Option("--format", help="Shape of the list.")] = "table",
    schema: Annotated[
        bool,
        typer.Option("--schema", help="Print the JSON Schema of a suite file, for editors."),
    ] = False,
    output: Output = None,
) -> None:
    """List the suites of claims that ship, with their papers.

    \b
    vtbench suites
    vtbench suites --format json
    vtbench suites --schema --output suite.schema.json
    """
    check_writable(output)
    if schema:
        from vtbench.claims.suite.schema import suite_schema

        write_document(json_text(suite_schema()) + "\n", output)
        return
    found = find([])
    asked = Rendering(
        format=format_, width=page_width(), color=wants_color(), command="vtbench suites"
    )
    page = Document(
        kind="suites",
        results=lambda: [suite_object(suite) for suite in found],
        tables=lambda: [_table(found)],
    )
    write_document(written(page, asked), output)


def suite_object(suite: Suite) -> dict[str, Any]:
    """A suite as docs/json.md promises it."""
    kinds: dict[str, int] = {}
    for claim in suite.claims:
        kinds[claim.kind] = kinds.get(claim.kind, 0) + 1
    return {
        "name": suite.name,
        "title": suite.title,
        "source": suite.source,
        "claims": len(suite.claims),
        "kinds": dict(sorted(kinds.items())),
        "models": sorted({c.workload.model for c in suite.claims if c.workload is not None}),
        "fitted": len(suite.fitted),
    }


def _table(found: list[Suite]) -> Table:
    rows = tuple((suite.name, str(len(suite.claims)), suite.title, suite.source) for suite in found)
    return Table(
        title="Suites",
        columns=(
            Column(head="Name", align="left"),  # whole, to be typed
            Column(head="Claims"),
            Column(head="Title", align="left", shrink=True),
            Column(head="Source", align="left", shrink=True),
        ),
        rows=rows,
    )
