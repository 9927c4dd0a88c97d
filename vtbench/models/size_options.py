"""The size of the image as constructors name it: which option stands for the resolution."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from vtbench.data.model_names import SIZE_NAMES
from vtbench.data.notice import Notice
from vtbench.data.workload import Workload
from vtbench.errors import BadOption, BadResolution
from vtbench.models.options import Parameters, fits
from vtbench.models.sizes import Size, positive, written

_SIDES = 2
_told: set[str] = set()


def with_resolution(workload: Workload, known: Collection[str]) -> Workload:
    """The workload with options that name a size, and that the model does not have, as its size.

    ``-o img_size=192`` is ``--resolution 192`` for a model whose constructor calls it otherwise,
    or that takes an image of any size.
    """
    options = dict(workload.options)
    named = {
        name: options.pop(name) for name in SIZE_NAMES if name in options and name not in known
    }
    size = workload.resolution
    for name, value in named.items():
        asked = size_in(value)
        if asked is None:
            raise BadOption(
                f"The option {name} of {workload.model} takes a size, such as 224 or "
                f"'(192, 320)', not {value!r}."
            )
        positive(workload.model, asked)
        if size not in (None, asked):
            raise disagreeing(workload.model, name, value, size)
        size = asked
    return msgspec.structs.replace(
        workload, resolution=size, options=tuple(sorted(options.items()))
    )


def disagreeing(model: str, name: str, value: object, size: Size) -> BadOption:
    """The error for an option that says another size than the resolution."""
    return BadOption(
        f"The option {name}={value!r} of {model} and the resolution {written(size)} disagree; "
        "give one of them."
    )


def size_in(value: object) -> Size | None:
    """Height and width of a number, of a pair, or of channels, height and width."""
    if type(value) is int:
        return (value, value)
    if isinstance(value, tuple | list) and len(value) in (_SIDES, _SIDES + 1):
        height, width = value[-2:]
        return (height, width) if type(height) is int and type(width) is int else None
    return None


def told_size(
    parameters: Parameters, options: Mapping[str, Any], workload: Workload
) -> dict[str, Any]:
    """The parameter that receives the resolution, if the function has one, with its value."""
    names = [name for name in SIZE_NAMES if name in parameters]
    size = workload.resolution
    if not names or size is None:
        return {}
    first = names[0]
    if first in options:
        if size_in(options[first]) not in (None, size):
            raise disagreeing(workload.model, first, options[first], size)
        return {}
    if len(names) > 1:
        _tell(workload.model, names)
    return {first: _as_taken(parameters[first], size, workload.model)}


def own_size(parameters: Parameters, options: Mapping[str, Any]) -> Size | None:
    """The size that a function was told, or has as the default of its parameter."""
    told = (size_in(options[name]) for name in SIZE_NAMES if name in options)
    defaults = (size_in(parameters[name].default) for name in SIZE_NAMES if name in parameters)
    return next((size for size in (*told, *defaults) if size is not None), None)


def _tell(model: str, names: list[str]) -> None:
    others = " and ".join(f"-o {name}=VALUE" for name in names[1:])
    said = (
        f"{model} has the parameters {' and '.join(names)}; the resolution is given to {names[0]}. "
        f"For another size there, give {others}."
    )
    if said not in _told:
        _told.add(said)
        warnings.warn_explicit(said, Notice, "vtbench", 1)


def _as_taken(parameter: inspect.Parameter, size: Size, model: str) -> Any:
    """One number if the function takes one, else height and width, after channels if it has them.

    What nothing is known of takes a number if the size is a square, as in timm; a parameter that
    is called resolution takes a pair.
    """
    default, hint = parameter.default, parameter.annotation
    if isinstance(default, tuple | list) and size_in(default) is not None:
        return type(default)((*default[:-2], *size))
    hinted, number = hint is not parameter.empty, type(default) is int
    takes_number = fits(size[0], hint) if hinted else number or parameter.name != SIZE_NAMES[0]
    takes_pair = fits(size, hint) if hinted else not number
    if takes_number and size[0] == size[1]:
        return size[0]
    if takes_pair:
        return size
    raise BadResolution(
        f"{model} takes one number as its {parameter.name}, so {written(size)} cannot be asked "
        f"for; the nearest it takes: {written((size[0], size[0]))}, {written((size[1], size[1]))}."
    )
