"""From a target and a workload to a model that is ready to run."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec
from torch import nn

from vtbench.models import (
    from_callable,
    from_timm,
    from_torchvision,
    from_transformers,
    inputs,
    sizes,
)
from vtbench.models.built import Built
from vtbench.models.foreign import in_mode, ran
from vtbench.models.names import Target
from vtbench.models.roads import affordable, on_cpu, without_values
from vtbench.models.signatures import Parameters, check
from vtbench.workload import Workload

Size = tuple[int, int]
Given = tuple[tuple[Any, ...], dict[str, Any]]


class Library(Protocol):
    """What a module of this room says of one model library."""

    def make(self, name: str, options: dict[str, Any], size: Size | None) -> nn.Module:
        """Build without weights, for a size where it is not None."""

    def make_on_meta(self, name: str, options: dict[str, Any], size: Size | None) -> nn.Module:
        """Build the same on the meta device."""

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


_LIBRARIES: dict[str, Library] = {
    "timm": from_timm,
    "torchvision": from_torchvision,
    "transformers": from_transformers,
}


def assemble(target: Target, workload: Workload, *, real: bool) -> Built:
    """The model of a target with its inputs, in the workload's mode."""
    if target.source == "callable":
        return from_callable.assemble(target, workload, real=real)
    return _from_library(_LIBRARIES[target.source], target, workload, real=real)


def _from_library(library: Library, target: Target, workload: Workload, *, real: bool) -> Built:
    model, name = workload.model, target.name
    options = {**(target.entry.options if target.entry else {}), **dict(workload.options)}
    if workload.resolution is not None:
        sizes.positive(model, workload.resolution)
    if workload.options:
        bare = ran(model, {}, lambda: library.make_on_meta(name, {}, None))
        check(model, dict(workload.options), library.parameters(name, bare))
    module = ran(model, options, lambda: library.make_on_meta(name, options, None))
    own = library.own_size(module, options)
    size, built_for = _size(target, workload, own), None
    if size != own and size is not None and own is not None and workload.resolution is not None:
        built_for = size if library.takes_size(module) else None
        _admit(library, target, workload, own)
        module = ran(model, options, lambda: library.make_on_meta(name, options, built_for))
    module = without_values(module)
    if real:
        affordable(model, module)
        module = ran(model, options, lambda: on_cpu(lambda: library.make(name, options, built_for)))
    if workload.inputs:
        given: Given = ((), inputs.named(workload.inputs, module, model, real=real))
        size = workload.resolution
    else:
        given = library.image(module, options, workload.batch_size, size, real=real)
        inputs.check_complete(*given, module, model)
    return Built(
        module=in_mode(module, workload),
        args=given[0],
        kwargs=given[1],
        workload=msgspec.structs.replace(workload, resolution=size),
        stages=target.entry.stages if target.entry else None,
        head=(target.entry and target.entry.head) or library.head(module),
    )


def _size(target: Target, workload: Workload, own: Size | None) -> Size | None:
    catalogued = target.entry.resolution if target.entry else None
    return workload.resolution or catalogued or own


def _admit(library: Library, target: Target, workload: Workload, own: Size) -> None:
    """Refuse a size that the model does not take, with the nearest that it does.

    What is tried is thrown away: a forward pass may leave something cached in the model.
    """
    options, asked = dict(workload.options), workload.resolution
    assert asked is not None  # noqa: S101

    def attempt(size: Size) -> None:
        try:
            plain = library.make_on_meta(target.name, options, None)
            built_for = size if library.takes_size(plain) else None
            module = library.make_on_meta(target.name, options, built_for)
        except Exception as error:
            first = next(iter(str(error).strip().splitlines()), "")
            raise sizes.Refused(f"it cannot be built ({type(error).__name__}: {first})") from error
        given = library.image(module, options, 1, size, real=False)
        sizes.try_size(in_mode(module, workload), *given)

    def accepts(size: Size) -> bool:
        try:
            attempt(size)
        except sizes.Refused:
            return False
        return True

    try:
        attempt(asked)
    except sizes.Refused as refused:
        raise sizes.refusal(workload.model, asked, own, refused, accepts) from refused
