"""Figures are files, drawn without a display."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import msgspec
import pytest

from vtbench.errors import OutputError
from vtbench.report import plot
from vtbench.report.chart import Chart, Line, Mark, Scale
from vtbench.report.plot.labels import apart

SERIES = {"resnet50": [(192, 3.0), (224, 4.1)], "deit_s": [(192, 3.4), (224, 4.6)]}


def _chart(kind="lines", lines=2, **fields) -> Chart:
    made = tuple(
        Line(
            name=f"model_{k}",
            marks=tuple(
                Mark(x=x, y=x * (k + 1), low=x * (k + 0.9), high=x * (k + 1.1), name=f"{k}.{x}")
                for x in (1.0, 2.0, 3.0)
            ),
            remark=f"∝ x^{k}",
        )
        for k in range(lines)
    )
    known = {"title": "A title", "x": Scale(label="across"), "y": Scale(label="up")}
    return Chart(**{**known, "lines": made, "kind": kind, "conditions": "batch 64", **fields})


def _texts(path) -> list[str]:
    """What an SVG says, from the comments beside its glyphs."""
    return [part.partition(" -->")[0] for part in path.read_text().split("<!-- ")[1:]]


def test_a_png_is_a_png(tmp_path):
    plot.lines(SERIES, "size", "GMACs", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG\r\n")


@pytest.mark.parametrize("suffix", [".png", ".svg"])
@pytest.mark.parametrize("kind", ["lines", "points"])
def test_the_same_figure_is_the_same_file(tmp_path, suffix, kind):
    for name in ("a", "b"):
        plot.draw(_chart(kind), tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_an_svg_names_its_axes_and_lines(tmp_path):
    plot.lines(SERIES, "size", "GMACs", tmp_path / "a.svg")
    drawn = (tmp_path / "a.svg").read_text()
    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314  # our own file
    assert {"size", "GMACs", "resnet50", "deit_s"} <= set(_texts(tmp_path / "a.svg"))


def test_lines_are_named_with_their_power_and_conditions_stand_below(tmp_path):
    plot.draw(_chart(), tmp_path / "a.svg")
    said = "\n".join(_texts(tmp_path / "a.svg"))
    for text in ("A title", "across", "up", "model_0", "model_1", "∝ x^1", "batch 64"):
        assert text in said
    assert "0.1.0" not in said


def test_points_are_named_each_and_the_front_too(tmp_path):
    chart = _chart("points")
    front = msgspec.structs.replace(chart.lines[0], front=((1.0, 1.0), (1.0, 3.0), (3.0, 3.0)))
    chart = msgspec.structs.replace(chart, lines=(front, chart.lines[1]))
    plot.draw(chart, tmp_path / "a.svg")
    said = _texts(tmp_path / "a.svg")
    for text in ("0.1.0", "0.2.0", "0.3.0", "1.1.0", "1.2.0", "1.3.0"):
        assert said.count(text) == 1
    assert said.count("its front") == 1


def test_many_lines_have_a_legend(tmp_path):
    plot.draw(_chart(lines=14), tmp_path / "a.svg")
    assert sum(text.startswith("model_") for text in _texts(tmp_path / "a.svg")) == 14


def test_logarithmic_axes_and_named_ticks(tmp_path):
    x = Scale(label="across", logarithmic=True, ticks=(1.0, 3.0))
    plot.draw(_chart(x=x, y=Scale(label="up", logarithmic=True)), tmp_path / "a.svg")
    said = _texts(tmp_path / "a.svg")
    assert {"1", "3"} <= set(said)
    assert "1000000" not in said


def test_a_figure_says_what_it_was_drawn_from(tmp_path):
    for suffix in (".svg", ".png"):
        path = tmp_path / f"a{suffix}"
        plot.draw(_chart(), path)
        assert plot.drawn_from(path) == plot.digest(_chart())
    assert plot.digest(_chart()) != plot.digest(_chart(title="Another"))
    (tmp_path / "foreign.svg").write_text("<svg/>")
    assert plot.drawn_from(tmp_path / "foreign.svg") is None


def test_names_move_apart_and_keep_their_order():
    assert apart([0.1, 0.5, 0.9], 0.1) == pytest.approx([0.1, 0.5, 0.9])
    # two at the same height share the shift: half a step each
    assert apart([0.5, 0.5], 0.1) == pytest.approx([0.45, 0.55])
    # the third is pushed by the pair below it, and pushes back
    moved = apart([0.5, 0.5, 0.58], 0.1)
    middle = (0.5 + 0.5 + 0.58) / 3
    assert moved == pytest.approx([middle - 0.1, middle, middle + 0.1])


def test_no_series_and_single_points_are_drawn_too(tmp_path):
    plot.lines({}, "x", "y", tmp_path / "none.png")
    plot.lines({"one": [(1, 1)]}, "x", "y", tmp_path / "one.svg")
    assert (tmp_path / "none.png").stat().st_size > 0
    assert "one" in _texts(tmp_path / "one.svg")


def test_a_figure_that_cannot_be_written_says_so(tmp_path):
    with pytest.raises(OutputError, match=r"ends in .png or .svg"):
        plot.lines(SERIES, "x", "y", tmp_path / "a.pdf")
    with pytest.raises(OutputError, match="no such file or directory"):
        plot.lines(SERIES, "x", "y", tmp_path / "none" / "a.png")


@pytest.mark.parametrize("name", ["a$b$c", r"$\frac{$", "$x", "<b>&", "\x1b[2J\u202e", "_ ^ {}"])
def test_names_are_drawn_as_they_stand(tmp_path, name):
    chart = _chart(title=name, conditions=name)
    lines = tuple(msgspec.structs.replace(line, name=name) for line in chart.lines)
    for kind in ("lines", "points"):
        plot.draw(msgspec.structs.replace(chart, lines=lines, kind=kind), tmp_path / "a.svg")
        ET.parse(tmp_path / "a.svg")  # noqa: S314  # ours
