"""Timed models below the ceilings of their device, with ceilings and times that are told."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from torch import nn

from vtbench.data.measurement import Device, Measurement
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.stages import OTHER
from vtbench.data.workload import Workload
from vtbench.measure.ceilings import utilisation
from vtbench.measure.ceilings.roofline import Ceilings
from vtbench.measure.ceilings.utilisation import SOURCE, with_utilisation
from vtbench.measure.session.participants import Participant

MACS = 3 * 3 * 3 * 8 * 16 * 16 + 2 * 256 * 8 * 8 + 8 * 10 + 100
"""Of the record that ``make_record`` makes."""


@pytest.fixture
def participant(make_record):
    """A model that was timed at a given number of seconds per step."""

    def make(seconds=1.0, *, model="toy", protocol="throughput", **work):
        record = Measurement(
            workload=Workload(model=model, **work),
            protocol=PROTOCOLS[protocol].id,
            device=Device(kind="cpu", name="Processor"),
            median=seconds,
            macs=MACS,
        )
        net = nn.Sequential()
        net.stem, net.body, net.head = nn.Identity(), nn.Identity(), nn.Identity()
        prepared = SimpleNamespace(module=net, step=lambda: net(0), given=((0,), {}))
        return Participant(record, prepared.step, prepared, make_record(model))

    return make


def found(*rates):
    """A search for ceilings that gives the next of some rates each time."""
    left = [Ceilings(macs_per_second=rate, bytes_per_second=1e6) for rate in rates]
    return lambda *_, **__: left.pop(0)


def test_utilisation_is_the_rate_over_the_ceiling(participant):
    one, two = participant(1.0), participant(4.0, model="slow")
    with_utilisation([one, two], find=found(2.0 * MACS))
    assert (one.record.utilisation, two.record.utilisation) == (0.5, 0.125)
    assert one.record.roofline.macs_per_second == MACS
    assert one.record.roofline.ceiling_macs_per_second == 2.0 * MACS
    assert one.record.roofline.ceiling_bytes_per_second == 1e6
    assert one.record.roofline.bound == "arithmetic"
    assert one.record.roofline.stages == ()
    assert one.record.environment[SOURCE] == "products of square matrices"


def test_a_ceiling_that_is_beaten_is_measured_again(participant):
    one = participant(1.0)
    with_utilisation([one], find=found(0.5 * MACS, 1.25 * MACS))
    assert one.record.utilisation == 1 / 1.25


def test_a_model_that_beats_it_twice_is_the_ceiling_and_is_named(participant):
    one, two = participant(1.0, model="winner"), participant(2.0)
    with_utilisation([one, two], find=found(0.5 * MACS, 0.8 * MACS))
    assert (one.record.utilisation, two.record.utilisation) == (1.0, 0.5)
    assert two.record.environment[SOURCE] == "winner"


def test_stages_have_the_times_of_their_own_pass(participant, monkeypatch):
    times = {"stem": 0.5, "head": 0.25, OTHER: 0.125}
    monkeypatch.setattr(utilisation, "stage_seconds", lambda *_: times)
    one = participant(1.0)
    with_utilisation([one], parts="stage", find=found(4.0 * MACS))
    stem, head, rest = one.record.roofline.stages
    assert (stem.stage, stem.seconds, stem.macs) == ("stem", 0.5, 3 * 3 * 3 * 8 * 16 * 16)
    assert stem.utilisation == 3 * 3 * 3 * 8 * 16 * 16 / 0.5 / (4.0 * MACS)
    assert (head.stage, head.macs) == ("head", 80)
    assert (rest.stage, rest.seconds, rest.macs) == (OTHER, 0.125, 0)


def test_a_real_pass_runs_the_model_with_hooks(participant):
    one = participant(1.0)
    with_utilisation([one], parts="stage", find=found(1e15))
    named = [each.stage for each in one.record.roofline.stages]
    assert named == ["stem", "body", "head", OTHER]


@pytest.mark.parametrize(
    "conditions",
    [{"compile": "default"}, {"backward": True}, {"protocol": "graph"}, {"protocol": "compiled"}],
)
def test_where_hooks_would_not_see_the_stages_there_are_none(participant, conditions):
    one = participant(1.0, **conditions)
    with_utilisation([one], parts="stage", find=found(4.0 * MACS))
    assert one.record.roofline.stages == ()
    assert one.record.utilisation == 0.25


def test_what_was_not_timed_or_not_counted_completely_stays_as_it_is(participant):
    failed, uncounted = participant(None), participant(1.0)
    uncounted.record = Measurement(
        workload=Workload(model="toy"), protocol=PROTOCOLS["throughput"].id, median=1.0
    )
    before = failed.record, uncounted.record
    with_utilisation([failed, uncounted], find=found())  # no ceiling is looked for
    assert (failed.record, uncounted.record) == before


def test_what_goes_wrong_costs_no_sample_and_is_said(participant):
    def find(*_, **__):
        raise RuntimeError("no room for a product")

    one = participant(1.0)
    with_utilisation([one], find=find)
    assert one.record.median == 1.0
    assert one.record.utilisation is None
    assert one.record.environment[SOURCE] == "none, RuntimeError: no room for a product"
