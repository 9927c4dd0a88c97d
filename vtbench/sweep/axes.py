"""The grid of a sweep: values along axes, and the cells that they span.

Cells come in one order whatever runs them: models outermost, then options, conditions, sizes and
batches, then protocols.
"""

from __future__ import annotations

import fnmatch
import itertools
import math
from collections.abc import Iterator, Sequence

import msgspec

from vtbench.data.protocol import PROTOCOLS
from vtbench.data.workload import (
    Attention,
    DeviceKind,
    InputSpec,
    Layout,
    OptionValue,
    Precision,
    Workload,
    freeze_options,
)
from vtbench.errors import BadOption, UsageError
from vtbench.sweep.cells import COUNTED, Cell, as_counted

MANY = 1000
"""More cells than this are run only where the user says so."""
MOST = 1_000_000
"""More than this are never run."""


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
    resolutions: tuple[tuple[int, int] | None, ...] = (None,)
    batch_sizes: tuple[int | None, ...] = (None,)
    """None is what the protocol takes on that device."""
    dtypes: tuple[Precision, ...] = ("fp32",)
    layouts: tuple[Layout, ...] = ("nchw",)
    threads: tuple[int | None, ...] = (None,)
    compiles: tuple[str | None, ...] = (None,)
    attentions: tuple[Attention | None, ...] = (None,)
    inputs: tuple[InputSpec, ...] = ()
    device: DeviceKind = "cpu"
    autocast: bool = False
    cudnn_benchmark: bool = True
    train: bool = False
    backward: bool = False


def cells(grid: Grid, *, many: bool = False) -> list[Cell]:
    """Every cell of a grid, each once; an empty grid and an enormous one are refused."""
    number = _size(grid)
    if number > MOST or (number > MANY and not many):
        remedy = "take fewer values" if number > MOST else "give --yes if that is meant"
        raise UsageError(
            f"This sweep spans {number:,} cells; {remedy}, or see them with --dry-run."
        )
    _every_option_has_its_model(grid)
    found = list(dict.fromkeys(_cells(grid)))
    if not found:
        raise UsageError("This sweep has no cells: an axis has no value.")
    return found


def _size(grid: Grid) -> int:
    """Cells, duplicates included, without making one."""
    lengths = (grid.protocols, grid.resolutions, grid.batch_sizes, grid.dtypes, grid.layouts,
               grid.threads, grid.compiles, grid.attentions)  # fmt: skip
    for_each = math.prod(len(values) for values in lengths)
    return for_each * sum(
        math.prod(len(values) for values in _options_of(grid, model).values())
        for model in grid.models
    )


def _options_of(grid: Grid, model: str) -> dict[str, tuple[OptionValue, ...]]:
    """The options that a model is given; what is for one model wins over what is for all."""
    ordered = sorted(grid.options, key=lambda axis: axis.only is not None)
    return {
        axis.key: axis.values
        for axis in ordered
        if axis.only is None or fnmatch.fnmatchcase(model, axis.only)
    }


def _every_option_has_its_model(grid: Grid) -> None:
    for axis in grid.options:
        if axis.only is not None and not fnmatch.filter(grid.models, axis.only):
            raise BadOption(
                f"The option {axis.key!r} is for the model {axis.only!r}, which is not among "
                "those asked for."
            )


def _cells(grid: Grid) -> Iterator[Cell]:
    for model in grid.models:
        options = _options_of(grid, model)
        for values in itertools.product(*options.values()):
            chosen = freeze_options(dict(zip(options, values, strict=True)))
            for workload in _conditions(grid, Workload(model=model, options=chosen)):
                yield from measured(workload, grid.batch_sizes, grid.protocols)


def _conditions(grid: Grid, workload: Workload) -> Iterator[Workload]:
    for dtype, layout, threads, mode, attention, size in itertools.product(
        grid.dtypes, grid.layouts, grid.threads, grid.compiles, grid.attentions, grid.resolutions
    ):
        yield msgspec.structs.replace(
            workload,
            resolution=size,
            inputs=grid.inputs,
            mode="train" if grid.train else "eval",
            backward=grid.backward,
            device=grid.device,
            dtype=dtype,
            autocast=grid.autocast,
            layout=layout,
            compile=mode,
            threads=threads,
            attention=attention,
            cudnn_benchmark=grid.cudnn_benchmark or grid.device == "cpu",
        )


def measured(
    workload: Workload, batch_sizes: Sequence[int | None], protocols: Sequence[str]
) -> Iterator[Cell]:
    """A workload at every batch under every protocol; a count knows nothing of execution.

    None is the protocol's own batch. Throughput of a compiled model has a protocol of its own.
    """
    for batch, asked in itertools.product(batch_sizes, protocols):
        name = "compiled" if asked == "throughput" and workload.compile else asked
        own = 1 if name == COUNTED else PROTOCOLS[name].batch_size(workload.device)
        sized = msgspec.structs.replace(workload, batch_size=batch or own)
        yield Cell(as_counted(sized) if name == COUNTED else sized, name)
