"""Models of timm: built for the size that is asked, never with weights."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn

from vtbench.data.spelling import closest
from vtbench.errors import UnknownModel
from vtbench.models import inputs
from vtbench.models.options import Parameters, parameters_of
from vtbench.models.placement import (
    META,
    collector_paused,
    entirely_on_meta,
    on_meta,
    without_values,
)
from vtbench.models.sizes import Size
from vtbench.models.third_party import imported
from vtbench.models.unfilled import initialisation_skipped

_DEFAULT_SIZE = (224, 224)
_WRAPPER = {
    name: inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
    for name, default in (
        ("features_only", False),
        ("out_indices", None),
        ("scriptable", None),
        ("exportable", None),
    )
}
_NOT_OPTIONS = ("device", "dtype", "cfg", "pretrained")


def make(name: str, options: dict[str, Any], size: Size | None) -> nn.Module:
    """A model without weights; a size that is not None goes to the constructor."""
    timm = imported("timm")
    if size is not None:
        options = {**options, "img_size": size[0] if size[0] == size[1] else size}
    module: nn.Module = timm.create_model(name, **options)
    return module


def make_on_meta(name: str, options: dict[str, Any], size: Size | None) -> nn.Module:
    """The same on meta; most constructors take the device, which spares a function mode."""
    _known_tag(imported("timm"), name)
    module: nn.Module | None
    try:
        with collector_paused(), initialisation_skipped():
            module = make(name, {**options, "device": META}, size)
    except (TypeError, RuntimeError, NotImplementedError):
        # An older constructor knows no device, or reads values; what else it is comes up again.
        module = None
    if module is not None and entirely_on_meta(module):
        return module
    return without_values(on_meta(lambda: make(name, options, size)))


def _known_tag(timm: Any, name: str) -> None:
    """Refuse a tag of weights that a model does not have: it can say how many classes there are."""
    architecture, dot, tag = name.partition(".")
    listed = timm.list_models(f"{architecture}.*", include_tags=True) if dot else []
    tags = [each.partition(".")[2] for each in listed]
    if dot and timm.is_model(architecture) and tag not in tags:
        near = closest(tag, tags, 1)
        hint = f" Did you mean timm:{architecture}.{near[0]}?" if near else ""
        has = f" It has: {', '.join(tags)}." if tags else ""
        raise UnknownModel(f"timm's {architecture} has no tag {tag!r}.{hint}{has}")


def parameters(name: str, module: nn.Module) -> Parameters:
    """The options of a model's constructor, and those of timm's own wrapping."""
    del name
    found = parameters_of(type(module))
    return {k: v for k, v in {**found, **_WRAPPER}.items() if k not in _NOT_OPTIONS}


def own_size(module: nn.Module, options: dict[str, Any]) -> Size:
    """The size a model was built for, as timm's configuration has it."""
    asked = options.get("img_size")
    if isinstance(asked, int):
        return (asked, asked)
    if asked is not None:
        return (int(asked[0]), int(asked[1]))
    size = getattr(module, "pretrained_cfg", {}).get("input_size") or (3, *_DEFAULT_SIZE)
    return (int(size[1]), int(size[2]))


def takes_size(module: nn.Module) -> bool:
    """Whether the constructor builds a model for another size."""
    return "img_size" in parameters_of(type(module))


def image(
    module: nn.Module, options: dict[str, Any], batch: int, size: Size | None, *, real: bool
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The one image tensor that a timm model takes."""
    size = size or own_size(module, options)
    channels = options.get("in_chans") or getattr(module, "in_chans", None)
    if not isinstance(channels, int):
        channels = int(getattr(module, "pretrained_cfg", {}).get("input_size", (3,))[0])
    return (inputs.tensor((batch, channels, *size), torch.float32, real=real),), {}


def head(module: nn.Module) -> tuple[str, ...]:
    """Paths of the classifiers, as timm's configuration names them."""
    named = getattr(module, "pretrained_cfg", {}).get("classifier") or ()
    return (named,) if isinstance(named, str) else tuple(named)
