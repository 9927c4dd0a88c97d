"""``vtbench suites``: which papers ship as suites of claims; torch is not imported."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from vtbench.claims.suite import Suite
from vtbench.claims.suite.files import find
from vtbench.cli.groups import command
from vtbench.cli.options import Output
from vtbench.report import Column, Document, Table, json_text, name_column
from vtbench.report import written as document_text


@command
def suites(
    *,
    schema: Annotated[
        bool,
        typer.Option("--schema", help="Print the JSON Schema of a suite file, for editors."),
    ] = False,
    output: Output,
) -> int:
    """List the suites of claims that come with vtbench, and their papers.

    \b
    vtbench suites
    vtbench suites --format json
    vtbench suites --schema --output suite.schema.json
    """
    written = output.written("suites", "suites")
    if schema:
        from vtbench.claims.suite.schema import suite_schema

        written.write(json_text(suite_schema()) + "\n")
        return 0
    found = find([])
    page = Document(
        kind="suites",
        results=lambda: [suite_object(suite) for suite in found],
        tables=lambda: [_table(found)],
    )
    written.write(document_text(page, written.rendering))
    return 0


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
            name_column("Name"),
            Column(head="Claims"),
            Column(head="Title", align="left", shrink=True, least=24),
            Column(head="Source", align="left", shrink=True, least=16, drop=1),
        ),
        rows=rows,
    )
