"""Counts as a document: a certificate of one model, a comparison of several.

Cost formulas and verdicts are imported where a document has some: a list of models has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from vtbench.data import naming
from vtbench.data.record import CONVENTION, Record
from vtbench.data.workload import Workload
from vtbench.report.breakdown import View
from vtbench.report.certificate import certificate, view_tables
from vtbench.report.citing import bibtex, cited, counts_note, with_bibtex
from vtbench.report.counts_sheet import counts_sheet, parts_sheet
from vtbench.report.difference import (
    Difference,
    difference,
    difference_csv,
    difference_object,
    difference_tables,
)
from vtbench.report.distributions import Distributed, distribution_tables
from vtbench.report.document import Document, written
from vtbench.report.labels import named
from vtbench.report.models_side_by_side import failure, relative, stage_comparison, told_apart
from vtbench.report.peers import overview, peers
from vtbench.report.record_values import record_object
from vtbench.report.shape import ShapedRendering, refuse_unknown, shaped_table, shaped_values
from vtbench.report.sheet import Sheet, as_table
from vtbench.report.table import Table
from vtbench.report.values_behind import readers_said

if TYPE_CHECKING:
    from vtbench.claims.judge import Verdict


class CountsRendering(ShapedRendering, frozen=True, kw_only=True):
    """What a reader wants to see of some records."""

    view: View = "total"
    depth: int | None = None
    relative_to: str | None = None
    """The model, as it was asked for, that the others are measured against."""
    diff: bool = False
    """Whether two records are shown by what differs between them."""
    versions: Mapping[str, str] = MappingProxyType({})
    """Versions of the libraries that built the models, if the counts were made here and now."""
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
        tables=lambda: cited(
            difference_tables(differs) if differs else counts_tables(records, asked),
            _note(records, asked),
        ),
        values=lambda: [
            difference_csv(differs)
            if differs
            else shaped_values(_sheet(records, asked), asked.shape)
        ],
        finish=lambda text: with_bibtex(text, asked.format) if asked.cite else text,
    )
    return written(found, asked)


def _difference(differs: Difference | None) -> dict[str, Any]:
    return {} if differs is None else {"diff": difference_object(differs)}


def counts_tables(records: Sequence[Record], asked: CountsRendering) -> list[Table]:
    """A certificate for one record; for several a comparison, then what was asked of each.

    If one table is asked for it is that of the workloads, or of their parts.
    """
    base = _base(records, asked.relative_to)
    if asked.one_table:
        return [shaped_table(_sheet(records, asked), asked.shape)]
    if any(record.distribution is not None for record in records):
        return [*_distributed(records), *_views(records, asked), *_printed(records, asked)]
    if len(records) == 1 and records[0].error is None and base is None:
        tables = certificate(records[0], view=asked.view, depth=asked.depth)
        return [*_with_formulas(tables, records[0], asked.view), *_printed(records, asked)]
    tables = [as_table(counts_sheet(records, base))]
    counted = [record for record in records if record.error is None]
    if base is not None and base.error is None and asked.view in ("total", "stage"):
        names = _told_apart(records)
        made = (stage_comparison(record, base, names) for record in counted if record is not base)
        tables += [table for table in made if table is not None]
    if any(record.counters for record in counted):
        tables.append(overview(counted))
    return [*tables, *_views(counted, asked), *_printed(records, asked)]


def _sheet(records: Sequence[Record], asked: CountsRendering) -> Sheet:
    """The workloads, or their parts where a view is asked for."""
    names = named([record.workload for record in records], asked.shape.labels)
    if asked.view != "total":
        return parts_sheet(records, asked.view, asked.depth, names)
    return counts_sheet(records, _base(records, asked.relative_to), names)


LATER = ("distribution_", "normalisation", "softmax", "activation", "elementwise", "reduction",
         "pooling", "interpolation")  # fmt: skip
"""Beginnings of the names of columns that only a count has: classes of other arithmetic too."""


def refuse_unknown_columns(workloads: Sequence[Workload], asked: CountsRendering) -> None:
    """Refuse labels and columns that the counts of some workloads will not have."""
    planned = [Record(workload=work, error="It was not counted yet.") for work in workloads]
    refuse_unknown(_sheet(planned, asked), asked.shape, later=LATER)


def _told_apart(records: Sequence[Record]) -> dict[Workload, str]:
    """A name for each workload that says in which options it differs from its namesakes."""
    works = [record.workload for record in records]
    return dict(zip(works, naming.labels(works), strict=True))


def _views(records: Sequence[Record], asked: CountsRendering) -> list[Table]:
    """What was asked of each record beside its total."""
    tables = []
    names = _told_apart(records)
    for record in records:
        if asked.view != "total" and record.error is None:
            tables += view_tables(record, asked.view, asked.depth, names[record.workload])
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


def citation(records: Sequence[Record], asked: CountsRendering) -> str:
    """The note and the BibTeX entry, for a format that has no place for them."""
    return f"{counts_note(records, asked.versions)}\n\n{bibtex()}"


def _note(records: Sequence[Record], asked: CountsRendering) -> str:
    return counts_note(records, asked.versions) if asked.cite else ""


def _object(record: Record, asked: CountsRendering, base: Record | None) -> dict[str, object]:
    made = record_object(record, asked.view, asked.depth)
    made["printed"] = _printed_objects(asked, record)
    if base is not None:
        failed = record.error or base.error
        made["relative"] = None if failed else relative(record, base)
    if asked.cite and not record.error:
        made["cite"] = {"footnote": counts_note([record], asked.versions), "bibtex": bibtex()}
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
