"""The grid of workloads that a command asks for: values along axes, and the cells they span.

A field of a workload that is given several values is an axis, whichever field it is; so is every
constructor option. The options of one model win over those of all models.
"""

from __future__ import annotations

import fnmatch
import itertools
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from vtbench.data.option import fields_of
from vtbench.data.protocol import PROTOCOLS, Protocol
from vtbench.data.workload import (
    DeviceKind,
    OptionValue,
    Workload,
    as_counted,
    freeze_options,
)
from vtbench.errors import BadOption, UsageError
from vtbench.sweep.cells import COUNTED, Cell

MANY = 1000
"""More cells than this are run only if the user says so."""
TOKENS = "tokens"
"""The option that ``--tokens`` sets."""
MOST = 1_000_000
"""More than this are never run."""
_INNERMOST = ("resolution", "batch_size")
"""Axes that vary fastest, so that the rows of one model and one setting stand together."""


class OptionAxis(msgspec.Struct, frozen=True):
    """Values of one constructor option."""

    only: str | None
    """The model, or pattern of models, that it is for; None is all of them."""
    key: str
    values: tuple[OptionValue, ...]


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """Values along every axis; a single value is a condition that holds throughout."""

    models: tuple[str, ...]
    protocols: tuple[str, ...]
    options: tuple[OptionAxis, ...] = ()
    fields: Mapping[str, tuple[Any, ...]] = {}
    """Field of a workload -> its values; a batch of None is the protocol's own on that device."""
    weights: tuple[tuple[str | None, tuple[str, ...]], ...] = ()
    """Model or None for all, and its checkpoints: several are an axis of that model."""
    device: DeviceKind = "cpu"

    def values(self, field: str) -> tuple[Any, ...]:
        """The values of a field; one None if none is given."""
        return self.fields.get(field, (None,))


def cells(grid: Grid, *, many: bool = False) -> list[Cell]:
    """Every cell of a grid, each once; an empty grid and an enormous one are refused."""
    number = sum(size_of(grid, model) for model in grid.models)
    if number > MOST or (number > MANY and not many):
        remedy = "take fewer values" if number > MOST else "give --yes to run them"
        raise UsageError(
            f"This sweep has {number:,} cells; {remedy}, or give --dry-run to see them."
        )
    every_option_fits(grid, grid.models)
    found = list(dict.fromkeys(cell for model in grid.models for cell in cells_of(grid, model)))
    if not found:
        raise UsageError("This sweep has no cells: an axis has no value.")
    return found


def cells_of(grid: Grid, model: str) -> Iterator[Cell]:
    """The cells of one model."""
    for workload in workloads_of(grid, model):
        yield from measured(workload, grid.values("batch_size"), grid.protocols)


def workloads_of(grid: Grid, model: str) -> Iterator[Workload]:
    """A model under every combination of options and fields; its batch is left at 1."""
    options = _options_of(grid, model)
    axes = {name: values for name, values in grid.fields.items() if name != "batch_size"}
    axes["weights"] = _weights_of(grid, model)
    names = sorted(axes, key=lambda name: name in _INNERMOST)
    for values in itertools.product(*options.values()):
        chosen = freeze_options(dict(zip(options, values, strict=True)))
        for point in itertools.product(*(axes[name] for name in names)):
            given = dict(zip(names, point, strict=True))
            yield on_its_device(Workload(model=model, device=grid.device, options=chosen, **given))


def on_its_device(workload: Workload) -> Workload:
    """The workload less what does not apply to its kind of device."""
    foreign = {
        field.name: field.default
        for field in fields_of(Workload).values()
        if field.option.on not in (None, workload.device)
    }
    return msgspec.structs.replace(workload, **foreign)


def measured(
    workload: Workload, batch_sizes: Sequence[int | None], protocols: Sequence[str]
) -> Iterator[Cell]:
    """A workload at every batch under every protocol; a count knows nothing of execution.

    None is the protocol's own batch.
    """
    for batch, asked in itertools.product(batch_sizes, protocols):
        protocol = protocol_of(asked, workload)
        own = 1 if protocol.name == COUNTED else protocol.batch_size(workload.device)
        sized = msgspec.structs.replace(workload, batch_size=batch or own)
        yield Cell(as_counted(sized) if protocol.name == COUNTED else sized, protocol.name)


def protocol_of(name: str, workload: Workload) -> Protocol:
    """The protocol of a workload; the throughput of a compiled model has one of its own."""
    return PROTOCOLS["compiled" if name == "throughput" and workload.compile else name]


def every_option_fits(grid: Grid, models: Collection[str]) -> None:
    """Refuse an option, or a checkpoint, for a model that is not asked for."""
    for axis in grid.options:
        if axis.only is not None and not _among(axis.only, models):
            raise BadOption(
                f"-o: the option {axis.key!r} is for the model {axis.only!r}, which is not among "
                "the models that you named."
            )
    for only, files in grid.weights:
        if only is not None and not _among(only, models):
            raise BadOption(
                f"--weights: {files[0].partition('@sha256:')[0]!r} is for the model {only!r}, "
                "which is not among the models that you named."
            )


def _among(pattern: str, models: Collection[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for name in models)


def size_of(grid: Grid, model: str) -> int:
    """Cells of one model, duplicates included, without making one."""
    options = math.prod(map(len, _options_of(grid, model).values()))
    options *= len(_weights_of(grid, model))
    return options * len(grid.protocols) * math.prod(map(len, grid.fields.values()))


def tokens_where_taken(grid: Grid, takes: Callable[[str, str], bool]) -> Grid:
    """The grid with ``tokens`` for those models alone that have them, if some have and some do not.

    The others are outside the axis: a line that the methods are held against.
    """
    several = any(
        axis.key == TOKENS and axis.only is None and len(axis.values) > 1 for axis in grid.options
    )
    if not several or len(grid.models) == 1:
        return grid
    taking = [model for model in grid.models if takes(model, TOKENS)]
    if not taking or len(taking) == len(grid.models):
        return grid
    options = [
        msgspec.structs.replace(axis, only=model)
        for axis in grid.options
        for model in (taking if axis.key == TOKENS and axis.only is None else (axis.only,))
    ]
    return msgspec.structs.replace(grid, options=tuple(options))


def _options_of(grid: Grid, model: str) -> dict[str, tuple[OptionValue, ...]]:
    """The options that a model is given; what is for one model wins over what is for all."""
    ordered = sorted(grid.options, key=lambda axis: axis.only is not None)
    return {
        axis.key: axis.values
        for axis in ordered
        if axis.only is None or fnmatch.fnmatchcase(model, axis.only)
    }


def _weights_of(grid: Grid, model: str) -> tuple[str | None, ...]:
    """The checkpoints of one model, None if it has none; those that name the model win."""
    ordered = sorted(grid.weights, key=lambda each: each[0] is not None)
    named = [files for only, files in ordered if only is None or fnmatch.fnmatchcase(model, only)]
    return named[-1] if named else (None,)
