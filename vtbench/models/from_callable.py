"""Models of the user's own: any function that returns a module, or a module and its inputs."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import torch
from torch import nn

from vtbench.data.workload import Workload
from vtbench.errors import BadInput, BadResolution, ModelError, UnknownModel
from vtbench.models import inputs, sizes
from vtbench.models.built import Built
from vtbench.models.names import Target
from vtbench.models.numbers_kept import NumbersKept
from vtbench.models.options import check, parameters_of, takes_anything
from vtbench.models.placement import affordable_within, in_mode, on_cpu, on_meta, without_values
from vtbench.models.sizes import Size
from vtbench.models.third_party import first_line, ran
from vtbench.models.users_modules import offered

_DEFAULT_SIZE = (224, 224)
_IMAGE_OR_CLIP = (4, 5)
_MADE = 1 << 20
"""Elements up to which a tensor that is made beside a model, such as its input, has values."""


def assemble(target: Target, workload: Workload, *, real: bool, real_inputs: bool) -> Built:
    """The model that a function returns, with its inputs or with an image."""
    if workload.resolution is not None:
        sizes.positive(workload.model, workload.resolution)
    numbers = NumbersKept(_MADE) if real_inputs else contextlib.nullcontext()
    with users_code(None if target.entry else target.name), numbers:
        function = _function(target.name)
        options = {**(target.entry.options if target.entry else {}), **dict(workload.options)}
        options |= _conditions(function, workload, options)
        check(workload.model, dict(workload.options), _options_of(function, workload))
        built_on = on_cpu if real else on_meta
        guarded = affordable_within(workload.model) if real else contextlib.nullcontext()
        with guarded:
            made = ran(workload.model, options, lambda: built_on(lambda: function(**options)))
    module, own_inputs = _taken_apart(workload.model, made)
    module = module if real else without_values(module)
    in_mode(module, training=workload.mode == "train")
    if own_inputs is None:
        own_size = _size_option(options) or (target.entry and target.entry.resolution)
        size = own_size or _DEFAULT_SIZE
        built = _with_image(module, workload, size, real=real or real_inputs)
    else:
        built = _with_inputs(module, own_inputs, workload, options, real=real or real_inputs)
    if target.entry is None:
        return built
    return dataclasses.replace(built, stages=target.entry.stages, head=target.entry.head or ())


def _function(name: str) -> Callable[..., Any]:
    """The function of ``package.module:function``."""
    module_name, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise ModelError(f"{name} could not be imported: {error}.") from error
        raise UnknownModel(
            f"The module {module_name!r} of the function {path!r} does not exist among the "
            "installed packages or in the current directory."
        ) from error
    except (Exception, SystemExit) as error:
        raise ModelError(f"{name} could not be imported: {first_line(error)}") from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise UnknownModel(f"The module {module_name!r} has no function {path!r}.")
        found = getattr(found, part)
    if isinstance(found, nn.Module) or not callable(found):
        raise ModelError(
            f"{name} is {_a(found)}, not a function; name a function that returns a module."
        )
    return found  # type: ignore[no-any-return]


@contextlib.contextmanager
def users_code(name: str | None) -> Iterator[None]:
    """Call code that prints to stderr, because standard output belongs to the document.

    A user's ``package.module:function`` is imported from the current directory too; what the
    catalogue names has no business there.
    """
    own = offered(name.partition(":")[0]) if name else contextlib.nullcontext()
    with own, contextlib.redirect_stdout(sys.stderr):
        yield


def _conditions(
    function: Callable[..., Any], workload: Workload, options: dict[str, Any]
) -> dict[str, Any]:
    """The resolution and batch size, if the function asks for them by name."""
    takes = parameters_of(function)
    given: dict[str, Any] = {}
    if "batch_size" in takes and "batch_size" not in options:
        given["batch_size"] = workload.batch_size
    if "resolution" in takes and "resolution" not in options and workload.resolution is not None:
        given["resolution"] = _as_asked(takes["resolution"], workload.resolution, workload.model)
    return given


def _as_asked(parameter: inspect.Parameter, size: Size, model: str) -> int | Size:
    """One number if the function takes one, else height and width."""
    one = parameter.annotation is int or type(parameter.default) is int
    if not one:
        return size
    if size[0] != size[1]:
        raise BadResolution(
            f"{model} takes one number as its resolution, so {sizes.written(size)} cannot be "
            f"asked for; the nearest it takes: {sizes.written((size[0], size[0]))}, "
            f"{sizes.written((size[1], size[1]))}."
        )
    return size[0]


def _options_of(function: Callable[..., Any], workload: Workload) -> dict[str, inspect.Parameter]:
    found = parameters_of(function)
    if takes_anything(function):
        for name, _ in workload.options:
            found.setdefault(name, inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY))
    return found


def _taken_apart(model: str, made: Any) -> tuple[nn.Module, Any]:
    """The module and the inputs that came with it, or None."""
    if isinstance(made, nn.Module):
        return made, None
    if isinstance(made, tuple) and len(made) == 2 and isinstance(made[0], nn.Module):  # noqa: PLR2004 - a pair
        given = made[1]
        if isinstance(given, torch.Tensor | tuple | list | dict):
            return made[0], given
        raise ModelError(
            f"{model} returned a module and {_a(given)}; its inputs must be a tensor, "
            "a tuple or list of inputs, or a dict of them by name."
        )
    raise ModelError(
        f"{model} returned {_a(made)}; it must return a module, or a module and its inputs."
    )


def _with_image(module: nn.Module, workload: Workload, own_size: Size, *, real: bool) -> Built:
    if workload.inputs:
        given = inputs.named(workload.inputs, module, workload.model, real=real)
        return Built(module, (), given, workload)
    size = workload.resolution or own_size
    time = (module.frames,) if isinstance(module, inputs.OfClips) else ()
    shape = (workload.batch_size, 3, *time, *size)
    image = inputs.tensor(shape, _precision(module), real=real)
    inputs.check_complete((image,), {}, module, workload.model)
    resolved = msgspec.structs.replace(workload, resolution=size)
    return Built(module, (image,), {}, resolved)


def _precision(module: nn.Module) -> torch.dtype:
    """The floating type of the weights; an image of another would be refused by them."""
    floating = (each.dtype for each in module.parameters() if each.dtype.is_floating_point)
    return next(floating, torch.float32)


def _size_option(options: dict[str, Any]) -> Size | None:
    size = options.get("resolution", options.get("img_size"))
    if isinstance(size, int):
        return (size, size)
    return (size[0], size[1]) if isinstance(size, tuple | list) and len(size) == 2 else None  # noqa: PLR2004 - height and width


def _with_inputs(
    module: nn.Module, given: Any, workload: Workload, options: dict[str, Any], *, real: bool
) -> Built:
    """The function's own inputs as they are; what the workload asks must be what they have."""
    model = workload.model
    if workload.inputs:
        raise BadInput(f"{model} returns its own inputs, so --input cannot give others.")
    if workload.resolution is not None and "resolution" not in options:
        raise BadResolution(
            f"{model} returns its own inputs; for a resolution to reach it, its function must "
            "take a parameter named resolution."
        )
    if workload.batch_size != 1 and "batch_size" not in options:
        raise BadInput(
            f"{model} returns its own inputs; for a batch size to reach it, its function must "
            "take a parameter named batch_size."
        )
    given = inputs.moved(given, real=real)
    kwargs = given if isinstance(given, dict) else {}
    several = tuple(given) if isinstance(given, tuple | list) else (given,)
    args = () if isinstance(given, dict) else several
    resolved = _as_given(workload, (*args, *kwargs.values()))
    return Built(module, args, kwargs, resolved, own_inputs=True)


def _as_given(workload: Workload, tensors: tuple[Any, ...]) -> Workload:
    """The workload with the batch and size of the first image or clip among the inputs."""
    for each in tensors:
        if isinstance(each, torch.Tensor) and each.ndim in _IMAGE_OR_CLIP:
            size = (int(each.shape[-2]), int(each.shape[-1]))
            return msgspec.structs.replace(workload, resolution=size, batch_size=int(each.shape[0]))
    return workload


def _a(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, nn.Module):
        return f"a module ({type(value).__name__})"
    return f"a value of type {type(value).__name__}"
