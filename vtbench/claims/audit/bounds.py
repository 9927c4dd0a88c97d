"""Figures that cannot be, whatever was rounded: physics, and what a network must at least do."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise

from vtbench.claims.audit.columns import PrintedColumn
from vtbench.claims.audit.findings import Cell, Finding, Outcome, outcome
from vtbench.claims.audit.printed import ColumnQuantity, PrintedTable, range_of
from vtbench.claims.suite.interval import Interval, Rounding
from vtbench.data.datasheets import Device, boards_in

PARAMETERS_SOUND = (
    "MACs of at least half the parameters: valid if a network uses every convolution and linear "
    "weight on each image, and these are at least half of all parameters; mixtures of experts and "
    "models with embedding tables are left out"
)
_NOT_DENSE = re.compile(r"moe|expert|embed|clip|text|bert|gpt|llm|lookup|hash", re.IGNORECASE)
_SIZE = re.compile(r"\s*[@↑-]?\s*(\d{2,4})(?:\s?x\s?\d{2,4}|\^2|²)?\s*(?:px)?$")
_WITH_SIZE = re.compile(r"^(?P<name>.*?\S)\s*(?:@|↑|_|\s|\(|-)\s*(?P<size>\d{3,4})"
                        r"(?:\s?x\s?\d{3,4})?\s*(?:px|p)?\)?$")  # fmt: skip


def _first(columns: list[PrintedColumn], *quantities: ColumnQuantity) -> PrintedColumn | None:
    for quantity in quantities:
        for column in columns:
            if column.quantity == quantity and column.role == "plain":
                return column
    return None


def _range(
    table: PrintedTable, row: int, column: PrintedColumn, rounding: Rounding = "round"
) -> Interval | None:
    """What a figure stands for; None if there is none, or one of unknown unit."""
    figure = table.figure(row, column.place)
    if figure is None or not (column.quantity == "throughput" or column.has_unit(figure)):
        return None
    return range_of(figure, column.unit, rounding)


def peak(table: PrintedTable, columns: list[PrintedColumn], named: str | None) -> Outcome:
    """Images per second times the work of one image, against the device's dense peak."""
    speed, work = _first(columns, "throughput"), _first(columns, "macs", "flops")
    if speed is None or work is None:
        return Outcome()
    place = _first(columns, "device")
    findings, compared, names = [], [], set()
    for index, row in enumerate(table.rows):
        said = row[place.place].text if place else ""
        about = boards_in(named or said or speed.hardware or f"{speed.head} {table.title}")
        fast, each = _range(table, index, speed), _range(table, index, work)
        if about is None or fast is None or each is None:
            continue
        boards, count = about
        names.add(boards[0].kind)
        compared.append(_cells((index, speed), (index, work), (index, place)))
        # "FLOPs" may mean multiply-adds or twice that; the lesser reading keeps the bound sound
        rate = fast.low * each.low * (2 if work.quantity == "macs" else 1)
        limit = limit_of(boards, count)
        if rate > limit:
            kind = boards[0].kind
            findings.append(_too_fast(table, index, (speed, work), (rate, limit), kind))
    rule = f"throughput times {work.head} below the dense 8-bit peak of {', '.join(sorted(names))}"
    return outcome("peak", rule, findings, compared)


def _cells(*places: tuple[int, PrintedColumn | None]) -> tuple[Cell, ...]:
    return tuple((row, column.place, False) for row, column in places if column is not None)


def limit_of(boards: tuple[Device, ...], count: int) -> Decimal:
    """Operations per second that the fastest of the boards never exceeds."""
    return max(Decimal(str(board.limit)) for board in boards) * 10**12 * count


def _too_fast(
    table: PrintedTable,
    index: int,
    read: tuple[PrintedColumn, PrintedColumn],
    rates: tuple[Decimal, Decimal],
    kind: str,
) -> Finding:
    speed, work = read
    rate, limit = rates
    fast, each = table.figure(index, speed.place), table.figure(index, work.place)
    assert fast is not None and each is not None  # noqa: S101, PT018  # peak has read both
    printed = range_of(fast, speed.unit)
    return Finding(
        kind="peak",
        row=table.name(index),
        column=speed.head,
        printed=fast.printed,
        stands_for=fast.stands_for,
        low=None,
        high=printed.low * limit / rate / fast.scale(speed.unit),
        of=f"{each.with_unit(work.unit)} on {kind}",
        why=f"it is {rate / 10**12:.0f} T operations a second, and {kind} can do at most "
        f"{limit / 10**12:.0f} T at 8 bits (dense)",
    )


def parameters(table: PrintedTable, columns: list[PrintedColumn]) -> Outcome:
    """MACs below what the parameters imply, where that bound is sound."""
    work, weights = _first(columns, "macs", "flops"), _first(columns, "params")
    if work is None or weights is None:
        return Outcome()
    findings, compared = [], []
    for index in range(len(table.rows)):
        done, held = _range(table, index, work), _range(table, index, weights)
        if done is None or held is None or _NOT_DENSE.search(table.name(index)):
            continue
        compared.append(_cells((index, work), (index, weights)))
        if done.high < held.low / 2:
            findings.append(_too_little(table, index, (work, weights), held))
    return outcome("parameters", PARAMETERS_SOUND, findings, compared)


def _too_little(
    table: PrintedTable, index: int, read: tuple[PrintedColumn, PrintedColumn], held: Interval
) -> Finding:
    work, weights = read
    done, own = table.figure(index, work.place), table.figure(index, weights.place)
    assert done is not None and own is not None  # noqa: S101, PT018  # parameters has read both
    cut = range_of(done, work.unit, "truncate"), range_of(own, weights.unit, "truncate")
    return Finding(
        kind="parameters",
        row=table.name(index),
        column=work.head,
        printed=done.with_unit(work.unit),
        stands_for=done.stands_for,
        low=held.low / 2 / done.scale(work.unit),
        high=None,
        of=f"{own.with_unit(weights.unit)} parameters",
        why=PARAMETERS_SOUND,
        agrees_if_cut=cut[0].high >= cut[1].low / 2,
    )


def scaling(table: PrintedTable, columns: list[PrintedColumn]) -> Outcome:
    """One network at a larger size never costs less."""
    work, weights = _first(columns, "macs", "flops"), _first(columns, "params")
    if work is None:
        return Outcome()
    sized: dict[tuple[str, str], list[tuple[int, int]]] = {}
    size = _first(columns, "resolution")
    size_of = _sizes(table, size)
    for index, row in enumerate(table.rows):
        found = size_of(index)
        if found is not None and table.figure(index, work.place) is not None:
            held = row[weights.place].text if weights else ""
            sized.setdefault((found[0], held), []).append((found[1], index))
    findings, compared = [], []
    for group in sized.values():
        ordered = sorted(group)
        for (small, first), (large, second) in pairwise(ordered):
            less = _range(table, first, work)
            more = _range(table, second, work)
            if small == large or less is None or more is None:
                continue
            compared.append(_cells((first, work), (second, work), (first, size), (second, size)))
            if more.high < less.low:
                findings.append(_shrinks(table, work, (first, small), (second, large)))
    rule = f"{work.head} of one network never falls as the image grows"
    return outcome("scaling", rule, findings, compared)


def _sizes(
    table: PrintedTable, column: PrintedColumn | None
) -> Callable[[int], tuple[str, int] | None]:
    """Row -> (name of the network, image side), from a column or from the end of its name."""

    def of_column(index: int) -> tuple[str, int] | None:
        assert column is not None  # noqa: S101  # only then is it chosen
        match = _SIZE.match(table.rows[index][column.place].text)
        return (table.rows[index][0].text, int(match[1])) if match else None

    def of_name(index: int) -> tuple[str, int] | None:
        match = _WITH_SIZE.match(table.rows[index][0].text)
        return (match["name"], int(match["size"])) if match else None

    return of_name if column is None else of_column


def _shrinks(
    table: PrintedTable, work: PrintedColumn, less: tuple[int, int], more: tuple[int, int]
) -> Finding:
    small, large = (table.figure(index, work.place) for index, _ in (less, more))
    assert small is not None and large is not None  # noqa: S101, PT018  # scaling has read both
    cut = range_of(small, work.unit, "truncate"), range_of(large, work.unit, "truncate")
    return Finding(
        kind="scaling",
        row=table.name(more[0]),
        column=work.head,
        printed=large.with_unit(work.unit),
        stands_for=large.stands_for,
        low=range_of(small, work.unit).low / large.scale(work.unit),
        high=None,
        of=f"{small.with_unit(work.unit)} at {less[1]}, here {more[1]}",
        why=f"{work.head} of one network never falls as the image grows",
        agrees_if_cut=cut[1].high >= cut[0].low,
    )
