"""A sweep over tokens with models that have none."""

from __future__ import annotations

import pytest

from vtbench.sweep.axes import Grid, OptionAxis, cells, tokens_where_taken


def test_a_model_without_tokens_stands_outside_a_sweep_over_them():
    tokens = OptionAxis(None, "tokens", (98, 196))
    grid = Grid(models=("tome", "deit"), protocols=("macs",), options=(tokens,))
    having = tokens_where_taken(grid, lambda model, _: model == "tome")
    assert [(c.workload.model, c.workload.options) for c in cells(having)] == [
        ("tome", (("tokens", 98),)),
        ("tome", (("tokens", 196),)),
        ("deit", ()),
    ]


@pytest.mark.parametrize(("values", "taking"), [((98,), {"tome"}), ((98, 196), set())])
def test_one_number_of_tokens_and_models_without_any_are_refused_as_before(values, taking):
    axis = OptionAxis(None, "tokens", values)
    grid = Grid(models=("tome", "deit"), protocols=("macs",), options=(axis,))
    assert tokens_where_taken(grid, lambda model, _: model in taking) is grid
