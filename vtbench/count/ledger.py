"""The counter's entries as the rows of a record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from torch import nn

from vtbench.count.counter import Counter
from vtbench.count.operators.rules import Special
from vtbench.count.operators.table import Rule
from vtbench.data.record import Products, Row, Status


def rows_of(
    counter: Counter, modules: Iterable[tuple[str, nn.Module]], head: tuple[str, ...]
) -> tuple[Row, ...]:
    """One row per module, operator and phase, in the order in which they first ran."""
    classes = {path: type(module).__name__ for path, module in modules}
    rows = []
    for (path, op, phase), entry in counter.ledger.items():
        rule = counter.rules[op]
        status, kind = _filed(rule)
        rows.append(
            Row(
                op=op,
                module=path,
                module_class=classes.get(path, ""),
                status=status,
                kind=kind,
                calls=entry.calls,
                macs=entry.macs,
                effective_macs=entry.effective,
                elements_in=entry.elements_in,
                elements_out=entry.elements_out,
                written=entry.written,
                softmax=entry.softmax,
                biased=entry.biased,
                with_parameter=entry.parameter,
                head=any(path == h or path.startswith(f"{h}.") for h in head),
                phase="backward" if phase == "backward" else "forward",
                source=_source(op, rule),
                estimated_macs=entry.estimated,
                precision={
                    name: Products(calls=calls, macs=macs)
                    for name, (calls, macs) in entry.precision.items()
                },
            )
        )
    return tuple(rows)


def _filed(rule: Rule | Special) -> tuple[Status, str]:
    if not isinstance(rule, Rule):
        return "unknown", "unknown"
    return ("counted" if rule.cost is not None else "zero"), rule.kind


def _source(op: str, rule: Rule | Special) -> Literal["table", "user formula", "outside"]:
    if op.startswith("outside."):
        return "outside"
    return "user formula" if isinstance(rule, Rule) and rule.user else "table"


def head_of(model: nn.Module) -> tuple[str, ...]:
    """Paths of the classifier: the direct children that carry a classifier's usual names."""
    usual = ("head", "heads", "fc", "classifier", "last_linear", "head_dist")
    return tuple(name for name, _ in model.named_children() if name in usual)
