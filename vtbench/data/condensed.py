"""Records condensed to what judging needs, and the text of a file of them.

In a file each stands under the workload that was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from vtbench.data.files import line_of
from vtbench.data.record import Record, Row
from vtbench.data.stages import OTHER, stage_of
from vtbench.data.workload import Workload

_SUMS = ("calls", "macs", "effective_macs", "elements_in", "elements_out", "written", "softmax",
         "biased", "estimated_macs")  # fmt: skip


def condensed(record: Record, parts: Sequence[str] = ()) -> Record:
    """The same record with one row per operator, module class and stage: enough to judge by.

    A row's module becomes the stage, or the one of some other ``parts``, that holds it. Every
    convention gives the same figure of the condensed record, and so does every sum over these.
    """
    kept = tuple(dict.fromkeys((*record.stages, *record.apart, *parts)))
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in record.rows:
        if row.status == "zero" and row.kind == "none":
            continue
        stage = _stage_of(row.module, kept)
        groups.setdefault((stage, *_identity(row)), []).append(row)
    merged = tuple(_merged(str(key[0]), rows) for key, rows in groups.items())
    return msgspec.structs.replace(
        record,
        rows=merged,
        apart=kept,
        module_parameters=_by_stage(record.module_parameters, kept),
        defaults={},
        module_memory={},  # no claim speaks of the bytes of a part
        blocks=(),
        module_weights=_by_stage(record.module_weights, kept),
    )


def _stage_of(path: str, stages: Iterable[str]) -> str:
    """The stage that holds a module, or else the direct child of the model that does."""
    stage = stage_of(path, stages)
    return path.partition(".")[0] if stage == OTHER else stage


def _identity(row: Row) -> tuple[object, ...]:
    return (row.op, row.module_class, row.status, row.kind, row.with_parameter, row.head,
            row.phase, row.source)  # fmt: skip


def _merged(stage: str, rows: list[Row]) -> Row:
    sums = {name: sum(getattr(row, name) for row in rows) for name in _SUMS}
    return msgspec.structs.replace(rows[0], module=stage, precision={}, **sums)


def _by_stage(held: Mapping[str, int], stages: Iterable[str]) -> dict[str, int]:
    stages = tuple(stages)
    found: dict[str, int] = {}
    for path, elements in held.items():
        stage = _stage_of(path, stages)
        found[stage] = found.get(stage, 0) + elements
    return found


def lines_of(
    records: Mapping[Workload, Record], parts: Mapping[Workload, Sequence[str]] | None = None
) -> str:
    """Condensed records as JSON Lines, each with the workload as it was asked for.

    ``parts`` are modules of a workload that stay apart from the stages that hold them.
    """
    small = {
        each: condensed(record, (parts or {}).get(each, ())) for each, record in records.items()
    }
    return "".join(
        line_of(msgspec.structs.replace(record, workload=asked)) for asked, record in small.items()
    )
