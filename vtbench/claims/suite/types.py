"""What a paper printed: a claim is an interval, a workload, and where it was printed."""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import Literal

import msgspec

from vtbench.claims.suite.interval import Interval
from vtbench.claims.suite.speed import NO_CONDITIONS, Conditions
from vtbench.data.workload import Workload

ClaimKind = Literal[
    "value", "ratio", "difference", "bound", "arithmetic", "formula", "scaling", "reference"
]
SWEPT = ("formula", "scaling")
"""Kinds that speak of many sizes at once."""
Metric = Literal["macs", "flops", "params", "activations", "throughput", "latency", "none"]
Expectation = Literal["holds", "close", "fails", "unknown"]
Unknown = Literal["op", "hardware", "weights", "not-measured", "not-implemented", "undefined"]
Value = int | float | str | bool

_MACS = ("full", "double", "double_biased", "attention_missed", "norms_counted",
         "bias_counted", "pool_counted", "head_excluded", "module_hooks",
         "fvcore_eval", "fvcore_train", "thop")  # fmt: skip
CONVENTIONS = MappingProxyType(
    {
        "macs": _MACS,
        "flops": _MACS,
        "params": ("all", "weights_only", "no_norm", "no_bias"),
        "activations": ("full",),
    }
)
"""Metric -> the names of the conventions that it can be read in."""

DEFAULT_CONVENTIONS = MappingProxyType(
    {"macs": "full", "flops": "double", "params": "all", "activations": "full"}
)
"""Metric -> the convention that holds where a suite states none."""


class Fitted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A choice of ours that was deduced from printed figures."""

    choice: str
    """What was chosen."""
    claims: tuple[str, ...]
    """Patterns of the claims that it bears on."""
    deduced_from: tuple[str, ...]
    """Patterns of the claims that it was deduced from."""


class Axis(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An option of a workload, or ``resolution`` or ``mode``, and what the search may try for it.

    A range, never the answer.
    """

    values: tuple[Value, ...]
    models: tuple[str, ...] = ("*",)
    """Patterns of the models that have it."""
    options: dict[str, Value] = {}
    """Options that a workload must state for it to apply."""


class HeldOut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Suites whose figures are predicted from one another: fit on one, hold against the other."""

    suites: tuple[str, ...]
    axes: tuple[str, ...]
    """Options of the workloads that are fitted, each with its range under ``search``."""
    groups: dict[str, tuple[str, ...]]
    """Name -> patterns of the models that share one configuration."""


class Quantity(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that nobody printed, measured for arithmetic to speak of: a stage, say."""

    id: str
    workload: Workload
    metric: Metric
    convention: str
    stages: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """The sizes over which a formula or a growth is held against counts."""

    axes: dict[str, tuple[int, ...]]
    """Axis -> its values; every combination is counted. An axis is an option of the model, or
    ``resolution``, ``image_height``, ``image_width`` or ``batch_size``."""
    symbols: dict[str, str]
    """Letter of the paper -> what it is, as a polynomial in one axis."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One printed figure, formula or growth."""

    id: str
    """``suite.table.row.column``; unique."""
    suite: str
    where: str
    """Where it is printed, for a reader to find it."""
    kind: ClaimKind
    metric: Metric
    printed: str
    """The digits as printed; of a formula its text, of a growth its word or exponent."""
    unit: str
    low: Decimal
    """The least value that rounds to the printed digits, in base units; 0 of a formula."""
    high: Decimal
    column: str = ""
    """Key of the table column, for explanations that are judged jointly."""
    workload: Workload | None = None
    """What it speaks of; None where it follows from other claims."""
    stages: tuple[str, ...] = ()
    """Module paths that it speaks of alone; empty where it is the whole model."""
    without: tuple[str, ...] = ()
    """Module paths that it leaves out of the whole model."""
    sweep: Sweep | None = None
    """The sizes of a formula or a growth, which are then changes to ``workload``."""
    fixed: tuple[str, ...] = ()
    """Options that its row states, which no search may change."""
    expression: str | None = None
    """Arithmetic over other claims' full ids."""
    convention: str = "full"
    """The convention that the paper states."""
    expect: Expectation = "holds"
    why: str = ""
    """What was established, where anything but ``holds`` is expected."""
    by: str = ""
    """The reading that is expected to give the digits where the stated one does not."""
    unknown: Unknown | None = None
    """Why nothing can be judged, where that is known beforehand."""
    fitted: tuple[str, ...] = ()
    """Choices of ours that were deduced from printed figures and bear on this one."""
    hardware: str = ""
    """Of a speed: the device as the paper names it; empty where it follows from others'."""
    conditions: Conditions = NO_CONDITIONS
    """Of a speed: how it was measured, as far as the paper says."""

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
    quantities: tuple[Quantity, ...] = ()
    search: dict[str, Axis] = {}
    """Option of a workload, or ``resolution`` or ``mode`` -> where the search may look."""
    fitted: tuple[Fitted, ...] = ()
    held_out: tuple[HeldOut, ...] = ()
