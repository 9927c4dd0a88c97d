"""A count by stage beside the paper's own cost formulas, where a cost model has the same name."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from vtbench.data.cost import cost_models
from vtbench.data.cost.closed import Costed, costed
from vtbench.data.cost.model import CostModel
from vtbench.data.record import Record
from vtbench.data.workload import Workload
from vtbench.errors import BadOption
from vtbench.report.algebra import pretty
from vtbench.report.parts import parts
from vtbench.report.table import Column, Table, name_column
from vtbench.report.units import digits

SYMBOLS = MappingProxyType(
    {
        "tokens": ("L", "N"),
        "token_width": ("CT",),
        "points": ("P",),
        "channels": ("C",),
        "width": ("d_f", "width"),
        "cortex_width": ("d_c",),
        "inflation": ("n_t",),
        "frames": ("T",),
        "num_classes": ("classes",),
        **{
            name: (name,)
            for name in (
                "kqv_groups", "repeats", "feature", "mixing", "blocks", "fixed_rois", "detected",
                "dense_channels", "cross_attends", "layers", "bands",
            )
        },
    }
)  # fmt: skip
"""Option of a model -> what its cost model may call it; other options have no formula."""


def beside_formulas(record: Record) -> Table | None:
    """Stage, MACs counted, the paper's formula and what it gives; None where there is none."""
    work = record.workload
    model = cost_models().get(work.model)
    if model is None or work.resolution is None or work.backward or work.batch_size != 1:
        return None
    stages = {part.name: part.macs for part in parts(record, "stage") if part.macs}
    cost = _by_stage(model, work, len(stages))
    if cost is None:
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
            f"hS and wS are H/S and W/S, rounded up. `vtbench cost {work.model}` has every term.",
        ),
    )


def _by_stage(model: CostModel, work: Workload, stages: int) -> Costed | None:
    """The formula in as many parts as the count has; None where it says nothing of this work."""
    names = {symbol.name for symbol in model.symbols}
    given: dict[str, Any] = dict(zip("HW", work.resolution or (), strict=False))
    given = {name: side for name, side in given.items() if name in names}
    for option, value in work.options:
        symbol = next((each for each in SYMBOLS.get(option, ()) if each in names), None)
        if symbol is None:
            return None
        given[symbol] = value
    try:
        shown = (costed(model, given, depth) for depth in (1, model.depth))
        return next((cost for cost in shown if len(cost.terms) == stages), None)
    except BadOption:  # sizes that the model takes and the formula does not
        return None


def _held(counted: int, formula: int) -> str:
    return "the same" if counted == formula else digits(formula)
