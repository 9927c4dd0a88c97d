"""From keywords to workloads: of one model by name, or every combination of several values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from vtbench.api.public import refuse_unknown
from vtbench.data.option import fields_of
from vtbench.data.workload import (
    EXECUTION,
    DeviceKind,
    InputSpec,
    Workload,
    freeze_options,
)
from vtbench.errors import BadInput, BadOption, BadResolution, UsageError
from vtbench.measure.workers import attempt
from vtbench.models import expand, resolve
from vtbench.models.weight_files import identified
from vtbench.sweep.asked import Asked, asked_of
from vtbench.sweep.axes import MANY, Grid, OptionAxis, every_option_fits, size_of

NAMED = ("resolution", "batch_size", "mode", "backward", "options", "tokens", "weights", "inputs")
"""Options on which the count of a model by name depends."""
MAKES_ITS_OWN = (
    "A model that is given by name makes its own inputs; give a module to run it on inputs."
)


def named_workload(name: str, inputs: tuple[Any, ...], fields: dict[str, Any]) -> Workload:
    """The workload of a name and of keywords that are its fields."""
    if inputs:
        raise UsageError(MAKES_ITS_OWN)
    refuse_unknown("vtbench.count for a model by name", fields, NAMED)
    refuse_nonsense(fields)
    options = mapping_of(fields.get("options") or ())
    tokens = {"tokens": fields["tokens"]} if "tokens" in fields else {}
    return Workload(
        model=name,
        **{
            **{field: value for field, value in fields.items() if field != "tokens"},
            "resolution": side_of(fields.get("resolution")),
            "inputs": tuple(fields.get("inputs", ())),
            "options": freeze_options({**options, **tokens}),
        },
    )


def cells_asked(
    models: Any,
    keywords: Mapping[str, Any],
    protocols: Sequence[str],
    kind: DeviceKind = "cpu",
) -> Asked:
    """A cell for every model and every combination of values; at most a thousand of a model."""
    found = found_models(models)
    grid = grid_asked(keywords, protocols, kind)
    every_option_fits(grid, found)
    if max(size_of(grid, model) for model in found) > MANY:
        raise UsageError(f"The options have more than {MANY:,} combinations; use vtbench.sweep.")
    return asked_of(grid, found)


def found_models(asked: Any) -> dict[str, str | None]:
    """Every model that a name or a pattern stands for, and why it cannot be, if it cannot."""
    names = [asked] if isinstance(asked, str) else asked
    if not (isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)):
        raise UsageError(
            f"Models are given by name here, or as a list of names; got {type(asked).__name__}."
        )
    found: dict[str, str | None] = {}
    for name in names:
        done = attempt(_named, name)
        found |= done.result or {name: done.error}
    if not found:
        raise UsageError("No model was named; name one, such as resnet50.")
    return found


def _named(name: str) -> dict[str, str | None]:
    """The models of a name, or of a pattern."""
    models = expand([name])
    for model in models:
        resolve(model)
    return dict.fromkeys(models)


def grid_asked(keywords: Mapping[str, Any], protocols: Sequence[str], kind: DeviceKind) -> Grid:
    """The grid that keywords span, less its models: a list, or a range, is several values."""
    keywords = {name: value for name, value in keywords.items() if value is not None}
    fields = {
        name: tuple(_checked(name, value) for value in several(keywords[name]))
        if name in keywords
        else (None if name == "batch_size" else field.default,)
        for name, field in fields_of(Workload).items()
    }
    refuse_nonsense({"inputs": keywords.get("inputs", ())})
    grid = Grid(
        models=(),
        protocols=tuple(protocols),
        options=tuple(_option_axes(keywords)),
        fields={**fields, "inputs": (tuple(keywords.get("inputs", ())),)},
        weights=_weights(keywords.get("weights")),
        device=kind,
    )
    _refuse_contradictions(grid)
    return grid


def several(value: Any) -> Sequence[Any]:
    """The values that one keyword gives; a tuple is one, such as a size or an option."""
    found = list(value) if isinstance(value, list | range | set) else [value]
    if not found:
        raise BadInput("A list of values has to have one at least.")
    return list(dict.fromkeys(found))


def _checked(name: str, value: Any) -> Any:
    """A value of a field, once it is sure that it is one."""
    if name == "resolution":
        return side_of(value)
    refuse_nonsense({name: value})
    return execution({name: value}).get(name, value)


def _option_axes(keywords: Mapping[str, Any]) -> Iterable[OptionAxis]:
    given = mapping_of(keywords.get("options") or {})
    if "tokens" in keywords:
        for number in several(keywords["tokens"]):
            refuse_nonsense({"tokens": number})
        given = {**given, "tokens": keywords["tokens"]}
    for left, values in given.items():
        only, _, key = str(left).rpartition(":")
        if not key.isidentifier():
            raise BadOption(f"options: expected 'KEY' or 'MODEL:KEY', got {left!r}.")
        each = (tuple(v) if isinstance(v, list) else v for v in several(values))
        yield OptionAxis(only or None, key, tuple(each))


def _weights(given: Any) -> tuple[tuple[str | None, tuple[str, ...]], ...]:
    if given is None:
        return ()
    for file in several(given):
        refuse_nonsense({"weights": file})
    return ((None, tuple(identified(file) for file in several(given))),)


def _refuse_contradictions(grid: Grid) -> None:
    """Options that cannot hold together on the kind of device, before any work is done."""
    dtypes = grid.values("dtype")
    wrong = {"cpu": "tf32", "cuda": "bf32"}[grid.device]
    if wrong in dtypes:
        other = "a GPU; give gpu" if wrong == "tf32" else "CPUs; leave out gpu"
        raise BadOption(f"dtype: {wrong} is for {other}, or give another dtype.")
    plain = next((each for each in dtypes if each not in ("bf16", "fp16")), None)
    if True in grid.values("autocast") and plain is not None:
        raise BadOption(f"autocast needs the dtype bf16 or fp16, got {plain}.")
    if grid.device == "cuda" and any(each is not None for each in grid.values("threads")):
        raise BadOption("threads is for CPUs, and the device is a GPU; leave it out.")


def execution(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that say how a workload is executed, once their values are known to be theirs."""
    given = {name: value for name, value in keywords.items() if name in EXECUTION}
    try:
        msgspec.convert({"model": "", **given}, type=Workload)
    except msgspec.ValidationError as error:
        said = str(error).replace("`$.", "`")
        raise BadOption(f"A condition has an invalid value: {said}.") from error
    return given


def side_of(asked: Any) -> tuple[int, int] | None:
    """Height and width, of one number or of two."""
    if asked is None:
        return None
    pair = (asked, asked) if _is_positive(asked) else asked
    if isinstance(pair, tuple | list) and len(pair) == 2 and all(map(_is_positive, pair)):  # noqa: PLR2004 - height and width
        return (pair[0], pair[1])
    raise BadResolution(
        f"resolution: expected N or (H, W) of positive whole numbers, got {asked!r}."
    )


def refuse_nonsense(fields: Mapping[str, Any]) -> None:
    """A struct takes values of any type; the command line's own checks come before it."""
    for name in ("batch_size", "tokens"):
        if not _is_positive(fields.get(name, 1)):
            raise BadInput(f"{name}: expected a positive whole number, got {fields[name]!r}.")
    if fields.get("mode", "eval") not in ("eval", "train"):
        raise UsageError(f"mode: expected 'eval' or 'train', got {fields['mode']!r}.")
    if not isinstance(fields.get("backward", False), bool):
        raise UsageError(f"backward: expected True or False, got {fields['backward']!r}.")
    if not isinstance(fields.get("weights"), str | None):
        raise UsageError(f"weights: expected the name of a file, got {fields['weights']!r}.")
    specs = fields.get("inputs", ())
    if not (isinstance(specs, tuple | list) and all(isinstance(s, InputSpec) for s in specs)):
        raise BadInput(
            f"inputs: expected a list of vtbench.data.workload.InputSpec, got {specs!r}."
        )


def _is_positive(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def mapping_of(options: Any) -> dict[str, Any]:
    """Options by name, from a mapping or from pairs."""
    try:
        return dict(options)
    except (TypeError, ValueError) as error:
        raise BadOption(f"options: expected a dict of names to values, got {options!r}.") from error
