"""Counts as a document: a certificate of one model, a comparison of several.

Cost formulas and verdicts are imported where a document has some: a list of models has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from vtbench.data.record import CONVENTION, Record
from vtbench.data.version import VERSION
from vtbench.report.breakdown import View
from vtbench.report.certificate import certificate, view_tables
from vtbench.report.difference import (
    Difference,
    difference,
    difference_csv,
    difference_object,
    difference_tables,
)
from vtbench.report.distributions import Distributed, distribution_tables
from vtbench.report.document import Document, Rendering, written
from vtbench.report.models_side_by_side import (
    comparison,
    failure,
    relative,
    stage_comparison,
    told_apart,
)
from vtbench.report.peers import overview, peers
from vtbench.report.record_values import csv_table, record_object
from vtbench.report.table import Table
from vtbench.report.units import pixels
from vtbench.report.values_behind import readers_said

if TYPE_CHECKING:
    from vtbench.claims.judge import Verdict


class CountsRendering(Rendering, frozen=True, kw_only=True):
    """What a reader wants to see of some records."""

    view: View = "total"
    depth: int | None = None
    relative_to: str | None = None
    """The model, as it was asked for, that the others are measured against."""
    diff: bool = False
    """Whether two records are shown by what differs between them."""
    cite: bool = False
    printed: tuple[Verdict, ...] = ()
    """Figures that papers printed of these workloads, judged."""
    printed_otherwise: tuple[str, ...] = ()
    """Sentences on figures that are of the same models with other options."""


def counts_document(records: Sequence[Record], asked: CountsRendering) -> str:
    """The counts of some models."""
    base = _base(records, asked.relative_to)
    differs = difference(records, asked.view, asked.depth) if asked.diff else None
    found = Document(
        kind="macs",
        more=lambda: {"convention": CONVENTION} | _difference(differs),
        results=lambda: [_object(record, asked, base) for record in records],
        tables=lambda: difference_tables(differs) if differs else counts_tables(records, asked),
        values=lambda: [
            difference_csv(differs)
            if differs
            else csv_table(records, asked.view, asked.depth, base)
        ],
        finish=lambda text: f"{text}\n\n{_citation(records, asked)}" if asked.cite else text,
    )
    return written(found, asked)


def _difference(differs: Difference | None) -> dict[str, Any]:
    return {} if differs is None else {"diff": difference_object(differs)}


def counts_tables(records: Sequence[Record], asked: CountsRendering) -> list[Table]:
    """A certificate for one record; for several a comparison, then what was asked of each."""
    base = _base(records, asked.relative_to)
    if any(record.distribution is not None for record in records):
        return [*_distributed(records), *_views(records, asked), *_printed(records, asked)]
    if len(records) == 1 and records[0].error is None and base is None:
        tables = certificate(records[0], view=asked.view, depth=asked.depth)
        return [*_with_formulas(tables, records[0], asked.view), *_printed(records, asked)]
    tables = [comparison(records, base)]
    counted = [record for record in records if record.error is None]
    if base is not None and base.error is None and asked.view in ("total", "stage"):
        made = (stage_comparison(record, base) for record in counted if record is not base)
        tables += [table for table in made if table is not None]
    if any(record.counters for record in counted):
        tables.append(overview(counted))
    return [*tables, *_views(counted, asked), *_printed(records, asked)]


def _views(records: Sequence[Record], asked: CountsRendering) -> list[Table]:
    """What was asked of each record beside its total."""
    tables = []
    for record in records:
        if asked.view != "total" and record.error is None:
            tables += view_tables(record, asked.view, asked.depth)
        if record.counters:
            tables.append(peers(record))
    return tables


def _distributed(records: Sequence[Record]) -> list[Table]:
    """The counts over many inputs, and why they can vary."""
    told = told_apart(records)
    rows = [
        Distributed(names=names, found=record.distribution)
        for names, record in zip(told.cells, records, strict=True)
        if record.distribution is not None
    ]
    notes = [
        f"{record.workload.model}: {readers_said(record.by_values)}"
        for record in records
        if record.by_values is not None
    ]
    notes = list(dict.fromkeys(notes))
    notes += [failure(record) for record in records if record.error is not None]
    first, *others = distribution_tables("Multiply-accumulates", told.shared, told.columns, rows)
    return [msgspec.structs.replace(first, notes=(*first.notes, *notes)), *others]


def _with_formulas(tables: list[Table], record: Record, view: View) -> list[Table]:
    """The tables and the paper's formulas; a count by stage says why it stands without them."""
    from vtbench.report.beside import beside_formulas, why_not_beside

    beside = beside_formulas(record)
    if beside is not None:
        return [*tables, beside]
    why = why_not_beside(record) if view == "stage" else None
    if why is None:
        return tables
    totals, stages, *others = tables
    return [totals, msgspec.structs.replace(stages, notes=(*stages.notes, why)), *others]


def _printed(records: Sequence[Record], asked: CountsRendering) -> list[Table]:
    if not (asked.printed or asked.printed_otherwise):
        return []
    from vtbench.report.verdicts import printed_table

    by_values = {
        verdict.claim.id: record.by_values
        for record in records
        for verdict in asked.printed
        if record.by_values is not None and _same(verdict, record)
    }
    return [printed_table(asked.printed, by_values, asked.printed_otherwise)]


def citation(records: Sequence[Record]) -> str:
    """The footnote and the BibTeX entry."""
    return f"{footnote(records)}\n\n{bibtex()}"


def _citation(records: Sequence[Record], asked: CountsRendering) -> str:
    if asked.format == "markdown":
        return f"{footnote(records)}\n\n```bibtex\n{bibtex()}\n```"
    if asked.format == "latex":
        return "\n".join(f"% {line}" for line in citation(records).splitlines() if line)
    return citation(records)


def _object(record: Record, asked: CountsRendering, base: Record | None) -> dict[str, object]:
    made = record_object(record, asked.view, asked.depth)
    made["printed"] = _printed_objects(asked, record)
    if base is not None:
        failed = record.error or base.error
        made["relative"] = None if failed else relative(record, base)
    if asked.cite and not record.error:
        made["cite"] = {"footnote": footnote([record]), "bibtex": bibtex()}
    return made


def _printed_objects(asked: CountsRendering, record: Record) -> list[dict[str, object]]:
    own = [verdict for verdict in asked.printed if _same(verdict, record)]
    if not own:
        return []
    from vtbench.report.verdicts import verdict_object

    return [verdict_object(verdict) for verdict in own]


def _same(verdict: Verdict, record: Record) -> bool:
    work = verdict.claim.workload
    return work is not None and record.is_of(work)


def _base(records: Sequence[Record], name: str | None) -> Record | None:
    """The record that the others are measured against."""
    return next((record for record in records if record.workload.model == name), None)


YEAR = 2026


def footnote(records: Sequence[Record]) -> str:
    """One sentence: tool, version, convention, resolution and batch."""
    counted = [record for record in records if record.error is None]
    sizes = ", ".join(dict.fromkeys(pixels(record.workload) for record in counted))
    batches = ", ".join(dict.fromkeys(str(record.workload.batch_size) for record in counted))
    conventions = ", ".join(sorted({record.convention for record in counted}))
    by_values = ", ".join(record.workload.model for record in counted if record.by_values)
    values = (
        f" The count of {by_values} can depend on the values of the input." if by_values else ""
    )
    passes = "forward and backward" if any(r.workload.backward for r in counted) else "forward"
    return (
        f"Multiply-accumulates (one multiply-add = 1 MAC; convolutions and matrix products, "
        f"attention included) of the {passes} pass counted with vtbench {VERSION}, "
        f"convention {conventions}, input {sizes}, batch size {batches}.{values}"
    )


def bibtex() -> str:
    """The BibTeX entry of this version."""
    return "\n".join(
        [
            f"@software{{vtbench_{VERSION.replace('.', '_')},",
            "  author  = {{The vtbench contributors}},",
            "  title   = {{vtbench: exact multiply-accumulate counts of vision models}},",
            f"  version = {{{VERSION}}},",
            f"  year    = {{{YEAR}}},",
            "}",
        ]
    )
