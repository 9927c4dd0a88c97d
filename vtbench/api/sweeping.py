"""Every combination of the values of options: what ``vtbench sweep`` does, from Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from vtbench.api.asking import found_models, grid_asked
from vtbench.api.conditions import Conditions
from vtbench.api.measured import Swept
from vtbench.api.public import public, speaking_of_keywords
from vtbench.data.protocol import PROTOCOLS
from vtbench.errors import BadOption, UnknownModel, UsageError
from vtbench.models.axes import takes
from vtbench.sweep.axes import cells, tokens_where_taken
from vtbench.sweep.cells import device_of, which_part
from vtbench.sweep.cells import shard as part_of
from vtbench.sweep.device_lookup import look_up_devices
from vtbench.sweep.held_against import check_base
from vtbench.sweep.local import Isolate
from vtbench.sweep.loop import sweep as run_cells
from vtbench.sweep.rounds import rounds_asked
from vtbench.sweep.running import Run, executor, stages
from vtbench.sweep.store import Store

if TYPE_CHECKING:
    from typing_extensions import Unpack


@public(Conditions)
def sweep(  # noqa: PLR0913  # the options of the command, by their names
    models: str | Sequence[str],
    *,
    metric: str | Sequence[str] = "macs",
    across: str | None = None,
    max_time: float = 15.0,
    launches: int | None = None,
    seed: int = 0,
    within: float | None = None,
    relative_to: str | None = None,
    save: str | Path | None = None,
    retry: bool = False,
    shard: str | None = None,
    isolate: Isolate | None = None,
    jobs: int | None = None,
    yes: bool = False,
    **conditions: Unpack[Conditions],
) -> Swept:
    """Count or measure every combination of the values that are given.

    >>> found = vtbench.sweep(["vt_r34", "resnet34"], resolution=range(192, 513, 32))
    >>> found.plot().savefig("macs.png")
    >>> vtbench.sweep("vt_r34", tokens=[8, 16], metric="macs,latency", save="vt.jsonl")

    A list, or a range, is several values; a tuple is one. With ``save`` no result is lost: the
    same call goes on where it stopped, also after an interrupt. Models are given by name.
    ``metric`` names protocols: macs, throughput, latency, latency-cold, graph, compiled or memory.
    ``across`` is the axis whose values stand in columns (default: the longest; 'rows' gives one
    row per result). ``max_time`` is the most seconds of samples for each cell, which its launches
    share: each timed cell is started in ``launches`` new processes (default: 5), in rounds over the
    whole sweep in a random order of ``seed``, and its interval comes from how they differ.
    ``within`` is the number of seconds in which all of it is to end, and ``relative_to`` the model
    that ratios are said to, from common rounds. ``retry`` runs the cells of ``save`` again that
    failed before, ``shard`` is a part such as '2/5', ``isolate``
    starts a new process for each 'cell', each 'model', or 'none', ``jobs`` is the number of
    processes that count, and ``yes`` allows more than 1,000 cells.
    """
    for name, seconds in (("max_time", max_time), ("within", within)):
        if seconds is not None and not (seconds > 0 and math.isfinite(seconds)):
            raise BadOption(f"{name}: expected a positive number of seconds, got {seconds!r}.")
    asked: dict[str, Any] = dict(conditions)
    protocols = _protocols(metric)
    gpu, device = asked.get("gpu"), asked.get("device")
    devices = look_up_devices(None if gpu is None else str(gpu), device)
    grid = grid_asked(asked, protocols, devices[0].kind)
    grid = tokens_where_taken(msgspec.structs.replace(grid, models=_models(models)), takes)
    found = cells(grid, many=yes)
    if shard is not None:
        wanted = which_part(shard)
        if wanted is None:
            raise UsageError(f"shard: expected a part such as '2/5', got {shard!r}.")
        found = part_of(found, *wanted)
    with speaking_of_keywords():
        rounds = rounds_asked(launches, seed, isolate)
        if relative_to is not None:
            check_base(relative_to, found, grid, rounds)
    run = Run(
        isolate=isolate, jobs=jobs, retry=retry, max_seconds=max_time, rounds=rounds, within=within
    )
    with Store(None if save is None else Path(save)) as store:
        for phase, queue in stages(found, store, devices, run):
            for _ in run_cells(queue, executor(phase, run), devices[0]):
                pass
        records = [store.of(cell.key, device_of(cell, devices)) for cell in found]
    kept = [each for each in records if each is not None]
    return Swept(kept, across=across, relative_to=relative_to)


def _protocols(metric: str | Sequence[str]) -> tuple[str, ...]:
    """The protocols of the metrics, each once."""
    names = metric.split(",") if isinstance(metric, str) else metric
    stripped = [name.strip() for name in names]
    for name in stripped:
        if name not in PROTOCOLS:
            raise BadOption(f"metric: expected one of {', '.join(PROTOCOLS)}, got {name!r}.")
    if not stripped:
        raise BadOption(f"metric: expected at least one of {', '.join(PROTOCOLS)}.")
    return tuple(dict.fromkeys(stripped))


def _models(models: str | Sequence[str]) -> tuple[str, ...]:
    """The models, patterns resolved; one that does not exist ends the sweep before it begins."""
    found = found_models(models)
    for error in found.values():
        if error is not None:
            raise UnknownModel(error)
    return tuple(found)
