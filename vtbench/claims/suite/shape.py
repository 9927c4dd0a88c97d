"""The shape of a suite file: what its tables and keys may hold. The JSON Schema comes from here."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from vtbench.claims.suite.speed import NO_CONDITIONS, Conditions
from vtbench.claims.suite.types import Axis, Expectation, Fitted, HeldOut, Kind, Metric, Unknown

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
    """The paper, and what holds for all its figures unless they say otherwise."""

    title: str
    source: str
    resolution: int | tuple[int, int] | Literal["own"] = 224
    """Default size of the workloads."""
    conventions: dict[Metric, str] = {}
    """Metric -> convention that the paper states."""
    hardware: str = ""
    """The device on which all speeds were measured, such as V100."""
    conditions: Conditions = NO_CONDITIONS
    """How all speeds were measured."""


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table column: what its figures measure."""

    metric: Metric = "none"
    unit: str = ""
    kind: Kind = "value"
    convention: str | None = None
    needs: Unknown | None = None
    of: str | None = None
    """For derived columns: arithmetic over the cells of the row, or of other rows."""
    stages: tuple[str, ...] = ()
    """Module paths that its figures speak of; empty is the whole model."""
    hardware: str = ""
    """The device on which its speeds were measured, or ``not stated``."""
    conditions: Conditions = NO_CONDITIONS
    """How its speeds were measured, as far as the paper says."""


class Twin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is expected of a derived figure when it is held against the printed ones alone."""

    expect: Expectation = "holds"
    why: str = ""
    of: str | None = None
    """Arithmetic over printed figures, where it is not the one that the models are held to."""


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A printed figure that needs more than its digits."""

    printed: str
    of: str | None = None
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
    unit: str = ""
    kind: Kind = "value"
    metric: Metric = "none"
    convention: str | None = None
    of: str | None = None
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
    arithmetic: Twin = Twin()
    hardware: str = ""
    """Of a speed: the device on which it was measured, or ``not stated``."""
    conditions: Conditions = NO_CONDITIONS
    """Of a speed: how it was measured, as far as the paper says."""


class Unprinted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A quantity: something to measure that arithmetic speaks of and no table prints."""

    id: str
    """A name that arithmetic uses as it stands, such as ``stage5.vt_r18``."""
    metric: Metric
    workload: WorkloadText
    stages: tuple[str, ...] = ()
    convention: str | None = None


class RowHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a table row says beside its cells."""

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
