"""Workload in, Record out: the only place where models and counting meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import msgspec

from vtbench import models
from vtbench.count.count_module import Counted, CountSettings, asks_for_values, count_module
from vtbench.count.isolation import seeded_and_restored
from vtbench.count.over_inputs import by_values, counts_over, distributions
from vtbench.data.distribution import InputSet
from vtbench.data.model_names import place_and_path
from vtbench.data.record import ByValues, PeerCount, Record
from vtbench.data.workload import Workload
from vtbench.errors import BadInput, ModelError
from vtbench.models.made_up_inputs import remedy
from vtbench.models.placement import Unaffordable
from vtbench.models.users_modules import imported_from, offered

_ROADS: tuple[Literal["meta", "known", "real"], ...] = ("meta", "known", "real")


class RunSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with a workload beyond what the workload itself says."""

    counters: tuple[str, ...] = ()
    """Peer counters to run beside ours; ``all`` stands for every installed one."""
    ops: str | None = None
    """A module, or module:NAME, with formulas for operators."""
    shapes: bool = False
    """Note the shapes of each module's inputs and outputs."""
    road: Literal["auto", "meta", "real"] = "auto"
    """Shapes alone, seeded values, or shapes first and values if a model needs them."""
    over: InputSet | None = None
    """Inputs over which the count is a distribution; None for one input."""


def count_workload(
    workload: Workload,
    *,
    settings: RunSettings = RunSettings(),  # noqa: B008
    formulas: Mapping[Any, Any] | None = None,
) -> Record:
    """Count one workload; raises a VtbenchError that says what to do when it cannot be done.

    ``formulas`` for operators come on top of those that the settings name a module for.
    """
    formulas = {**(load_formulas(settings.ops) if settings.ops else {}), **(formulas or {})}
    over = settings.over
    with seeded_and_restored():
        counted, built, how = _count(workload, formulas, settings)
        counts = [counted]
        if over is not None:
            counts = counts_over(over, counted, built, how, lambda: models.build(workload))
    record = record_of(built.workload, counts[0], built.stages)
    record = msgspec.structs.replace(
        record,
        defaults=dict(built.defaults),
        settled=dict(built.settled),
        by_values=by_values(counts, _counted_on(built, counted, over)) or _most(built, counted),
        **(distributions(counts, over) if over is not None else {}),
    )
    if settings.counters:
        said = _peer_counts(built.workload, record, settings.counters)
        record = msgspec.structs.replace(record, counters=said)
    return record


def _count(
    workload: Workload, formulas: Mapping[Any, Any], settings: RunSettings
) -> tuple[Counted, models.Built, CountSettings]:
    """The count on the first road that the model can take; each next builds more of its values."""
    how = CountSettings(
        ops=formulas,
        backward=workload.backward,
        mode=workload.mode,
        disposable=True,
        shapes=settings.shapes,
    )
    errors: list[ModelError] = []
    for name in _ROADS if settings.road == "auto" else (settings.road,):
        try:
            built = models.build(workload, real=name == "real", real_inputs=name == "known")
            how = replace(how, road=name, head=built.head)
            if _by_image(built) and settings.over is not None and settings.road != name != "real":
                how = replace(how, why="what is asked for varies with the inputs")
                continue
            return _counted(built, workload, how), built, how
        except Unaffordable as error:
            raise _instead(error, errors) from error
        except ModelError as error:
            errors.append(error)
            how = replace(how, why=str(errors[0].__cause__))
    raise errors[-1]


def _by_image(built: models.Built) -> str | None:
    """What in a model decides by the image how much there is to compute, as its author says.

    Such a model takes the most where it has no values: its attribute ``by_image`` is a name.
    """
    found = getattr(built.module, "by_image", None)
    return found if isinstance(found, str) else None


def _most(built: models.Built, counted: Counted) -> ByValues | None:
    """That a count without values is of the most tokens that there can be, if it is."""
    by = _by_image(built)
    if by is None or counted.road.startswith("real"):
        return None
    return ByValues(operators=(by,), counted_on="the most tokens that an image can keep")


def _instead(refused: Unaffordable, before: list[ModelError]) -> ModelError:
    """What to say if real values cannot be had: why they were needed, or what the model raised.

    With the inputs known, an error that is not about a shape without values is the model's own.
    """
    if not before:
        return refused
    cause = before[-1].__cause__
    if cause is not None and not asks_for_values(cause):
        return before[-1]
    return ModelError(f"{refused} What it asked for depends on its weights ({cause}).")


def _counted_on(built: models.Built, counted: Counted, over: InputSet | None) -> str:
    """The values that a count was made on, in words."""
    work = built.workload
    if counted.road == "meta":
        return "random numbers of seed 0, which the model draws"
    weights = f" and the weights of {work.weights}"
    if counted.road.startswith("known"):
        weights = ", whatever the weights"
    elif work.weights is None:
        weights = " and random weights of seed 0"
    if over is not None and over.source is not None:
        return f"the first input of {over.source}{weights}"
    if built.own_inputs and over is None:
        return f"the input that {work.model} returns{weights}"
    return f"one random input of seed 0{weights}"


def _counted(built: models.Built, workload: Workload, how: CountSettings) -> Counted:
    try:
        return count_module(built.module, (built.args, built.kwargs), how)
    except ModelError as error:
        said = f"{workload.model}: {_ended(str(error))}{remedy(built)}"
        raise ModelError(said) from error.__cause__


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def record_of(workload: Workload, counted: Counted, stages: tuple[str, ...] | None) -> Record:
    """The record of a count."""
    return Record(
        workload=workload,
        rows=counted.rows,
        parameters=counted.parameters,
        module_parameters=counted.module_parameters,
        module_weights=counted.module_weights,
        never_ran=counted.never_ran,
        shapes=counted.shapes,
        memory=counted.memory,
        module_memory=counted.module_memory,
        blocks=counted.blocks,
        stages=counted.stages if stages is None else stages,
        road=counted.road,
    )


def _peer_counts(
    workload: Workload, record: Record, names: tuple[str, ...]
) -> dict[str, PeerCount]:
    """What other counters say of the same workload, and which operator explains the difference."""
    from vtbench.count.peers.running import peer_counts  # only where asked
    from vtbench.count.peers.tally import ModelCall

    def make(real: bool) -> ModelCall:
        built = models.build(workload, real=real)
        return ModelCall(built.module, built.args, built.kwargs)

    return peer_counts(make, record, names)


def load_formulas(where: str) -> Mapping[Any, Any]:
    """The formulas of a user's module: its mapping ``OPS``, or the one named after a colon.

    A module without one may register formulas with torch's own decorator as it is imported.
    """
    name, attribute = (where, "") if ":" not in where else place_and_path(where)
    with offered(name):
        try:
            module = imported_from(name)
        except ImportError as error:
            raise BadInput(f"--ops: the module {name} cannot be imported: {error}.") from error
    found = getattr(module, attribute or "OPS", None)
    if found is None and not attribute:
        return {}
    if not isinstance(found, Mapping):
        raise BadInput(
            f"--ops: {where} is not a mapping from operators to formulas; define "
            "OPS = {torch.ops.my.scan.default: formula} in the module."
        )
    return found
