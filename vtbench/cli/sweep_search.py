"""``--match-macs``, ``--max-batch`` and ``--knee``: cells that are searched for before they run."""

from __future__ import annotations

import fnmatch
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import typer

from vtbench.cli.groups import Group
from vtbench.cli.output import say
from vtbench.data.measurement import Device
from vtbench.data.workload import OptionValue, Workload
from vtbench.errors import BadInput, UsageError
from vtbench.sweep.axes import Grid, measured, protocol_of
from vtbench.sweep.cells import Cell
from vtbench.sweep.search_cells import Solved, Try, knee_batch, largest_batch, matched

Dial = tuple[str, tuple[OptionValue, ...]]
FREE = 0.9
"""Share of a CPU's free memory that a trial may be predicted to use."""
PLAIN = "latency"
"""A protocol whose cells hold all conditions of a workload."""


class Searches(Group, frozen=True, kw_only=True):
    """What is searched for before the cells are run."""

    match_macs: Annotated[
        str | None,
        typer.Option(
            "--match-macs",
            metavar="3.0G",
            help="Choose the value of --over, or of the option that sets how many tokens a method "
            "of token reduction keeps, whose MACs are nearest to this budget.",
        ),
    ] = None
    over: Annotated[
        str | None,
        typer.Option(
            "--over", metavar="AXIS", help="The option that --match-macs chooses, or resolution."
        ),
    ] = None
    max_batch: Annotated[
        bool, typer.Option("--max-batch", help="Measure at the largest batch that fits in memory.")
    ] = False
    knee: Annotated[
        bool,
        typer.Option("--knee", help="Measure at the batch at which throughput stops growing."),
    ] = False

    @property
    def any(self) -> bool:
        """Whether anything is searched for."""
        return self.match_macs is not None or self.max_batch or self.knee


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """A search for every cell of a grid."""

    bases: Grid
    """A cell for each search; what is searched for is left out."""
    asked: Grid
    """The grid as it was asked for, whose protocols are run on what is found."""
    wanted: Searches
    budget: int = 0
    over: str = ""
    """The axis; empty if each model has a dial of its own."""
    dials: Mapping[str, Dial] = {}
    """Model -> the option that sets how much it computes, and its values."""


def sought_in(wanted: Searches, grid: Grid) -> Sought:
    """The searches that the options ask for; contradictions are refused."""
    dials = _dials(grid) if wanted.match_macs is not None else {}
    if wanted.max_batch and wanted.knee:
        raise UsageError("--max-batch and --knee both choose the batch; give one of them.")
    if (wanted.max_batch or wanted.knee) and grid.values("batch_size") != (None,):
        raise UsageError("--max-batch and --knee search for the batch; leave out --batch-size.")
    bases = _with(grid, batch_size=(1,), protocols=(PLAIN,))
    if wanted.match_macs is None:
        return Sought(bases=bases, asked=grid, wanted=wanted)
    over = wanted.over or _only_axis(grid, dials)
    if over == "resolution":
        if grid.values("resolution") == (None,):
            raise UsageError("--over resolution needs sizes to choose from; give --resolution.")
        bases = _with(bases, resolution=(None,))
    kept = tuple(axis for axis in grid.options if axis.key != over)
    bases = msgspec.structs.replace(bases, options=kept)
    budget = budget_of(wanted.match_macs)
    dials = {} if over else dials
    return Sought(bases=bases, asked=grid, wanted=wanted, budget=budget, over=over, dials=dials)


def _with(
    grid: Grid, *, protocols: tuple[str, ...] | None = None, **fields: tuple[Any, ...]
) -> Grid:
    """A grid with other values of some fields."""
    return msgspec.structs.replace(
        grid, fields={**grid.fields, **fields}, protocols=protocols or grid.protocols
    )


def budget_of(text: str) -> int:
    """``3.0G``, ``450M``, ``3e9``: a number of MACs."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?(?:e\d{1,2})?)\s*([KMGT]?)", text.strip(), re.IGNORECASE)
    if match is None or Decimal(match[1]) <= 0:
        raise BadInput(f"--match-macs: expected a budget such as 3.0G or 450M, got {text!r}.")
    return int(Decimal(match[1]).scaleb(3 * " KMGT".index(match[2].upper() or " ")))


def _dials(grid: Grid) -> dict[str, Dial]:
    """The dials of the models that have one."""
    from vtbench.models.axes import dial_of

    found = {model: dial_of(model) for model in grid.models}
    return {model: dial for model, dial in found.items() if dial is not None}


def _only_axis(grid: Grid, dials: Mapping[str, Dial]) -> str:
    """The one option, or the size, that was given several values; "" if each model has a dial."""
    many = [axis.key for axis in grid.options if len(axis.values) > 1]
    many += ["resolution"] if len(grid.values("resolution")) > 1 else []
    if not many and len(dials) == len(grid.models):
        return ""
    if len(set(many)) != 1:
        raise UsageError(
            "--match-macs needs one axis to choose a value of; name it with --over, such "
            "as --over tokens."
        )
    return many[0]


def solved(
    sought: Sought, bases: Sequence[Cell], attempt: Try, devices: Sequence[Device]
) -> tuple[list[Cell], int]:
    """The cells that were searched for, and how many searches found nothing."""
    found: list[Cell] = []
    unsolved = 0
    for base in bases:
        workload: Workload | None = base.workload
        for search in _searches(sought, attempt, devices):
            if workload is not None:
                answer = search(workload)
                say(answer.said)
                workload = answer.workload
        if workload is None:
            unsolved += 1
            continue
        batch_is_found = sought.wanted.max_batch or sought.wanted.knee
        batches = (workload.batch_size,) if batch_is_found else sought.asked.values("batch_size")
        found += measured(workload, batches, sought.asked.protocols)
    return list(dict.fromkeys(found)), unsolved


def _searches(
    sought: Sought, attempt: Try, devices: Sequence[Device]
) -> Iterator[Callable[[Workload], Solved]]:
    """One after the other, each on what the one before has found."""
    if sought.over:
        yield lambda work: matched(work, attempt, sought.over, _values(sought, work), sought.budget)
    if sought.dials:
        yield lambda work: matched(work, attempt, *sought.dials[work.model], sought.budget)
    if sought.wanted.max_batch:
        yield lambda work: largest_batch(work, attempt, _room(devices))
    if sought.wanted.knee:
        yield lambda work: knee_batch(work, attempt, protocol_of("throughput", work).name)


def _values(sought: Sought, workload: Workload) -> tuple[OptionValue | tuple[int, int], ...]:
    """The values to choose from; none if the axis was only named."""
    if sought.over == "resolution":
        return tuple(size for size in sought.asked.values("resolution") if size is not None)
    found: tuple[OptionValue, ...] = ()
    for axis in sought.asked.options:
        fits = axis.only is None or fnmatch.fnmatchcase(workload.model, axis.only)
        if axis.key == sought.over and fits and (axis.only is not None or not found):
            found = axis.values
    return found


def _room(devices: Sequence[Device]) -> int:
    """Bytes that a trial may be predicted to take, so that no machine is driven into its swap."""
    if not devices:  # a cluster's, which is known when it has been used
        return sys.maxsize
    if devices[0].kind == "cuda":
        return min(device.memory or sys.maxsize for device in devices)
    import psutil

    free = int(psutil.virtual_memory().available * FREE)
    return min(free, devices[0].memory or free)
