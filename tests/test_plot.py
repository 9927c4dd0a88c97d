"""Figures are files, drawn without a display."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from vtbench import plot
from vtbench.errors import OutputError

SERIES = {"resnet50": [(192, 3.0), (224, 4.1)], "deit_s": [(192, 3.4), (224, 4.6)]}


def test_a_png_is_a_png(tmp_path):
    plot.lines(SERIES, "size", "GMACs", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_an_svg_names_its_axes_and_lines_and_is_the_same_each_time(tmp_path):
    for name in ("a.svg", "b.svg"):
        plot.lines(SERIES, "size", "GMACs", tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    drawn = (tmp_path / "a.svg").read_text()
    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314  # our own file
    for said in ("size", "GMACs", "resnet50", "deit_s"):
        assert f"<!-- {said} -->" in drawn


def test_no_series_and_single_points_are_drawn_too(tmp_path):
    plot.lines({}, "x", "y", tmp_path / "none.png")
    plot.lines({"one": [(1, 1)]}, "x", "y", tmp_path / "one.svg")
    assert (tmp_path / "none.png").stat().st_size > 0
    assert (tmp_path / "one.svg").stat().st_size > 0


def test_a_figure_that_cannot_be_written_says_so(tmp_path):
    with pytest.raises(OutputError, match=r"neither \.png nor \.svg"):
        plot.lines(SERIES, "x", "y", tmp_path / "a.pdf")
    with pytest.raises(OutputError, match="no such file or directory"):
        plot.lines(SERIES, "x", "y", tmp_path / "none" / "a.png")
