"""Comparisons for a reader: what got slower, how sure that is, and what else differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from vtbench.data.comparison import Comparison, Pair, said
from vtbench.data.naming import labels
from vtbench.data.workload import EXECUTION, Workload
from vtbench.report.document import Document, Rendering, written
from vtbench.report.table import Column, Table, name_column, values_table
from vtbench.report.units import ABSENT, bracketed, digits, pixels, signed

_PLAIN = Workload(model="")
_NEEDS_NO_MENTION = {"device", "dtype"}
_MILLI = 1e3
_TELLING = ("Protocol", "Batch", "Size", "Options", "Precision")
_SCALARS = ("device", "verdict", "ratio", "low", "high", "base_seconds", "new_seconds",
            "base_macs", "new_macs", "reason")  # fmt: skip


class ComparisonRendering(Rendering, frozen=True, kw_only=True):
    """How a document of comparisons is to look."""

    smallest: float = 0.03
    """The smallest change that matters, as it was asked for."""
    names: tuple[str, str] = ("base", "new")
    """What the two sides are called."""


def compared_document(comparisons: Sequence[Comparison], asked: ComparisonRendering) -> str:
    """Comparisons of two files or two revisions."""
    found = Document(
        kind="compare",
        results=lambda: [comparison_object(each) for each in comparisons],
        tables=lambda: [compared_table(comparisons, asked)],
        values=lambda: [_values(comparisons)],
    )
    return written(found, asked)


def comparison_object(comparison: Comparison) -> dict[str, Any]:
    """One comparison as docs/json.md promises it."""
    data = {name: getattr(comparison, name) for name in comparison.__struct_fields__}
    data["workload"] = comparison.workload.to_dict(executed=True)
    data["warnings"] = _said_warnings(comparison)
    made: dict[str, Any] = msgspec.to_builtins(data)
    return made


def _values(comparisons: Sequence[Comparison]) -> Table:
    """One line per pair with figures in full."""
    lines = []
    for each in comparisons:
        work = each.workload
        size = work.resolution or (None, None)
        line = (work.model, *size, work.batch_size, work.dtype, str(each.protocol))
        lines.append((*line, *(getattr(each, name) for name in _SCALARS)))
    heads = ("model", "height", "width", "batch_size", "dtype", "protocol", *_SCALARS)
    return values_table(heads, lines)


def compared_table(comparisons: Sequence[Comparison], asked: ComparisonRendering) -> Table:
    """A row for each pair; what is the same in all of them stands above."""
    common, varying = _divided(comparisons)
    old, new = asked.names
    return Table(
        title=f"{new} against {old}",
        conditions=tuple(common),
        columns=(
            name_column("Model"),
            *(Column(head=head, align="left", drop=_drop(head)) for head in varying),
            Column(head="Base ms", drop=9),
            Column(head="New ms", drop=9),
            Column(head="Speed, new / base", align="left"),
            Column(head="Verdict", align="left"),
        ),
        rows=tuple(_row(each, varying) for each in comparisons),
        notes=tuple(_notes(comparisons, asked)),
    )


def _drop(head: str) -> int:
    """Which conditions go first where the page is narrow; what tells most rows apart goes last."""
    return 1 + (head not in _TELLING) + (head == "Device")


def _row(comparison: Comparison, varying: Sequence[str]) -> tuple[str, ...]:
    facts = _facts(comparison)
    return (
        comparison.workload.model,
        *(facts.get(head, ABSENT) for head in varying),
        _milliseconds(comparison.base_seconds),
        _milliseconds(comparison.new_seconds),
        bracketed(comparison.ratio, comparison.low, comparison.high, "×"),
        comparison.verdict,
    )


def _milliseconds(seconds: float | None) -> str:
    return ABSENT if seconds is None else f"{seconds * _MILLI:.4g}"


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


def _notes(comparisons: Sequence[Comparison], asked: ComparisonRendering) -> Iterable[str]:
    if any(each.ratio is not None for each in comparisons):
        share = f"{asked.smallest * 100:g} %"
        yield (
            "Above 1 is faster. The 95 % interval stands in brackets; same: all of it lies within "
            f"{share} of 1."
        )
    yield from _grouped(comparisons, _said_counts)
    yield from _grouped(comparisons, _said_differences)
    yield from _grouped(comparisons, _said_warnings)
    yield from _grouped(comparisons, _said_reason)


def _grouped(comparisons: Sequence[Comparison], read: Any) -> Iterable[str]:
    """Sentences with the rows that they are about; none is named where all are meant."""
    about: dict[str, list[str]] = {}
    for each, name in zip(comparisons, _names(comparisons), strict=True):
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
