"""The Python interface to measuring: live modules, functions, models by name, and kept files.

A live module or function is measured in the caller's process, because it lives there, and its
record says ``isolated = false``; a model by name has a fresh process.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from torch import nn

from vtbench.api.asking import MAKES_ITS_OWN, cells_asked, execution
from vtbench.api.conditions import Conditions
from vtbench.api.measured import Measured
from vtbench.api.over_inputs import over_of_name
from vtbench.api.public import public, speaking_of_keywords
from vtbench.count.mode import Mode
from vtbench.data.files import read_measurements
from vtbench.data.measurement import Measurement
from vtbench.data.protocol import protocol_named
from vtbench.data.relative import refuse_several
from vtbench.data.stages import Division
from vtbench.data.workload import Workload
from vtbench.errors import BadInput, BadOption, UsageError
from vtbench.measure.isolated import MEMORY, MeasureSettings, footprints
from vtbench.measure.machine.devices import Chosen, choose, describe
from vtbench.sweep.asked import Asked
from vtbench.sweep.footprints import Footprints
from vtbench.sweep.sessions import held, measured, sessions
from vtbench.sweep.store import Store

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """How models are timed, and where the records are kept."""

    settings: MeasureSettings
    relative_to: str | None = None
    save: str | Path | None = None


@public(Conditions)
def throughput(  # noqa: PLR0913  # the options of the command, by their names
    model: Any,
    *args: Any,
    max_time: float = 15.0,
    protocol: str = "throughput",
    stages: bool = False,
    by: Division | None = None,
    relative_to: str | None = None,
    save: str | Path | None = None,
    **conditions: Unpack[Conditions],
) -> Measured:
    """Images per second of a module on inputs, of a function, or of models by name.

    >>> vtbench.throughput(net, torch.zeros(8, 3, 224, 224)).images_per_second
    >>> vtbench.throughput(["vt_r34", "resnet34"], batch_size=16, dtype="bf16", gpu=0)

    A module is measured where it lies, in this process and in evaluation mode, and comes back as
    it was; mode='as-is' leaves its mode alone. Models by name take turns in a process of their
    own. ``max_time`` is the most seconds of samples for each, ``protocol`` is throughput, compiled
    or graph, ``stages`` times the stages too, and ``by`` those or the repeated blocks ('stage',
    'block'); ``relative_to`` is the model that ratios are said to, and ``save`` a file to which
    records are appended; what it holds is not measured again.
    """
    settings = MeasureSettings(
        protocol=protocol, max_seconds=max_time, parts=by or ("stage" if stages else None)
    )
    how = Timing(settings=settings, relative_to=relative_to, save=save)
    return timed(_subjects(model), args, how, dict(conditions))


@public(Conditions)
def latency(  # noqa: PLR0913  # the options of the command, by their names
    model: Any,
    *args: Any,
    max_time: float = 15.0,
    protocol: str = "latency",
    stages: bool = False,
    by: Division | None = None,
    relative_to: str | None = None,
    save: str | Path | None = None,
    **conditions: Unpack[Conditions],
) -> Measured:
    """Seconds of single steps of a module, a function, or models by name, with percentiles.

    >>> vtbench.latency(net, torch.zeros(1, 3, 224, 224)).median
    >>> vtbench.latency("deit_s", gpu=0, protocol="latency-cold")

    The host waits for the device after every step, and the batch size of a model by name is 1.
    ``protocol`` is latency or latency-cold; ``max_time``, ``stages``, ``by``, ``relative_to`` and
    ``save`` are as in ``vtbench.throughput``.
    """
    settings = MeasureSettings(
        protocol=protocol, max_seconds=max_time, parts=by or ("stage" if stages else None)
    )
    how = Timing(settings=settings, relative_to=relative_to, save=save)
    return timed(_subjects(model), args, how, dict(conditions))


@public(Conditions)
def memory(
    model: Any,
    *args: Any,
    seeds: int | None = None,
    save: str | Path | None = None,
    **conditions: Unpack[Conditions],
) -> Measured:
    """Weights and the peak of a step of a module on inputs, or of models by name.

    >>> vtbench.memory(net, torch.zeros(8, 3, 224, 224)).records[0].memory.peak
    >>> vtbench.memory(["resnet50", "deit_s"], batch_size=[1, 8])

    A model by name has a process of its own; the figures of a live module, which runs in
    evaluation mode, are what it and its step add in this one, where an allocator may keep freed
    memory. Of a model by name, ``seeds=N`` and ``inputs=`` give what is predicted over many
    inputs, as in ``vtbench.count``; ``save`` is a file to which records are appended.
    """
    asked: dict[str, Any] = {**conditions, **({} if seeds is None else {"seeds": seeds})}
    if _is_named(model):
        if args:
            raise UsageError(MAKES_ITS_OWN)
        return Measured(_footprints(model, asked, save))
    from vtbench.measure.memory.footprint import live_footprint

    mode: Mode = asked.get("mode", "eval")
    workload = _live_workload(_name_of(model), model, args, asked)
    return _kept(Measured([live_footprint(workload, model, args, mode)]), save)


@public()
def read(path: str | Path) -> Measured:
    """The measurements of a file that ``save`` or a command kept, such as a sweep's.

    >>> vtbench.read("sweep.jsonl").to_frame()
    """
    return Measured(read_measurements(Path(path)))


def _is_named(model: Any) -> bool:
    """Whether a model, or each of a list, is given by its name."""
    listed = isinstance(model, list | tuple) and all(isinstance(each, str) for each in model)
    return isinstance(model, str) or listed


def _subjects(model: Any) -> Mapping[str, Any]:
    """What is measured, by name."""
    if _is_named(model):
        return {name: name for name in ([model] if isinstance(model, str) else model)}
    return {_name_of(model): model}


def _name_of(model: Any) -> str:
    return getattr(model, "__name__", None) or type(model).__name__


def timed(
    subjects: Mapping[str, Any], args: tuple[Any, ...], how: Timing, conditions: dict[str, Any]
) -> Measured:
    """Models by name in a fresh process, live ones here; never both in one session."""
    settings = how.settings
    if not (settings.max_seconds > 0 and math.isfinite(settings.max_seconds)):
        raise BadOption(
            f"max_time: expected a positive number of seconds, got {settings.max_seconds!r}."
        )
    named = [name for name, subject in subjects.items() if isinstance(subject, str)]
    if not named:
        if conditions.get("compile") and settings.protocol == "throughput":
            settings = msgspec.structs.replace(settings, protocol="compiled")  # as by name
        records = _live_session(subjects, args, settings, conditions)
        return _kept(Measured(records, relative_to=how.relative_to), how.save)
    if len(named) < len(subjects):
        raise UsageError(
            f"{named[0]!r} is given by name and others are live modules or functions. Models by "
            "name run in a process of their own, so measure them separately."
        )
    if args:
        raise UsageError(MAKES_ITS_OWN)
    names = [str(subject) for subject in subjects.values()]
    protocol_named(settings.protocol)
    places = _places(conditions)
    asked = cells_asked(names, conditions, [settings.protocol], places[0].kind)
    with speaking_of_keywords():
        refuse_several(asked.workloads, how.relative_to)
    return Measured(_named_sessions(asked, places, how), relative_to=how.relative_to)


def _kept(found: Measured, save: str | Path | None) -> Measured:
    """The measurements, once they are kept in a file if there is one."""
    if save is not None:
        with Store(Path(save)) as store:
            for record in found.records:
                store.append(record)
    return found


def _places(conditions: Mapping[str, Any]) -> tuple[Chosen, ...]:
    """The devices that ``gpu`` and ``device`` mean."""
    gpu = conditions.get("gpu")
    return choose(None if gpu is None else str(gpu), conditions.get("device"))


def _named_sessions(asked: Asked, places: Sequence[Chosen], how: Timing) -> list[Measurement]:
    """A record for each cell on each device; what a file holds whole is taken from there."""
    records = list(asked.impossible().values())
    with Store(None if how.save is None else Path(how.save)) as store:
        for session in sessions(asked.possible()):
            found = held(session, places, store)
            if not found:
                found = measured(session, places, how.settings)
                for record in found:
                    store.append(record)
            records += found
    return records


def _footprints(
    models: str | Sequence[str], conditions: dict[str, Any], save: str | Path | None
) -> list[Measurement]:
    """A record for each workload in order, each kept as soon as it is there."""
    over = over_of_name(conditions)
    places = _places(conditions)
    if len(places) > 1:
        raise BadInput("gpu: the memory of a step is measured on one GPU; give one number.")
    asked = cells_asked(models, conditions, [MEMORY.name], places[0].kind)
    with Store(None if save is None else Path(save)) as store:
        name = describe(places[0].kind, places[0].index).name if save is not None else None
        book = Footprints(asked, store, name, over)
        for place, outcome in footprints(book.todo, places[0].index, over):
            book.take(place, outcome)
    return book.records


def _live_session(
    subjects: Mapping[str, Any],
    args: tuple[Any, ...],
    settings: MeasureSettings,
    conditions: dict[str, Any],
) -> list[Measurement]:
    """Modules and functions as they are, in this process."""
    from vtbench.measure.session.measure_workloads import measure_live

    workloads = [
        _live_workload(name, subject, args, conditions) for name, subject in subjects.items()
    ]
    live = list(zip(workloads, subjects.values(), strict=True))
    return measure_live(live, args, settings, conditions.get("mode", "eval"))


def _live_workload(
    name: str, subject: Any, args: tuple[Any, ...], conditions: dict[str, Any]
) -> Workload:
    """What can be said of a live module or function, once its conditions are known to be such."""
    from vtbench.measure.session.live_modules import LIVE_CONDITIONS, live_workload

    foreign = sorted(set(conditions) - LIVE_CONDITIONS)
    if foreign:
        raise BadOption(
            f"A live module is measured as it is, so {foreign[0]} cannot be set; use one of "
            f"{', '.join(sorted(LIVE_CONDITIONS))}."
        )
    execution(conditions)
    if not callable(subject):
        raise UsageError(f"{name} is a {type(subject).__name__}, which cannot be called.")
    own = sorted({"mode", "backward"} & set(conditions))
    if own and not isinstance(subject, nn.Module):
        raise BadOption(f"{own[0]}: {name} is a function, which is called as it is; leave it out.")
    return live_workload(name, subject, args, conditions)
