"""Figures that can change with the values of the input: a mark beside each, and a note below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from vtbench.data.record import ByValues, Record
from vtbench.report.table import Table

MARK = "†"
SHORT = f"{MARK} The figure can depend on the values of the input."
MARKED = ("MACs", "Elements")
"""Headings of columns that follow from shapes."""
HOW_MUCH = "`vtbench macs --seeds N` and `--inputs SOURCE` show how much it varies."
NAMED = 3
"""Operators, or figures, that a note names before it counts the rest."""


def marked(text: str, by_values: ByValues | None) -> str:
    """A figure, with the mark if it can change with values."""
    return text if by_values is None else f"{text}{MARK}"


def value_notes(found: Iterable[tuple[str, ByValues | None]], *, alone: bool = False) -> list[str]:
    """A note for figures of the same nature, which it names unless they stand alone."""
    groups: dict[ByValues, list[str]] = {}
    for name, by_values in found:
        if by_values is not None:
            groups.setdefault(by_values, []).append(name)
    return [_note(each, None if alone else names) for each, names in groups.items()]


def notes_of(records: Sequence[Record], *, alone: bool = False) -> list[str]:
    """The notes on some records."""
    notes = value_notes(((r.workload.model, r.by_values) for r in records), alone=alone)
    lacking = any(r.by_values is not None and r.distribution is None for r in records)
    return [*notes, HOW_MUCH] if lacking else notes


def with_values(table: Table, record: Record, note: str | None = None) -> Table:
    """A table of one record's parts: what follows from shapes is marked, and the note says why."""
    if record.by_values is None:
        return table
    columns = tuple(
        msgspec.structs.replace(each, head=f"{each.head}{MARK}") if each.head in MARKED else each
        for each in table.columns
    )
    notes = [note] if note is not None else notes_of([record], alone=True)
    return msgspec.structs.replace(table, columns=columns, notes=(*table.notes, *notes))


def readers_said(by_values: ByValues) -> str:
    """Which operators read values, as a sentence."""
    reads = "reads" if len(by_values.operators) == 1 else "read"
    return f"{listed(by_values.operators)} {reads} values of the input."


def _note(by_values: ByValues, names: Sequence[str] | None) -> str:
    whose = " The" if names is None else f" {listed(list(dict.fromkeys(names)))}: the"
    read = "reads" if len(by_values.operators) == 1 else "read"
    return (
        f"{MARK}{whose} figure can depend on the values of the input, which "
        f"{listed(by_values.operators)} {read}. It is for {by_values.counted_on}."
    )


def listed(names: Sequence[str]) -> str:
    """``a, b and c``; the first few if there are many."""
    shown, rest = list(names[:NAMED]), len(names) - NAMED
    if rest > 0:
        return f"{', '.join(shown)} and {rest} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
