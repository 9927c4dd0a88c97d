"""Names beside single points: near their point, on nothing else, with a line from farther away."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from vtbench.report.chart import Chart, Line, Mark
from vtbench.report.plot.look import TICK
from vtbench.report.plot.page import Page, height_of

Box = tuple[float, float, float, float]
"""Left, lower, right and upper end, in points."""
REACH = 4.5
"""Points around the middle of a mark that no name may cover."""
NEAR = 13.0
"""From this distance on a thin line leads from a name to its point."""
RINGS = (7.0, 10.0, 15.0, 21.0, 28.0, 36.0, 46.0, 58.0, 72.0, 88.0, 105.0)
DIRECTIONS = (0, 180, 90, 270, 45, 135, 315, 225, 22, 158, 338, 202, 67, 113, 247, 293)
"""In degrees, the best first."""
CROWD = 40.0
"""Points within which marks are in each other's way."""
WIDEST = 130.0
"""Points; longer names are broken."""


class Spot(msgspec.Struct, frozen=True):
    """Where a name is written, and the line that leads to its point, if there is one."""

    name: str
    box: Box
    leader: tuple[tuple[float, float], ...] = ()


class Room(msgspec.Struct, frozen=True):
    """What is taken already."""

    frame: Box
    solid: list[Box]
    """Marks and names, which nothing may cross."""
    light: list[Box]
    """Bars, fronts and lines to other names; no name covers them, and a line may cross them."""


def name_points(page: Page, axes: Any, chart: Chart, frame: Box) -> list[str]:
    """Write the name of every mark that has one; those that have no room are given back."""
    marks = [mark for line in chart.lines for mark in line.marks]
    places = [page.of_data(axes, mark.x, mark.y) for mark in marks]
    light = [box for mark in marks for box in _bars(page, axes, mark)]
    light += [box for line in chart.lines for box in _of_front(page, axes, line)]
    named = [(page.wrapped(mark.name, WIDEST, TICK), place)
             for mark, place in zip(marks, places, strict=True) if mark.name]  # fmt: skip
    sizes = {name: (page.width_of(name, TICK), height_of(name, TICK)) for name, _ in named}
    solid = [_around(place, place, REACH) for place in places]
    tried = [_spots(order, sizes, Room(frame, [*solid], [*light])) for order in _orders(named)]
    spots, left_out = min(
        tried, key=lambda each: (len(each[1]), sum(bool(s.leader) for s in each[0]))
    )
    for spot in spots:
        if spot.leader:
            (x0, y0), (x1, y1) = spot.leader
            page.line([x0, x1], [y0, y1], color="#888888", linewidth=0.5)
        x, y = (spot.box[0] + spot.box[2]) / 2, (spot.box[1] + spot.box[3]) / 2
        page.write(x, y, spot.name, TICK, ha="center", va="center")
    return [" ".join(name.split("\n")) for name in left_out]


Named = tuple[str, tuple[float, float]]


def _orders(named: Sequence[Named]) -> list[list[Named]]:
    """The orders in which names choose their places; the best outcome counts."""
    middle = [sum(place[i] for _, place in named) / max(len(named), 1) for i in (0, 1)]
    keys: list[Callable[[Named], float]] = [
        lambda each: each[1][0],
        lambda each: -each[1][0],
        lambda each: each[1][1],
        lambda each: -each[1][1],
        lambda each: -sum(math.dist(each[1], other) < CROWD for _, other in named),
        lambda each: -math.dist(each[1], middle),
    ]
    return [sorted(named, key=key) for key in keys]


def _spots(
    named: Sequence[Named], sizes: Mapping[str, tuple[float, float]], room: Room
) -> tuple[list[Spot], list[str]]:
    """Where names stand if they choose in this order, and which find no place."""
    spots, left_out = [], []
    for name, place in named:
        spot = _spot(name, place, sizes[name], room)
        if spot is None:
            left_out.append(name)
        else:
            spots.append(spot)
            left, low, right, high = spot.box
            room.solid.append((left - 2.0, low, right + 2.0, high))  # words need a gap
            room.light.extend(_pieces(*spot.leader) if spot.leader else ())
    return spots, left_out


def _spot(
    name: str, place: tuple[float, float], size: tuple[float, float], room: Room
) -> Spot | None:
    """The first place around a point that is free."""
    own = _around(place, place, REACH)
    for distance, box in _places(place, size):
        taken = itertools.chain(room.solid, room.light)
        if not _inside(box, room.frame) or any(_overlap(box, other) for other in taken):
            continue
        leader = _leader(place, box) if distance >= NEAR else ()
        pieces = _pieces(*leader) if leader else []
        if any(_overlap(piece, other) for piece in pieces for other in room.solid if other != own):
            continue
        return Spot(name, box, leader)
    return None


def _places(middle: tuple[float, float], size: tuple[float, float]) -> Iterator[tuple[float, Box]]:
    """Boxes around a point, from near to far."""
    (x, y), (w, h) = middle, size
    for distance in RINGS:
        for direction in DIRECTIONS:
            across, up = math.cos(math.radians(direction)), math.sin(math.radians(direction))
            cx = x + across * distance + _side(across) * w / 2
            cy = y + up * distance + _side(up) * h / 2
            yield distance, (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)


def _side(share: float) -> float:
    """Which side of a point a name stands on: beside, or centred."""
    return 0.0 if abs(share) < 0.1 else math.copysign(1.0, share)  # noqa: PLR2004  # of rounding


def _leader(middle: tuple[float, float], box: Box) -> tuple[tuple[float, float], ...]:
    """From the edge of a mark to the nearest place of a name."""
    x, y = middle
    tx, ty = min(max(x, box[0]), box[2]), min(max(y, box[1]), box[3])
    length = math.hypot(tx - x, ty - y)
    if length <= REACH:
        return ()
    return ((x + (tx - x) / length * REACH, y + (ty - y) / length * REACH), (tx, ty))


def _bars(page: Page, axes: Any, mark: Mark) -> list[Box]:
    """What the bars of a mark take."""
    x, y = page.of_data(axes, mark.x, mark.y)
    boxes = []
    if mark.low is not None and mark.high is not None:
        ends = [page.of_data(axes, mark.x, each)[1] for each in (mark.low, mark.high)]
        boxes.append((x - 2, min(ends), x + 2, max(ends)))
    if mark.x_low is not None and mark.x_high is not None:
        ends = [page.of_data(axes, each, mark.y)[0] for each in (mark.x_low, mark.x_high)]
        boxes.append((min(ends), y - 2, max(ends), y + 2))
    return boxes


def _of_front(page: Page, axes: Any, line: Line) -> list[Box]:
    corners = [page.of_data(axes, *corner) for corner in line.front]
    return [_around(a, b, 1.5) for a, b in itertools.pairwise(corners)]


def _pieces(one: tuple[float, float], other: tuple[float, float]) -> list[Box]:
    """A slanted line as small boxes."""
    number = max(1, round(math.dist(one, other) / 4))
    at = [
        (one[0] + (other[0] - one[0]) * i / number, one[1] + (other[1] - one[1]) * i / number)
        for i in range(number + 1)
    ]
    return [_around(a, b, 0.5) for a, b in itertools.pairwise(at)]


def _around(one: tuple[float, float], other: tuple[float, float], reach: float) -> Box:
    (ax, ay), (bx, by) = one, other
    return (min(ax, bx) - reach, min(ay, by) - reach, max(ax, bx) + reach, max(ay, by) + reach)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _inside(box: Box, frame: Box) -> bool:
    return (
        frame[0] + 2 <= box[0] and box[2] <= frame[2] and frame[1] + 2 <= box[1]
        and box[3] <= frame[3]
    )  # fmt: skip
