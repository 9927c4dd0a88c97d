"""The results of counting: the Record of one workload and the rows of its ledger.

A row is one operator in one module; it is counted, zero by declaration, or unknown.
Every total is a sum over rows, so a counting convention can be applied to a record later,
without torch and without the model.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from vtbench.data.bounds import Count
from vtbench.data.distribution import Distribution
from vtbench.data.workload import Workload

CONVENTION = "vtbench-macs/1"
"""The counting convention; what is counted cannot change without changing this."""

Status = Literal["counted", "zero", "unknown"]


class Products(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of an operator on operands of the same dtypes."""

    calls: Count
    """How many there are."""
    macs: Count
    """Their multiply-accumulates."""


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All calls of one operator directly inside one module."""

    op: str
    """The operator, such as ``aten.conv2d.default``."""
    module: str
    """Path of the innermost module that ran it; the empty string is the model itself."""
    module_class: str
    """Class name of that module."""
    status: Status
    """Whether it is counted by a formula, zero by declaration, or unknown."""
    kind: str
    """``conv``, ``linear``, ``matmul``, ``attention``, ``recurrent`` for counted rows; the class of
    other arithmetic (``normalisation``, ``softmax``, ``activation``, ``elementwise``,
    ``reduction``, ``pooling``, ``interpolation``) or ``none`` for zero rows; ``unknown``."""
    calls: Count
    """The number of times that it ran."""
    macs: Count = 0
    """Multiply-accumulates, dense by shape; 0 unless counted."""
    effective_macs: Count = 0
    """Multiply-accumulates that a static (causal) mask leaves; equals ``macs`` without a mask."""
    elements_in: Count = 0
    """Elements of its first tensor input, the one that it works on."""
    elements_out: Count = 0
    """Elements of its tensor outputs."""
    written: Count = 0
    """Activations as timm counts them: elements written by counted work, attention scores too."""
    softmax: Count = 0
    """Scores that pass through the softmax inside a fused attention."""
    biased: Count = 0
    """Elements to which a bias is added on the way."""
    with_parameter: bool = False
    """Whether an operand is a parameter of the model."""
    head: bool = False
    """Whether it belongs to the model's classifier head."""
    phase: Literal["forward", "backward"] = "forward"
    """The pass that it ran in."""
    source: Literal["table", "user formula", "outside"] = "table"
    """The origin of the count; ``outside`` is work that PyTorch's dispatcher did not see."""
    estimated_macs: Count = 0
    """A rough estimate that ranks unknown rows; it is never part of a total."""
    precision: dict[str, Products] = {}
    """Dtypes of the two operands -> its MACs on them; empty of condensed and older records."""

    @property
    def elements_of_class(self) -> int:
        """Elements of other arithmetic: those worked on, or written where each is computed."""
        if self.softmax:
            return self.softmax
        if self.kind in ("normalisation", "softmax", "reduction", "pooling"):
            return self.elements_in
        return self.elements_out


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes predicted from tensor lifetimes."""

    weights: Count
    """Parameters and buffers, each storage once."""
    activations_peak: Count
    """The peak of bytes of other tensors that are alive at one time, inputs included."""
    peak_at: str
    """The module path and the operator that reached the peak, as ``path (op)``."""


class ModuleMemory(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Bytes of one module, without its children."""

    weights: Count = 0
    """Parameters and buffers, each storage at its first place."""
    written: Count = 0
    """All tensors that operators of the module make; not all are alive at one time."""


class Block(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A module that the structure of a model repeats."""

    path: str
    """Path of the module."""
    class_name: str
    """Its class."""
    depth: Annotated[int, msgspec.Meta(ge=1)] = 1
    """1 for the outermost blocks, and one more for each block that holds it."""
    is_stage: bool = False
    """Whether the blocks inside it are shown in its place unless a depth is asked for."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Distinct parameters of a model, each tensor once."""

    total: Count
    """The number of elements of all parameters."""
    trainable: Count
    """The number of elements of the parameters that require a gradient."""
    buffers: Count
    """The number of elements of all buffers."""
    weights: Count
    """Weights of convolutions and linear layers only: no biases, norms or embeddings."""
    norms: Count = 0
    """Scales and shifts of normalisation layers."""
    biases: Count = 0
    """Biases of all layers except normalisation layers."""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """One operator or module kind that a peer counts differently."""

    op: str
    """The operator, or the class of the module."""
    calls: Count
    """The number of its calls that are counted differently."""
    macs: int
    """The peer's MACs minus those of vtbench; negative if the peer misses work."""


class PeerCount(msgspec.Struct, frozen=True, kw_only=True):
    """The count of another counter; the explained and unexplained parts sum to the difference."""

    macs: Count | None = None
    """The counter's MACs; None if it failed."""
    difference: int | None = None
    """The counter's MACs minus those of vtbench."""
    explained_by: tuple[Explained, ...] = ()
    """The operators or modules that the counter counts differently."""
    unexplained: int | None = None
    """The part of the difference that no operator or module explains."""
    error: str | None = None
    """The reason why the counter gave no count; None if it gave one."""


class ByValues(msgspec.Struct, frozen=True, kw_only=True):
    """Why a count can depend on values, and the values that it was counted on."""

    operators: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    """The operators that read values of the input, of the weights or of random numbers."""
    counted_on: str
    """Those values, such as ``random weights and one random input, both of seed 0``."""


class ModuleShapes(msgspec.Struct, kw_only=True):
    """What a module is given and what it makes, at its first call."""

    given: tuple[tuple[Count, ...], ...]
    """The shapes of the tensors among its inputs, in order."""
    made: tuple[tuple[Count, ...], ...]
    """The shapes of the tensors among its outputs."""
    kernel: str = ""
    """Its kernel with what is not plain, such as ``3×3, stride 2``; empty if it has none."""
    others: Count = 0
    """How many later calls had other shapes."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The count of one workload. ``error`` holds the reason if it could not be counted."""

    workload: Workload
    """The model and its conditions, with every default filled in."""
    defaults: dict[str, Any] = {}
    """Options of the model and their defaults, as far as they are known."""
    settled: dict[str, Any] = {}
    """What the model chose for itself so as to meet an option, such as the ``r`` for ``tokens``."""
    rows: tuple[Row, ...] = ()
    """The ledger: one row for each operator in each module."""
    parameters: Parameters | None = None
    """The model's parameters; None if counting failed."""
    memory: Memory | None = None
    """The predicted memory; None if counting failed."""
    module_parameters: dict[str, Count] = {}
    """Module path -> elements of the parameters registered directly there, each tensor once."""
    module_weights: dict[str, Count] = {}
    """Module path -> elements of the weights of convolutions and linear layers alone."""
    module_memory: dict[str, ModuleMemory] = {}
    """Module path -> its bytes; empty of records that were made before there were any."""
    blocks: tuple[Block, ...] = ()
    """The repeated blocks, each before those that it holds."""
    never_ran: dict[str, Count] = {}
    """Path -> parameters of the outermost modules that were neither called nor read."""
    shapes: dict[str, ModuleShapes] = {}
    """Module path -> its shapes, if they were asked for."""
    stages: tuple[str, ...] = ()
    """Module paths that divide the model: its direct children unless the catalogue names them."""
    apart: tuple[str, ...] = ()
    """The modules that rows are condensed to; empty if every module has rows of its own."""
    road: str | None = None
    """``meta`` (shapes only), ``known`` (shapes of weights, values of inputs) or ``real`` (seeded
    values), the last two with the reason for it."""
    by_values: ByValues | None = None
    """Why the figures can change with the values of the input; None if shapes alone decide."""
    distribution: Distribution | None = None
    """The MACs over many inputs; the record itself is of the first. None if not asked for."""
    memory_distribution: Distribution | None = None
    """The predicted bytes of weights and activations over the same inputs."""
    convention: str = CONVENTION
    """The counting convention."""
    counters: dict[str, PeerCount] = {}
    """Counter -> its count of the same workload."""
    error: str | None = None
    """The reason why the workload could not be counted; None if it was counted."""
    asked: Workload | msgspec.UnsetType = msgspec.UNSET
    """The workload as it was asked for, in a file that keeps the record; otherwise not there."""

    def is_of(self, workload: Workload) -> bool:
        """Whether this is the count of a workload, however its defaults are spelt.

        The weights are no part of it: figures are counts. Nor are inputs, which were filled in.
        """
        return self._less_options(self.workload) == self._less_options(
            workload
        ) and self.options_of(self.workload) == self.options_of(workload)

    def options_of(self, workload: Workload) -> dict[str, Any]:
        """The options of a workload of this model, with the known defaults filled in."""
        return {**self.defaults, **dict(workload.options)}

    @staticmethod
    def _less_options(workload: Workload) -> Workload:
        return msgspec.structs.replace(workload, options=(), inputs=(), weights=None)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of everything that was counted."""
        return sum(row.macs for row in self.rows)

    @property
    def effective_macs(self) -> int:
        """Multiply-accumulates of everything that was counted, with causal masks applied."""
        return sum(row.effective_macs for row in self.rows)

    @property
    def complete(self) -> bool:
        """Whether every executed operator was either counted or is known to multiply nothing."""
        known = self.distribution is None or self.distribution.complete
        return self.error is None and known and all(row.status != "unknown" for row in self.rows)

    @property
    def activations(self) -> int:
        """Elements written by counted operators."""
        return sum(row.written for row in self.rows)

    @property
    def unknown(self) -> tuple[Row, ...]:
        """Unknown rows, the highest estimate first."""
        rows = (row for row in self.rows if row.status == "unknown")
        return tuple(sorted(rows, key=lambda row: (-row.estimated_macs, row.op, row.module)))

    def classes(self) -> dict[str, int]:
        """Elements of the other arithmetic by class, apart from MACs."""
        totals: dict[str, int] = {}
        for row in self.rows:
            kind = "softmax" if row.softmax else row.kind
            if (row.status == "zero" and kind != "none") or row.softmax:
                totals[kind] = totals.get(kind, 0) + row.elements_of_class
        return dict(sorted(totals.items()))

    def to_dict(self) -> dict[str, Any]:
        """The record as docs/json.md promises it, less ``by``, which depends on the question."""
        if self.error is not None or self.parameters is None or self.memory is None:
            return {
                "workload": self.workload.to_dict(),
                "macs": None,
                "complete": False,
                "error": self.error,
            }
        return {
            "workload": self.workload.to_dict(),
            "macs": self.macs,
            "effective_macs": self.effective_macs,
            "complete": self.complete,
            "flops": 2 * self.macs,
            "params": self.parameters.total,
            "trainable": self.parameters.trainable,
            "buffers": self.parameters.buffers,
            "weights": self.parameters.weights,
            "activations": self.activations,
            "memory": msgspec.to_builtins(self.memory),
            "classes": self.classes(),
            "unknown_ops": [
                {
                    "op": row.op,
                    "calls": row.calls,
                    "estimated_macs": row.estimated_macs,
                    "module": row.module,
                }
                for row in self.unknown
            ],
            "user_formulas": sorted({r.op for r in self.rows if r.source == "user formula"}),
            "never_ran": self.never_ran,
            "shapes": msgspec.to_builtins(self.shapes),
            "road": self.road,
            "by_values": msgspec.to_builtins(self.by_values),
            "distribution": self.distribution.to_dict() if self.distribution else None,
            "convention": self.convention,
            "counters": {name: msgspec.to_builtins(peer) for name, peer in self.counters.items()},
            "error": None,
        }
