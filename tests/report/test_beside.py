"""A model's count by stage stands beside the paper's formulas, and only where they speak of it."""

from vtbench.count.count_workload import count_workload
from vtbench.data.workload import Workload
from vtbench.report.beside import beside_formulas


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
