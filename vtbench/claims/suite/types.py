"""The printed figures of a paper: a claim is an interval, a workload, and its place there."""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import Literal

import msgspec

from vtbench.claims.suite.interval import Interval, Zeros
from vtbench.claims.suite.speed import NO_CONDITIONS, Conditions
from vtbench.data.workload import Workload

ClaimKind = Literal[
    "value", "ratio", "difference", "ordering", "arithmetic", "formula", "scaling", "reference"
]
Relation = Literal[
    "equals", "about", "nearly", "half", "at_least", "more_than", "at_most", "less_than",
    "up_to", "range",
]  # fmt: skip
"""How a figure stands to what is printed; each has a rule in ``hedges.py``."""
SWEPT = ("formula", "scaling")
"""Kinds of claims about many sizes at once."""
Metric = Literal[
    "macs", "flops", "params", "activations", "memory", "tokens", "elements", "throughput",
    "latency", "none",
]  # fmt: skip
Expectation = Literal["holds", "close", "fails", "unknown"]
Unknown = Literal["op", "hardware", "weights", "not-measured", "not-implemented", "undefined"]
SourceKind = Literal["abstract", "text", "table", "readme", "log", "release", "secondary"]
"""Where a figure stands: in the paper's abstract, text or a table; in a README or a log of its
authors; in another file that they released; or only in what others wrote."""
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
        "memory": ("predicted", "weights", "activations", "allocated", "reserved", "resident"),
        "tokens": ("full",),
        "elements": ("interpolation", "normalisation", "softmax", "activation", "elementwise",
                     "reduction", "pooling"),
    }
)  # fmt: skip
"""Metric -> the names of the conventions that it can be read in; of elements the class."""

READABLE = ("macs", "flops", "params", "activations")
"""Metrics whose other conventions may explain a figure; those of the others are other figures."""

DEFAULT_CONVENTIONS = MappingProxyType(
    {"macs": "full", "flops": "double", "params": "all", "activations": "full",
     "memory": "predicted", "tokens": "full", "elements": "interpolation"}
)  # fmt: skip
"""Metric -> the convention that a suite has by default."""


class Fitted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A choice of the suite's author that was deduced from printed figures."""

    choice: str
    """The choice, in words."""
    claims: tuple[str, ...]
    """Patterns of the claims that depend on it."""
    deduced_from: tuple[str, ...]
    """Patterns of the claims that it was deduced from."""


class Axis(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An option of a workload, or ``resolution`` or ``mode``, and the values that may be tried.

    Give a range, never the answer.
    """

    values: tuple[Value, ...]
    """The values that may be tried."""
    models: tuple[str, ...] = ("*",)
    """Patterns of the models that have the option."""
    options: dict[str, Value] = {}
    """Options that a workload must state for the axis to apply."""


class HeldOut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Suites whose figures predict one another: fitted on one, compared with the other."""

    suites: tuple[str, ...]
    """Names of the suites."""
    axes: tuple[str, ...]
    """Options of the workloads that are fitted, each with its range under ``search``."""
    groups: dict[str, tuple[str, ...]]
    """Name -> patterns of the models that share one configuration."""


class Quantity(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that is not printed, measured so that arithmetic can use it, such as a stage."""

    id: str
    """The name with its suite, as in ``suite.name``."""
    workload: Workload
    """The workload that is counted."""
    metric: Metric
    """The metric of the figure."""
    convention: str
    """The convention that it is counted by."""
    stages: tuple[str, ...] = ()
    """Module paths that it is about; empty for the whole model."""
    fixed: tuple[str, ...] = ()
    """Options that no search may change."""


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """The sizes at which a formula or a growth is compared with counts."""

    axes: dict[str, tuple[int, ...]]
    """Axis -> its values; every combination is counted. An axis is an option of the model, or
    ``resolution``, ``image_height``, ``image_width`` or ``batch_size``."""
    symbols: dict[str, str]
    """Letter of the paper -> its value, as a polynomial in one axis."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One printed figure, formula or growth."""

    id: str
    """The unique id: ``suite.table.row.column``."""
    suite: str
    """The name of the suite."""
    where: str
    """The place in the paper where it is printed, so that a reader can find it."""
    source_kind: SourceKind | None = None
    """What that place is a part of; None if the suite does not say."""
    kind: ClaimKind
    """The kind of the claim."""
    relation: Relation = "equals"
    """How the figure is said to stand to the printed one."""
    metric: Metric
    """The metric of the printed figure."""
    printed: str
    """The digits as printed; for a formula its text, for a growth its word or exponent."""
    unit: str
    """The printed unit."""
    zeros: Zeros = "digits"
    """Whether zeros at the end of a whole number are digits."""
    low: Decimal
    """The least value for which the claim holds, in base units; 0 for a formula."""
    high: Decimal
    """The greatest value for which the claim holds, in base units; 0 for a formula."""
    column: str = ""
    """The key of the table column, whose figures are explained together."""
    workload: Workload | None = None
    """The workload that it is about; None if it follows from other claims."""
    stages: tuple[str, ...] = ()
    """Module paths that it is about; empty for the whole model."""
    without: tuple[str, ...] = ()
    """Module paths that it leaves out of the whole model."""
    sweep: Sweep | None = None
    """The sizes of a formula or a growth, each a change to ``workload``."""
    fixed: tuple[str, ...] = ()
    """Options that its row states, which no search may change."""
    expression: str | None = None
    """Arithmetic over the full ids of other claims; None if it does not follow from others. Of a
    set it is that of the member that decides."""
    members: tuple[str, ...] = ()
    """Of a claim over a set, the arithmetic of each member."""
    average: bool = False
    """Whether it is the mean over inputs of a model whose count depends on their values."""
    pairs: tuple[tuple[str, str], ...] = ()
    """Of an ordering, the two figures that each member compares."""
    convention: str = "full"
    """The convention that the paper states."""
    expect: Expectation = "holds"
    """The verdict that the suite expects."""
    why: str = ""
    """The reason why another verdict than ``holds`` is expected."""
    by: str = ""
    """The reading that is expected to give the digits if the stated one does not."""
    unknown: Unknown | None = None
    """The reason why it cannot be judged, if that is known beforehand."""
    fitted: tuple[str, ...] = ()
    """Choices of the suite's author that were deduced from printed figures and matter for it."""
    hardware: str = ""
    """For a speed, the device as the paper names it; empty if it follows from other claims."""
    conditions: Conditions = NO_CONDITIONS
    """For a speed, the conditions of measuring, as far as the paper states them."""

    @property
    def ordering(self) -> bool:
        """Whether it is said in words which figures are the lesser."""
        return bool(self.pairs)

    @property
    def interval(self) -> Interval:
        """The values for which the claim holds."""
        return Interval(
            self.low,
            self.high,
            low_open=self.relation == "more_than",
            high_open=self.relation == "less_than",
        )


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """The claims of one paper, and the values that the search for explanations may try."""

    name: str
    """The name of the suite, which is that of its file."""
    title: str
    """The title of the paper."""
    source: str
    """How to find the paper."""
    path: str
    """The path of the file."""
    claims: tuple[Claim, ...]
    """All claims in order."""
    quantities: tuple[Quantity, ...] = ()
    """Figures that are not printed and that arithmetic uses."""
    search: dict[str, Axis] = {}
    """Option of a workload, or ``resolution`` or ``mode`` -> the values that may be tried."""
    fitted: tuple[Fitted, ...] = ()
    """Choices that were deduced from printed figures."""
    held_out: tuple[HeldOut, ...] = ()
    """Suites whose figures predict one another."""
