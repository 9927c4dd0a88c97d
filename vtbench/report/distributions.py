"""Figures over many inputs: a row for each model, and the operators that vary."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from vtbench.data.distribution import Distribution, Number
from vtbench.report.table import Column, Table, figure_columns, name_column
from vtbench.report.units import (
    PER_PREFIX,
    PREFIXES,
    Bound,
    bounded,
    common_prefix,
    digits,
    plural,
    plus_minus,
    si,
)

INTERVAL_SAID = "±: half the 95 % interval of the mean (Student's t)."


class Distributed(msgspec.Struct, frozen=True, kw_only=True):
    """One model's figure over inputs."""

    names: tuple[str, ...]
    """The cells that tell it from the others, the model first."""
    found: Distribution

    @property
    def name(self) -> str:
        """The model."""
        return self.names[0]


def distribution_tables(
    title: str,
    conditions: str,
    columns: Sequence[Column],
    rows: Sequence[Distributed],
    unit: str = "",
) -> list[Table]:
    """A table with a row for each model, then the operators of each that vary.

    ``columns`` tell the rows apart. ``unit`` follows the prefix: nothing of a count, B of bytes.
    """
    over = list(dict.fromkeys(row.found.over.said(row.found.n) for row in rows))
    said = over[0] if len(over) == 1 else "inputs"
    prefix = common_prefix(row.found.max for row in rows)
    tables = [
        Table(
            title=f"{title} over {said}",
            conditions=(conditions,),
            columns=(
                *columns,
                Column(head="Mean"),
                Column(head="Median", drop=2),
                *(Column(head=head, drop=1) for head in ("p5", "p95")),
                *figure_columns("Min", "Max"),
            ),
            rows=tuple(_row(row, prefix, unit) for row in rows),
            notes=_notes(rows, over, unit),
        )
    ]
    return [*tables, *(_varying(row) for row in rows if row.found.varying)]


def _row(row: Distributed, prefix: int, unit: str) -> tuple[str, ...]:
    found = row.found
    bound: Bound | None = None if found.complete else "at least"
    write = _writer(prefix, unit)
    mean = _mean(found, prefix, unit)
    others = (found.median, found.p5, found.p95, found.min, found.max)
    cells = (mean, *map(write, others))
    return (*row.names, *(bounded(each, bound) for each in cells))


def _writer(prefix: int, unit: str) -> Callable[[Number], str]:
    def write(value: Number) -> str:
        text = si(round(value), prefix)
        return f"{text}{unit}" if text.rpartition(" ")[1] or not unit else f"{text} {unit}"

    return write


def _mean(found: Distribution, prefix: int, unit: str) -> str:
    """The mean with as many digits as its interval leaves; exact if nothing varies."""
    if not found.half_width:
        return _writer(prefix, unit)(found.mean)
    scale = PER_PREFIX**prefix
    text = plus_minus(found.mean / scale, found.half_width / scale)
    return f"{text} {PREFIXES[prefix]}{unit}".rstrip()


def _notes(rows: Sequence[Distributed], over: Sequence[str], unit: str) -> tuple[str, ...]:
    notes = [INTERVAL_SAID] if any(row.found.half_width for row in rows) else []
    what = "bytes" if unit else "MACs"
    for row in rows:
        found = row.found
        if found.constant:
            least = "" if found.complete else "at least "
            notes.append(
                f"{row.name}: constant. Each of {plural(found.n, 'input')} gives {least}"
                f"{digits(found.min)} {what}."
            )
        if not found.complete:
            notes.append(f"{row.name}: lower bounds, because an operator is unknown.")
    if len(over) > 1:
        notes += [f"{row.name}: {row.found.over.said(row.found.n)}." for row in rows]
    return tuple(notes)


def _varying(row: Distributed) -> Table:
    found = row.found.varying
    prefix = common_prefix(each.max for each in found)
    return Table(
        title=f"{row.name}: operators that vary",
        columns=(name_column("Operator"), *figure_columns("Calls", "MACs, min", "MACs, max")),
        rows=tuple(
            (
                each.op,
                str(each.min_calls)
                if each.min_calls == each.max_calls
                else f"{each.min_calls} to {each.max_calls}",
                si(each.min, prefix),
                si(each.max, prefix),
            )
            for each in found
        ),
    )
