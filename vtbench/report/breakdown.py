"""The views of one record: the same rows summed by stage, module, operator, precision and so on.

The parts of every view are disjoint, so their MACs sum to the total of the record exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, get_args

import msgspec

from vtbench.data.record import ModuleMemory, Record, Row
from vtbench.data.stages import OTHER, blocks_of, stage_of, stages_of
from vtbench.errors import BadOption

View = Literal["total", "stage", "block", "module", "op", "class", "precision"]
VIEWS: tuple[View, ...] = get_args(View)

OWN = "(own)"
"""What a module runs itself, outside its children."""
UNKNOWN = "(unknown)"
NO_MACS = "(no MACs)"
NOT_NOTED = "(not noted)"
"""The precision of records that were made before it was noted, and of condensed ones."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a view."""

    name: str
    macs: int
    params: int | None
    """Distinct parameters; None if the view has none, as for operators."""
    calls: int
    """Operator calls of any status."""
    share: float
    """Part of the record's MACs; 0 where that total is 0."""
    status: str | None = None
    """Operators only: counted, zero or unknown."""
    elements: int | None = None
    """Classes only: elements of other arithmetic."""
    weight_bytes: int | None = None
    """Modules only: bytes of parameters and buffers; None if they are not known."""
    written_bytes: int | None = None
    """Modules only: bytes of all tensors that its operators make; None if they are not known."""
    class_name: str | None = None
    """Blocks only: the class."""
    complete: bool = True
    """Whether none of its operators is unknown; otherwise ``macs`` is a lower bound."""

    def to_dict(self) -> dict[str, Any]:
        """The row as docs/json.md promises it."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        for optional in ("status", "elements", "weight_bytes", "written_bytes", "class_name"):
            if data[optional] is None:
                del data[optional]
        return data


def breakdown(record: Record, view: View, depth: int | None = None) -> list[Part]:
    """The rows of one view; ``depth`` is how far down modules (default: 1) are told apart.

    Blocks are told apart inside stages, or down to the depth that is given.
    """
    if view == "total":
        return [_part(record, record.workload.model, record.rows, _all_params(record))]
    if view == "stage":
        stages = stages_of(record)
        return _by_path(record, lambda path: stage_of(path, stages), stages)
    if view == "block":
        return _by_block(record, depth)
    if view == "module":
        return _by_module(record, 1 if depth is None else depth)
    if view in _OF_ROWS:
        return _OF_ROWS[view](record)
    raise BadOption(f"--by: expected one of {', '.join(VIEWS)}, got {view!r}.")


def module_keys(record: Record, depth: int) -> list[str]:
    """Module paths cut to a depth, in the order in which a tree shows them."""
    tree: dict[str, Any] = {}
    for path in _paths(record):
        node = tree
        for name in path.split(".")[:depth] if path else ():
            node = node.setdefault(name, {})
    return list(_walk(tree, ""))


def cut(path: str, depth: int) -> str:
    """A module path without what lies deeper."""
    return ".".join(path.split(".")[:depth])


def _walk(tree: dict[str, Any], prefix: str) -> Iterable[str]:
    yield prefix
    for name, children in tree.items():
        yield from _walk(children, f"{prefix}.{name}" if prefix else name)


def _paths(record: Record) -> list[str]:
    """Every module path that ran something or holds parameters, first come first."""
    return list(dict.fromkeys([*record.module_parameters, *(row.module for row in record.rows)]))


def _by_module(record: Record, depth: int) -> list[Part]:
    if depth < 1:
        raise BadOption(f"--depth: expected a number of at least 1, got {depth}.")
    keys = module_keys(record, depth)
    parents = {""} | {key.rpartition(".")[0] for key in keys}

    def name(path: str) -> str:
        key = cut(path, depth)
        return f"{key} {OWN}".lstrip() if key in parents else key

    return [
        part
        for part in _by_path(record, name, [name(key) for key in keys])
        if part.calls or part.params
    ]


def _by_block(record: Record, depth: int | None) -> list[Part]:
    """The blocks, what a block does beside the blocks in it, and what lies outside of all."""
    blocks = blocks_of(record, depth)
    paths = [block.path for block in blocks]
    holders = {stage_of(path.rpartition(".")[0], paths) for path in paths}
    names = {path: f"{path} {OWN}" if path in holders else path for path in paths}
    classes = {names[block.path]: block.class_name for block in blocks}

    def name(path: str) -> str:
        holder = stage_of(path, paths)
        return names.get(holder, holder)

    found = _by_path(record, name, names.values())
    return [msgspec.structs.replace(part, class_name=classes.get(part.name)) for part in found]


def _by_path(record: Record, name: Callable[[str], str], order: Iterable[str]) -> list[Part]:
    """Rows and parameters gathered under a name for their module."""
    rows: dict[str, list[Row]] = {key: [] for key in order}
    params = dict.fromkeys(rows, 0)
    for row in record.rows:
        rows.setdefault(name(row.module), []).append(row)
    for path, count in record.module_parameters.items():
        params[name(path)] = params.get(name(path), 0) + count
    memory: dict[str, list[ModuleMemory]] = {}
    for path, own in record.module_memory.items():
        memory.setdefault(name(path), []).append(own)
    names = list(dict.fromkeys([*rows, *params, *memory]))
    if OTHER in names:
        names.append(names.pop(names.index(OTHER)))
    parts = [_part(record, key, rows.get(key, ()), params.get(key, 0)) for key in names]
    if not record.module_memory:
        return parts
    return [
        msgspec.structs.replace(
            part,
            weight_bytes=sum(own.weights for own in memory.get(part.name, ())),
            written_bytes=sum(own.written for own in memory.get(part.name, ())),
        )
        for part in parts
    ]


def _by_operator(record: Record) -> list[Part]:
    """Operators, the most expensive first; unknown ones by their estimate after the counted."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in record.rows:
        groups.setdefault((row.op, row.status), []).append(row)
    rank = {"counted": 0, "unknown": 1, "zero": 2}
    made = [
        (
            (rank[status], -sum(r.macs or r.estimated_macs for r in rows), -part.calls, op),
            msgspec.structs.replace(part, status=status),
        )
        for (op, status), rows in groups.items()
        for part in [_part(record, op, rows, None)]
    ]
    return [part for _, part in sorted(made, key=lambda pair: pair[0])]


def _by_class(record: Record) -> list[Part]:
    """Kinds of counted work, then the classes of other arithmetic, then the rest."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in record.rows:
        groups.setdefault((row.status, row.kind), []).append(row)
    elements = record.classes()
    if "softmax" in elements:  # fused attention has one inside, and no call of its own
        groups.setdefault(("zero", "softmax"), [])
    rank = {"counted": 0, "unknown": 2, "zero": 3}
    made = []
    for (status, kind), rows in groups.items():
        part = _part(record, "data movement" if kind == "none" else kind, rows, None)
        if status == "zero" and kind != "none":
            part = msgspec.structs.replace(part, elements=elements[kind])
            made.append(((1, 0, -elements[kind], kind), part))
        else:
            made.append(((rank[status], -part.macs, -part.calls, kind), part))
    return [part for _, part in sorted(made, key=lambda pair: pair[0])]


def _by_precision(record: Record) -> list[Part]:
    """The dtypes of the operands that are multiplied, those with the most MACs first."""
    found: dict[str, list[int]] = {}
    for row in record.rows:
        noted = [(name, each.calls, each.macs) for name, each in row.precision.items()]
        rest = row.macs - sum(macs for _, _, macs in noted)
        calls_left = row.calls - sum(calls for _, calls, _ in noted)
        left = NOT_NOTED if rest else UNKNOWN if row.status == "unknown" else NO_MACS
        for name, calls, macs in [*noted, (left, calls_left, rest)] if calls_left else noted:
            sums = found.setdefault(name, [0, 0])
            sums[0] += calls
            sums[1] += macs
    total = record.macs
    parts = [
        Part(
            name=name,
            macs=macs,
            params=None,
            calls=calls,
            share=macs / total if total else 0.0,
            complete=name != UNKNOWN,
        )
        for name, (calls, macs) in found.items()
    ]
    return sorted(parts, key=lambda part: (-part.macs, part.name))


def _part(record: Record, name: str, rows: Iterable[Row], params: int | None) -> Part:
    macs, calls, complete = 0, 0, True
    for row in rows:
        macs += row.macs
        calls += row.calls
        complete = complete and row.status != "unknown"
    total = record.macs
    share = macs / total if total else 0.0
    return Part(name=name, macs=macs, params=params, calls=calls, share=share, complete=complete)


_OF_ROWS = {"op": _by_operator, "class": _by_class, "precision": _by_precision}
"""Views of what is run, whichever module runs it."""


def _all_params(record: Record) -> int | None:
    return record.parameters.total if record.parameters else None
