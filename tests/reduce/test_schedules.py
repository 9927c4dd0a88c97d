"""The analytic twin against what methods cost in their authors' code, to the last MAC.

``published_macs.csv`` has a row for each setting: a method, its host at 224 pixels, the settings,
and the MACs.

- measured: the authors' released code, or the published code base named beside the method in its
  paper, was run with random weights and counted by torch's own counter.
- derived: the published definition was evaluated and not run.
- distances: MACs of pairwise distances alone, which that counter takes for nothing.
- modelled: figures of a separate evaluation of the same rules, to the digits that it printed.
"""

from __future__ import annotations

import csv
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from vtbench.reduce.schedules import HOSTS, METHODS, schedule

ROWS = list(csv.DictReader((Path(__file__).parent / "published_macs.csv").open()))


def value(text):
    """A whole number, a rate, a switch, a word, or several of them in brackets."""
    if text.startswith("["):
        return tuple(map(value, text[1:-1].split()))
    if text in ("true", "false"):
        return text == "true"
    if text.isdigit():
        return int(text)
    return Fraction(text) if text[0].isdigit() and text.count(".") == 1 else text


def found(row):
    """The schedule of a row; targets of released lists are words."""
    given = dict(part.split("=") for part in row["settings"].split(";") if part)
    settings = {name: text if name == "schedule" else value(text) for name, text in given.items()}
    return schedule(row["method"], HOSTS[row["host"]].body(), **settings)


def named(row):
    return f"{row['evidence']}-{row['method']}-{row['host']}-{row['settings'] or 'default'}"


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_the_twin_gives_every_figure(row):
    at = found(row)
    if row["evidence"] == "distances":
        assert at.macs_with_distances - at.macs == int(row["macs"])
    elif row["evidence"] == "modelled":
        digits = Decimal(row["macs"].removesuffix("G"))
        assert round(Decimal(at.macs) / 10**9, -digits.as_tuple().exponent) == digits
    else:
        assert at.macs == int(row["macs"])


def test_every_method_has_a_figure():
    assert {row["method"] for row in ROWS} == set(METHODS) - {
        "random",  # what topk is, with other indices
        "sparsifiner", "dct", "gridpool",  # tests of their own, beside this
    }  # fmt: skip
    assert sum(row["evidence"] == "measured" for row in ROWS) > 300


def test_no_setting_stands_twice():
    keys = [(row["evidence"] == "distances", *list(row.values())[1:4]) for row in ROWS]
    assert len(keys) == len(set(keys))
