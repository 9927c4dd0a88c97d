"""A count by stage beside the paper's own cost formulas, where a cost model has the same name."""

from __future__ import annotations

from vtbench.data.cost.closed import Costed, costed
from vtbench.data.cost.library import known
from vtbench.data.record import Record
from vtbench.errors import BadOption
from vtbench.report.algebra import pretty
from vtbench.report.breakdown import breakdown
from vtbench.report.table import Column, Table, name_column
from vtbench.report.units import digits, plural

_SIDES = "hS and wS are H/S and W/S, rounded up."


def beside_formulas(record: Record) -> Table | None:
    """Stage, MACs counted, the paper's formula and what it gives; None if there is none."""
    try:
        cost = _laid_out(record)
    except BadOption:
        return None
    if cost is None:
        return None
    stages = _stages(record)
    rows = [
        (stage, digits(macs), f"{term.name}: {pretty(form)}", _held(macs, int(term.macs)))
        for (stage, macs), term, form in zip(stages.items(), cost.terms, cost.forms, strict=True)
    ]
    beside = "" if cost.reduced is None else _distances(cost.reduced.distances)
    terms = f"`vtbench cost {record.workload.model}` shows every term."
    return Table(
        title="By stage, beside the paper's cost model",
        columns=(
            name_column("Stage"),
            Column(head="MACs"),
            Column(head="Formula", align="left", shrink=True, least=24),
            Column(head="Gives"),
        ),
        rows=tuple(rows),
        notes=(f"{beside}{terms}" if cost.reduced else f"{_SIDES} {terms}",),
    )


def _distances(macs: int) -> str:
    return f"Pairwise distances, {digits(macs)} MACs, are not in the cost model. " if macs else ""


def why_not_beside(record: Record) -> str | None:
    """Why a formula of the model's name does not stand beside its count; None if it does."""
    try:
        _laid_out(record)
    except BadOption as error:
        return f"The paper's cost model cannot be shown beside this count. {error}"
    return None


def _laid_out(record: Record) -> Costed | None:
    """The formula in as many parts as the count has; BadOption if it cannot be."""
    work = record.workload
    model = known(work.model)
    if model is None:
        return None
    if work.backward or work.batch_size != 1:
        raise BadOption("It gives the cost of one forward pass of one image only.")
    values = model.values_for(work.options, work.resolution)
    shown = [costed(model, values, depth, plain=True) for depth in (1, model.depth)]
    stages = len(_stages(record))
    for cost in shown:
        if len(cost.terms) == stages:
            return cost
    raise BadOption(
        f"The count has {plural(stages, 'stage')}, and the cost model of {model.name} has "
        f"{' or '.join(dict.fromkeys(str(len(cost.terms)) for cost in shown))}."
    )


def _stages(record: Record) -> dict[str, int]:
    return {part.name: part.macs for part in breakdown(record, "stage") if part.macs}


def _held(counted: int, formula: int) -> str:
    return "the same" if counted == formula else digits(formula)
