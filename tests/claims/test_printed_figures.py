"""The printed figures below a count are of exactly its workload."""

from __future__ import annotations

import json
import time

import pytest

from vtbench.claims.printed_figures import printed_figures
from vtbench.claims.suite import read_suite
from vtbench.claims.suite.files import shipped
from vtbench.count.count_workload import count_workload
from vtbench.data.workload import Workload


def counted(model, resolution=None, **options):
    work = Workload(model=model, resolution=resolution, options=tuple(options.items()))
    return count_workload(work)


def ids(record):
    return {verdict.claim.id for verdict in printed_figures([record])[0]}


@pytest.fixture(scope="module")
def literal():
    return ids(counted("vt_r34", reading="literal"))


def test_they_are_of_the_options_that_the_paper_states(literal):
    assert {"vt_v3.t1.vt_r34.macs", "vt_v3.t1.vt_r34.params"} <= literal
    assert not any("static" in each for each in literal)


def test_defaults_that_are_spelt_out_change_nothing(literal):
    assert ids(counted("vt_r34", (224, 224), reading="literal", tokens=8, heads=16)) == literal
    assert ids(counted("deit_s", img_size=224, num_classes=1000)) == {
        "deit.benchmark.s.macs",
        "sparseformer.t2.deit_s.macs",
        "sparseformer.t2.deit_s.params",
    }


@pytest.mark.parametrize("options", [{"tokens": 4}, {"num_classes": 10}])
def test_other_options_have_other_figures(options, literal):
    assert not ids(counted("vt_r34", reading="literal", **options)) & literal


def test_another_resolution_has_none():
    assert ids(counted("deit_s", (256, 256))) == set()


def test_options_of_which_there_are_figures_are_named_as_they_are_typed():
    verdicts, (sentence,) = printed_figures([counted("vt_r34")])
    assert verdicts == ()
    assert "`-o reading=literal`" in sentence


def test_ids_are_whole_and_can_be_explained(vtbench):
    ended = vtbench("macs", "deit_s")
    assert "sparseformer.t2.deit_s.macs " in ended.out
    explained = vtbench("explain", "sparseformer.t2.deit_s.macs", "--format", "json")
    (found,) = json.loads(explained.out)["results"]
    assert found["id"] == "sparseformer.t2.deit_s.macs"


def test_reading_the_suites_is_quick():
    """The largest takes well under a tenth of a second of processor time."""
    largest = max(shipped().values(), key=lambda path: path.stat().st_size)
    times = []
    for _ in range(5):
        start = time.process_time()
        read_suite(largest)
        times.append(time.process_time() - start)
    assert min(times) < 0.1
