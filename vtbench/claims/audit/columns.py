"""What a column prints: its quantity, its unit, and whether it follows from another column."""

from __future__ import annotations

import re

import msgspec

from vtbench.claims.audit.printed import (
    ColumnQuantity,
    PrintedCell,
    PrintedFigure,
    PrintedTable,
    Role,
)
from vtbench.claims.suite.interval import number

_QUANTITIES: tuple[tuple[ColumnQuantity, str], ...] = (
    ("throughput", r"throughput|fps|im(?:age|g)?s?\s?/\s?s|samples/s"),
    ("latency", r"latency|runtime|inference time|\(ms\)"),
    ("macs", r"g?m?macs?|madds?|mult-?adds?|multiply|mmac|gmac"),
    ("flops", r"[gmt]?flops?"),
    ("params", r"#?\s?[mg]?params?|parameters?|#p|weights"),
    ("resolution", r"resolution|(?:image|img|input)\s?size|test size"),
    ("device", r"gpu|device|hardware|accelerator"),
    ("accuracy", r"top-?\s?[15]|acc(?:uracy|\.)?|miou|map|ap|iou"),
)
_DERIVED = re.compile(
    r"Δ|\bdelta\b|\bdiff(?:erence)?s?\b|\bchanges?\b|\bgains?\b|\bimprovements?\b|\breductions?\b"
    r"|\bsavings?\b|\bdrop\b|\bratios?\b|\bspeed-?\s?ups?\b|\bfactor\b|\bshare\b|\brelative\b"
    r"|\brel\.|% of\b"
)
_EITHER_SIGN = re.compile(r"reduction|saving|drop|gain|improvement")
_UNIT = re.compile(r"[(\[]\s*(?:#|[xX]\s?)?(K|M|G|B|T|%|x|10\^?[369]|1e[69])\s*"
                   r"(?:FLOPs?|MACs?|[Pp]arams?|img|points|pts)?\s*[)\]]")  # fmt: skip
_GLUED = re.compile(r"\b([KMGT])(?:FLOPs?|FLOPS|MACs?|MAdds?|[Pp]arams?)\b")
_POWERS = {"10^3": "K", "10^6": "M", "10^9": "G", "1e6": "M", "1e9": "G", "106": "M", "109": "G",
           "103": "K"}  # fmt: skip


class PrintedColumn(msgspec.Struct, frozen=True, kw_only=True):
    """One column of a printed table, understood as far as its heading goes."""

    place: int
    head: str
    quantity: ColumnQuantity
    unit: str
    role: Role
    words: frozenset[str]
    """The words of its heading without those that say how it is derived."""
    either_sign: bool = False
    """A "reduction" is printed with whichever sign."""
    stated: bool = False
    """Whether a suite says its unit; it has none then if its figures are single ones."""
    hardware: str = ""
    """For a speed, the device that a suite names."""

    def has_unit(self, figure: PrintedFigure) -> bool:
        """Whether it is known what one of a figure is; long whole numbers are spelt out."""
        spelt_out = "." not in figure.printed and abs(number(figure.printed)) >= _SPELT_OUT
        return bool(self.stated or figure.unit or self.unit or spelt_out)


_SPELT_OUT = 10**6
"""No table prints so many thousands, or millions."""


def columns_of(table: PrintedTable) -> list[PrintedColumn]:
    """Every column after the first, which names the rows."""
    return [_column(table, place) for place in range(len(table.heads))]


def _column(table: PrintedTable, place: int) -> PrintedColumn:
    head = table.heads[place]
    low = head.lower().replace("δ", "Δ")
    if table.stated:
        said = table.stated[place]
        return PrintedColumn(
            place=place,
            head=head,
            quantity=said.quantity,
            unit=said.unit,
            role=said.role,
            words=frozenset(low.split("_")),
            stated=True,
            hardware=said.hardware,
        )
    unit = unit_of(head) or _unit_of_cells([row[place] for row in table.rows])
    bare = _DERIVED.sub(" ", re.sub(r"[(\[][^)\]]*[)\]]", " ", low))
    role = _role(low, unit)
    return PrintedColumn(
        place=place,
        head=head,
        quantity=quantity_of(head),
        unit=unit,
        role=role,
        words=frozenset(re.findall(r"[a-z0-9]+(?:-\d+)?", bare)),
        either_sign=bool(_EITHER_SIGN.search(low)),
    )


def quantity_of(head: str) -> ColumnQuantity:
    """What a heading says that its figures are, or nothing."""
    low = head.lower()
    return next(
        (name for name, words in _QUANTITIES if re.search(rf"(?<![a-z])(?:{words})(?![a-z])", low)),
        "",
    )


def unit_of(head: str) -> str:
    """The unit that a heading names, or nothing."""
    found = _UNIT.search(head) or _GLUED.search(head)
    if found is None:
        return "%" if head.rstrip().endswith("%") else ""
    return _POWERS.get(found[1], found[1])


def _unit_of_cells(cells: list[PrintedCell]) -> str:
    """The unit that all figures of a column carry themselves."""
    units = {cell.figure.unit for cell in cells if cell.figure is not None}
    return units.pop() if len(units) == 1 else ""


def _role(head: str, unit: str) -> Role:
    if unit == "x":
        return "ratio"
    if not _DERIVED.search(head):
        return "plain"
    if re.search(r"\bshare\b|% of\b", head):
        return "share"
    if re.search(r"ratio|speed|factor", head):
        return "ratio"
    if unit == "%":
        return "percent"
    return "difference"
