"""Figures that cannot be, whatever was rounded: physics, and what a network must at least do."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise

from vtbench.claims.audit.columns import ColumnQuantity, PrintedColumn
from vtbench.claims.audit.findings import Check, Finding
from vtbench.claims.audit.tables import PrintedCell, PrintedTable, range_of
from vtbench.claims.suite.interval import SCALES, Interval
from vtbench.data.datasheets import Device, boards_in

PARAMETERS_SOUND = (
    "MACs of at least half the parameters: sound for networks that use every convolution and "
    "linear weight on each image and in which these are at least half of all parameters; not for "
    "mixtures of experts or models with embedding tables, which are left out"
)
_NOT_DENSE = re.compile(r"moe|expert|embed|clip|text|bert|gpt|llm|lookup|hash", re.IGNORECASE)
_SIZE = re.compile(r"\s*[@↑-]?\s*(\d{2,4})(?:\s?x\s?\d{2,4}|\^2|²)?\s*(?:px)?$")
_WITH_SIZE = re.compile(r"^(?P<name>.*?\S)\s*(?:@|↑|_|\s|\(|-)\s*(?P<size>\d{3,4})"
                        r"(?:\s?x\s?\d{3,4})?\s*(?:px|p)?\)?$")  # fmt: skip

Outcome = tuple[list[Finding], list[Check]]


def _first(columns: list[PrintedColumn], *quantities: ColumnQuantity) -> PrintedColumn | None:
    for quantity in quantities:
        for column in columns:
            if column.quantity == quantity and column.role == "plain":
                return column
    return None


def _range(cell: PrintedCell, column: PrintedColumn) -> Interval | None:
    return None if cell.figure is None else range_of(cell.figure, column.unit)


def peak(table: PrintedTable, columns: list[PrintedColumn], named: str | None) -> Outcome:
    """Images per second times the work of one image, against the device's dense peak."""
    speed, work = _first(columns, "throughput"), _first(columns, "macs", "flops")
    if speed is None or work is None:
        return [], []
    place = _first(columns, "device")
    findings, checked, names = [], 0, set()
    for index, row in enumerate(table.rows):
        said = row[place.place].text if place else ""
        about = boards_in(named or said or f"{speed.head} {table.title}")
        fast, each = _range(row[speed.place], speed), _range(row[work.place], work)
        if about is None or fast is None or each is None:
            continue
        boards, count = about
        names.add(boards[0].kind)
        checked += 1
        # "FLOPs" may mean multiply-adds or twice that; the lesser reading keeps the bound sound
        rate = fast.low * each.low * (2 if work.quantity == "macs" else 1)
        limit = limit_of(boards, count)
        if rate > limit:
            kind = boards[0].kind
            findings.append(_too_fast(table, index, (speed, work), (rate, limit), kind))
    if not checked:
        return [], []
    rule = f"throughput times {work.head} below the dense 8-bit peak of {', '.join(sorted(names))}"
    return findings, [Check(kind="peak", rule=rule, checked=checked, contradicted=len(findings))]


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
    row, (rate, limit) = table.rows[index], rates
    fast, each = row[speed.place].figure, row[work.place].figure
    assert fast is not None and each is not None  # noqa: S101, PT018  # peak has read both
    printed = range_of(fast, speed.unit)
    return Finding(
        kind="peak",
        row=table.name(index),
        column=speed.head,
        printed=fast.printed,
        low=None,
        high=printed.low * limit / rate / SCALES.get(fast.unit or speed.unit, 1),
        of=f"{each.printed} {each.unit or work.unit}".strip() + f" on {kind}",
        why=f"{rate / 10**12:.0f} T operations a second, and {limit / 10**12:.0f} T is the most "
        f"that {kind} can do at 8 bits without sparsity",
    )


def parameters(table: PrintedTable, columns: list[PrintedColumn]) -> Outcome:
    """MACs below what the parameters imply, where that bound is sound."""
    work, weights = _first(columns, "macs", "flops"), _first(columns, "params")
    if work is None or weights is None or not (work.unit or weights.unit):
        return [], []
    findings, checked = [], 0
    for index, row in enumerate(table.rows):
        done, held = _range(row[work.place], work), _range(row[weights.place], weights)
        if done is None or held is None or _NOT_DENSE.search(table.name(index)):
            continue
        checked += 1
        if done.high < held.low / 2:
            figures = row[work.place].figure, row[weights.place].figure
            assert figures[0] and figures[1]  # noqa: S101, PT018  # their ranges were read
            unit = figures[0].unit or work.unit
            findings.append(
                Finding(
                    kind="parameters",
                    row=table.name(index),
                    column=work.head,
                    printed=f"{figures[0].printed} {unit}".strip(),
                    low=held.low / 2 / SCALES.get(unit, 1),
                    high=None,
                    of=f"{figures[1].printed} {figures[1].unit or weights.unit}".strip()
                    + " parameters",
                    why=PARAMETERS_SOUND,
                )
            )
    rule = PARAMETERS_SOUND
    checks = [Check(kind="parameters", rule=rule, checked=checked, contradicted=len(findings))]
    return findings, checks if checked else []


def scaling(table: PrintedTable, columns: list[PrintedColumn]) -> Outcome:
    """One network at a larger size never costs less."""
    work, weights = _first(columns, "macs", "flops"), _first(columns, "params")
    if work is None:
        return [], []
    sized: dict[tuple[str, str], list[tuple[int, int]]] = {}
    size_of = _sizes(table, _first(columns, "resolution"))
    for index, row in enumerate(table.rows):
        found = size_of(index)
        if found is not None and row[work.place].figure is not None:
            held = row[weights.place].text if weights else ""
            sized.setdefault((found[0], held), []).append((found[1], index))
    findings, checked = [], 0
    for group in sized.values():
        ordered = sorted(group)
        for (small, first), (large, second) in pairwise(ordered):
            less = _range(table.rows[first][work.place], work)
            more = _range(table.rows[second][work.place], work)
            if small == large or less is None or more is None:
                continue
            checked += 1
            if more.high < less.low:
                findings.append(_shrinks(table, work, (first, small), (second, large)))
    rule = f"{work.head} of one network never falls as the image grows"
    checks = [Check(kind="scaling", rule=rule, checked=checked, contradicted=len(findings))]
    return findings, checks if checked else []


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
    small, large = (table.rows[index][work.place].figure for index, _ in (less, more))
    assert small is not None and large is not None  # noqa: S101, PT018  # scaling has read both
    unit = large.unit or work.unit
    return Finding(
        kind="scaling",
        row=table.name(more[0]),
        column=work.head,
        printed=f"{large.printed} {unit}".strip(),
        low=range_of(small, work.unit).low / SCALES.get(unit, 1),
        high=None,
        of=f"{small.printed} {small.unit or work.unit}".strip() + f" at {less[1]}, here {more[1]}",
        why=f"{work.head} of one network never falls as the image grows",
    )
