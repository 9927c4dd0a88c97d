"""Models of the user's own: any function that returns a module, or a module and its inputs."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec
import torch
from torch import nn

from vtbench.data.model_names import SIZE_NAMES, is_file, place_and_path
from vtbench.data.spelling import closest
from vtbench.data.workload import Workload
from vtbench.errors import (
    BadInput,
    BadOption,
    BadResolution,
    ModelError,
    UnknownModel,
    VtbenchError,
)
from vtbench.models import inputs, sizes
from vtbench.models.built import Built
from vtbench.models.names import Target
from vtbench.models.numbers_kept import NumbersKept
from vtbench.models.options import (
    as_typed,
    check,
    defaults_of,
    lists_cut_apart,
    parameters_of,
    refuse_missing,
    takes_anything,
)
from vtbench.models.placement import affordable_within, in_mode, on_cpu, on_meta, without_values
from vtbench.models.size_options import own_size, told_size, with_resolution
from vtbench.models.sizes import Size
from vtbench.models.third_party import first_line, ran
from vtbench.models.users_modules import imported_from, offered

_DEFAULT_SIZE = (224, 224)
_IMAGE_OR_CLIP = (4, 5)
_SHOWN = 12
_MADE = 1 << 20
"""Elements up to which a tensor that is made beside a model, such as its input, has values."""


class _Made(NamedTuple):
    """What a function returned, or a module that was there, and what it was made for."""

    returned: Any
    workload: Workload
    """The workload, with its size as the resolution under whatever name it was given."""
    size: Size | None = None
    """The size that the function makes a model for, if it says so."""
    told: frozenset[str] = frozenset()
    """The parameters that it was given."""


def assemble(target: Target, workload: Workload, *, real: bool, real_inputs: bool) -> Built:
    """The model that a function returns, or that a file holds, with its inputs or with an image."""
    if workload.resolution is not None:
        sizes.positive(workload.model, workload.resolution)
    numbers = NumbersKept(_MADE) if real_inputs else contextlib.nullcontext()
    with users_code(None if target.entry else target.name), numbers:
        found = named(target.name)
        if _is_built(found):
            _refuse_options(workload)
            made = _Made(_copied(workload.model, found), workload)
        else:
            made = _called(found, target, workload, real=real)
    module, own_inputs = _taken_apart(workload.model, made.returned)
    module = module if real else without_values(module)
    in_mode(module, training=workload.mode == "train")
    with_values = real or real_inputs
    if own_inputs is None:
        built = _with_image(module, made.workload, made.size or _DEFAULT_SIZE, real=with_values)
    else:
        built = _with_inputs(module, own_inputs, made.workload, made.told, real=with_values)
    resolved = msgspec.structs.replace(built.workload, options=workload.options)
    settled = getattr(module, "settled", {})
    built = dataclasses.replace(built, settled=settled if isinstance(settled, dict) else {})
    entry = target.entry
    defaults = {} if _is_built(found) else defaults_of(found)
    if entry is None:
        return dataclasses.replace(built, workload=resolved, defaults=defaults)
    return dataclasses.replace(
        built,
        workload=resolved,
        stages=entry.stages,
        head=entry.head or (),
        defaults={**defaults, **entry.options},
    )


def called(
    target: Target,
    workload: Workload,
    symbols: dict[str, Any],
    where: Callable[[Callable[[], Any]], Any],
) -> tuple[nn.Module, Any]:
    """The module, and its inputs if it brings some, that a function makes of symbolic options.

    ``where`` calls it, as `on_meta` does.
    """
    with users_code(None if target.entry else target.name):
        function = named(target.name)
        if _is_built(function):
            _refuse_options(msgspec.structs.replace(workload, options=tuple(symbols.items())))
        options = {**_given(function, target, workload)[0], **symbols}
        return _taken_apart(
            workload.model,
            ran(workload.model, options, lambda: where(lambda: function(**options))),
        )


def _called(
    function: Callable[..., Any], target: Target, workload: Workload, *, real: bool
) -> _Made:
    """What a function returns if it is called with the options and conditions of a workload."""
    options, sized = _given(function, target, workload)
    refuse_missing(workload.model, function, options)
    catalogued = target.entry and target.entry.resolution
    size = own_size({}, options) or catalogued or own_size(_options_of(function, workload), {})
    built_on = on_cpu if real else on_meta
    guarded = affordable_within(workload.model) if real else contextlib.nullcontext()
    try:
        with guarded:
            made = ran(workload.model, options, lambda: built_on(lambda: function(**options)))
    except ModelError as error:
        hint = lists_cut_apart(options, _options_of(function, workload))
        if not hint:
            raise
        raise ModelError(f"{str(error).rstrip('.')}.{hint}") from error.__cause__
    return _Made(made, sized, size, frozenset(options))


def _given(
    function: Callable[..., Any], target: Target, workload: Workload
) -> tuple[dict[str, Any], Workload]:
    """Everything that a function is called with, and the workload with the size that it gives."""
    parameters = _options_of(function, workload)
    sized = with_resolution(workload, parameters)
    if sized.resolution is not None:
        sizes.positive(workload.model, sized.resolution)
    asked = dict(sized.options)
    check(workload.model, asked, parameters)
    options = {**(target.entry.options if target.entry else {}), **as_typed(asked, parameters)}
    if "batch_size" in parameters and "batch_size" not in options:
        options["batch_size"] = workload.batch_size
    return options | told_size(parameters, options, sized), sized


def _is_built(found: Any) -> bool:
    """Whether a name stands for a module that is there already, alone or with its inputs."""
    pair = isinstance(found, tuple) and bool(found)
    return isinstance(found[0] if pair else found, nn.Module)


def _refuse_options(workload: Workload) -> None:
    if workload.options:
        raise BadOption(
            f"{workload.model} is a module that is built already, so it has no option "
            f"{workload.options[0][0]!r}; name its class, or a function that returns it."
        )


def _copied(model: str, found: Any) -> Any:
    """A module of the user's is left as it is: its copy is counted."""
    try:
        return copy.deepcopy(found)
    except Exception as error:
        raise ModelError(
            f"{model} is a module that cannot be copied ({first_line(error)}); name a function "
            "that returns it."
        ) from error


def named(name: str) -> Any:
    """What ``package.module:name`` or ``./file.py:name`` stands for."""
    place, path = place_and_path(name)
    try:
        found: Any = imported_from(place)
    except ModuleNotFoundError as error:
        if is_file(place) or error.name is None or not f"{place}.".startswith(f"{error.name}."):
            raise ModelError(f"{name} could not be imported: {error}.") from error
        raise UnknownModel(
            f"The module {place!r} of the function {path!r} does not exist among the "
            "installed packages or in the current directory."
        ) from error
    except VtbenchError:
        raise
    except (Exception, SystemExit) as error:
        raise ModelError(f"{name} could not be imported: {first_line(error)}") from error
    for part in path.split("."):
        if not hasattr(found, part):
            what = "file" if is_file(place) else "module"
            raise UnknownModel(f"The {what} {place!r} has no {path!r}.{_there_are(found, part)}")
        found = getattr(found, part)
    if not callable(found) and not _is_built(found):
        raise ModelError(
            f"{name} is {_a(found)}, not a function; name a function or a class that returns a "
            "module, or a module that is built already."
        )
    return found


def _there_are(place: Any, wanted: str) -> str:
    """The nearest names of a module or class, and all that could be meant."""
    own = getattr(place, "__name__", None)
    # what a module only imported from elsewhere was hardly meant
    names = [
        name
        for name, value in vars(place).items()
        if not name.startswith("_")
        and (_is_built(value) or (callable(value) and getattr(value, "__module__", own) == own))
    ]
    near = closest(wanted, names, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{hint} It has: {', '.join(names[:_SHOWN])}{more}." if names else hint


@contextlib.contextmanager
def users_code(name: str | None) -> Iterator[None]:
    """Call code that prints to stderr, because standard output belongs to the document.

    A user's ``package.module:function`` is imported from the current directory too, and a file
    from its own; what the catalogue names has no business there.
    """
    own = offered(place_and_path(name)[0]) if name else contextlib.nullcontext()
    with own, contextlib.redirect_stdout(sys.stderr):
        yield


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


def _with_inputs(
    module: nn.Module, given: Any, workload: Workload, told: frozenset[str], *, real: bool
) -> Built:
    """The function's own inputs as they are; what the workload asks must be what they have."""
    model = workload.model
    if workload.inputs:
        raise BadInput(f"{model} returns its own inputs, so --input cannot give others.")
    if workload.resolution is not None and not told & set(SIZE_NAMES):
        raise BadResolution(
            f"{model} returns its own inputs; for a resolution to reach it, its function must "
            f"take a parameter named {' or '.join((', '.join(SIZE_NAMES[:-1]), SIZE_NAMES[-1]))}."
        )
    if workload.batch_size != 1 and "batch_size" not in told:
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
