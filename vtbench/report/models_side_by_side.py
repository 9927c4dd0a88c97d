"""Several records in one table, and each beside the one that it is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from vtbench.data.naming import written
from vtbench.data.record import Record
from vtbench.data.stages import OTHER
from vtbench.report.breakdown import Part, breakdown
from vtbench.report.table import Column, Table, figure_columns, name_column
from vtbench.report.units import (
    ABSENT,
    Bound,
    bound_of,
    bounded,
    common_prefix,
    digits,
    macs,
    pixels,
    ratio,
    si,
    signed,
    size,
)
from vtbench.report.values_behind import marked, notes_of

Cells = list[str]
NAMED = 3
"""Unknown operators that a note names."""
APART = 3
"""Options that have a column each; more than that share one."""


def comparison(records: Sequence[Record], relative_to: Record | None = None) -> Table:
    """One row per record; what all of them share stands above, what failed below."""
    counted = [record for record in records if record.error is None]
    prefix = common_prefix(record.macs for record in counted)
    told = told_apart(records)
    columns = [
        *told.columns,
        *figure_columns("MACs", "Params"),
        Column(head="Activ.", drop=2),
        Column(head="Peak act.", drop=3),
    ]
    if relative_to is not None:
        columns += [Column(head="Ratio"), Column(head="Difference", drop=1)]
    rows = [
        (*name, *_figures(record, prefix, relative_to))
        for name, record in zip(told.cells, records, strict=True)
    ]
    notes = [failure(record) for record in records if record.error]
    notes += [_bound(record) for record in counted if not record.complete]
    notes += notes_of(counted)
    if relative_to is not None:
        notes.append(f"Ratio and difference are relative to {_label(relative_to)}.")
        notes += _unknown_ratios(counted, relative_to)
    return Table(
        title="Multiply-accumulates",
        conditions=(told.shared,),
        columns=tuple(columns),
        rows=tuple(rows),
        notes=tuple(notes),
    )


class ToldApart(msgspec.Struct, frozen=True, kw_only=True):
    """What records have in common, and the columns that tell them apart."""

    shared: str
    columns: tuple[Column, ...]
    """The model, then each condition and option in which they differ."""
    cells: tuple[tuple[str, ...], ...]
    """The cells of these columns for each record."""


def told_apart(records: Sequence[Record]) -> ToldApart:
    """The columns of a table with a row for each record, before its figures."""
    shared, varying = _conditions([record for record in records if record.error is None])
    options = _differing_options(records)
    columns = [name_column("Model"), *(Column(head=head) for head in varying)]
    if len(options) <= APART:
        columns += [Column(head=name) for name in options]
    else:
        columns.append(Column(head="Options", align="left", shrink=True))
    cells = tuple(
        (_label(r), *(_said(r)[head] for head in varying), *_options(r.workload.options, options))
        for r in records
    )
    return ToldApart(shared=" · ".join(shared), columns=tuple(columns), cells=cells)


def _said(record: Record) -> dict[str, str]:
    work = record.workload
    return {"Size": pixels(work), "Batch": str(work.batch_size), "Mode": _mode(record)}


def stage_comparison(record: Record, base: Record) -> Table | None:
    """Two records stage by stage; None if their stages do not correspond by name."""
    pairs = _stage_pairs(record, base)
    if not pairs:
        return None
    prefix = common_prefix(part.macs for pair in pairs for part in pair)
    return Table(
        title=f"{_label(record)} relative to {_label(base)}, by stage",
        columns=(
            name_column("Stage"),
            Column(head=marked(_label(record), record.by_values), shrink=True),
            Column(head=marked(_label(base), base.by_values), shrink=True),
            *figure_columns("Ratio", "Difference"),
        ),
        rows=tuple(
            (
                mine.name,
                macs(mine.macs, complete=mine.complete, prefix=prefix),
                macs(theirs.macs, complete=theirs.complete, prefix=prefix),
                bounded(ratio(mine.macs, theirs.macs), _bound_of(mine, theirs)),
                bounded(signed(mine.macs - theirs.macs, prefix), _bound_of(mine, theirs)),
            )
            for mine, theirs in pairs
        ),
        notes=(
            f"The sums are {_sum(record)} and {_sum(base)} MACs.",
            *notes_of([record, base]),
        ),
    )


def _sum(record: Record) -> str:
    return digits(record.macs) if record.complete else f"at least {digits(record.macs)}"


def _bound_of(mine: Record | Part, theirs: Record | Part) -> Bound | None:
    """What the ratio of two counts is if they are lower bounds; that of one to itself is 1."""
    if mine is theirs:
        return None
    return bound_of(complete=mine.complete, base_complete=theirs.complete)


def _unknown_ratios(records: Sequence[Record], base: Record) -> list[str]:
    """Why a ratio is not known."""
    if base.error is not None:
        return []
    unknown = any(_bound_of(record, base) == "unknown" for record in records)
    return ["A ratio of two lower bounds is not known."] if unknown else []


def relative(record: Record, base: Record) -> dict[str, Any]:
    """Ratio and difference to another record, exact, as docs/json.md promises them."""
    return {
        "to": base.workload.model,
        **_ratio_object(record, base),
        "stages": [
            {
                "name": mine.name,
                "macs": mine.macs,
                "to_macs": theirs.macs,
                **_ratio_object(mine, theirs),
            }
            for mine, theirs in _stage_pairs(record, base)
        ],
    }


def _ratio_object(mine: Record | Part, theirs: Record | Part) -> dict[str, Any]:
    """A ratio and a difference, and what they are if a count is a lower bound."""
    bound = _bound_of(mine, theirs)
    known = bound != "unknown"
    return {
        "ratio": mine.macs / theirs.macs if theirs.macs and known else None,
        "difference": mine.macs - theirs.macs if known else None,
        "ratio_bound": bound,
    }


def _stage_pairs(record: Record, base: Record) -> list[tuple[Part, Part]]:
    """Stages of the same name in the same order; none unless all that multiply have a partner."""
    mine = {part.name: part for part in breakdown(record, "stage")}
    theirs = mine if record is base else {part.name: part for part in breakdown(base, "stage")}
    mine_named = [name for name, part in mine.items() if part.macs or not part.complete]
    theirs_named = [name for name, part in theirs.items() if part.macs or not part.complete]
    if mine_named != theirs_named or mine_named in ([], [OTHER]):
        return []
    return [(mine[name], theirs[name]) for name in mine_named]


def _conditions(records: Sequence[Record]) -> tuple[list[str], dict[str, None]]:
    """What all records have in common, and the names of what differs between them."""
    asked = {
        "Size": [pixels(r.workload) for r in records],
        "Batch": [str(r.workload.batch_size) for r in records],
        "Mode": [_mode(r) for r in records],
    }
    varying = {head: None for head, values in asked.items() if len(set(values)) > 1}
    shared = [values[0] for head, values in asked.items() if values and head not in varying]
    if values := asked["Batch"]:
        shared = [f"batch {v}" if v is values[0] else v for v in shared]
    conventions = sorted({record.convention for record in records})
    return [*shared, *conventions], varying


def _mode(record: Record) -> str:
    both = ", backward" if record.workload.backward else ""
    return f"{record.workload.mode}{both}"


def _differing_options(records: Sequence[Record]) -> Cells:
    """Options that tell one model's records apart."""
    names = dict.fromkeys(key for record in records for key, _ in record.workload.options)
    given = [(r.workload.model, dict(r.workload.options)) for r in records]
    models = len({model for model, _ in given})
    return [
        name
        for name in names
        if len({(model, repr(options.get(name, ABSENT))) for model, options in given}) > models
    ]


def _figures(record: Record, prefix: int, base: Record | None) -> Cells:
    extra = 2 if base is not None else 0
    if record.error is not None or record.parameters is None or record.memory is None:
        return ["failed", *([ABSENT] * (3 + extra))]
    by_values = record.by_values
    cells = [
        marked(macs(record.macs, complete=record.complete, prefix=prefix), by_values),
        si(record.parameters.total),
        marked(macs(record.activations, complete=record.complete), by_values),
        marked(size(record.memory.activations_peak), by_values),
    ]
    if base is not None and base.error is None:
        bound = _bound_of(record, base)
        either = None if record is base else by_values or base.by_values
        cells += [
            marked(bounded(ratio(record.macs, base.macs), bound), either),
            marked(bounded(signed(record.macs - base.macs, prefix), bound), either),
        ]
    return cells + [ABSENT] * (extra if base is not None and base.error is not None else 0)


def _options(given: Sequence[tuple[str, Any]], names: Cells) -> Cells:
    """A cell for each option, or one for all if there are many."""
    own = dict(given)
    if len(names) <= APART:
        return [written(own[name]) if name in own else ABSENT for name in names]
    return [", ".join(f"{name}={written(own[name])}" for name in names if name in own)]


def failure(record: Record) -> str:
    """Why a record could not be counted; the sentence names the model, or its label does."""
    said = record.error or ""
    return said if _label(record) in said else f"{_label(record)}: {said}"


def _label(record: Record) -> str:
    return record.workload.model


def _bound(record: Record) -> str:
    """Why a total is a lower bound."""
    named = list(dict.fromkeys(row.op for row in record.unknown))
    shown, rest = named[:NAMED], named[NAMED:]
    more = f" and {len(rest)} more" if rest else ""
    are = "is" if len(named) == 1 else "are"
    return f"{_label(record)}: the total is a lower bound; {', '.join(shown)}{more} {are} unknown."
