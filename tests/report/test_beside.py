"""A model's count by stage stands beside the paper's formulas, and only where they speak of it."""

import pytest

from vtbench.count.count_workload import count_workload
from vtbench.data.workload import Workload
from vtbench.report import CountsRendering, counts_document
from vtbench.report.beside import beside_formulas, why_not_beside


def table_of(**fields):
    return beside_formulas(count_workload(Workload(**fields)))


def test_every_stage_of_a_paper_s_model_is_what_its_formula_gives():
    table = table_of(model="vt_r34", options=(("tokens", 16),))
    assert [row[-1] for row in table.rows] == ["the same"] * len(table.rows)
    by_stage = [int(row[1].replace(",", "")) for row in table.rows]
    assert sum(by_stage) == 3_217_354_752
    assert table.rows[-1][2] == "head: 1024000"


def test_no_formula_stands_beside_what_it_does_not_speak_of():
    assert table_of(model="regnety_8g") is None
    assert table_of(model="vt_r18", options=(("transformer", "none"),)) is None
    assert table_of(model="vt_r18", batch_size=2) is None
    assert table_of(model="swin_t", resolution=(96, 96)) is None


def test_a_network_may_be_cut_finer_than_its_formula_is_at_first():
    table = table_of(model="sparseformer_t", options=(("repeats", 2), ("tokens", 9)))
    assert [row[-1] for row in table.rows] == ["the same"] * 17
    assert table.rows[3][:3] == (
        "focusing.sampling",
        "350,208",
        "focusing.heads: 1024·N·P + 2048·N",
    )
    assert 350_208 == 2 * 9 * 256 * (4 + 2 * 36)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model": "vt_r18", "options": (("transformer", "none"),)},
         "The cost model of vt_r18 has no symbol for the option transformer."),
        ({"model": "vt_r18", "options": (("groups", None),)},
         "groups of vt_r18: expected a whole number, got None."),
        ({"model": "vt_r18", "batch_size": 2}, "the cost of one forward pass of one image only."),
        ({"model": "swin_t", "resolution": (96, 96)}, "multiples of 32 from 128"),
        ({"model": "nonlocal_block", "resolution": (14, 14)},
         "The cost model of nonlocal_block has no symbol for the size of the image."),
        ({"model": "vt_transformer"},
         "The count has 1 stage, and the cost model of vt_transformer has 6."),
    ],
    ids=str,
)  # fmt: skip
def test_a_count_by_stage_says_why_no_formula_stands_beside_it(fields, said):
    record = count_workload(Workload(**fields))
    assert beside_formulas(record) is None
    assert said in why_not_beside(record)
    shown = " ".join(counts_document([record], CountsRendering(view="stage", width=200)).split())
    assert why_not_beside(record) in shown
    whole = counts_document([record], CountsRendering(width=200))
    assert "formula" not in whole
    assert "cost model" not in whole


def test_a_model_without_a_formula_or_with_one_says_nothing():
    assert why_not_beside(count_workload(Workload(model="regnety_8g"))) is None
    assert why_not_beside(count_workload(Workload(model="vt_r18"))) is None


def test_options_that_switch_a_part_off_are_symbols_too():
    table = table_of(model="vt_r18", options=(("position", False), ("tokens", 4)))
    assert {row[-1] for row in table.rows} == {"the same"}
