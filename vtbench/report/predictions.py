"""What a configuration fitted on one suite says of another's figures, as a table and as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from vtbench.claims.judge import Prediction
from vtbench.report.table import Column, Table, name_column

CONDITION = (
    "The configuration, of all in a suite's range, that suits most of its figures, held as it is "
    "against the other suite's."
)


def prediction_tables(predictions: Sequence[Prediction]) -> list[Table]:
    """The table of all predictions; no table where none was asked for."""
    if not predictions:
        return []
    axes = tuple(predictions[0].choice)
    rows = tuple(
        (
            f"{each.fitted_on} → {each.predicts}",
            each.group,
            _choice(each, axes),
            f"{each.fit_hits} of {each.fit_of}",
            f"{each.hits} of {each.of}",
            f"{each.by_chance:.1f}",
        )
        for each in predictions
    )
    return [
        Table(
            title="Leave one out",
            columns=(
                name_column("Fitted on → predicts"),
                Column(head="Group", align="left"),
                Column(head=", ".join(axes), align="left", shrink=True),
                Column(head="Fits"),
                Column(head="Predicts"),
                Column(head="By chance"),
            ),
            rows=rows,
            conditions=(CONDITION,),
            notes=_notes(predictions),
        )
    ]


def _choice(prediction: Prediction, axes: tuple[str, ...]) -> str:
    """The values alone where the heading names their axes."""
    if tuple(prediction.choice) == axes:
        return ", ".join(str(value) for value in prediction.choice.values())
    return ", ".join(f"{axis}={value}" for axis, value in prediction.choice.items())


def _notes(predictions: Sequence[Prediction]) -> tuple[str, ...]:
    notes = []
    for one, other in dict.fromkeys((p.fitted_on, p.predicts) for p in predictions):
        group = [p for p in predictions if (p.fitted_on, p.predicts) == (one, other)]
        hits, of = sum(p.hits for p in group), sum(p.of for p in group)
        chance = sum(p.by_chance for p in group)
        notes.append(
            f"Fitted on {one}, predicted on {other}: {hits} of {of} figures ({hits / of:.0%}); "
            f"{chance:.1f} would come out by chance."
        )
    return tuple(notes)


def prediction_objects(predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    """The same for the JSON document."""
    return [msgspec.to_builtins(each) for each in predictions]
