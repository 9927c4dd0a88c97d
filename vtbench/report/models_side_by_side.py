"""Several records in one table, and each beside the one that it is measured against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from vtbench.data.naming import written
from vtbench.data.record import Record
from vtbench.data.stages import OTHER
from vtbench.data.workload import Workload
from vtbench.report.breakdown import Part, breakdown
from vtbench.report.figures import COUNT_PLACES, Cell, written_column
from vtbench.report.settled import settled_notes
from vtbench.report.table import Column, Table, name_column
from vtbench.report.units import (
    ABSENT,
    PREFIXES,
    SIGNS,
    Bound,
    bound_of,
    bounded,
    common_prefix,
    digits,
    pixels,
    ratio,
)
from vtbench.report.values_behind import marked, notes_of

Cells = list[str]
Names = Mapping[Workload, str]
"""What readers call a workload, if not by its model."""
NAMED = 3
"""Unknown operators that a note names."""
APART = 3
"""Options that have a column each; more than that share one."""


def comparison_notes(
    records: Sequence[Record], base: Record | None = None, names: Names | None = None
) -> list[str]:
    """What failed, which totals are lower bounds, and what ratios are to."""
    counted = [record for record in records if record.error is None]
    notes = [failure(record) for record in records if record.error]
    notes += [_bound(record, names) for record in counted if not record.complete]
    notes += settled_notes((r.workload.model, dict(r.workload.options), r.settled) for r in counted)
    notes += notes_of(counted, alone=len(records) == 1)
    if base is not None:
        notes.append(f"Ratio and difference are relative to {name_of(base, names)}.")
        notes += _unknown_ratios(counted, base)
    return notes


class ToldApart(msgspec.Struct, frozen=True, kw_only=True):
    """What records have in common, and the columns that tell them apart."""

    shared: str
    columns: tuple[Column, ...]
    """The model, then each condition and option in which they differ."""
    cells: tuple[tuple[str, ...], ...]
    """The cells of these columns for each record."""


def told_apart(records: Sequence[Record], names: Names | None = None) -> ToldApart:
    """The columns of a table with a row for each record, before its figures."""
    shared, varying = _conditions([record for record in records if record.error is None])
    options = _differing_options(records)
    shared[-1:-1] = _shared_options(records, options)
    columns = [name_column("Model"), *(Column(head=head) for head in varying)]
    if len(options) <= APART:
        columns += [Column(head=name) for name in options]
    else:
        columns.append(Column(head="Options", align="left", shrink=True))
    cells = tuple(
        (
            name_of(r, names),
            *(_said(r)[head] for head in varying),
            *_options(r.workload.options, options),
        )
        for r in records
    )
    return ToldApart(shared=" · ".join(shared), columns=tuple(columns), cells=cells)


def _said(record: Record) -> dict[str, str]:
    work = record.workload
    return {"Size": pixels(work), "Batch": str(work.batch_size), "Mode": mode_of(record)}


def stage_comparison(record: Record, base: Record, names: Names | None = None) -> Table | None:
    """Two records stage by stage; None if their stages do not correspond by name."""
    pairs = _stage_pairs(record, base)
    if not pairs:
        return None
    mine_called, base_called = name_of(record, names), name_of(base, names)
    prefix = common_prefix(part.macs for pair in pairs for part in pair)
    unit = f" ({PREFIXES[prefix]})" if prefix else ""
    sides = [
        written_column("portion", [_portion(pair[side]) for pair in pairs], None, prefix)[1]
        for side in (0, 1)
    ]
    apart = [Cell(mine.macs - theirs.macs) for mine, theirs in pairs]
    differences = written_column("difference", apart, COUNT_PLACES, prefix)[1]
    bounds = [_bound_of(mine, theirs) for mine, theirs in pairs]
    ratios = [ratio(mine.macs, theirs.macs) for mine, theirs in pairs]
    return Table(
        title=f"{mine_called} relative to {base_called}, by stage",
        columns=(
            name_column("Stage"),
            _model_column(mine_called, record, unit),
            _model_column(base_called, base, unit),
            Column(head="Ratio", align="decimal"),
            Column(head=f"Difference{unit}", align="decimal"),
        ),
        rows=tuple(
            zip(
                (mine.name for mine, _ in pairs),
                *sides,
                map(bounded, ratios, bounds),
                map(bounded, differences, bounds),
                strict=True,
            )
        ),
        notes=(
            f"The sums are {_sum(record)} and {_sum(base)} MACs.",
            *notes_of([record, base]),
        ),
    )


def _portion(part: Part) -> Cell:
    return Cell(part.macs, sign="" if part.complete else SIGNS["at least"])


def _model_column(name: str, record: Record, unit: str) -> Column:
    return Column(head=f"{marked(name, record.by_values)}{unit}", align="decimal", shrink=True)


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
        "Mode": [mode_of(r) for r in records],
    }
    varying = {head: None for head, values in asked.items() if len(set(values)) > 1}
    shared = [values[0] for head, values in asked.items() if values and head not in varying]
    if values := asked["Batch"]:
        shared = [f"batch {v}" if v is values[0] else v for v in shared]
    conventions = sorted({record.convention for record in records})
    return [*shared, *conventions], varying


def mode_of(record: Record) -> str:
    """The mode, and whether there is a backward pass."""
    both = ", backward" if record.workload.backward else ""
    return f"{record.workload.mode}{both}"


def _differing_options(records: Sequence[Record]) -> Cells:
    """Options that some record has with another value than the rest, or that the rest lacks."""
    names = dict.fromkeys(key for record in records for key, _ in record.workload.options)
    given = [dict(record.workload.options) for record in records]
    return [name for name in names if len({repr(own.get(name, ABSENT)) for own in given}) > 1]


def _shared_options(records: Sequence[Record], differing: Cells) -> Cells:
    """Options that all records have alike."""
    given = records[0].workload.options if records else ()
    return [f"{key}={written(value)}" for key, value in given if key not in differing]


def _options(given: Sequence[tuple[str, Any]], names: Cells) -> Cells:
    """A cell for each option, or one for all if there are many."""
    own = dict(given)
    if len(names) <= APART:
        return [written(own[name]) if name in own else ABSENT for name in names]
    return [", ".join(f"{name}={written(own[name])}" for name in names if name in own)]


def failure(record: Record) -> str:
    """Why a record could not be counted; the sentence names the model, or its label does."""
    said = record.error or ""
    return said if name_of(record) in said else f"{name_of(record)}: {said}"


def name_of(record: Record, names: Names | None = None) -> str:
    """What readers call a record: a name that was given to it, or that of its model."""
    return (names or {}).get(record.workload, record.workload.model)


def _bound(record: Record, names: Names | None) -> str:
    """Why a total is a lower bound."""
    named = list(dict.fromkeys(row.op for row in record.unknown))
    shown, rest = named[:NAMED], named[NAMED:]
    more = f" and {len(rest)} more" if rest else ""
    are = "is" if len(named) == 1 else "are"
    return (
        f"{name_of(record, names)}: the total is a lower bound; {', '.join(shown)}{more} {are} "
        "unknown."
    )
