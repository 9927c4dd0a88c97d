"""A sweep before it runs: its cells, and how long they are going to take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from vtbench.data.workload import Workload
from vtbench.report.document import Document, Rendering, written
from vtbench.report.table import Column, Table, figure_columns, name_column
from vtbench.report.units import ABSENT, plural, spoken


class Planned(msgspec.Struct, frozen=True):
    """One cell of a plan."""

    workload: Workload
    """The workload of the cell."""
    protocol: str
    """The name of the protocol."""
    seconds: float
    """The expected time in seconds."""
    known: bool
    """Whether the expected time comes from the record of a similar cell."""
    done: bool
    """Whether the cell has been measured."""
    launches: int | None = None
    """The number of launches that are to do; None of a cell that has one reading."""


def planned_document(
    cells: Sequence[Planned], seconds: float, asked: Rendering, within: float | None = None
) -> str:
    """The plan of a sweep, which is to end within some seconds if that was promised."""
    found = Document(
        kind="plan",
        results=lambda: [_object(each) for each in cells],
        more=lambda: {"seconds": round(seconds, 1)},
        tables=lambda: [planned_table(cells, seconds, within)],
    )
    return written(found, asked)


def _object(each: Planned) -> dict[str, Any]:
    return {
        "workload": each.workload.to_dict(executed=True),
        "protocol": each.protocol,
        "launches": each.launches,
        "seconds": round(each.seconds, 1),
        "done": each.done,
    }


def planned_table(cells: Sequence[Planned], seconds: float, within: float | None = None) -> Table:
    """A row per cell."""
    return Table(
        title="Plan",
        columns=(
            name_column("Model"),
            Column(head="Options", align="left", drop=1),
            *figure_columns("Size", "Batch"),
            Column(head="Conditions", align="left", drop=2),
            Column(head="Protocol", align="left"),
            Column(head="Launches", drop=3),
            Column(head="Time"),
        ),
        rows=tuple(_row(each) for each in cells),
        notes=(_summary(cells, seconds), *_promise(within)),
    )


def _row(each: Planned) -> tuple[str, ...]:
    work = each.workload
    size = "own" if work.resolution is None else "{}×{}".format(*work.resolution)
    options = ", ".join(f"{name}={value}" for name, value in work.options)
    unusual = [
        work.mode if work.mode != "eval" else "",
        "backward" if work.backward else "",
        work.dtype if work.dtype != "fp32" else "",
        "autocast" if work.autocast else "",
        work.layout if work.layout != "nchw" else "",
        f"compile {work.compile}" if work.compile else "",
        plural(work.threads, "thread") if work.threads else "",
        f"attention {work.attention}" if work.attention else "",
    ]
    said = ", ".join(word for word in unusual if word)
    time = "done" if each.done else f"{'' if each.known else '~ '}{spoken(each.seconds)}"
    launches = ABSENT if each.launches is None or each.done else str(each.launches)
    return (
        work.model, options, size, str(work.batch_size), said, each.protocol, launches, time,
    )  # fmt: skip


def _promise(within: float | None) -> tuple[str, ...]:
    return () if within is None else (f"--within ends it after {spoken(within)}, finished or not.",)


def _summary(cells: Sequence[Planned], seconds: float) -> str:
    left = [each for each in cells if not each.done]
    launches = sum(each.launches or 0 for each in left)
    counted = f" ({plural(launches, 'launch', 'launches')})" if launches else ""
    said = f"{plural(len(cells), 'cell')}, of which {len(left)} to do{counted}"
    if not left:
        return f"{said}."
    if all(each.known for each in left):
        return f"{said}: about {spoken(seconds)}, judging by similar cells."
    return f"{said}: estimated at up to {spoken(seconds)}, by the limits on warm-up and samples."
