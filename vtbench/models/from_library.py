"""From a target and a workload to a model that is ready to run."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec
from torch import nn

from vtbench.data.workload import Workload
from vtbench.errors import BadResolution
from vtbench.models import (
    from_callable,
    from_timm,
    from_torchvision,
    from_transformers,
    inputs,
    sizes,
)
from vtbench.models.built import Built
from vtbench.models.names import Target
from vtbench.models.options import Parameters, can_be_typed, check
from vtbench.models.placement import affordable, in_mode, on_cpu
from vtbench.models.size_options import disagreeing, with_resolution
from vtbench.models.sizes import Size
from vtbench.models.third_party import first_line, ran

Given = tuple[tuple[Any, ...], dict[str, Any]]


class Library(Protocol):
    """What a module of this room says of one model library."""

    def make(self, name: str, options: dict[str, Any], size: Size | None) -> nn.Module:
        """Build without weights, for a size if it is not None."""

    def make_on_meta(self, name: str, options: dict[str, Any], size: Size | None) -> nn.Module:
        """Build the same with every tensor on the meta device."""

    def parameters(self, name: str, module: nn.Module) -> Parameters:
        """The options of that model."""

    def own_size(self, module: nn.Module, options: dict[str, Any]) -> Size | None:
        """Its own image size; None without images."""

    def takes_size(self, module: nn.Module) -> bool:
        """Whether it is built for a size."""

    def image(
        self,
        module: nn.Module,
        options: dict[str, Any],
        batch: int,
        size: Size | None,
        *,
        real: bool,
    ) -> Given:
        """The inputs for an image of that size, or without one."""

    def head(self, module: nn.Module) -> tuple[str, ...]:
        """Module paths of the classifier."""


_SIZE_OPTIONS = ("img_size", "image_size", "input_size", "spatial_size", "crop_size")
LIBRARIES: dict[str, Library] = {
    "timm": from_timm,
    "torchvision": from_torchvision,
    "transformers": from_transformers,
}


def assemble(target: Target, workload: Workload, *, real: bool, real_inputs: bool) -> Built:
    """The model of a target with its inputs, in the workload's mode."""
    if target.source == "callable":
        return from_callable.assemble(target, workload, real=real, real_inputs=real_inputs)
    library = LIBRARIES[target.source]
    return _from_library(library, target, workload, real=real, real_inputs=real_inputs)


def _from_library(
    library: Library, target: Target, workload: Workload, *, real: bool, real_inputs: bool
) -> Built:
    model, name, asked = workload.model, target.name, workload
    if workload.resolution is not None:
        sizes.positive(model, workload.resolution)
    defaults = dict(target.entry.options) if target.entry else {}
    if workload.options:
        bare = ran(model, {}, lambda: library.make_on_meta(name, {}, None))
        known = library.parameters(name, bare)
        workload = with_resolution(asked, known)
        check(model, dict(workload.options), known)
        defaults = _defaults(library, dict(asked.options), bare) | defaults
    options = _options(target, workload)
    module = ran(model, options, lambda: library.make_on_meta(name, options, None))
    size, built_for = _size(library, target, workload, module)
    if built_for is not None:
        module = ran(model, options, lambda: library.make_on_meta(name, options, built_for))
    if real:
        affordable(model, module)
        module = ran(model, options, lambda: on_cpu(lambda: library.make(name, options, built_for)))
    valued = real or real_inputs
    if workload.inputs:
        given: Given = ((), inputs.named(workload.inputs, module, model, real=valued))
        if library is from_transformers:
            given = ((), from_transformers.named(module, given[1]))
    else:
        given = library.image(module, options, workload.batch_size, size, real=valued)
        inputs.check_complete(*given, module, model)
    return Built(
        module=in_mode(module, training=workload.mode == "train"),
        args=given[0],
        kwargs=given[1],
        workload=msgspec.structs.replace(asked, resolution=size),
        stages=target.entry.stages if target.entry else None,
        head=_existing((target.entry and target.entry.head) or library.head(module), module),
        defaults=defaults,
    )


def _defaults(library: Library, options: dict[str, Any], bare: nn.Module) -> dict[str, Any]:
    """The defaults of the options that were given, as far as a model without options tells them."""
    own = library.own_size(bare, {})
    found: dict[str, Any] = {}
    for name, given in options.items():
        default = getattr(bare, name, None)
        if name in _SIZE_OPTIONS and own is not None:
            default = own[0] if own[0] == own[1] and isinstance(given, int) else own
        if default is not None and can_be_typed(default):
            found[name] = default
    return found


def _existing(paths: tuple[str, ...], module: nn.Module) -> tuple[str, ...]:
    """The paths that lead somewhere; a model built without a classifier has none."""
    return tuple(path for path in paths if _leads_to_a_module(path, module))


def _leads_to_a_module(path: str, module: nn.Module) -> bool:
    part: Any = module
    for name in path.split("."):
        part = getattr(part, name, None)
    return isinstance(part, nn.Module)


def _options(target: Target, workload: Workload) -> dict[str, Any]:
    return {**(target.entry.options if target.entry else {}), **dict(workload.options)}


def _size(
    library: Library, target: Target, workload: Workload, module: nn.Module
) -> tuple[Size | None, Size | None]:
    """The size of the image, and the size that the constructor has to be told, if any.

    A model is tried at a size that was asked for, and with options that it was not made with.
    """
    if workload.inputs:
        takes = workload.resolution is not None and library.takes_size(module)
        return workload.resolution, workload.resolution if takes else None
    own = library.own_size(module, _options(target, workload))
    asked = workload.resolution
    if own is None:
        if asked is not None:
            raise BadResolution(
                f"{workload.model} takes no image, so it has no resolution to set; leave the "
                "resolution out."
            )
        return None, None
    _agreeing(workload, own)
    if asked is not None and asked != own:
        _admit(library, target, workload, own)
        return asked, asked if library.takes_size(module) else None
    if workload.options:
        _admit(library, target, workload, own)
    catalogued = target.entry.resolution if target.entry else None
    return asked or catalogued or own, None


def _agreeing(workload: Workload, own: Size | None) -> None:
    """Refuse a resolution beside an option that says another."""
    asked = workload.resolution
    for name, value in workload.options:
        if name in _SIZE_OPTIONS and asked is not None and asked != own:
            raise disagreeing(workload.model, name, value, asked)


def _admit(library: Library, target: Target, workload: Workload, own: Size) -> None:
    """Refuse a size that the model does not take, with the nearest that it does.

    What is tried is thrown away: a forward pass may leave something cached in the model.
    """
    asked = workload.resolution or own
    options = _options(target, workload)
    unsized = {key: value for key, value in options.items() if key not in _SIZE_OPTIONS}

    def attempt(size: Size) -> None:
        try:
            module = library.make_on_meta(target.name, unsized, None)
            if size != library.own_size(module, unsized) and library.takes_size(module):
                module = library.make_on_meta(target.name, unsized, size)
        except Exception as error:
            raise sizes.Refused(f"it cannot be built ({first_line(error)})") from error
        given = library.image(module, unsized, 1, size, real=False)
        sizes.try_size(in_mode(module, training=workload.mode == "train"), *given)

    def accepts(size: Size) -> bool:
        try:
            attempt(size)
        except sizes.Refused:
            return False
        return True

    try:
        attempt(asked)
    except sizes.Refused as refused:
        if asked == own and not refused.crops and not set(options) & set(_SIZE_OPTIONS):
            return  # the options do not work at any size, which running the model will say best
        raise sizes.refusal(workload.model, asked, own, refused, accepts) from refused
