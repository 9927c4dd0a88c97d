"""Inputs of a model: shapes on the meta device, or seeded values on the CPU."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from vtbench.data.workload import InputSpec
from vtbench.errors import BadInput
from vtbench.models.placement import META, SEED

# Integer inputs choose among few things (a token, a segment, a mask), and every choice has these.
_INTEGERS = 2


class OfClips:
    """What a model is that takes clips B,3,T,H,W where others take an image."""

    frames: int
    """T, as long as it is made for."""


def tensor(
    shape: Sequence[int],
    dtype: torch.dtype = torch.float32,
    *,
    real: bool,
    seed: int = SEED,
) -> torch.Tensor:
    """One input: without values on meta, or drawn under a seed on the CPU."""
    if not real:
        try:
            return torch.empty(tuple(shape), dtype=dtype, device=META)
        except (RuntimeError, TypeError) as error:  # more bytes than torch can number
            sides = "x".join(map(str, shape))
            raise BadInput(f"An input of {sides} is larger than torch can handle.") from error
    generator = torch.Generator().manual_seed(seed)
    if dtype.is_floating_point or dtype.is_complex:
        drawn = torch.complex64 if dtype.is_complex else torch.float32
        return torch.randn(tuple(shape), generator=generator, dtype=drawn).to(dtype)
    return torch.randint(0, _INTEGERS, tuple(shape), generator=generator).to(dtype)


def named(
    specs: Iterable[InputSpec], module: nn.Module, model: str, *, real: bool
) -> dict[str, torch.Tensor]:
    """The inputs that were asked for by name, once the names are known to fit ``forward``."""
    specs = tuple(specs)
    _check_names([spec.name for spec in specs], module, model)
    made = {}
    for spec in specs:
        dtype = getattr(torch, spec.dtype, None)
        if not isinstance(dtype, torch.dtype):
            raise BadInput(
                f"Input {spec.name!r} has the unknown type {spec.dtype!r}; "
                "use one of torch's, such as float32, float16, int64 or bool."
            )
        if any(side < 1 for side in spec.shape):
            raise BadInput(f"Input {spec.name!r} has a size below 1 in its shape {spec.shape}.")
        made[spec.name] = tensor(spec.shape, dtype, real=real)
    return made


def check_complete(
    args: tuple[Any, ...], kwargs: dict[str, Any], module: nn.Module, model: str
) -> None:
    """Refuse to run a model whose forward needs more than the inputs that could be made."""
    parameters = _parameters_of_forward(module)
    for parameter in list(parameters.values())[len(args) :]:
        plain = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if plain and parameter.default is parameter.empty and parameter.name not in kwargs:
            raise BadInput(
                f"{model} needs the input {parameter.name!r}; give all its inputs as "
                f"--input NAME=SHAPE[:dtype]. Its forward takes {', '.join(parameters)}."
            )
    if not args and not kwargs:
        raise BadInput(
            f"No input could be made for {model}; give them as --input NAME=SHAPE[:dtype]. "
            f"Its forward takes {', '.join(parameters)}."
        )


def _check_names(names: list[str], module: nn.Module, model: str) -> None:
    parameters = _parameters_of_forward(module)
    variadic = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    for name in names:
        if name not in parameters and not variadic:
            raise BadInput(
                f"{model} has no input {name!r}; its forward takes {', '.join(parameters)}."
            )
    check_complete((), dict.fromkeys(names), module, model)


def _parameters_of_forward(module: nn.Module) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(module.forward).parameters
    except ValueError:  # a traced module does not say; whatever it is given is tried
        anything = inspect.Parameter("inputs", inspect.Parameter.VAR_KEYWORD)
        return {anything.name: anything}


def moved(inputs: Any, *, real: bool) -> Any:
    """Inputs that a user's function returned, on meta unless real values are asked for."""
    if real:
        return inputs
    if isinstance(inputs, torch.Tensor):
        return inputs.to(META)
    if isinstance(inputs, dict):
        return {key: moved(value, real=real) for key, value in inputs.items()}
    if isinstance(inputs, list | tuple):
        return type(inputs)(moved(value, real=real) for value in inputs)
    return inputs
