"""Tables as for a paper and figures as wide as asked for, from Python; sweeps in rounds."""

from __future__ import annotations

import pytest
from made_measurements import made

import vtbench
from vtbench.api.counts import Counts
from vtbench.api.measured import Measured, Swept
from vtbench.data.record import Record
from vtbench.errors import BadOption, UsageError


@pytest.fixture(scope="module")
def counts() -> Counts:
    """Of vt_r18 and resnet18 at 32 pixels."""
    return vtbench.count(["vt_r18", "resnet18"], resolution=32)


def test_a_table_has_the_columns_names_order_and_rows_that_are_asked_for(counts, vtbench):
    text = counts.table(
        columns=["MACs"], labels={"resnet18": "ResNet-18"}, sort="macs", digits=1, top=1
    )
    asked = ("--columns", "MACs", "--label", "resnet18=ResNet-18", "--sort", "macs",
             "--digits", "1", "--top", "1")  # fmt: skip
    command = vtbench("macs", "vt_r18", "resnet18", "--resolution", "32", *asked)
    assert text.rstrip() == command.out.rstrip()
    assert "ResNet-18" in text


def test_latex_is_one_table_as_of_the_command(counts, vtbench):
    text = counts.to_latex(wide=True, cite=True)
    assert text.count(r"\begin{table*}") == text.count(r"\toprule") == 1
    plain = vtbench("macs", "vt_r18", "resnet18", "--resolution", "32", "--format", "latex")
    assert counts.to_latex().rstrip() == plain.out.rstrip()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"columns": "nope"}, "^columns: there is no column 'nope'"),
        ({"top": 0}, "^top: expected a positive integer"),
        ({"digits": 40}, "^digits: expected 0 to 12"),
        ({"digit": 1}, "^digit: there is no such keyword of a table. Did you mean digits?"),
        ({"labels": {"nope": "N"}}, "labels?: "),
    ],
)
def test_what_no_table_has_is_refused_in_the_words_of_python(counts, asked, said):
    with pytest.raises(UsageError, match=said):
        counts.table(**asked)


def test_a_figure_is_as_wide_as_asked_for_and_on_the_scale(counts):
    one, page = counts.plot(width="column"), counts.plot(scale="y=log")
    assert [round(each.get_size_inches()[0], 1) for each in (one, page)] == [3.3, 6.9]
    assert "log scale" in page.axes[0].get_ylabel()
    with pytest.raises(BadOption, match=r"^scale: expected x=KIND"):
        counts.plot(scale="z=log")


def test_measured_results_are_shaped_too():
    found = Measured([made("a", seconds=0.25), made("b", seconds=0.5)])
    assert "b" not in found.table(columns="ms/step", top=1).split("ms/step")[1].split("row")[0]
    swept = Swept([made("a", seconds=0.1 * n, batch_size=n) for n in (1, 2, 4)], across="rows")
    assert "by batch" not in swept.table()


def test_a_sweep_from_python_has_launches_in_rounds(monkeypatch):
    seen = []

    def launched(queue, executor, device):
        seen.extend((cell.turn.round, cell.workload.resolution) for cell in queue.waiting)
        return iter(())

    monkeypatch.setattr("vtbench.api.sweeping.run_cells", launched)
    vtbench.sweep("resnet18", resolution=[32, 64], metric="throughput", launches=3)
    assert sorted(seen) == [(n, (s, s)) for n in (1, 2, 3) for s in (32, 64)]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"launches": 0}, "^launches: expected a number from 1 to 1000"),
        ({"seed": -1}, "^seed: expected a number of at least 0"),
        ({"within": 0}, "^within: expected a positive number of seconds"),
        ({"relative_to": "vt_r18"}, "^relative_to: the model 'vt_r18' is not among"),
        ({"isolate": "none", "launches": 2}, "^launches starts a new process"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_before_it_begins(asked, said):
    with pytest.raises(UsageError, match=said):
        vtbench.sweep("resnet18", resolution=[32, 64], metric="throughput", **asked)


def test_a_ratio_to_a_model_with_several_workloads_is_refused():
    with pytest.raises(UsageError, match=r"^relative_to: resnet18 has several workloads"):
        vtbench.throughput(
            ["resnet18", "vt_r18"], batch_size=[1, 2], relative_to="resnet18", max_time=0.1
        )


def test_a_count_that_failed_is_a_row_of_the_shaped_table(counts):
    failed = Record(workload=counts.records[0].workload, error="It has no forward.")
    assert "It has no forward." in Counts([counts.records[1], failed]).to_latex()
