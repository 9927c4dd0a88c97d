"""docs/tour.ipynb runs in a real kernel, shows exact figures, and is kept with what it shows."""

from __future__ import annotations

import html
import re

import nbformat
import pytest
from tour import TOUR, executed, shows_the_same, tidied

EXACT = {
    'count = vtbench.count("deit_t")': "1,253,683,200",
    'vtbench.formula("deit_t")': "1,253,683,200",
    'vtbench.explain("vt_v3.t1.vt_r18.macs")': "1,498,333,212",
}
"""A part of a cell -> an integer that its text and its page have."""
TABLES = ('relative_to="resnet18"', "vtbench.compare(", "vtbench.sweep(", "vtbench.check(")
"""Parts of cells whose results are tables."""
FIGURES = ("count.plot()", "sweep.plot()")


@pytest.fixture(scope="module")
def kept():
    return nbformat.read(TOUR, as_version=4)


@pytest.fixture(scope="module")
def now(kept, tmp_path_factory):
    """The notebook after a run, which raises if a cell fails."""
    return tidied(executed(kept, tmp_path_factory.mktemp("tour")))


def cell_with(notebook, part):
    (found,) = [each for each in notebook.cells if part in each.source]
    return found


def test_the_notebook_runs_and_is_kept_with_what_it_shows(kept, now):
    for old, new in zip(kept.cells, now.cells, strict=True):
        if old.cell_type == "code":
            assert old.outputs or not new.outputs, old.source
            assert shows_the_same(old, new), f"{old.source}\nrun: python scripts/tour.py"


@pytest.mark.parametrize("part", [*EXACT, *TABLES])
def test_results_are_text_and_a_table_of_the_page(now, part):
    (output,) = cell_with(now, part).outputs
    text, page = output.data["text/plain"], output.data["text/html"]
    assert "<table>" in page
    words = html.unescape(re.sub(r"<[^>]*>", " ", page))
    assert EXACT.get(part, "") in text
    assert EXACT.get(part, "") in words


@pytest.mark.parametrize("part", FIGURES)
def test_figures_are_pictures(kept, now, part):
    for notebook in (kept, now):
        (output,) = cell_with(notebook, part).outputs
        assert "image/png" in output.data


def test_the_kept_notebook_holds_nothing_of_a_run(kept):
    assert "execution" not in str([each.metadata for each in kept.cells])
    assert list(kept.metadata) == ["kernelspec", "language_info"]
