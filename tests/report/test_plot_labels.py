"""No word of a figure touches another, leaves the page, or covers a point: measured, not hoped."""

from __future__ import annotations

import itertools
import random

import msgspec
import pytest
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from vtbench.report.chart import Chart, Level, Line, Mark, Scale
from vtbench.report.chart_scales import Scales, rescaled
from vtbench.report.plot import Look, figure
from vtbench.report.plot.key import apart

NAMES = {
    "short": "m{}",
    "plain": "sparseformer_t{}",
    "options": "vt_v4_r18_{}, tokens 16, tokenizer recurrent, projector on, keep rate 0.7",
    "one word": "transformers_ViTForImageClassificationWithARegressionHeadAndMore{}",
}
PLACES = (
    [224.0],
    [192.0, 224.0, 256.0, 288.0, 320.0, 512.0],
    [1.0, 2.0, 4.0, 8.0, 16.0, 256.0],
    [9.0, 16.0, 25.0, 36.0, 49.0, 64.0],
)


def _words(made) -> list[tuple[str, Bbox]]:
    """Every text that is drawn, with the part of the page that it takes."""
    renderer = made.canvas.get_renderer()
    made.draw_without_rendering()
    (axes,) = made.axes
    found = [t for t in made.findobj(Text) if t.get_visible() and t.get_text().strip()]
    for axis, ends in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        for tick in axis.get_major_ticks():
            if not ends[0] <= tick.get_loc() <= ends[1]:
                found = [t for t in found if t is not tick.label1]
        found = [t for t in found if t not in [tick.label2 for tick in axis.get_major_ticks()]]
    return [(t.get_text(), t.get_window_extent(renderer)) for t in found]


def _markers(made) -> list[Bbox]:
    """The part of the page that each marker takes, samples of the key among them."""
    found = []
    for line in made.findobj(Line2D):
        if (
            line.get_marker() not in ("None", "", None, 2, 3, "|", "_")
            and line.get_markersize() > 3
        ):
            half = line.get_markersize() / 2 * made.dpi / 72 * 0.9
            for x, y in line.get_transform().transform(line.get_xydata()):
                found.append(Bbox.from_extents(x - half, y - half, x + half, y + half))
    return found


def _overlap(one: Bbox, other: Bbox) -> bool:
    return bool(Bbox.intersection(one.padded(-0.5), other.padded(-0.5)))


def check(chart: Chart, width: str) -> None:
    """Assert it of one figure."""
    made = figure(chart, Look(width=width))
    words, markers = _words(made), _markers(made)
    page = Bbox.from_extents(0, 0, *(made.get_size_inches() * made.dpi))
    for text, box in words:
        inside = page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
        assert inside, f"{text!r} leaves the page: {box} of {page}"
        for marker in markers:
            assert not _overlap(box, marker), f"{text!r} covers a point"
    for (text, box), (other, beside) in itertools.combinations(words, 2):
        assert not _overlap(box, beside), f"{text!r} and {other!r} overlap"
    if chart.kind != "points":  # only names of points stand within the axes
        frame = made.axes[0].get_window_extent()
        for text, box in words:
            assert not _overlap(box, frame), f"{text!r} stands in the axes"
    assert made.get_size_inches()[0] == pytest.approx({"column": 3.3, "page": 6.9}[width])


def _values(rng: random.Random, shape: str, number: int, line: int) -> list[float]:
    if shape == "crossing":
        return [10.0 + line * (number / 2 - x) + 0.1 * line for x in range(number)]
    if shape == "equal ends":
        return [5.0 + (number - 1 - x) * line for x in range(number)]
    if shape == "decades":
        return [10 ** rng.uniform(3, 9) for _ in range(number)]
    if shape == "zeros":
        return [0.0 if rng.random() < 0.3 else rng.uniform(0, 1e9) for _ in range(number)]
    return [rng.uniform(1e-4, 1e-3) for _ in range(number)]


def generated(seed: int) -> Chart:
    """A chart of 1 to 12 lines and levels with names, values, intervals and notes by chance."""
    rng = random.Random(seed)  # noqa: S311  # cases, not secrets
    lines = 1 + seed % 12
    levels = rng.choice((0, 0, 1, 2)) if lines <= 10 else 0
    places = rng.choice(PLACES)
    shape = rng.choice(("crossing", "equal ends", "decades", "zeros", "small"))
    name = rng.choice(tuple(NAMES.values()))
    bars = rng.random() < 0.5
    made = []
    for i in range(lines):
        values = _values(rng, shape, len(places), i)
        marks = tuple(
            Mark(x=x, y=y, low=y * 0.8 if bars else None, high=y * 1.3 if bars else None,
                 disturbed=rng.random() < 0.1, at_least=rng.random() < 0.1)
            for x, y in zip(places, values, strict=True)
        )  # fmt: skip
        made.append(Line(name=name.format(i), marks=marks, trend=rng.random() < 0.7))
    beside = tuple(Level(name=name.format(f"l{i}"), y=6.0 + i) for i in range(levels))
    chart = Chart(
        title="Throughput by size" if seed % 2 else "A title that is much longer " * 4,
        x=Scale(label="Height = width", unit="pixels",
                ticks=tuple(places) if rng.random() < 0.7 else ()),
        y=Scale(label="MACs per image", prefixed=True),
        lines=tuple(made),
        levels=beside,
        notes=("A note that says something.",) * rng.choice((0, 1, 3)),
        conditions="batch 1 · forward · " * rng.choice((0, 1, 12)),
    )  # fmt: skip
    asked = rng.choice((Scales(), Scales("log", "log"), Scales("linear", "log"), Scales("log")))
    return rescaled(chart, asked)


@pytest.mark.parametrize("width", ["column", "page"])
@pytest.mark.parametrize("seed", range(48))
def test_no_word_touches_anything(seed, width):
    check(generated(seed), width)


@pytest.mark.parametrize("width", ["column", "page"])
@pytest.mark.parametrize("seed", range(12))
def test_names_of_points_cover_nothing(seed, width):
    rng = random.Random(seed)  # noqa: S311  # cases, not secrets
    marks = tuple(
        Mark(x=10 ** rng.uniform(0, 3), y=rng.uniform(70, 84), name=f"model_{i}_tiny" * (1 + i % 2),
             x_low=1.0 if i == 0 else None, x_high=1000.0 if i == 0 else None)
        for i in range(1 + 2 * seed)
    )  # fmt: skip
    chart = Chart(
        title="Accuracy",
        x=Scale(label="Throughput", unit="images/s", logarithmic=True),
        y=Scale(label="Printed accuracy", unit="%"),
        lines=(Line(name="Table 1", marks=marks, front=((1.0, 70.0), (1.0, 80.0), (9.0, 80.0))),),
        kind="points",
    )
    check(chart, width)
    said = "\n".join(text for text, _ in _words(figure(chart, Look(width=width))))
    for mark in marks:  # each is beside its point, or named below as one that has no room
        assert mark.name in said.replace("\n", "").replace(" ", "") or mark.name in said


@pytest.mark.parametrize("width", ["column", "page"])
@pytest.mark.parametrize("number", [1, 5, 40])
def test_rows_have_their_names_beside_them(number, width):
    marks = tuple(Mark(x=float(i), y=float(i)) for i in range(number))
    names = tuple(list(NAMES.values())[i % 4].format(i) for i in range(number))
    chart = Chart(
        title="MACs",
        x=Scale(label="MACs per image", prefixed=True),
        y=Scale(label="", ticks=tuple(map(float, range(number))), names=names),
        lines=(Line(name="", marks=marks),),
        kind="rows",
    )
    check(chart, width)
    said = [text.replace("\n", "").replace(" ", "") for text, _ in _words(figure(chart))]
    assert all(name.replace(" ", "") in said for name in names)


def test_nothing_to_draw_is_an_empty_frame():
    empty = Chart(title="", x=Scale(label="x"), y=Scale(label="y"), lines=())
    check(empty, "column")
    check(msgspec.structs.replace(empty, levels=(Level(name="deit_s", y=4.6e9),)), "page")


def test_labels_move_apart_and_keep_their_order():
    whole = (0.0, 100.0)
    assert apart([10, 50, 90], [10, 10, 10], whole) == [10, 50, 90]
    # two at the same height share the shift: half a label each
    assert apart([50, 50], [10, 10], whole) == [45, 55]
    # the third is pushed by the pair below it, and pushes back
    assert apart([50, 50, 58], [10, 10, 10], whole) == pytest.approx(
        [42 + 2 / 3, 52 + 2 / 3, 62 + 2 / 3]
    )
    # a high label takes more room, and none leaves the axes
    assert apart([0, 0], [10, 30], whole) == [5, 25]
    assert apart([100, 99], [10, 10], whole) == [95, 85]
