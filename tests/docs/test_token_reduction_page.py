"""The page on token reduction names every method with its options, as they are."""

from __future__ import annotations

import re
from pathlib import Path

from vtbench.data.reduction_methods import methods_there
from vtbench.reduce.listed import method_named

PAGE = (Path(__file__).parents[2] / "docs" / "token_reduction.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|", PAGE, flags=re.MULTILINE))


def test_every_method_stands_in_the_table_with_its_options():
    assert set(ROWS) == set(methods_there())
    for name, options in ROWS.items():
        known = [each for each in method_named(name).options if each != "tokens"]
        assert re.findall(r"`(\w+)`", options) == known, name
