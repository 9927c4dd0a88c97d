"""A count by stage beside the paper's own cost formulas, where a cost model has the same name."""

from __future__ import annotations

from types import MappingProxyType

from vtbench.cost import cost_models
from vtbench.cost.closed import costed
from vtbench.record import Record
from vtbench.report.algebra import pretty
from vtbench.report.parts import parts
from vtbench.report.table import Column, Table, name_column
from vtbench.report.units import digits

SYMBOLS = MappingProxyType({"tokens": "L", "token_width": "CT", "kqv_groups": "kqv_groups"})
"""Option of a model -> symbol of its cost model; other options have no formula to stand beside."""


def beside_formulas(record: Record) -> Table | None:
    """Stage, MACs counted, the paper's formula and what it gives; None where there is none."""
    work = record.workload
    model = cost_models().get(work.model)
    known = all(name in SYMBOLS for name, _ in work.options)
    if model is None or not known or work.resolution is None or work.backward:
        return None
    if work.batch_size != 1:
        return None
    given = {SYMBOLS[name]: value for name, value in work.options if isinstance(value, int)}
    sides = {"H": work.resolution[0], "W": work.resolution[1]}
    names = {symbol.name for symbol in model.symbols}
    cost = costed(model, {**given, **{k: v for k, v in sides.items() if k in names}}, depth=1)
    stages = {part.name: part.macs for part in parts(record, "stage") if part.macs}
    if len(stages) != len(cost.terms):
        return None
    rows = [
        (stage, digits(macs), f"{term.name}: {pretty(form)}", _held(macs, int(term.macs)))
        for (stage, macs), term, form in zip(stages.items(), cost.terms, cost.forms, strict=True)
    ]
    return Table(
        title="By stage, beside the paper's cost formulas",
        columns=(
            name_column("Stage"),
            Column(head="MACs"),
            Column(head="Formula", align="left", shrink=True, least=24),
            Column(head="Gives"),
        ),
        rows=tuple(rows),
        notes=(
            f"hN and wN are H/N and W/N, rounded up. `vtbench cost {work.model}` has every term.",
        ),
    )


def _held(counted: int, formula: int) -> str:
    return "the same" if counted == formula else digits(formula)
