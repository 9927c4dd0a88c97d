"""The Python interface: count a live module or a model by name, or whatever runs in a block."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, overload

import msgspec

from vtbench.api.asking import MAKES_ITS_OWN, NAMED, cells_asked, named_workload
from vtbench.api.conditions import Several, Size
from vtbench.api.counts import Count, Counts
from vtbench.api.over_inputs import over_of_module, over_of_name
from vtbench.api.public import public, refuse_unknown
from vtbench.count.count_module import CountSettings, counter_for, summary
from vtbench.count.count_workload import RunSettings, count_workload, record_of
from vtbench.count.mode import Mode, in_mode, mode_under
from vtbench.count.operators.rules import UserFormula
from vtbench.count.over_inputs import by_values, counted_on, distributions, live_counts
from vtbench.data.distribution import InputSet
from vtbench.data.record import PeerCount, Record
from vtbench.data.workload import Workload
from vtbench.errors import UsageError
from vtbench.measure.workers import attempt
from vtbench.sweep.cells import COUNTED

if TYPE_CHECKING:
    from torch import nn
    from typing_extensions import Unpack

    from vtbench.api.conditions import Building


@overload
def count(
    model: nn.Module | str,
    *args: Any,
    resolution: Size | None = None,
    batch_size: int | None = None,
    mode: Mode | None = None,
    backward: bool | None = None,
    options: Mapping[str, Any] | None = None,
    tokens: int | None = None,
    weights: str | None = None,
    inputs: Any = None,
    seeds: int | None = None,
    ops: Mapping[Any, UserFormula] | None = None,
    counters: str | Sequence[str] = (),
    **forward: Any,
) -> Count: ...


@overload
def count(
    model: list[str] | tuple[str, ...],
    *,
    relative_to: str | None = None,
    seeds: int | None = None,
    ops: Mapping[Any, UserFormula] | None = None,
    counters: str | Sequence[str] = (),
    **building: Unpack[Building],
) -> Counts: ...


@public()
def count(  # noqa: PLR0913  # the options of the command, by their names
    model: nn.Module | str | list[str] | tuple[str, ...],
    *args: Any,
    resolution: Several[Size | None] = None,
    batch_size: Several[int | None] = None,
    mode: Several[Mode | None] = None,
    backward: Several[bool | None] = None,
    options: Mapping[str, Any] | None = None,
    tokens: Several[int | None] = None,
    weights: Several[str | None] = None,
    inputs: Any = None,
    seeds: int | None = None,
    ops: Mapping[Any, UserFormula] | None = None,
    counters: str | Sequence[str] = (),
    relative_to: str | None = None,
    **forward: Any,
) -> Count | Counts:
    """Count the multiply-accumulates of a module on inputs, or of models by name.

    >>> vtbench.count("swin_t", resolution=224).macs
    4490566656
    >>> net = torch.nn.Linear(16, 4)
    >>> vtbench.count(net, torch.zeros(8, 16)).macs
    512

    A module is run on ``args`` and ``forward``, which go to its ``forward``, in evaluation mode;
    afterwards it is what it was. A model by name is built for ``resolution``, ``batch_size`` and
    the constructor's ``options``, and makes its own inputs. A module whose ``forward`` has a
    parameter that is named like one of these options gets it instead.

    Several models are a list of names, whose options may have lists of values.

    Options:
      resolution: Image size of a model by name: N, or (H, W) (default: the model's own size).
      batch_size: Images per step of a model by name (default: 1).
      mode: 'eval' or 'train'; 'as-is' leaves a module, and each of its submodules, in the mode
          that it is in (default: 'eval').
      backward: Whether the backward pass is counted too (default: False).
      options: Constructor options of a model by name.
      tokens: Number of tokens of a model by name; the same as options={'tokens': N}.
      weights: A checkpoint of a model by name; code in the file is not run.
      inputs: Many inputs to count over: a folder of images, a .npy file, a function by name, or
          for a module a list; ``distribution`` then says how the count varies, and the rest is of
          the first. A list of InputSpec gives a model by name its inputs.
      seeds: Count N random inputs, of the seeds 0 to N-1.
      ops: Formulas for operators, by operator; they get shapes and return MACs.
      counters: Other counters to run beside, each on a copy: 'all', or names.
      relative_to: Of several models, the one that the others are measured against.
    """
    asked = {
        "resolution": resolution, "batch_size": batch_size, "mode": mode, "backward": backward,
        "options": options, "tokens": tokens, "weights": weights, "inputs": inputs, "seeds": seeds,
    }  # fmt: skip
    given = {name: value for name, value in asked.items() if value is not None}
    beside = _counters(counters)
    if isinstance(model, list | tuple):
        return _several(model, args, {**given, **forward}, (ops, beside), relative_to)
    if relative_to is not None:
        raise UsageError("relative_to compares several models; give a list of their names.")
    if isinstance(model, str):
        return _by_name(model, args, {**given, **forward}, ops, beside)
    _module(model)
    return _live_count(model, args, (given, forward), ops, beside)


def _by_name(
    model: str,
    args: tuple[Any, ...],
    keywords: dict[str, Any],
    ops: Mapping[Any, UserFormula] | None,
    beside: tuple[str, ...],
) -> Count:
    """The count of a model that is built here."""
    over = over_of_name(keywords)
    _refuse_beside_inputs(over, beside)
    settings = RunSettings(counters=beside, over=over)
    workload = named_workload(model, args, keywords)
    return Count(count_workload(workload, settings=settings, formulas=ops))


def _several(
    names: Sequence[str],
    args: tuple[Any, ...],
    keywords: dict[str, Any],
    how: tuple[Mapping[Any, UserFormula] | None, tuple[str, ...]],
    relative_to: str | None,
) -> Counts:
    """Counts of models by name; one that cannot be counted is a row that says why."""
    ops, beside = how
    over = over_of_name(keywords)
    _refuse_beside_inputs(over, beside)
    if args:
        raise UsageError(MAKES_ITS_OWN)
    refuse_unknown("vtbench.count for models by name", keywords, NAMED)
    asked = cells_asked([*names, relative_to] if relative_to else names, keywords, [COUNTED])
    settings = RunSettings(counters=beside, over=over)
    records = []
    for workload, error in asked.todo():
        if error is not None:
            records.append(Record(workload=workload, error=error))
            continue
        found = attempt(partial(count_workload, settings=settings, formulas=ops), workload)
        records.append(found.result or Record(workload=workload, error=found.error))
    return Counts(records, relative_to)


def _live_count(
    model: nn.Module,
    args: tuple[Any, ...],
    asked: tuple[dict[str, Any], dict[str, Any]],
    ops: Mapping[Any, UserFormula] | None,
    beside: tuple[str, ...],
) -> Count:
    """The count of a module that its caller holds."""
    options, keywords = _told_apart(model, *asked)
    found = over_of_module(model, args, options, keywords)
    over, given = found if found is not None else (None, [(args, keywords)])
    _refuse_beside_inputs(over, beside)
    mode = options.get("mode", "eval")
    workload = Workload(
        model=type(model).__name__, mode=mode_under(model, mode), backward=_backward(options)
    )
    how = CountSettings(
        ops=ops or {},
        backward=workload.backward,
        mode=None if mode == "as-is" else workload.mode,
    )
    drawn = over is not None and over.source is None
    counts = live_counts(model, given, how, drawn=drawn)
    record = msgspec.structs.replace(
        record_of(workload, counts[0], None),
        by_values=by_values(counts, counted_on(over)),
        **(distributions(counts, over) if over is not None else {}),
    )
    if beside:
        with in_mode(model, mode):
            said = _beside(model, (args, keywords), record, beside)
        record = msgspec.structs.replace(record, counters=said)
    return Count(record)


_OF_MODULES = frozenset({"mode", "backward", "inputs", "seeds"})
"""Options that a live module can be counted with."""


def _told_apart(
    model: nn.Module, given: dict[str, Any], forward: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is asked of the count, and what goes to ``forward``, which has its own names first."""
    takes = _parameters_of(model) if given else {}
    anything = any(each.kind is each.VAR_KEYWORD for each in takes.values())
    options = {
        name: value
        for name, value in given.items()
        if name not in takes and (name in _OF_MODULES or not anything)
    }
    foreign = sorted(set(options) - _OF_MODULES)
    if foreign:
        raise UsageError(
            f"{foreign[0]}: a module is counted on the inputs that you give, and its forward has "
            f"no parameter of this name; what can be set is {', '.join(sorted(_OF_MODULES))}."
        )
    passed = {name: value for name, value in given.items() if name not in options}
    return options, {**forward, **passed}


def _parameters_of(model: nn.Module) -> Mapping[str, inspect.Parameter]:
    """The parameters of a module's forward; a script does not say which it has."""
    try:
        return inspect.signature(model.forward).parameters
    except ValueError:
        return {}


def _backward(options: dict[str, Any]) -> bool:
    asked = options.get("backward", False)
    if not isinstance(asked, bool):
        raise UsageError(f"backward: expected True or False, got {asked!r}.")
    return asked


def _refuse_beside_inputs(over: InputSet | None, beside: Sequence[str]) -> None:
    """Other counters are compared on one input."""
    if over is not None and beside:
        raise UsageError(
            "counters compares counts of one input, and inputs and seeds count many; leave out "
            "counters."
        )


def _counters(asked: str | Sequence[str]) -> tuple[str, ...]:
    """Names of counters; one that is unknown or not installed is refused before any work."""
    if not asked:
        return ()
    from vtbench.count.peers.counters import chosen, parse

    names = parse(asked if isinstance(asked, str) else ",".join(asked))
    chosen(names)
    return names


def _beside(
    module: nn.Module,
    given: tuple[tuple[Any, ...], dict[str, Any]],
    record: Record,
    names: tuple[str, ...],
) -> dict[str, PeerCount]:
    """The counts of other counters for a live module; none of them touches the module itself."""
    from vtbench.count.peers.running import peer_counts  # only where asked
    from vtbench.count.peers.tally import ModelCall, Unsuitable

    def lent(real: bool) -> ModelCall:  # noqa: FBT001 - the builders' signature
        if not real:
            raise Unsuitable("The module is too large to be copied for this counter.")
        return ModelCall(module, *given)

    return peer_counts(lent, record, names)


def _module(model: Any) -> None:
    """Refuse anything but a module; an exported program or a function has no parts to name."""
    from torch import nn

    if not isinstance(model, nn.Module):
        raise UsageError(
            f"An object of type {type(model).__name__} cannot be counted; give a torch.nn.Module "
            "or the name of a model."
        )


@public()
@contextmanager
def counting(
    model: nn.Module,
    *,
    mode: Mode = "as-is",
    ops: Mapping[Any, UserFormula] | None = None,
) -> Iterator[Count]:
    """Count whatever runs in a block, by the modules of a model; read the count after the block.

    >>> with vtbench.counting(net) as block:
    ...     net(torch.zeros(8, 16))
    >>> block.macs
    512

    What runs is up to the block, so the model stays in the mode that it is in.

    Options:
      mode: 'eval' or 'train' puts the model in that mode for the block (default: 'as-is').
      ops: Formulas for operators, by operator; they get shapes and return MACs.
    """
    _module(model)
    workload = Workload(model=type(model).__name__, mode=mode_under(model, mode))
    settings = CountSettings(ops=ops or {}, grad=True)
    result = Count(Record(workload=workload, error="The block is still running."))
    try:
        with (
            in_mode(model, mode),
            counter_for(model, settings, on_meta=False) as counter,
        ):
            counter.values.strangers = True  # the block's inputs are made outside
            yield result
    except BaseException as error:
        result.record = Record(workload=workload, error=f"The block raised {type(error).__name__}.")
        raise
    counted = summary(model, counter, settings, "real (the block's own values)")
    record = record_of(workload, counted, None)
    result.record = msgspec.structs.replace(
        record, by_values=by_values([counted], "the values that the block ran on")
    )
