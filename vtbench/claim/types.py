"""What a paper printed: a claim is an interval, a workload, and where it was printed."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from vtbench.claim.interval import Interval
from vtbench.workload import Workload

Kind = Literal["value", "ratio", "difference", "bound", "arithmetic", "reference"]
Metric = Literal["macs", "flops", "params", "activations", "none"]
Expectation = Literal["holds", "close", "fails", "unknown"]
Unknown = Literal["op", "hardware", "weights", "not-measured", "not-implemented", "undefined"]


class Fitted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A choice of ours that was deduced from printed figures."""

    choice: str
    """What was chosen."""
    claims: tuple[str, ...]
    """Patterns of the claims that it bears on."""
    deduced_from: tuple[str, ...]
    """Patterns of the claims that it was deduced from."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One printed figure."""

    id: str
    """``suite.table.row.column``; unique."""
    suite: str
    where: str
    """Where it is printed, for a reader to find it."""
    kind: Kind
    metric: Metric
    printed: str
    """The digits as printed."""
    unit: str
    low: Decimal
    """The least value that rounds to the printed digits, in base units."""
    high: Decimal
    column: str = ""
    """Key of the table column, for explanations that are judged jointly."""
    workload: Workload | None = None
    """What it speaks of; None where it follows from other claims."""
    expression: str | None = None
    """Arithmetic over other claims' full ids."""
    convention: str = "full"
    """The convention that the paper states."""
    expect: Expectation = "holds"
    why: str = ""
    """What was established, where anything but ``holds`` is expected."""
    unknown: Unknown | None = None
    """Why nothing can be judged, where that is known beforehand."""
    fitted: tuple[str, ...] = ()
    """Choices of ours that were deduced from printed figures and bear on this one."""

    @property
    def interval(self) -> Interval:
        """The values that round to the printed digits."""
        return Interval(self.low, self.high)


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """The claims of one paper, and where the search for explanations may look."""

    name: str
    title: str
    source: str
    """How to find the paper."""
    path: str
    claims: tuple[Claim, ...]
    search: dict[str, tuple[int | float | str | bool, ...]] = {}
    """Option of a workload, or ``resolution`` -> values that the search may try."""
    fitted: tuple[Fitted, ...] = ()
