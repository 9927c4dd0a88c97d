"""A model's count by stage stands beside the paper's formulas, and only where they speak of it."""

from vtbench.report.beside import beside_formulas
from vtbench.run import run
from vtbench.workload import Workload


def table_of(**fields):
    return beside_formulas(run(Workload(**fields)))


def test_every_stage_of_a_paper_s_model_is_what_its_formula_gives():
    table = table_of(model="vt_r34", options=(("tokens", 16),))
    assert [row[-1] for row in table.rows] == ["the same"] * len(table.rows)
    by_stage = [int(row[1].replace(",", "")) for row in table.rows]
    assert sum(by_stage) == 3_217_354_752
    assert table.rows[-1][2] == "head: 1024000"


def test_no_formula_stands_beside_what_it_does_not_speak_of():
    assert table_of(model="deit_t") is None
    assert table_of(model="vt_r18", options=(("transformer", "none"),)) is None
    assert table_of(model="vt_r18", batch_size=2) is None
