"""Records and a question in, one document out.

Cost formulas and verdicts are imported where a document has some: a list of models has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from vtbench.data.record import Record
from vtbench.report.certificate import certificate, view_table
from vtbench.report.cite import bibtex, footnote
from vtbench.report.comparison import comparison, relative, stage_comparison
from vtbench.report.parts import View
from vtbench.report.peers import overview, peers
from vtbench.report.raw import csv_table, json_text, record_object
from vtbench.report.render import render
from vtbench.report.table import Table

if TYPE_CHECKING:
    from vtbench.claims.judge import Verdict

Format = Literal["table", "json", "csv", "markdown", "latex"]
FORMATS: tuple[Format, ...] = get_args(Format)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader wants to see of some records."""

    format: Format = "table"
    view: View = "total"
    depth: int = 1
    relative_to: str | None = None
    """The model, as it was asked for, that the others are measured against."""
    cite: bool = False
    width: int = 80
    """Cells of the terminal."""
    color: bool = False
    printed: tuple[Verdict, ...] = ()
    """Figures that papers printed of these workloads, judged."""


def document(records: Sequence[Record], question: Question) -> str:
    """The whole document, ending in a line break."""
    base = _base(records, question.relative_to)
    if question.format == "json":
        return json_text([_object(record, question, base) for record in records]) + "\n"
    if question.format == "csv":
        return render([csv_table(records, question.view, question.depth, base)], "csv") + "\n"
    tables = report_tables(records, question)
    text = render(tables, question.format, width=question.width, color=question.color)
    if question.cite:
        text += "\n\n" + _citation(records, question)
    return text + "\n"


def report_tables(records: Sequence[Record], question: Question) -> list[Table]:
    """A certificate for one record; for several a comparison, then what was asked of each."""
    base = _base(records, question.relative_to)
    if len(records) == 1 and records[0].error is None and base is None:
        tables = certificate(records[0], view=question.view, depth=question.depth)
        return [*_with_formulas(tables, records[0], question.view), *_printed(question)]
    tables = [comparison(records, base)]
    counted = [record for record in records if record.error is None]
    if base is not None and base.error is None and question.view in ("total", "stage"):
        made = (stage_comparison(record, base) for record in counted if record is not base)
        tables += [table for table in made if table is not None]
    if any(record.counters for record in counted):
        tables.append(overview(counted))
    for record in counted:
        if question.view != "total":
            tables.append(view_table(record, question.view, question.depth))
        if record.counters:
            tables.append(peers(record))
    return [*tables, *_printed(question)]


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


def _printed(question: Question) -> list[Table]:
    if not question.printed:
        return []
    from vtbench.report.verdicts import printed_table

    return [printed_table(question.printed)]


def citation(records: Sequence[Record]) -> str:
    """The footnote and the BibTeX entry."""
    return f"{footnote(records)}\n\n{bibtex()}"


def _citation(records: Sequence[Record], question: Question) -> str:
    if question.format == "markdown":
        return f"{footnote(records)}\n\n```bibtex\n{bibtex()}\n```"
    if question.format == "latex":
        return "\n".join(f"% {line}" for line in citation(records).splitlines() if line)
    return citation(records)


def _object(record: Record, question: Question, base: Record | None) -> dict[str, object]:
    made = record_object(record, question.view, question.depth)
    made["printed"] = _printed_objects(question, record)
    if base is not None:
        failed = record.error or base.error
        made["relative"] = None if failed else relative(record, base)
    if question.cite and not record.error:
        made["cite"] = {"footnote": footnote([record]), "bibtex": bibtex()}
    return made


def _printed_objects(question: Question, record: Record) -> list[dict[str, object]]:
    own = [verdict for verdict in question.printed if _same(verdict, record)]
    if not own:
        return []
    from vtbench.report.verdicts import verdict_object

    return [verdict_object(verdict) for verdict in own]


def _same(verdict: Verdict, record: Record) -> bool:
    work = verdict.claim.workload
    return work is not None and work == msgspec.structs.replace(record.workload, inputs=())


def _base(records: Sequence[Record], name: str | None) -> Record | None:
    """The record that the others are measured against."""
    return next((record for record in records if record.workload.model == name), None)
