"""Suites checked from Python and with --measure: what is measured, kept, and gone on with."""

import json

import msgspec
import pytest
from made_measurements import made
from speed_models import SUITE

import vtbench
from vtbench import errors
from vtbench.api import checking
from vtbench.data.files import read_measurements
from vtbench.measure.machine.devices import describe

COUNTS = """
[suite]
title = "Counts"
source = "made up"

[[table]]
id = "t1"
where = "Table 1"
[table.columns]
macs = { metric = "macs", unit = "G" }
[[table.row]]
id = "r18"
workload = { model = "resnet18" }
macs = "1.814"
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "nets.toml"
    path.write_text(SUITE, encoding="utf-8")
    return path


@pytest.fixture
def sessions(monkeypatch):
    """Sessions that were asked for; each is answered at once, the small net twice as fast."""
    asked = []

    def measure_together(workloads, settings):
        asked.append((list(workloads), settings[0]))
        here = {"device": describe("cpu"), "session": f"s{len(asked)}"}
        return [
            msgspec.structs.replace(
                made(protocol=settings[0].protocol, **here,
                     seconds=0.04 if work.model.endswith("small") else 0.08, spread=0.001),
                workload=msgspec.structs.replace(work, threads=2),
            )
            for work in workloads
        ]  # fmt: skip

    monkeypatch.setattr(checking, "measure_together", measure_together)
    return asked


def test_a_check_from_python_judges_as_the_command_does(tmp_path, vtbench, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    path = tmp_path / "counts.toml"
    path.write_text(COUNTS, encoding="utf-8")
    found = checking.check(path)
    assert found.as_expected
    assert [verdict.verdict for verdict in found.verdicts] == ["holds"]
    ended = vtbench("check", str(path), "--format", "json")
    printed = json.loads(ended.out)
    assert found.to_dict() == printed
    assert found.table() == vtbench("check", str(path)).out
    assert repr(found) == found.table()
    assert "<h4>counts</h4><table>" in found._repr_html_()
    frame = found.to_frame()
    assert list(frame["measured"]) == [1_814_073_344]
    path.write_text(COUNTS.replace("1.814", "1.9"), encoding="utf-8")
    assert not checking.check(str(path)).as_expected


def test_check_is_public():
    assert vtbench.check is checking.check


def test_mistakes_are_sentences(file, tmp_path):
    with pytest.raises(errors.BadSuite, match="give allow_imports"):
        checking.check(file)
    with pytest.raises(errors.BadSuite, match="no suite"):
        checking.check("vt_v33")
    with pytest.raises(errors.UsageError, match="No claim matches"):
        checking.check(file, only="x.*", allow_imports=True)
    with pytest.raises(errors.BadOption, match="positive number"):
        checking.check(file, measure=True, max_time=0, allow_imports=True)
    with pytest.raises(errors.BadInput, match="cannot be read"):
        checking.check(file, from_=tmp_path / "none.jsonl", allow_imports=True)


def test_a_gpu_or_file_that_measure_cannot_use_is_refused_before_anything_is_counted(
    file, tmp_path, vtbench, monkeypatch
):
    def counted(*_, **__):
        pytest.fail("counting takes minutes")

    monkeypatch.setattr("vtbench.cli.check.counted", counted)
    asked = ("check", str(file), "--allow-imports", "--measure")
    ended = vtbench(*asked, "--gpu", "zero")
    assert (ended.status, "--gpu: expected a number such as 0" in ended.err) == (2, True)
    newer = tmp_path / "newer.jsonl"
    newer.write_text('{"schema":"vtbench-measurement/9"}\n')
    ended = vtbench(*asked, "--from", str(newer))
    assert (ended.status, "has the schema vtbench-measurement/9" in ended.err) == (2, True)


def test_nothing_is_measured_unless_asked(file, sessions):
    found = checking.check(file, allow_imports=True)
    assert sessions == []
    assert found.as_expected
    assert all(verdict.measured_on is None for verdict in found.verdicts)


def test_measure_takes_what_the_claims_need_keeps_it_and_does_not_take_it_again(
    file, sessions, tmp_path
):
    kept = tmp_path / "speed.jsonl"
    found = checking.check(file, measure=True, max_time=3, save=kept, allow_imports=True)
    asked = [([(w.model, w.batch_size) for w in works], s.protocol) for works, s in sessions]
    assert asked == [
        ([("speed_models:small", 8), ("speed_models:wide", 8)], "throughput"),
        ([("speed_models:small", 1), ("speed_models:wide", 1)], "latency"),
    ]
    assert {s.max_seconds for _, s in sessions} == {3}
    verdicts = {v.claim.id: v for v in found.verdicts}
    assert verdicts["nets.ratio"].direction == "agrees"
    assert float(verdicts["nets.ratio"].measured) == pytest.approx(0.08 / 0.04)
    assert len(read_measurements(kept)) == 4
    again = checking.check(file, measure=True, save=kept, allow_imports=True)
    assert len(sessions) == 2
    assert [v.verdict for v in again.verdicts] == [v.verdict for v in found.verdicts]
    judged = checking.check(file, from_=kept, allow_imports=True)
    assert judged.measurements == read_measurements(kept)
    assert judged.to_dict() == again.to_dict()


def test_only_what_was_asked_for_is_measured(file, sessions):
    checking.check(file, only="nets.saved", measure=True, allow_imports=True)
    assert [settings.protocol for _, settings in sessions] == ["latency"]


def test_an_interrupt_keeps_what_is_done_and_the_command_goes_on(
    file, sessions, tmp_path, vtbench, monkeypatch
):
    kept = tmp_path / "speed.jsonl"
    whole = checking.measure_together

    def interrupted(workloads, settings):
        if settings[0].protocol == "latency":
            raise KeyboardInterrupt
        return whole(workloads, settings)

    command = ("check", str(file), "--allow-imports", "--measure", "--save", str(kept))
    monkeypatch.setattr(checking, "measure_together", interrupted)
    ended = vtbench(*command)
    assert ended.status == 130
    assert f"interrupted after 2 measurements. {kept} holds them; the same command" in ended.err
    assert len(read_measurements(kept)) == 2
    monkeypatch.setattr(checking, "measure_together", whole)
    assert vtbench(*command).status == 0
    assert [settings.protocol for _, settings in sessions] == ["throughput", "latency"]
    assert len(read_measurements(kept)) == 4


def test_options_of_measuring_need_it(file, vtbench, tmp_path):
    for option in (["--gpu", "0"], ["--max-time", "1"]):
        ended = vtbench("check", str(file), "--allow-imports", *option)
        assert ended.status == 2
        assert "add --measure" in ended.err
    ended = vtbench("check", str(file), "--allow-imports", "--measure", "--max-time", "-1")
    assert ended.status == 2
    ended = vtbench("check", str(file), "--measure", "--save", str(tmp_path / "x" / "y"),
                    "--allow-imports")  # fmt: skip
    assert ended.status == 2
    assert "cannot be written: no such file or directory" in ended.err


def test_a_small_session_is_really_measured(file, tmp_path):
    """Two nets of one convolution, on this processor; which is the faster is theirs to say."""
    found = checking.check(
        file, only="nets.ratio", measure=True, max_time=0.2, allow_imports=True,
        save=tmp_path / "speed.jsonl",
    )  # fmt: skip
    (verdict,) = found.verdicts
    first, second = read_measurements(tmp_path / "speed.jsonl")
    assert (first.error, second.error) == (None, None)
    assert first.session == second.session
    assert first.isolated
    assert verdict.unknown == "hardware", verdict.reason
    assert verdict.measured_range.low <= verdict.measured <= verdict.measured_range.high
    assert verdict.measured_on == first.device.name
