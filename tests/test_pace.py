"""The list of slow test files: what it may name, and when it is found wanting."""

from __future__ import annotations

import pace


def test_the_list_names_files_that_exist_each_once_in_order():
    slow = pace.slow_files()
    assert slow == sorted(set(slow))
    assert [path for path in slow if not (pace.ROOT / path).is_file()] == []


def test_a_file_that_is_not_named_may_take_a_little_longer_and_no_more():
    may = pace.SLACK * pace.LIMIT
    took = {"a.py": may + 1, "b.py": may, "c.py": 100.0}
    (said,) = pace.complaints(took, ["c.py"])
    assert said.startswith("tests/a.py took 10 s")
    assert pace.complaints(took, ["a.py", "c.py"]) == []


def test_all_quick_files_together_have_a_budget():
    number = int(pace.BUDGET / pace.LIMIT)
    took = {f"{k}.py": pace.LIMIT for k in range(number)}
    assert pace.complaints(took, []) == []
    (said,) = pace.complaints(took | {"one_more.py": pace.LIMIT}, [])
    assert said == "All quick tests took 93 s of processor time, over 90."
