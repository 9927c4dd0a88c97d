"""What a model settled so as to meet an option is said once for each model."""

from __future__ import annotations

from vtbench.report.settled import settled_notes


def test_each_model_has_one_note_and_each_setting_one_place_in_it():
    found = [
        ("tome", {"tokens": 98}, {"r": 8, "tokens_left": 100}),
        ("tome", {"tokens": 112}, {"r": 7, "tokens_left": 112}),
        ("tome", {"tokens": 112}, {"r": 7, "tokens_left": 112}),
        ("evit", {"tokens": 98}, {"keep_rate": 0.781, "tokens_left": 98}),
        ("deit", {}, {}),
    ]
    assert settled_notes(found) == [
        "tome meets tokens=98 by r=8 (100 left), 112 by r=7 (112).",
        "evit meets tokens=98 by keep_rate=0.781 (98 left).",
    ]
