"""Measurements as tables: one per protocol, under the conditions that hold for all its rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

import msgspec

from vtbench.data import naming
from vtbench.data.measurement import Measurement, Ratio
from vtbench.data.protocol import PROTOCOLS, ProtocolId
from vtbench.report.distributions import Distributed, distribution_tables
from vtbench.report.labels import called
from vtbench.report.measured.cautions import cautions
from vtbench.report.measured.columns import COUNTED, LATENCY, MEMORY, TIMED, kind
from vtbench.report.measured.conditions import Condition, cell, common_and_varying
from vtbench.report.measured.sheet import Names, measured_sheet
from vtbench.report.roofline import stages_table
from vtbench.report.sheet import Sheet, as_table
from vtbench.report.table import Column, Table, name_column
from vtbench.report.units import ABSENT, bracketed
from vtbench.stats.ratio import FEWEST

TITLES = {
    TIMED: "Throughput",
    LATENCY: "Latency",
    MEMORY: "Memory",
    COUNTED: "Multiply-accumulates",
}
_PLAIN = ("throughput", "latency", "memory", "macs")


def by_protocol(records: Sequence[Measurement]) -> list[list[Measurement]]:
    """Records of one protocol each, in the order of the protocols; they never share a table."""
    groups: dict[ProtocolId, list[Measurement]] = {}
    for record in records:
        groups.setdefault(record.protocol, []).append(record)
    order = list(PROTOCOLS)
    return sorted(
        groups.values(),
        key=lambda g: (
            order.index(g[0].protocol.name) if g[0].protocol.name in order else len(order)
        ),
    )


def measured_tables(records: Sequence[Measurement], ratios: Sequence[Ratio] = ()) -> list[Table]:
    """One table per protocol, then where the time of a model goes, where its stages were timed.

    Ratios stand below the table of their protocol; those that name none below the one table that
    is timed, or apart.
    """
    groups = by_protocol(records)
    timed = [group for group in groups if kind(group[0].protocol) in (TIMED, LATENCY)]
    only = str(timed[0][0].protocol) if len(timed) == 1 else None
    lines: dict[str | None, list[Ratio]] = {}
    for ratio in ratios:
        lines.setdefault(ratio.protocol or only, []).append(ratio)
    tables = [
        _table(group, ratio_lines(lines.get(str(group[0].protocol), ()), thin_of(group)))
        for group in groups
    ]
    if None in lines:
        apart = tuple(ratio_lines(lines[None], thin_of(records)))
        tables.append(Table(title="Head to head", columns=(), rows=(), notes=apart))
    names = labels(records)
    stages = (stages_table(record, name) for record, name in zip(records, names, strict=True))
    return [
        *tables,
        *(table for table in stages if table is not None),
        *_distributed(records),
    ]


def _distributed(records: Sequence[Measurement]) -> list[Table]:
    """What is predicted over many inputs, of those records that were asked for it."""
    rows = [record for record in records if record.distribution is not None]
    if not rows:
        return []
    common, varying = common_and_varying(rows)
    return distribution_tables(
        "Predicted memory",
        " · ".join(common),
        (name_column("Model"), *(_varying_column(condition) for condition in varying)),
        [
            Distributed(
                names=(record.workload.model, *(cell(each, record) for each in varying)),
                found=record.distribution,
            )
            for record in rows
            if record.distribution is not None
        ],
        "B",
    )


def thin_of(records: Sequence[Measurement]) -> set[str]:
    """The models, by the names that ratios give them, with too few samples for an interval."""
    names = naming.labels([record.workload for record in records])
    return {
        name
        for name, record in zip(names, records, strict=True)
        if 0 < len(record.samples) / record.samples_per_visit < FEWEST and not record.launches
    }


def protocol_said(protocol: ProtocolId) -> str:
    """A protocol in words, where this version is the one that measured."""
    known = PROTOCOLS.get(protocol.name)
    same = known is not None and known.version == protocol.version
    return f"protocol {protocol} ({known.says})" if known and same else f"protocol {protocol}"


def conditions_of(common: Sequence[str], protocol: ProtocolId) -> str:
    """What stands above a table, in one paragraph."""
    return " · ".join([*common, protocol_said(protocol)])


def title_of(protocol: ProtocolId) -> str:
    """``Throughput``; protocols apart from the plain one are named."""
    return TITLES[kind(protocol)] + named_apart(protocol)


def named_apart(protocol: ProtocolId) -> str:
    """``, graph`` for a protocol that is not the plain one of its kind."""
    return "" if protocol.name in _PLAIN else f", {protocol.name}"


def labels(records: Sequence[Measurement]) -> list[str]:
    """A name for each record that tells it from the others: the workload's, and what differs."""
    names = naming.labels([record.workload for record in records])
    if len(set(names)) == len(names):
        return names
    varying = [condition for condition in common_and_varying(records)[1] if not condition.asked]
    return [
        ", ".join([name, *_differing(record, varying)])
        for name, record in zip(names, records, strict=True)
    ]


def _differing(record: Measurement, varying: Sequence[Condition]) -> list[str]:
    found = ((condition, cell(condition, record)) for condition in varying)
    return [f"{condition.head.lower()} {text}" for condition, text in found if text != ABSENT]


def measured_sheet_of(
    records: Sequence[Measurement], lines: Sequence[str] = (), names: Names | None = None
) -> Sheet:
    """The measurements of one protocol, and the notes that they need; ``lines`` are on ratios."""
    protocol = records[0].protocol
    known = names or {}
    works = [record.workload for record in records]
    said = dict(zip(map(id, records), called(works, labels(records), known), strict=True))
    return measured_sheet(
        records,
        known,
        title=title_of(protocol),
        key=protocol.name,
        conditions_said=conditions_of(common_and_varying(records)[0], protocol),
        notes=[*lines, *cautions(records, lambda r: said[id(r)])],
    )


def _table(records: Sequence[Measurement], lines: Sequence[str]) -> Table:
    return as_table(measured_sheet_of(records, lines))


def _varying_column(condition: Condition) -> Column:
    words = condition.name in ("mode", "device", "torch", "commit", "dtype", "layout")
    return Column(head=condition.head, align="left" if words else "right", shrink=words)


MOST = 12
"""Ratios that are said in words; all of them stand in the JSON."""


def told(ratios: Sequence[Ratio], to: str | None) -> list[Ratio]:
    """The ratios that are said in words: of the first model, or to the one asked for."""
    if to is None:
        return [each for each in ratios if each.a == ratios[0].a]
    return relative(ratios, to)


def relative(ratios: Sequence[Ratio], to: str | None) -> list[Ratio]:
    """The ratios to one model, turned round where they are of it; all if none is."""
    if to is None:
        return list(ratios)
    turned = [
        _turned(each) if _is_of(each.a, to) and not _is_of(each.b, to) else each for each in ratios
    ]
    own = [each for each in turned if _is_of(each.b, to)]
    return own or list(ratios)


def _is_of(label: str, model: str) -> bool:
    """Whether a label is of a model, with or without what tells its namesakes apart."""
    return label == model or label.startswith(f"{model} (")


def names_of(records: Sequence[Measurement], names: Names) -> dict[str, str]:
    """The name of a record in ratios -> what readers call its workload."""
    works = [record.workload for record in records]
    owns = naming.labels(works)
    return dict(zip(owns, called(works, owns, names), strict=True))


def ratio_lines(
    ratios: Sequence[Ratio],
    thin: Collection[str] = (),
    called: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """A sentence for each ratio, with the interval that says whether it means anything.

    ``thin`` are the models with too few samples for an interval, by the names that ratios have.
    """
    said = [
        f"{called.get(each.a, each.a)} is {bracketed(each.ratio, each.low, each.high, '×')} "
        f"as fast as {called.get(each.b, each.b)}{_open(each, thin)}."
        for each in ratios[:MOST]
    ]
    rest = len(ratios) - MOST
    more = f"There are {rest} more ratios; --format json has them all."
    return [*said, more] if rest > 0 else said


def _open(ratio: Ratio, thin: Collection[str]) -> str:
    """Where the interval holds 1, or is only the range of a few pairs, the faster is not known."""
    if ratio.a in thin or ratio.b in thin:
        return f"; fewer than {FEWEST} samples cannot tell which is faster"
    return "; it is not known which is faster" if ratio.low <= 1 <= ratio.high else ""


def _turned(ratio: Ratio) -> Ratio:
    return msgspec.structs.replace(
        ratio, a=ratio.b, b=ratio.a, ratio=1 / ratio.ratio, low=1 / ratio.high, high=1 / ratio.low
    )
