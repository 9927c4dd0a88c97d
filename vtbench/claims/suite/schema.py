"""What the tables and keys of a suite file may hold, and the JSON Schema of that for editors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from vtbench.claims.suite.interval import SCALES, Zeros
from vtbench.claims.suite.speed import NO_CONDITIONS, Conditions
from vtbench.claims.suite.types import (
    SWEPT,
    Axis,
    ClaimKind,
    Expectation,
    Fitted,
    HeldOut,
    Metric,
    Relation,
    SourceKind,
    Unknown,
)

Scalar = int | float | str | bool


class WorkloadText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A workload as a suite writes it."""

    model: str
    resolution: int | tuple[int, int] | Literal["own"] | None = None
    """``own`` is the model's own size, for models that are built for one or take no image."""
    batch_size: int = 1
    options: dict[str, Scalar | list[Scalar] | None] = {}
    mode: Literal["eval", "train"] = "eval"
    fixed: tuple[str, ...] = ()
    """Options that the table itself states for this row, which the search leaves alone."""


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The paper, and the defaults for all its figures."""

    title: str
    source: str
    source_kind: SourceKind | None = None
    """Where its figures stand, such as ``abstract``, unless something narrower says its own."""
    resolution: int | tuple[int, int] | Literal["own"] = 224
    """Default size of the workloads."""
    conventions: dict[Metric, str] = {}
    """Metric -> convention that the paper states."""
    zeros: Zeros = "digits"
    """Whether zeros at the end of printed whole numbers are digits, or ``rounded``."""
    hardware: str = ""
    """The device on which all speeds were measured, such as V100."""
    conditions: Conditions = NO_CONDITIONS
    """How all speeds were measured."""


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table column: the metric, the unit and the kind of its figures."""

    metric: Metric = "none"
    unit: str = ""
    source_kind: SourceKind | None = None
    """Where its figures stand, if it is not where the others of the table do."""
    kind: ClaimKind = "value"
    relation: Relation = "equals"
    """How its figures are said to stand to the printed ones."""
    average: bool = False
    """Whether its figures are means over inputs."""
    convention: str | None = None
    needs: Unknown | None = None
    of: str | None = None
    """For derived columns: arithmetic over the cells of the row, or of other rows."""
    stages: tuple[str, ...] = ()
    """Module paths that its figures are about; empty is the whole model."""
    zeros: Zeros | None = None
    """Whether zeros at the end of its whole numbers are digits; as the suite says by default."""
    hardware: str = ""
    """The device on which its speeds were measured, or ``not stated``."""
    conditions: Conditions = NO_CONDITIONS
    """How its speeds were measured, as far as the paper says."""


class Twin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The expected verdict on a derived figure if it is compared with printed figures only."""

    expect: Expectation = "holds"
    why: str = ""
    of: str | None = None
    """Arithmetic over printed figures, if it is not the one that the models are compared with."""


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A printed figure that needs more than its digits."""

    printed: str
    unit: str | None = None
    """Its unit, if it is not its column's: 569 ``M`` in a column of G."""
    relation: Relation | None = None
    of: str | tuple[str, ...] | None = None
    expect: Expectation = "holds"
    why: str = ""
    by: str = ""
    """The reading that gives the digits instead, as a check names it: ``tokens=16``."""
    needs: Unknown | None = None
    workload: WorkloadText | None = None
    arithmetic: Twin = Twin()


class Single(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A claim outside any table."""

    id: str
    where: str
    printed: str
    source_kind: SourceKind | None = None
    """Where it stands, such as ``abstract`` or ``readme``."""
    unit: str = ""
    kind: ClaimKind = "value"
    relation: Relation = "equals"
    """How the figure is said to stand to the printed one: ``about``, ``at_least``, ..."""
    average: bool = False
    """Whether the figure is the mean over inputs, on whose values the count depends."""
    metric: Metric = "none"
    convention: str | None = None
    of: str | tuple[str, ...] | None = None
    """Arithmetic over other claims; a list is a set, whose entries may be patterns of ids."""
    than: str | tuple[str, ...] | None = None
    """Of an ordering: the figures, or patterns of them, that those of ``of`` are held against."""
    expect: Expectation = "holds"
    why: str = ""
    by: str = ""
    """The reading that gives the digits instead, as a check names it: ``tokens=16``."""
    needs: Unknown | None = None
    workload: WorkloadText | None = None
    stages: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    """Of a formula or a scaling: module paths that it leaves out."""
    sweep: dict[str, str | tuple[int, ...]] = {}
    """Of a formula or a scaling: axis -> its values, a list or a range such as 192:512:32."""
    symbols: dict[str, str] = {}
    """Of a formula or a scaling: letter of the paper -> what it is in an axis of the sweep."""
    zeros: Zeros | None = None
    """Whether zeros at the end of a whole number are digits; as the suite says by default."""
    arithmetic: Twin = Twin()
    hardware: str = ""
    """Of a speed: the device on which it was measured, or ``not stated``."""
    conditions: Conditions = NO_CONDITIONS
    """Of a speed: how it was measured, as far as the paper says."""


class Unprinted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A quantity that no table prints, measured so that arithmetic can use it."""

    id: str
    """A name that arithmetic uses as it stands, such as ``stage5.vt_r18``."""
    metric: Metric
    workload: WorkloadText
    stages: tuple[str, ...] = ()
    convention: str | None = None


class RowHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of a table row beside its cells."""

    id: str
    where: str = ""
    workload: WorkloadText | None = None
    needs: Unknown | None = None
    """For every cell of the row that has no other reason."""
    group: str = ""
    """Whose counts its figures are; those of one group are explained together, across tables."""


class TableHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A printed table; its rows follow as ``[[table.row]]`` with a key per column."""

    id: str
    where: str
    columns: dict[str, Column]
    source_kind: SourceKind | None = None
    """Where its figures stand: a ``table`` of the paper, a ``readme``, ..."""
    row: list[dict[str, Any]] = []


class SuiteFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole suite file."""

    suite: Header
    search: dict[str, list[Scalar] | Axis] = {}
    fitted: list[Fitted] = []
    held_out: list[HeldOut] = []
    quantity: list[Unprinted] = []
    table: list[TableHead] = []
    claim: list[Single] = []


_ROW = "A row of the table: its workload, and for each column the figure as printed."
DERIVED = ("ratio", "difference", "ordering", "arithmetic")
"""Kinds that follow from other claims; a value may."""


def suite_schema() -> dict[str, Any]:
    """A schema that completes and checks the keys of a suite as it is written.

    The rows of a table have a key for each of its columns, which no type can name beforehand;
    what is left open there is a printed figure, plain or with its own expectations.
    """
    (_, row, cell), parts = msgspec.json.schema_components(
        (SuiteFile, RowHead, Cell), ref_template="#/$defs/{name}"
    )
    parts["RowHead"]["additionalProperties"] = {
        "anyOf": [{"type": "string", "description": "The digits as printed."}, cell]
    }
    parts["RowHead"]["description"] = _ROW
    parts["TableHead"]["properties"]["row"]["items"] = row
    for name in ("Column", "Single"):
        parts[name]["properties"]["unit"]["enum"] = list(SCALES)
    parts["Single"]["allOf"] = [
        _if_kind(DERIVED, required=["of"]),
        _if_kind(("ordering",), required=["of", "than", "relation"]),
        _if_kind(SWEPT, required=["workload", "sweep"]),
    ]
    for part in parts.values():
        if "description" in part:
            part["description"] = " ".join(part["description"].split())
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **parts.pop("SuiteFile"),
        "title": "A vtbench suite: the figures that a paper printed",
        "$defs": dict(sorted(parts.items())),
    }
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(schema))  # tuples as lists
    return plain


def _if_kind(kinds: Sequence[str], *, required: list[str]) -> dict[str, Any]:
    """What claims of some kinds need beside what every claim needs."""
    return {
        "if": {"properties": {"kind": {"enum": list(kinds)}}, "required": ["kind"]},
        "then": {"required": required},
    }
