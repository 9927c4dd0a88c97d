"""The shapes of a model's modules: what goes in, what comes out, and with which kernel."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.data.record import Record
from vtbench.report.table import Column, Table, name_column
from vtbench.report.units import ABSENT, plural

_SHOWN = 2
"""So many tensors of a call are shown; the rest are counted."""


def shapes_table(title: str, record: Record, depth: int) -> Table:
    """A line for each module that was called, indented under whatever holds it."""
    shown = [path for path in record.shapes if path.count(".") < depth]
    holding = {path[:end] for path in shown for end, sign in enumerate(path) if sign == "."}
    called = [*shown]
    for path in sorted(holding - set(shown), key=lambda each: each.count(".")):
        # a list of modules is not called, and stands above the first that it holds
        first = next(place for place, each in enumerate(called) if each.startswith(f"{path}."))
        called.insert(first, path)
    rows = [_line(record, path) for path in called]
    others = [key for key in shown if record.shapes[key].others]
    notes = ["Shapes are those of the first call."] if others else []
    notes += [
        f"{key or record.workload.model}: {plural(record.shapes[key].others, 'later call')} had "
        "other shapes."
        for key in others
    ]
    return Table(
        title=title,
        columns=(
            name_column("Module"),
            Column(head="In", align="left"),
            Column(head="Out", align="left"),
            Column(head="Kernel", align="left", drop=1),
        ),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def _line(record: Record, path: str) -> tuple[str, ...]:
    level = path.count(".") + 1 if path else 0
    name = "  " * level + (path.rpartition(".")[2] or record.workload.model)
    found = record.shapes.get(path)
    if found is None:
        return name, ABSENT, ABSENT, ABSENT
    return name, _several(found.given), _several(found.made), found.kernel or ABSENT


def _several(shapes: Sequence[Sequence[int]]) -> str:
    """Shapes between commas; that of a single number is scalar."""
    said = ["×".join(map(str, shape)) or "scalar" for shape in shapes[:_SHOWN]]
    more = len(shapes) - _SHOWN
    return ", ".join([*said, f"{more} more"] if more > 0 else said) or ABSENT
