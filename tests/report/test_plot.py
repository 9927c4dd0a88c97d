"""Figures are files of three kinds, the same each time, whose words can be read and searched."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
import zlib

import msgspec
import pytest
from matplotlib.colors import to_rgb

from vtbench.errors import BadInput, OutputError
from vtbench.report import plot
from vtbench.report.chart import Chart, Level, Line, Mark, Scale
from vtbench.report.chart_scales import Scales, doubling, far_apart, rescaled
from vtbench.report.plot.styles import COLORS, DASHES, MARKERS, styles
from vtbench.report.plot.ticks import number_said, thinned, ticks_of


def _chart(kind="lines", lines=2, **fields) -> Chart:
    made = tuple(
        Line(
            name=f"model_{k}",
            marks=tuple(
                Mark(x=x, y=x * (k + 1), low=x * (k + 0.9), high=x * (k + 1.1), name=f"{k}.{x}")
                for x in (1.0, 2.0, 3.0)
            ),
        )
        for k in range(lines)
    )
    known = {"title": "A title", "x": Scale(label="across"), "y": Scale(label="up")}
    return Chart(**{**known, "lines": made, "kind": kind, "conditions": "batch 64", **fields})


def _texts(path) -> list[str]:
    """What an SVG says: its words are words."""
    root = ET.parse(path).getroot()  # noqa: S314  # our own file
    return ["".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize(
    ("suffix", "begins"), [(".png", b"\x89PNG\r\n"), (".svg", b"<?xml"), (".pdf", b"%PDF-1.4")]
)
@pytest.mark.parametrize("kind", ["lines", "points"])
def test_the_same_figure_is_the_same_file(tmp_path, suffix, kind, begins):
    for name in ("a", "b"):
        plot.draw(_chart(kind), tmp_path / f"{name}{suffix}")
    drawn = (tmp_path / f"a{suffix}").read_bytes()
    assert drawn.startswith(begins)
    assert drawn == (tmp_path / f"b{suffix}").read_bytes()


def test_another_process_on_another_day_writes_the_same_pdf(tmp_path):
    code = (
        "import sys, pathlib\nfrom vtbench.report import plot\nfrom vtbench.report.chart import *\n"
        "line = Line(name='deit_s', marks=(Mark(x=1.0, y=2.0),))\n"
        "chart = Chart(title='t', x=Scale(label='x'), y=Scale(label='y'), lines=(line,))\n"
        "plot.draw(chart, pathlib.Path(sys.argv[1]))\n"
    )
    for name, seed in (("a.pdf", "1"), ("b.pdf", "2")):
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / name)],
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path), "HOME": str(tmp_path)},
        )
    drawn = (tmp_path / "a.pdf").read_bytes()
    assert drawn == (tmp_path / "b.pdf").read_bytes()
    assert b"CreationDate" not in drawn


def test_a_pdf_has_its_fonts_as_truetype(tmp_path):
    plot.draw(_chart(), tmp_path / "a.pdf")
    drawn = (tmp_path / "a.pdf").read_bytes()
    streams = re.findall(rb"stream\r?\n(.*?)endstream", drawn, re.DOTALL)
    opened = b"".join(zlib.decompressobj().decompress(s) for s in streams if s[:1] == b"x")
    assert b"/FontFile2" in drawn + opened
    assert b"/Type3" not in drawn + opened


def test_an_svg_names_its_axes_and_lines(tmp_path):
    plot.draw(_chart(levels=(Level(name="deit_s", y=2.5),)), tmp_path / "a.svg")
    said = _texts(tmp_path / "a.svg")
    assert {"A title", "across (linear)", "up (linear)", "model_0", "model_1", "deit_s"} <= set(
        said
    )
    assert "batch 64" in said
    assert not any("0.1.0" in each for each in said)  # marks of lines have no names


def test_a_lower_bound_has_an_arrow_and_a_sentence(tmp_path):
    line = Line(name="a", marks=(Mark(x=1.0, y=2.0, at_least=True), Mark(x=2.0, y=3.0)))
    plot.draw(msgspec.structs.replace(_chart(), lines=(line,)), tmp_path / "a.svg")
    assert any("at least so large" in said for said in _texts(tmp_path / "a.svg"))
    (axes,) = plot.figure(msgspec.structs.replace(_chart(), lines=(line,))).axes
    assert [text.xy for text in axes.texts] == [(1.0, 2.0)]


def test_a_disturbed_point_is_hollow():
    marks = (Mark(x=1.0, y=2.0, disturbed=True), Mark(x=2.0, y=3.0))
    chart = msgspec.structs.replace(_chart(), lines=(Line(name="a", marks=marks),))
    (axes,) = plot.figure(chart).axes
    faces = {tuple(line.get_xdata()): line.get_markerfacecolor() for line in axes.lines
             if line.get_marker() == "o"}  # fmt: skip
    assert faces == {(2.0,): COLORS[0], (1.0,): "white"}


def test_points_are_named_each(tmp_path):
    plot.draw(_chart("points"), tmp_path / "a.svg")
    said = _texts(tmp_path / "a.svg")
    for text in ("0.1.0", "0.2.0", "0.3.0", "1.1.0", "1.2.0", "1.3.0"):
        assert said.count(text) == 1


def test_more_than_a_dozen_lines_are_refused_with_what_to_do(tmp_path):
    plot.draw(_chart(lines=12), tmp_path / "a.svg")
    assert sum(text.startswith("model_") for text in _texts(tmp_path / "a.svg")) == 12
    with pytest.raises(BadInput, match="at most 12 lines apart, but this one would have 13; leave"):
        plot.figure(_chart(lines=12, levels=(Level(name="deit_s", y=1.0),)))


# what tells lines apart

_EYES = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    # Machado, Oliveira and Fernandes (2009), severity 1
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
               (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
               (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602),
               (0.004733, 0.691367, 0.303900)),
}  # fmt: skip


def _lab(color: str, eye: str) -> tuple[float, float, float]:
    """CIELAB of a colour as an eye sees it."""
    own = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    seen = [min(max(sum(a * b for a, b in zip(row, own, strict=True)), 0), 1) for row in _EYES[eye]]
    xyz = [sum(a * b for a, b in zip(row, seen, strict=True)) / white for row, white in (
        ((0.4124, 0.3576, 0.1805), 0.9505), ((0.2126, 0.7152, 0.0722), 1.0),
        ((0.0193, 0.1192, 0.9505), 1.089))]  # fmt: skip
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("eye", sorted(_EYES))
def test_colours_differ_for_every_kind_of_colour_vision(eye):
    for one, other in itertools.combinations(COLORS, 2):
        apart = sum((a - b) ** 2 for a, b in zip(_lab(one, eye), _lab(other, eye), strict=True))
        assert apart**0.5 > 12, (one, other)  # 2.3 is a difference that one just sees


def test_lines_differ_in_grey_too():
    assert len(set(MARKERS)) == len(COLORS) == 12
    for one, other in itertools.pairwise(styles(12)):
        assert one.dashes != other.dashes
        assert abs(_lab(one.color, "normal")[0] - _lab(other.color, "normal")[0]) > 5
    assert not {str(style.dashes) for style in styles(0, 4)} & {str(each) for each in DASHES}


# scales and ticks


def test_a_scale_is_chosen_by_the_values():
    assert far_apart([1.0, 10.1])
    assert not far_apart([1.0, 10.0])
    assert not far_apart([0.0, 5.0, 1e9])
    assert doubling([1, 2, 4, 8])
    assert not doubling([192, 224, 256, 512])
    assert not doubling([64, 100, 196])
    assert not doubling([])


def test_a_log_scale_leaves_out_zeros_and_says_so():
    line = Line(name="a", marks=(Mark(x=1.0, y=0.0), Mark(x=2.0, y=5.0)))
    chart = _chart(lines=0, levels=(Level(name="zero", y=0.0),))
    chart = msgspec.structs.replace(chart, lines=(line,))
    assert rescaled(chart, Scales()) == chart
    asked = rescaled(chart, Scales(y="log"))
    assert [mark.y for mark in asked.lines[0].marks] == [5.0]
    assert asked.levels == ()
    assert asked.notes == (
        "A log scale shows only values above 0; points that are left out: a (1), zero.",
    )


@pytest.mark.parametrize(
    ("scale", "ends", "names", "label"),
    [
        (Scale(label="Tokens", ticks=(64.0, 100.0, 196.0)), (60, 200), "64 100 196",
         "Tokens (linear)"),
        (Scale(label="MACs", prefixed=True), (0, 4.6e9), "0 1 2 3 4", "MACs (G, linear)"),
        (Scale(label="Peak", unit="B", prefixed=True), (0, 2.1e8), "0 50 100 150 200",
         "Peak (MB, linear)"),
        (Scale(label="MACs", prefixed=True, logarithmic=True), (2e9, 3e10), "2 3 5 7 10 20 30",
         "MACs (G, log scale)"),
        (Scale(label="MACs", prefixed=True, logarithmic=True), (5e2, 2e9),
         "1 K|10 K|100 K|1 M|10 M|100 M|1 G", "MACs (log scale)"),
        (Scale(label="Speed", unit="images/s", logarithmic=True), (900, 30_000),
         "1,000 2,000 5,000 10,000 20,000", "Speed (images/s, log scale)"),
        (Scale(label="Energy", unit="J"), (0, 0.0004), "0 0.0001 0.0002 0.0003 0.0004",
         "Energy (J, linear)"),
        (Scale(label="Time", unit="ms/step", logarithmic=True), (3.1, 3.9), "3.2 3.4 3.6 3.8",
         "Time (ms/step, log scale)"),
    ],
)  # fmt: skip
def test_ticks_are_plain_numbers_in_the_unit_of_the_label(scale, ends, names, label):
    ticks = ticks_of(scale, ends, 7 if scale.logarithmic else 5)
    assert list(ticks.names) == names.split("|" if "|" in names else " ")
    assert ticks.label == label


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (64, "64"),
        (1e9, "1,000,000,000"),
        (1e-7, "0.0000001"),
        (0.1 + 0.2, "0.3"),
        (-2, "−2"),
    ],
)
def test_numbers_have_no_exponent(value, said):
    assert number_said(value) == said


def test_labels_of_ticks_are_left_out_until_none_touch():
    assert thinned([0, 10, 20, 30], [4] * 4, 1) == [0, 1, 2, 3]
    assert thinned([0, 10, 20, 30, 40], [6] * 5, 1) == [0, 2, 4]
    assert thinned([1, 2, 4, 8, 90], [4] * 5, 1) == [1, 4]  # every third; the largest stays
    assert thinned([30, 0], [4, 4], 1) == [1, 0]
    assert thinned([], [], 1) == []


# files


def test_a_figure_says_what_it_was_drawn_from(tmp_path):
    for suffix in plot.SUFFIXES:
        path = tmp_path / f"a{suffix}"
        plot.draw(_chart(), path)
        assert plot.drawn_from(path) == plot.digest(_chart())
    assert plot.digest(_chart()) != plot.digest(_chart(title="Another"))
    (tmp_path / "foreign.svg").write_text("<svg/>")
    assert plot.drawn_from(tmp_path / "foreign.svg") is None


def test_a_figure_that_cannot_be_written_says_so(tmp_path):
    with pytest.raises(OutputError, match=r"ends in .pdf, .png or .svg, got '.*a\.eps'"):
        plot.draw(_chart(), tmp_path / "a.eps")
    with pytest.raises(OutputError, match="no such file or directory"):
        plot.draw(_chart(), tmp_path / "none" / "a.png")


@pytest.mark.parametrize(
    "name", ["a$b$c", r"$\frac{$", "$x", "<b>&", "\x1b[2J\u202e", "_ ^ {}", "图"]
)
@pytest.mark.filterwarnings("ignore:Glyph")
def test_names_are_drawn_as_they_stand(tmp_path, name):
    chart = _chart(title=name, conditions=name)
    lines = tuple(msgspec.structs.replace(line, name=name) for line in chart.lines)
    for kind in ("lines", "points"):
        plot.draw(msgspec.structs.replace(chart, lines=lines, kind=kind), tmp_path / "a.svg")
        said = _texts(tmp_path / "a.svg")
        assert name in said or not name.isprintable()
