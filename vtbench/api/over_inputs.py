"""Counts over many inputs from Python: ``inputs=`` and ``seeds=`` of ``vtbench.count``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtbench.data.distribution import InputSet
from vtbench.data.workload import InputSpec
from vtbench.errors import BadInput, UsageError
from vtbench.models.input_sets import Inputs, drawn, of_items, of_source
from vtbench.models.input_sources import input_set

if TYPE_CHECKING:
    from torch import nn

LISTED = "the list that was given"


def over_of_name(keywords: dict[str, Any]) -> InputSet | None:
    """The inputs over which a model by name is counted, taken out of its keywords.

    ``inputs`` is a field of a workload too, a list of ``InputSpec``, which stays.
    """
    seeds, inputs = keywords.pop("seeds", None), keywords.get("inputs")
    source = None
    if isinstance(inputs, str | Path):
        source = str(keywords.pop("inputs"))
    elif inputs is not None and not _are_specs(inputs):
        raise BadInput(
            "inputs: expected a folder of images, a .npy file, a function by name, or a list of "
            f"vtbench.data.workload.InputSpec, got a value of type {type(inputs).__name__}; give "
            "a module to count inputs of your own."
        )
    return input_set(source, _number(seeds))


def over_of_module(
    module: nn.Module, given: tuple[Any, ...], options: dict[str, Any], keywords: dict[str, Any]
) -> tuple[InputSet, Iterable[Inputs]] | None:
    """The inputs over which a module is counted, if ``inputs`` or ``seeds`` ask for them."""
    asked = {name: options[name] for name in ("inputs", "seeds") if name in options}
    if not asked:
        return None
    own: Inputs | None = (given, dict(keywords)) if given or keywords else None
    inputs, model = asked.get("inputs"), type(module).__name__
    source = str(inputs) if isinstance(inputs, str | Path) else None
    if inputs is None or source is not None:
        found = input_set(source, _number(asked.get("seeds")))
    elif "seeds" in asked:
        raise UsageError("--inputs gives inputs and --seeds draws them; give one of the two.")
    else:
        return InputSet(source=LISTED), of_items(_items(inputs), own, LISTED, model)
    if found is None:
        return None
    if own is None:
        raise UsageError(
            f"{next(iter(asked))}: give an input of {model} too, whose shape the others have."
        )
    if found.source is not None:
        return found, of_source(found.source, own, model)
    return found, (drawn(own, seed) for seed in range(found.seeds or 1))


def _items(inputs: Any) -> Iterator[Any]:
    import torch

    if isinstance(inputs, torch.Tensor | Mapping):
        raise UsageError(
            f"inputs: expected a list of inputs, got one value of type {type(inputs).__name__}."
        )
    try:
        return iter(inputs)
    except TypeError:
        raise UsageError(
            "inputs: expected a list of inputs, a folder of images, a .npy file or a function by "
            f"name, got a value of type {type(inputs).__name__}."
        ) from None


def _are_specs(inputs: Any) -> bool:
    return isinstance(inputs, tuple | list) and all(isinstance(s, InputSpec) for s in inputs)


def _number(seeds: Any) -> int | None:
    if seeds is not None and (not isinstance(seeds, int) or isinstance(seeds, bool)):
        raise UsageError(f"seeds: expected a positive whole number, got {seeds!r}.")
    return seeds
