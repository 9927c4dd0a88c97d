"""The closed list of disturbances: each kind has a sentence, a remedy and a line in the docs."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from vtbench.data.disturbance import HELD, OTHERS, TEXTS, Disturbance, Kind
from vtbench.report.environment import REMEDIES

PAGE = (Path(__file__).parents[2] / "docs/measuring.md").read_text(encoding="utf-8")
VALUES = {
    Kind.OTHER_LOAD: {"load": 1.25, "threads": 2, "waited": 0.1},
    Kind.HOST_FULL: {"load": 3.4, "cores": 4},
    Kind.STEAL: {"cores": 1.0},
    Kind.GPU_SHARED: {"processes": 1},
    Kind.CLOCK_HELD: {"reason": "sw_power_cap", "readings": 1, "busy": 9},
    Kind.QUOTA: {"times": 2, "seconds": 0.5},
    Kind.HEAT: {"times": 3},
    Kind.FEW_READINGS: {"readings": 0, "needed": 3},
    Kind.GAP: {"seconds": 3.1},
    Kind.TOO_SHORT: {"seconds": 0.1, "needed": 0.25},
    Kind.COUNTERS_UNREADABLE: {"error": "no"},
    Kind.WATCHER_DIED: {"error": "no"},
    Kind.CLOCK_WATCHER_DIED: {"error": "no"},
    Kind.NVML_UNUSABLE: {"error": "no"},
    Kind.GPU_UNKNOWN: {"uuid": "x", "error": "no"},
    Kind.NOT_RECORDED: {"source": "timm's results"},
    Kind.CLOCK_MOVED: {"low": 900.0, "high": 1980.0},
    Kind.MACHINE_BUSY: {"load": 1.25, "cores": 8},
    Kind.GOVERNOR: {"governor": "powersave"},
    Kind.QUOTA_SET: {"cores": 1.5},
}


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_has_a_sentence_a_remedy_and_a_line_in_the_docs(kind):
    made = Disturbance(kind, VALUES.get(kind, {}))
    for said in (made.sentence, REMEDIES[kind]):
        assert said[-1] == "."
        assert "{" not in said
    assert msgspec.json.decode(msgspec.json.encode(made), type=Disturbance) == made
    assert f"| `{kind.value}` |" in PAGE


def test_the_list_is_closed():
    assert set(TEXTS) == set(REMEDIES) == set(Kind)
    assert not OTHERS & HELD


def test_kinds_that_differ_in_numbers_alone_are_alike_and_words_tell_them_apart():
    def held(reason, readings):
        return Disturbance(
            Kind.CLOCK_HELD, {"reason": reason, "readings": readings, "busy": 9}
        ).likeness

    assert held("sw_power_cap", 1) == held("sw_power_cap", 2) != held("board_limit", 2)


def test_a_device_is_named_when_several_are_looked_at():
    said = Disturbance(Kind.GPU_SHARED, {"processes": 2}, "cuda:0").sentence
    assert said == "cuda:0: 2 other processes use the GPU."
