"""What grew from one count to another, part by part: ``--diff``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from vtbench.data.record import Record
from vtbench.report.breakdown import Part, View
from vtbench.report.counts_sheet import counts_sheet
from vtbench.report.models_side_by_side import told_apart
from vtbench.report.paired_parts import Pair, aligned
from vtbench.report.sheet import as_table
from vtbench.report.table import Column, Table, values_table
from vtbench.report.units import (
    ABSENT,
    Bound,
    bound_of,
    bounded,
    common_prefix,
    digits,
    macs,
    percent,
    plural,
    signed,
)
from vtbench.report.values_behind import notes_of

NOUNS = {"module": "module", "stage": "stage", "block": "block", "op": "operator", "class": "class",
         "precision": "precision"}  # fmt: skip
PLURALS = {"class": "classes"}


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Two counts and their parts in pairs."""

    before: Record
    after: Record
    view: View
    pairs: tuple[Pair, ...]

    @property
    def macs(self) -> int:
        """MACs that the second count has more."""
        return self.after.macs - self.before.macs


def difference(records: Sequence[Record], view: View, depth: int | None) -> Difference:
    """The second of two counts less the first; a total is divided by modules."""
    before, after = records
    view = "module" if view == "total" else view
    pairs = tuple(aligned(before, after, view, depth))
    return Difference(before=before, after=after, view=view, pairs=pairs)


def difference_object(found: Difference) -> dict[str, Any]:
    """The difference as docs/json.md promises it."""
    return {
        "by": found.view,
        "difference": found.macs,
        "complete": found.before.complete and found.after.complete,
        "parts": [_part_object(pair, found.macs) for pair in _sorted(found.pairs)],
    }


def _part_object(pair: Pair, total: int) -> dict[str, Any]:
    name, other = pair.names
    return {
        "name": name,
        "to_name": other,
        "macs": pair.before.macs if pair.before else None,
        "to_macs": pair.after.macs if pair.after else None,
        "difference": pair.difference,
        "share": pair.difference / total if total else None,
        "complete": _complete(pair.before) and _complete(pair.after),
    }


def difference_csv(found: Difference) -> Table:
    """One line for each pair, those without a difference too."""
    lines = difference_object(found)["parts"]
    heads = list(_part_object(Pair(), 0))
    return values_table(heads, [list(line.values()) for line in lines])


def difference_tables(found: Difference) -> list[Table]:
    """Both totals, and what differs, the largest difference first."""
    records = (found.before, found.after)
    return [as_table(counts_sheet(records)), _table(found)]


def _table(found: Difference) -> Table:
    grown = [pair for pair in _sorted(found.pairs) if pair.difference or _bound(pair)]
    prefix = common_prefix(abs(pair.difference) for pair in grown)
    labels = _labels((found.before, found.after))
    noun = NOUNS[found.view]
    groups = _grouped(grown)
    columns = (
        Column(head=noun.title(), align="left", shrink=True, least=60),
        *(Column(head=label, shrink=True, drop=1) for label in labels),
        Column(head="Difference"),
        Column(head="Share", drop=2),
    )
    rows = [_row(name, pairs, prefix, found.macs) for name, pairs in groups]
    rows += _same_row(found.pairs, prefix, found.macs)
    if len(rows) > 1:
        whole = Pair(before=_whole(found.before), after=_whole(found.after))
        rows.append(_row("(all)", [whole], prefix, found.macs))
    return Table(
        title=f"{labels[1]} less {labels[0]}, by {noun}",
        columns=columns,
        rows=tuple(rows) if grown else (),
        notes=_notes(found, len(found.pairs) - len(grown), groups),
    )


def _same_row(pairs: Sequence[Pair], prefix: int, total: int) -> list[tuple[str, ...]]:
    """What multiplies alike in both, so that columns sum to the totals."""
    alike = [pair.before for pair in pairs if pair.before and not pair.difference]
    known = [part for part in alike if part.complete]
    macs_ = sum(part.macs for part in known)
    if not macs_:
        return []
    part = msgspec.structs.replace(known[0], macs=macs_)
    return [_row("(no difference)", [Pair(before=part, after=part)], prefix, total)]


def _notes(
    found: Difference, same: int, groups: Sequence[tuple[str, Sequence[Pair]]]
) -> tuple[str, ...]:
    noun = NOUNS[found.view]
    notes = [f"The difference is {digits(found.macs)} MACs."]
    if same:
        named = plural(same, noun) if same == 1 else f"{same} {PLURALS.get(noun, noun + 's')}"
        are = "is" if same == 1 else "are"
        notes.append(f"{named} without a difference {are} not shown one by one.")
    missing = [pair for _, pairs in groups for pair in pairs if None in pair.names]
    if missing:
        notes.append(f"{ABSENT} stands for a {noun} that one of the two does not have.")
    if not (found.before.complete and found.after.complete):
        notes.append("A count has unknown operators, so the difference is a bound or is not known.")
    return (*notes, *notes_of((found.before, found.after)))


def _row(name: str, pairs: Sequence[Pair], prefix: int, total: int) -> tuple[str, ...]:
    """A row of a part, or of several with equal figures, which are summed."""
    first, times = pairs[0], len(pairs)
    change = times * first.difference
    bound = _bound(first)
    return (
        name,
        _cell(first.before, times, prefix),
        _cell(first.after, times, prefix),
        bounded(signed(change, prefix), bound),
        ABSENT if bound else percent(change, total),
    )


def _cell(part: Part | None, times: int, prefix: int) -> str:
    if part is None:
        return ABSENT
    return macs(times * part.macs, complete=part.complete, prefix=prefix)


def _bound(pair: Pair) -> Bound | None:
    return bound_of(complete=_complete(pair.after), base_complete=_complete(pair.before))


def _complete(part: Part | None) -> bool:
    return part is None or part.complete


def _whole(record: Record) -> Part:
    return Part(
        name="(all)", macs=record.macs, params=None, calls=0, share=1.0, complete=record.complete
    )


def _sorted(pairs: Iterable[Pair]) -> list[Pair]:
    return sorted(pairs, key=lambda pair: -abs(pair.difference))


def _labels(records: Sequence[Record]) -> tuple[str, str]:
    """The models, or what tells two workloads of one model apart."""
    models = [record.workload.model for record in records]
    if models[0] != models[1]:
        return models[0], models[1]
    told = told_apart(records)
    heads = [column.head for column in told.columns[1:]]
    before, after = (
        ", ".join(
            f"{head}={cell}" if head not in ("Size", "Options") else cell
            for head, cell in zip(heads, cells[1:], strict=True)
            if cell != ABSENT
        )
        for cells in told.cells
    )
    return before or models[0], after or models[0]


def _grouped(pairs: Sequence[Pair]) -> list[tuple[str, list[Pair]]]:
    """Pairs with equal figures whose names differ in one number, under a name for all of them."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for index, pair in enumerate(pairs):
        for key in _keys(pair):
            groups.setdefault(key, []).append(index)
    taken: set[int] = set()
    found: list[tuple[int, str, list[Pair]]] = []
    for members in sorted(groups.values(), key=lambda each: -len(each)):
        free = [index for index in members if index not in taken]
        if free:
            taken.update(free)
            found.append((min(free), _name([pairs[i] for i in free]), [pairs[i] for i in free]))
    found.sort(key=lambda group: (-abs(sum(p.difference for p in group[2])), group[0]))
    return [(name, members) for _, name, members in found]


def _keys(pair: Pair) -> list[tuple[object, ...]]:
    """Its figures and its names, with one of the numbers in them left out, for each of these."""
    figures = (pair.before and pair.before.macs, pair.after and pair.after.macs)
    known = (_complete(pair.before), _complete(pair.after))
    name, other = pair.names
    numbers = list(re.finditer(r"\d+", name or other or ""))
    found: list[tuple[object, ...]] = [(figures, known, pair.names, None)]
    for place, number in enumerate(numbers):
        masked = tuple(each and _masked(each, place, number[0]) for each in pair.names)
        found.append((figures, known, masked, place))
    return found


def _masked(name: str, place: int, number: str) -> str:
    """The name without one of its numbers, which has to stand at the same place."""
    spots = list(re.finditer(r"\d+", name))
    if place >= len(spots) or spots[place][0] != number:
        return name
    return f"{name[: spots[place].start()]}#{name[spots[place].end() :]}"


def _name(pairs: Sequence[Pair]) -> str:
    names = [[name for pair in pairs if (name := pair.names[side])] for side in (0, 1)]
    said = [_ranged(each) for each in names if each]
    return " → ".join(dict.fromkeys(said))


def _ranged(names: Sequence[str]) -> str:
    """One name for all: ``blocks.0-11.mlp.fc1``."""
    split = [re.split(r"(\d+)", name) for name in names]
    made = []
    for parts in zip(*split, strict=True):
        different = sorted({int(part) for part in parts}) if len(set(parts)) > 1 else []
        made.append(_range(different) if different else parts[0])
    return "".join(made)


def _range(numbers: Sequence[int]) -> str:
    """``0-5`` for numbers in a row, ``0,2-4`` otherwise."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
