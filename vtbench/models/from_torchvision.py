"""Models of torchvision: classification, segmentation, detection, video and optical flow."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

from torch import nn

from vtbench.models import inputs
from vtbench.models.options import Parameters, parameters_of
from vtbench.models.placement import on_meta, without_values
from vtbench.models.sizes import Size
from vtbench.models.third_party import imported

_DEFAULT_SIZE = (224, 224)
_INCEPTION_SIZE = (299, 299)
_FRAMES = 16
# What the constructors that are built for one size call it.
_SIZE_OPTIONS = ("image_size", "input_size", "spatial_size")
_CLASSIFIERS = ("fc", "classifier", "head", "heads")
_WEIGHTS = ("weights", "weights_backbone")
_NOT_OPTIONS = (*_WEIGHTS, "progress")


def make(name: str, options: dict[str, Any], size: Size | None) -> nn.Module:
    """A model without weights, its backbone's included."""
    builder = _builder(name)
    takes = inspect.signature(builder).parameters
    options = {**options, **{each: None for each in _WEIGHTS if each in takes}}
    if size is not None:
        options |= _sized(name, size)
    with warnings.catch_warnings():
        # Announces another initialisation for models without weights, which is all there is here.
        warnings.simplefilter("ignore", FutureWarning)
        module: nn.Module = builder(**options)
    return module


def make_on_meta(name: str, options: dict[str, Any], size: Size | None) -> nn.Module:
    """The same on meta."""
    _builder(name)
    return without_values(on_meta(lambda: make(name, options, size)))


def parameters(name: str, module: nn.Module) -> Parameters:
    """The options of a model's builder and, handed on by it, of its class's constructor."""
    found = {**parameters_of(type(module)), **parameters_of(_builder(name))}
    return {option: value for option, value in found.items() if option not in _NOT_OPTIONS}


def own_size(module: nn.Module, options: dict[str, Any]) -> Size:
    """The size a model is made for: by its constructor, or by the resizing that it does itself."""
    asked = next((options[each] for each in _SIZE_OPTIONS if each in options), None)
    asked = asked or getattr(module, "image_size", None)
    if isinstance(asked, int):
        return (asked, asked)
    if asked is not None:
        return (int(asked[0]), int(asked[1]))
    kind = _kind(module)
    if kind == "detection":
        transform: Any = module.transform
        fixed = transform.fixed_size
        side = int(transform.min_size[-1])
        return (int(fixed[1]), int(fixed[0])) if fixed else (side, side)
    if kind == "video":
        return _published_size(module)
    return _INCEPTION_SIZE if kind == "inception" else _DEFAULT_SIZE


def takes_size(module: nn.Module) -> bool:
    """Whether the constructor builds a model for another size."""
    return _size_option(module) is not None


def image(
    module: nn.Module, options: dict[str, Any], batch: int, size: Size | None, *, real: bool
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """An image tensor; a clip for video models, a list of images for detectors, two for flow."""
    size = size or own_size(module, options)
    kind = _kind(module)
    if kind == "video":
        return (inputs.tensor((batch, 3, _FRAMES, *size), real=real),), {}
    if kind == "detection":
        images = inputs.tensor((batch, 3, *size), real=real)
        return (list(images.unbind()),), {}
    picture = inputs.tensor((batch, 3, *size), real=real)
    return ((picture, picture.clone()) if kind == "optical_flow" else (picture,)), {}


def head(module: nn.Module) -> tuple[str, ...]:
    """The classifier, under the name that the model's family gives it."""
    if _kind(module) in ("detection", "segmentation", "optical_flow"):
        return ()
    return tuple(name for name, _ in module.named_children() if name in _CLASSIFIERS)


def _builder(name: str) -> Callable[..., Any]:
    builder: Callable[..., Any] = imported("torchvision").models.get_model_builder(name)
    return builder


def _kind(module: nn.Module) -> str:
    """The part of torchvision that defines a model: a folder such as detection, or a file."""
    parts = type(module).__module__.split(".")
    return parts[2] if parts[:2] == ["torchvision", "models"] and len(parts) > 2 else ""  # noqa: PLR2004 - torchvision.models.KIND


def _size_option(module: nn.Module) -> str | None:
    takes = parameters_of(type(module))
    return next((each for each in _SIZE_OPTIONS if each in takes), None)


def _sized(name: str, size: Size) -> dict[str, Any]:
    module = make_on_meta(name, {}, None)
    option = _size_option(module)
    if option is None:
        return {}
    if option != "image_size":
        return {option: size}
    if size[0] != size[1]:
        raise ValueError("it takes square images only")
    return {option: size[0]}


def _published_size(module: nn.Module) -> Size:
    """The crop that the published weights of a model's family were trained on."""
    models = imported("torchvision").models
    family = type(module).__module__
    for name in models.list_models():
        if models.get_model_builder(name).__module__ == family:
            crop = models.get_model_weights(name).DEFAULT.transforms().crop_size
            return (int(crop[0]), int(crop[-1]))
    return _DEFAULT_SIZE
