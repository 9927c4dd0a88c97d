"""What came out: the Record of one workload and the ledger rows it is made of.

A row is one operator in one module; it is counted, zero by declaration, or unknown.
Every total is a sum over rows, so a counting convention can be applied to a record later,
without torch and without the model.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from vtbench.data.workload import Workload

CONVENTION = "vtbench-macs/1"
"""The counting convention; what is counted cannot change without changing this."""

Status = Literal["counted", "zero", "unknown"]


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All calls of one operator directly inside one module."""

    op: str
    """The operator, such as ``aten.conv2d.default``."""
    module: str
    """Path of the innermost module that ran it; the empty string is the model itself."""
    module_class: str
    """Class name of that module."""
    status: Status
    """Counted by a formula, zero by declaration, or unknown."""
    kind: str
    """``conv``, ``linear``, ``matmul``, ``attention``, ``recurrent`` for counted rows; the class of
    other arithmetic (``normalisation``, ``softmax``, ``activation``, ``elementwise``,
    ``reduction``, ``pooling``, ``interpolation``) or ``none`` for zero rows; ``unknown``."""
    calls: int
    """How often it ran."""
    macs: int = 0
    """Multiply-accumulates, dense by shape; 0 unless counted."""
    effective_macs: int = 0
    """Multiply-accumulates that a static (causal) mask leaves; equals ``macs`` without a mask."""
    elements_in: int = 0
    """Elements of its first tensor input, the one that it works on."""
    elements_out: int = 0
    """Elements of its tensor outputs."""
    written: int = 0
    """Activations as timm counts them: elements written by counted work, attention scores too."""
    softmax: int = 0
    """Scores that pass through the softmax inside a fused attention."""
    biased: int = 0
    """Elements to which a bias is added on the way."""
    with_parameter: bool = False
    """Whether an operand is a parameter of the model."""
    head: bool = False
    """Whether it belongs to the model's classifier head."""
    phase: Literal["forward", "backward"] = "forward"
    """In which pass it ran."""
    source: Literal["table", "user formula", "outside"] = "table"
    """Where the count comes from; ``outside`` is work the dispatcher did not see."""
    estimated_macs: int = 0
    """A rough guess that ranks unknown rows; never part of a total."""

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

    weights: int
    """Parameters and buffers, each storage once."""
    activations_peak: int
    """Most bytes of other tensors alive at one time, inputs included."""
    peak_at: str
    """Module path and operator that reached the peak, as ``path (op)``."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Distinct parameters of a model, each tensor once."""

    total: int
    trainable: int
    buffers: int
    weights: int
    """Weights of convolutions and linear layers only: no bias, no norm, no embedding."""
    norms: int = 0
    """Scales and shifts of normalisation layers."""
    biases: int = 0
    """Biases of layers that are no normalisation."""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """One operator or module kind that a peer counts differently."""

    op: str
    calls: int
    macs: int
    """Peer minus ours; negative where the peer misses work."""


class PeerCount(msgspec.Struct, frozen=True, kw_only=True):
    """What another counter says of the same model; explained + unexplained = difference."""

    macs: int | None = None
    difference: int | None = None
    explained_by: tuple[Explained, ...] = ()
    unexplained: int | None = None
    error: str | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One workload and what counting it gave; ``error`` is set where it could not be counted."""

    workload: Workload
    rows: tuple[Row, ...] = ()
    parameters: Parameters | None = None
    memory: Memory | None = None
    module_parameters: dict[str, int] = {}
    """Module path -> elements of the parameters registered directly there, each tensor once."""
    module_weights: dict[str, int] = {}
    """The same for the weights of convolutions and linear layers alone."""
    stages: tuple[str, ...] = ()
    """Module paths that divide the model: its direct children unless the catalogue names them."""
    apart: tuple[str, ...] = ()
    """The modules to which its rows are condensed; empty where every module has rows of its own."""
    road: str | None = None
    """``meta`` (shapes only) or ``real`` (seeded values), and why where it is real."""
    convention: str = CONVENTION
    counters: dict[str, PeerCount] = {}
    error: str | None = None
    asked: Workload | None = None
    """The workload as it was asked for, in a file that keeps the record; None is ``workload``."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates of everything that was counted."""
        return sum(row.macs for row in self.rows)

    @property
    def effective_macs(self) -> int:
        """The same, with causal masks applied."""
        return sum(row.effective_macs for row in self.rows)

    @property
    def complete(self) -> bool:
        """Whether every executed operator was either counted or is known to multiply nothing."""
        return self.error is None and all(row.status != "unknown" for row in self.rows)

    @property
    def activations(self) -> int:
        """Elements written by counted operators."""
        return sum(row.written for row in self.rows)

    @property
    def unknown(self) -> tuple[Row, ...]:
        """Unknown rows, the most expensive guess first."""
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
            "road": self.road,
            "convention": self.convention,
            "counters": {name: msgspec.to_builtins(peer) for name, peer in self.counters.items()},
            "error": None,
        }
