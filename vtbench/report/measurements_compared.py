"""Comparisons for a reader: what got slower, how sure that is, and what else differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from vtbench.data.comparison import Comparison, Pair, said
from vtbench.data.naming import labels
from vtbench.data.workload import EXECUTION, Workload
from vtbench.report.document import Document, written
from vtbench.report.figures import Cell
from vtbench.report.labels import called, named
from vtbench.report.shape import ShapedRendering, refuse_unknown, shaped_table, shaped_values
from vtbench.report.sheet import Filled, Sheet, SheetColumn, sheet_of
from vtbench.report.table import Table
from vtbench.report.units import ABSENT, digits, pixels, signed

_PLAIN = Workload(model="")
_NEEDS_NO_MENTION = {"device", "dtype"}
_TELLING = ("Protocol", "Batch", "Size", "Options", "Precision")


class ComparisonRendering(ShapedRendering, frozen=True, kw_only=True):
    """How a document of comparisons is to look."""

    smallest: float = 0.03
    """The smallest change that matters, as it was asked for."""
    names: tuple[str, str] = ("base", "new")
    """What the two sides are called."""


def compared_document(comparisons: Sequence[Comparison], asked: ComparisonRendering) -> str:
    """Comparisons of two files or two revisions."""
    refuse_unknown(_sheet(comparisons, asked), asked.shape)
    found = Document(
        kind="compare",
        results=lambda: [comparison_object(each) for each in comparisons],
        tables=lambda: [compared_table(comparisons, asked)],
        values=lambda: [shaped_values(_sheet(comparisons, asked), asked.shape)],
    )
    return written(found, asked)


def comparison_object(comparison: Comparison) -> dict[str, Any]:
    """One comparison as docs/json.md promises it."""
    data = {name: getattr(comparison, name) for name in comparison.__struct_fields__}
    data["workload"] = comparison.workload.to_dict(executed=True)
    data["warnings"] = _said_warnings(comparison)
    made: dict[str, Any] = msgspec.to_builtins(data)
    return made


def compared_table(comparisons: Sequence[Comparison], asked: ComparisonRendering) -> Table:
    """A row for each pair; what is the same in all of them stands above."""
    return shaped_table(_sheet(comparisons, asked), asked.shape)


def _sheet(comparisons: Sequence[Comparison], asked: ComparisonRendering) -> Sheet:
    """A row for each pair: what tells it apart, both times and the verdict, and figures in full."""
    common, varying = _divided(comparisons)
    works = [each.workload for each in comparisons]
    names = named(works, asked.shape.labels)
    told = called(works, _names(comparisons), names)
    old, new = asked.names
    return sheet_of(
        [
            (
                SheetColumn(name="model", head="Model", shown=True, tells=True, shrink=True),
                [Cell(names.get(work, work.model)) for work in works],
            ),
            *_told_apart(comparisons, varying),
            *_options(works),
            *((column, [_cell(column, each) for each in comparisons]) for column in _COLUMNS),
        ],
        title=f"{new} against {old}",
        key="compare",
        conditions=tuple(common),
        notes=tuple(_notes(comparisons, asked, told)),
    )


_COLUMNS = (
    *(SheetColumn(name=name, kind="value") for name in ("height", "width", "batch_size")),
    *(SheetColumn(name=name) for name in ("dtype", "protocol", "device")),
    SheetColumn(name="verdict", head="Verdict", shown=True, rank=4),
    SheetColumn(name="ratio", head="Speed, new / base", kind="factor", shown=True, rank=3),
    *(SheetColumn(name=name, kind="number") for name in ("low", "high")),
    SheetColumn(
        name="base_seconds", head="Base ms", kind="milliseconds", shown=True, rank=1, drop=9
    ),
    SheetColumn(name="new_seconds", head="New ms", kind="milliseconds", shown=True, rank=2, drop=9),
    *(SheetColumn(name=name, kind="count") for name in ("base_macs", "new_macs")),
    SheetColumn(name="reason"),
)
"""The columns of CSV in their order, and how readers see some of them."""


def _cell(column: SheetColumn, comparison: Comparison) -> Cell:
    work = comparison.workload
    height, width = work.resolution or (None, None)
    own = {
        "height": height,
        "width": width,
        "batch_size": work.batch_size,
        "dtype": work.dtype,
        "protocol": str(comparison.protocol),
    }
    if column.name in own:
        return Cell(own[column.name])
    value = getattr(comparison, column.name)
    if column.name == "ratio":
        return Cell(value, comparison.low, comparison.high)
    return Cell(value)


def _options(works: Sequence[Workload]) -> list[Filled]:
    """A column for each option that any workload was given."""
    taken = {column.name for column in _COLUMNS}
    names = dict.fromkeys(key for work in works for key, _ in work.options)
    return [
        (
            SheetColumn(name=f"option_{name}" if name in taken else name, kind="value"),
            [
                Cell(said(dict(work.options)[name]) if name in dict(work.options) else None)
                for work in works
            ],
        )
        for name in names
    ]


def _told_apart(comparisons: Sequence[Comparison], varying: Sequence[str]) -> list[Filled]:
    """A column for each condition in which pairs differ."""
    facts = [_facts(each) for each in comparisons]
    return [
        (
            SheetColumn(name=head, shown=True, tells=True, flat=False, drop=_drop(head)),
            [Cell(each.get(head)) for each in facts],
        )
        for head in varying
    ]


def _drop(head: str) -> int:
    """Which conditions go first where the page is narrow; what tells most rows apart goes last."""
    return 1 + (head not in _TELLING) + (head == "Device")


def _facts(comparison: Comparison) -> dict[str, str]:
    """The conditions of one comparison, by heading; those that are as ever are left out."""
    work = comparison.workload
    facts = {
        "Protocol": str(comparison.protocol),
        "Device": comparison.device or work.device,
        "Precision": work.dtype,
        "Batch": str(work.batch_size),
    }
    if work.resolution is not None or work.inputs:
        facts["Size"] = pixels(work)
    if work.options:
        facts["Options"] = said(work.options)
    for name in ("mode", "backward", *sorted(EXECUTION - _NEEDS_NO_MENTION)):
        if getattr(work, name) != getattr(_PLAIN, name):
            facts[name.capitalize()] = said(getattr(work, name))
    return facts


def _divided(comparisons: Sequence[Comparison]) -> tuple[list[str], list[str]]:
    """A line of what all have in common, and the headings in which they differ."""
    every = [_facts(each) for each in comparisons]
    heads = dict.fromkeys(head for facts in every for head in facts)
    varying = [head for head in heads if len({facts.get(head) for facts in every}) > 1]
    common = [_phrase(head, every[0][head]) for head in heads if head not in varying]
    return ([" · ".join(common)] if common else []), varying


def _phrase(head: str, value: str) -> str:
    own_words = head in ("Protocol", "Device", "Precision", "Size", "Options")
    return value if own_words else f"{head.lower()} {value}"


def _notes(
    comparisons: Sequence[Comparison], asked: ComparisonRendering, names: Sequence[str]
) -> Iterable[str]:
    if any(each.ratio is not None for each in comparisons):
        share = f"{asked.smallest * 100:g} %"
        yield (
            "Above 1 is faster. The 95 % interval stands in brackets; same: all of it lies within "
            f"{share} of 1."
        )
    yield from _grouped(comparisons, names, _said_counts)
    yield from _grouped(comparisons, names, _said_differences)
    yield from _grouped(comparisons, names, _said_warnings)
    yield from _grouped(comparisons, names, _said_reason)


def _grouped(comparisons: Sequence[Comparison], names: Sequence[str], read: Any) -> Iterable[str]:
    """Sentences with the rows that they are about; none is named where all are meant."""
    about: dict[str, list[str]] = {}
    for each, name in zip(comparisons, names, strict=True):
        for sentence in read(each):
            about.setdefault(sentence, []).append(name)
    for sentence, rows in about.items():
        every = len(rows) == len(comparisons)
        yield sentence if every else f"{', '.join(dict.fromkeys(rows))}: {sentence}"


def _names(comparisons: Sequence[Comparison]) -> list[str]:
    """A name for each row: the workload's, with the protocol and device where these differ."""
    names = labels([each.workload for each in comparisons])
    protocols = [str(each.protocol) for each in comparisons]
    devices = [each.device or ABSENT for each in comparisons]
    for more in (protocols, devices):
        if len(set(names)) < len(names) and len(set(more)) > 1:
            names = [f"{name}, {other}" for name, other in zip(names, more, strict=True)]
    return names


def _said_warnings(comparison: Comparison) -> Iterable[str]:
    return [each.sentence for each in comparison.warnings]


def _said_reason(comparison: Comparison) -> Iterable[str]:
    """A clear verdict needs no words beside its interval."""
    if comparison.reason and comparison.verdict in ("cannot tell", "fails", "not compared"):
        yield comparison.reason


def _said_differences(comparison: Comparison) -> Iterable[str]:
    on_purpose = [key for key in comparison.differs if key in comparison.across]
    others = [key for key in comparison.differs if key not in comparison.across]
    for what, keys in (("Compared across", on_purpose), ("These differ too:", others)):
        if keys:
            parts = (f"{key} {_arrow(comparison.differs[key])}" for key in keys)
            yield f"{what} {', '.join(parts)}."


def _said_counts(comparison: Comparison) -> Iterable[str]:
    if comparison.new_macs is not None and comparison.base_macs == comparison.new_macs:
        yield f"MACs are the same: {digits(comparison.new_macs)}."
    if comparison.counts:
        parts = (_counted(key, *pair) for key, pair in comparison.counts.items())
        yield f"The counts differ: {', '.join(parts)}."


def _counted(key: str, base: int, new: int) -> str:
    what = "predicted memory" if key == "predicted" else key.replace("_", " ")
    return f"{what} {digits(base)} → {digits(new)} ({signed(new - base)})"


def _arrow(pair: Pair) -> str:
    return " → ".join(ABSENT if each is None else said(each) for each in pair)
