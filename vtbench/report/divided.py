"""A count divided into stages or blocks: the MACs and the bytes of each, which sum to the whole."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence

import msgspec

from vtbench.data.record import Record
from vtbench.report.breakdown import Part
from vtbench.report.table import Column, Table
from vtbench.report.units import ABSENT, common_prefix, digits, macs, percent, plural, si, size

NO_BLOCKS = (
    "No class of modules is repeated, so there are no blocks; "
    "`vtbench macs --by module --depth 2` divides by modules."
)
NOT_KEPT = "The record was kept without its blocks and bytes; count the model again to have them."
BYTES_SAID = (
    "Weights and Written are bytes: of parameters and buffers, and of all tensors that operators "
    "make, which are not alive at one time."
)


def stages_table(title: str, record: Record, found: Sequence[Part]) -> Table:
    """A row for each stage that has any figure."""
    return _table(title, record, "stage", [[part] for part in found])


def blocks_table(title: str, record: Record, found: Sequence[Part]) -> Table:
    """A row for each block, or for all blocks in a row that are equal."""
    groups = [list(group) for _, group in itertools.groupby(found, _equal)]
    made = _table(title, record, "block", groups)
    if record.blocks:
        return made
    why = NO_BLOCKS if record.module_memory else NOT_KEPT
    return msgspec.structs.replace(made, notes=(*made.notes, why))


Group = Sequence[Part]
"""Parts that are shown in one row."""


def _equal(part: Part) -> tuple[object, ...]:
    """What is the same of blocks that share a row; calls can differ, and are summed."""
    holder = re.sub(r"\d+$", "", part.name) if part.class_name else part.name
    return (holder, part.class_name, part.macs, part.params, part.weight_bytes,
            part.written_bytes, part.complete)  # fmt: skip


def _table(title: str, record: Record, noun: str, groups: Sequence[Group]) -> Table:
    shown = [group for group in groups if _has_figures(group[0])]
    hidden = sum(len(group) for group in groups if not _has_figures(group[0]))
    prefix = common_prefix(part.macs for group in shown for part in group)
    columns = _columns(noun, shown, prefix, record.macs)
    return Table(
        title=title,
        columns=tuple(column for column, _ in columns),
        rows=tuple(tuple(cell(group) for _, cell in columns) for group in shown),
        notes=_notes(record, noun, hidden),
    )


def _has_figures(part: Part) -> bool:
    figures = (part.macs, part.params, part.weight_bytes, part.written_bytes)
    return any(figures) or not part.complete


def _columns(
    noun: str, groups: Sequence[Group], prefix: int, total: int
) -> list[tuple[Column, Callable[[Group], str]]]:
    """Columns, each with the cell that it has for a group; the share of the MACs goes last."""

    def counted(group: Group, times: int) -> str:
        return macs(times * group[0].macs, complete=group[0].complete, prefix=prefix)

    names = Column(head=noun.title(), align="left", shrink=True, least=28)
    found: list[tuple[Column, Callable[[Group], str]]] = [(names, _named)]
    if noun == "block":
        class_ = Column(head="Class", align="left", drop=7)
        found.append((class_, lambda group: group[0].class_name or ABSENT))
    if any(len(group) > 1 for group in groups):
        found.append((Column(head="Number", drop=5), lambda group: str(len(group))))
        found.append((Column(head="MACs each", drop=1), lambda group: counted(group, 1)))
    found += [
        (Column(head="MACs"), lambda group: counted(group, len(group))),
        (Column(head="Share"), lambda group: percent(_sum(group, "macs") or 0, total)),
        (Column(head="Params", drop=4), lambda group: si(_sum(group, "params") or 0)),
    ]
    if any(group[0].weight_bytes is not None for group in groups):
        found += [
            (Column(head="Weights", drop=2), lambda group: size(_sum(group, "weight_bytes") or 0)),
            (Column(head="Written", drop=3), lambda group: size(_sum(group, "written_bytes") or 0)),
        ]
    return [*found, (Column(head="Calls", drop=6), lambda group: str(_sum(group, "calls")))]


def _sum(group: Group, figure: str) -> int:
    return sum(getattr(part, figure) or 0 for part in group)


def _named(group: Group) -> str:
    """The path of one block, or of the first and the last: ``blocks.0-11``."""
    first, last = group[0].name, group[-1].name
    if len(group) == 1:
        return first
    number = re.search(r"\d+$", last)
    return f"{first}-{number[0]}" if number else f"{first}-{last}"


def _notes(record: Record, noun: str, hidden: int) -> tuple[str, ...]:
    """The sums, and what is not shown."""
    memory = record.module_memory.values()
    sums = f"The sum is {digits(record.macs)} MACs."
    if record.module_memory:
        weights, written = (
            digits(sum(getattr(each, name) for each in memory)) for name in ("weights", "written")
        )
        sums = (
            f"The sums are {digits(record.macs)} MACs, {weights} bytes of weights and {written} "
            "bytes written."
        )
    are = "is" if hidden == 1 else "are"
    left = f"{plural(hidden, noun)} with neither MACs nor bytes {are} not shown."
    return (sums, *([BYTES_SAID] if record.module_memory else []), *([left] if hidden else []))
