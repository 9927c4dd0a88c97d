"""One record in full: its totals, and what stands behind them.

A total is worth what it accounts for, so it is printed with the operators that were counted, those
that cost nothing, those that nobody knows, and the other counters' totals with what explains them.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vtbench.data.record import Record
from vtbench.report.breakdown import OWN, Part, View, breakdown, cut, module_keys
from vtbench.report.divided import blocks_table, stages_table
from vtbench.report.peers import peers
from vtbench.report.settled import settled_notes
from vtbench.report.shapes import shapes_table
from vtbench.report.table import Column, Table, figure_columns, name_column
from vtbench.report.units import (
    ABSENT,
    common_prefix,
    digits,
    macs,
    percent,
    pixels,
    plural,
    si,
    size,
)
from vtbench.report.values_behind import SHORT, marked, notes_of, with_values

_IDLE = 4
"""So many modules that never ran are named; the rest are summed."""
SHARES_SAID = "Shares are of the MACs that were counted."


def certificate(record: Record, *, view: View = "total", depth: int | None = None) -> list[Table]:
    """The tables of one record; any view but the total replaces the list of operators."""
    tables = [_totals(record)]
    if view == "total":
        apart = [_counted(record), *_free(record)]
        tables += [with_values(table, record, SHORT) for table in apart]
    else:
        tables += view_tables(record, view, depth)
    if record.unknown:
        tables.append(_unknown(record))
    if record.counters:
        tables.append(peers(record))
    return tables


def conditions(record: Record) -> str:
    """Everything that a count depends on, on one line."""
    work = record.workload
    said = [pixels(work), f"batch {work.batch_size}", work.mode]
    said.append("forward and backward" if work.backward else "forward")
    said += [f"{key}={value!r}" for key, value in work.options]
    said += [f"weights {work.weights}"] if work.weights else []
    return " · ".join([*said, record.convention])


def view_tables(
    record: Record, view: View, depth: int | None = None, name: str | None = None
) -> list[Table]:
    """One record by a view, and the shapes of its modules if they were noted."""
    tables = [view_table(record, view, depth, name)]
    if record.shapes and view == "module":
        told = f"{name or record.workload.model}: shapes, depth {depth or 1}"
        tables.append(shapes_table(told, record, depth or 1))
    return tables


def view_table(
    record: Record, view: View, depth: int | None = None, name: str | None = None
) -> Table:
    """One record by a view, under a name that tells it apart."""
    found = breakdown(record, view, depth)
    model = name or record.workload.model
    if view == "module":
        made = _tree(record, found, depth or 1)
    elif view == "op":
        made = _operators(f"{model} by operator", found, status=True)
    elif view == "class":
        made = _classes(f"{model} by class", found)
    elif view == "precision":
        made = _precisions(f"{model} by precision", found)
    else:
        divided = blocks_table if view == "block" else stages_table
        made = divided(f"{model} by {view}", record, found)
    made = msgspec.structs.replace(made, conditions=(conditions(record),))
    if not record.complete and view != "class":
        made = msgspec.structs.replace(made, notes=(*made.notes, SHARES_SAID))
    return with_values(made, record)


def _totals(record: Record) -> Table:
    """The headline figures, each beside its exact integer."""
    params, memory, batch = record.parameters, record.memory, record.workload.batch_size

    def line(name: str, count: int) -> tuple[str, str, str]:
        said = macs(count, complete=record.complete)
        return name, marked(said, record.by_values), digits(count)

    rows = [line("MACs", record.macs)]
    if record.effective_macs != record.macs:
        rows.append(line("MACs under causal masks", record.effective_macs))
    if batch > 1 and record.macs % batch == 0:
        rows.append(line("MACs per image", record.macs // batch))
    rows.append(line("FLOPs (2 × MACs)", 2 * record.macs))
    if params:
        rows += [
            ("Parameters", si(params.total), digits(params.total)),
            ("  trainable", si(params.trainable), digits(params.trainable)),
            ("  conv and linear weights", si(params.weights), digits(params.weights)),
            ("Buffers", si(params.buffers), digits(params.buffers)),
        ]
    rows.append(line("Activations (elements)", record.activations))
    work = record.workload
    notes = settled_notes([(work.model, dict(work.options), record.settled)])
    notes += notes_of([record], alone=True)
    notes += [f"Road: {_road(record)}."] if record.road else []
    if memory:
        rows += [
            ("Memory of weights (bytes)", size(memory.weights), digits(memory.weights)),
            (
                "Peak of activations (bytes)",
                marked(size(memory.activations_peak), record.by_values),
                digits(memory.activations_peak),
            ),
        ]
        notes.append(f"Activations peak at {memory.peak_at}.")
    notes.append(_accounted(record))
    notes += _never_ran(record)
    return Table(
        title=record.workload.model,
        conditions=(conditions(record),),
        columns=(name_column("Quantity"), Column(head="Value"), Column(head="Exact", drop=1)),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def _road(record: Record) -> str:
    """The road; why it has values is said better by what read them than by what meta raised."""
    road = record.road or ""
    if road.startswith("known ("):
        return "known: the inputs have values, which the model asks for, and the weights have none"
    if record.by_values is None or not road.startswith("real ("):
        return road
    return "real, because a shape or a decision depends on values"


def _accounted(record: Record) -> str:
    """How many operators ran and where they went."""
    calls = {"counted": 0, "zero": 0, "unknown": 0}
    for row in record.rows:
        calls[row.status] += row.calls
    said = (
        f"Operator calls: {sum(calls.values())}, of which {calls['counted']} counted, "
        f"{calls['zero']} without multiplications and {calls['unknown']} unknown"
    )
    users = sorted({row.op for row in record.rows if row.source == "user formula"})
    by_users = f"; counted by a user formula: {', '.join(users)}" if users else ""
    return f"{said}{by_users}."


def _never_ran(record: Record) -> list[str]:
    """The modules that took no part, in a sentence; the largest first."""
    idle = sorted(record.never_ran.items(), key=lambda each: -each[1])
    said = [f"{path or 'the model'} ({_parameters(held)})" for path, held in idle[:_IDLE]]
    rest = idle[_IDLE:]
    if rest:
        held = _parameters(sum(each for _, each in rest))
        said.append(f"{plural(len(rest), 'more module')} ({held})")
    if not said:
        return []
    first = ", ".join(said[:-1])
    return [f"{first} and {said[-1]} never ran." if first else f"{said[0]} never ran."]


def _parameters(number: int) -> str:
    return f"{digits(number)} parameter{'s' * (number != 1)}"


def _counted(record: Record) -> Table:
    found = [part for part in breakdown(record, "op") if part.status == "counted"]
    return _operators("Counted", found, status=False)


def _operators(title: str, found: list[Part], *, status: bool) -> Table:
    """Operators with their calls; a status column where all three kinds stand together."""
    prefix = common_prefix(part.macs for part in found)
    total = sum(part.macs for part in found)
    said = {"counted": "counted", "zero": "no MACs", "unknown": "unknown"}
    rows = []
    for part in found:
        counted = part.status == "counted"
        row = [part.name, str(part.calls)]
        row += [said[part.status or "zero"]] if status else []
        row += [si(part.macs, prefix), percent(part.macs, total)] if counted else [ABSENT] * 2
        rows.append(tuple(row))
    columns = [name_column("Operator"), Column(head="Calls")]
    columns += [Column(head="Status", align="left")] if status else []
    columns += [Column(head="MACs"), Column(head="Share", drop=1)]
    notes = () if found else ("No operator has multiplications.",)
    return Table(title=title, columns=tuple(columns), rows=tuple(rows), notes=notes)


def _precisions(title: str, found: list[Part]) -> Table:
    """The dtypes of the operands that are multiplied, with calls and MACs."""
    prefix = common_prefix(part.macs for part in found)
    total = sum(part.macs for part in found)
    return Table(
        title=title,
        columns=(name_column("Operands"), *figure_columns("Calls", "MACs", "Share")),
        rows=tuple(
            (part.name, str(part.calls), si(part.macs, prefix), percent(part.macs, total))
            for part in found
        ),
        notes=() if found else ("No operator has multiplications.",),
    )


def _free(record: Record) -> list[Table]:
    """Other arithmetic by class; no table where nothing ran that multiplies nothing."""
    found = [p for p in breakdown(record, "class") if p.elements is not None]
    moved = [row for row in record.rows if row.status == "zero" and row.kind == "none"]
    calls = plural(sum(row.calls for row in moved), "call")
    operators = plural(len({row.op for row in moved}), "operator")
    note = f"{calls} ({operators}) that only create, move or view data are not listed."
    if not found and not moved:
        return []
    made = Table(
        title="Operators without multiplications",
        columns=(name_column("Other arithmetic"), Column(head="Calls"), Column(head="Elements")),
        rows=tuple((p.name, str(p.calls), si(p.elements or 0)) for p in found),
        notes=(note,) if moved else (),
    )
    return [made]


def _unknown(record: Record) -> Table:
    return Table(
        title="Unknown: the total is a lower bound",
        columns=(
            name_column("Operator"),
            name_column("Module"),
            *figure_columns("Calls", "Estimate"),
        ),
        rows=tuple(
            (row.op, row.module or "(model)", str(row.calls), f"~{si(row.estimated_macs)}")
            for row in record.unknown
        ),
        notes=(
            "Estimates only rank unknown operators; they are not part of any total.",
            "Use --ops to state the cost of an operator.",
        ),
    )


def _classes(title: str, found: list[Part]) -> Table:
    prefix = common_prefix(part.macs for part in found)
    total = sum(part.macs for part in found)
    return Table(
        title=title,
        columns=(
            name_column("Class"),
            *figure_columns("Calls", "Elements", "MACs"),
            Column(head="Share", drop=1),
        ),
        rows=tuple(
            (
                p.name,
                str(p.calls),
                ABSENT if p.elements is None else si(p.elements),
                si(p.macs, prefix) if p.macs else ABSENT,
                percent(p.macs, total) if p.macs else ABSENT,
            )
            for p in found
        ),
    )


def _shares(title: str, head: str, found: list[Part], prefix: int, total: int) -> Table:
    """Parts of a model: their MACs, share, parameters and calls."""
    return Table(
        title=title,
        columns=(
            name_column(head),
            *figure_columns("MACs", "Share", "Params"),
            Column(head="Calls", drop=1),
        ),
        rows=tuple(
            (
                p.name,
                macs(p.macs, complete=p.complete, prefix=prefix),
                percent(p.macs, total),
                si(p.params or 0),
                str(p.calls),
            )
            for p in found
        ),
    )


def _tree(record: Record, found: list[Part], depth: int) -> Table:
    """Modules indented under their parents, whose figures hold everything inside them."""
    by_name = {part.name: part for part in found}
    lines: list[Part] = []
    for key in module_keys(record, depth):
        own = by_name.get(f"{key} {OWN}".lstrip())
        inside = [p for p in found if p is own or _holds(key, p.name)]
        if not inside:
            continue
        level = key.count(".") + 1 if key else 0
        label = key.rpartition(".")[2] or record.workload.model
        lines.append(_line("  " * level + label, inside))
        alone = own is not None and (own.macs or own.params or not own.complete)
        if own is not None and len(inside) > 1 and alone:
            lines.append(_line("  " * (level + 1) + OWN, [own]))
    shown = [line for line in lines if line.macs or line.params or not line.complete]
    silent = [line for line in lines if line not in shown]
    notes = [
        f"Indented figures sum to the line above them; the total is {digits(record.macs)} MACs."
    ]
    if silent:
        are = "is" if len(silent) == 1 else "are"
        notes.append(
            f"{plural(len(silent), 'module')} with neither MACs nor parameters {are} not shown."
        )
    title = f"{record.workload.model} by module, depth {depth}"
    made = _shares(title, "Module", shown, common_prefix([record.macs]), record.macs)
    return msgspec.structs.replace(made, notes=tuple(notes))


def _line(name: str, inside: Sequence[Part]) -> Part:
    """One line of a tree: all that lies inside a module."""
    return Part(
        name=name,
        macs=sum(part.macs for part in inside),
        params=sum(part.params or 0 for part in inside),
        calls=sum(part.calls for part in inside),
        share=0.0,
        complete=all(part.complete for part in inside),
    )


def _holds(key: str, name: str) -> bool:
    """Whether a part, by its name, lies in a module."""
    return not key or cut(name.removesuffix(f" {OWN}"), key.count(".") + 1) == key
