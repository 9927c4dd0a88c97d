"""Models of transformers: a class by name, built from its configuration's defaults."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from typing import Any

import torch
from torch import nn

from vtbench.data.catalog import nearest
from vtbench.errors import BadOption, UnknownModel
from vtbench.models import inputs
from vtbench.models.joined_inputs import image_token, joined, with_image_tokens
from vtbench.models.options import Parameters, parameters_of
from vtbench.models.placement import on_meta, without_values
from vtbench.models.sizes import Size
from vtbench.models.third_party import imported

_DEFAULT_SIZE = (224, 224)
_TOKENS = 128
_PIXELS = ("pixel_values", "pixel_values_videos")
_HEADS = ("classifier", "head", "score", "cls_classifier", "distillation_classifier")
# Taken by every configuration, though not by its signature.
_COMMON = ("num_labels", "output_attentions", "output_hidden_states", "attn_implementation")
_SEEING = ((), ("vision_config",), ("backbone_config",), ("vision_config", "backbone_config"))
"""Where a configuration says the size of an image: itself, or a part of it."""
_SIZES = ("image_size", "crop_size")
_BACKBONE = ("backbone", "use_timm_backbone", "backbone_kwargs")


def make(name: str, options: dict[str, Any], size: Size | None) -> nn.Module:
    """A model of that class, randomly initialised by its library."""
    model_class = _model_class(name)
    configuration = _configuration(model_class, options)
    if size is not None:
        configuration = _configuration(model_class, {**options, **_sized(configuration, size)})
    module: nn.Module = model_class(configuration)
    return module


def make_on_meta(name: str, options: dict[str, Any], size: Size | None) -> nn.Module:
    """The same on meta; the class is looked up first, since that imports its file."""
    _model_class(name)
    return without_values(on_meta(lambda: make(name, options, size)))


def parameters(name: str, module: nn.Module) -> Parameters:
    """The fields of the configuration, under all their names."""
    del name
    configuration: Any = type(module.config)
    found = _fields(configuration)
    extra = (*_COMMON, *(_BACKBONE if "backbone_config" in found else ()))
    extra += tuple(getattr(configuration, "attribute_map", {}))
    for option in extra:
        found.setdefault(option, inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY))
    found.pop("use_pretrained_backbone", None)
    return found


def own_size(module: nn.Module, options: dict[str, Any]) -> Size | None:
    """The configuration's image size, else 224; None for a model that takes no image."""
    del options
    if _pixels(module) is None:
        return None
    size = _image_size(module.config)
    return _DEFAULT_SIZE if size is None else size


def takes_size(module: nn.Module) -> bool:
    """Whether the configuration says for which size a model is built."""
    return _image_size(module.config) is not None


def image(
    module: nn.Module, options: dict[str, Any], batch: int, size: Size | None, *, real: bool
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Pixels by their name, as a clip for video models; a text too if the model reads one."""
    del options
    if size is not None and image_token(module) is not None:
        return (), joined(module, batch, size, real=real)
    name = _pixels(module)
    given = _tokens(module, batch, real=real)
    if name is not None and size is not None:
        vision = _seeing_part(module.config)[1]
        channels = int(getattr(vision, "num_channels", None) or 3)
        frames = getattr(vision, "num_frames", None) or getattr(vision, "frames_per_clip", None)
        shape = (batch, channels, *size) if frames is None else (batch, frames, channels, *size)
        given[name] = inputs.tensor(shape, real=real)
    return (), given


def named(module: nn.Module, given: dict[str, Any]) -> dict[str, Any]:
    """Inputs that were asked for by name; a text has the places that its image takes."""
    return with_image_tokens(module, given)


def _tokens(module: nn.Module, batch: int, *, real: bool) -> dict[str, torch.Tensor]:
    """A text of 128 tokens, or as long as the model's positions go, if it reads one.

    Models without an end to their positions may say so by a number below 1.
    """
    takes = inspect.signature(module.forward).parameters
    configuration: Any = module.config
    text = getattr(configuration, "text_config", configuration)
    if "input_ids" not in takes or not getattr(text, "vocab_size", None):
        return {}
    positions = getattr(text, "max_position_embeddings", None)
    length = min(_TOKENS, positions) if isinstance(positions, int) and positions > 0 else _TOKENS
    names = ["input_ids"]
    if getattr(configuration, "is_encoder_decoder", False) and "decoder_input_ids" in takes:
        names.append("decoder_input_ids")
    return {name: inputs.tensor((batch, length), torch.int64, real=real) for name in names}


def head(module: nn.Module) -> tuple[str, ...]:
    """The classifier, under the name that the model gives it."""
    return tuple(name for name, _ in module.named_children() if name in _HEADS)


def _model_class(name: str) -> Any:
    transformers = imported("transformers")
    found = getattr(transformers, name, None)
    if not (inspect.isclass(found) and issubclass(found, nn.Module)):
        near = [each for each in nearest(f"transformers:{name}") if not each.endswith(f":{name}")]
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise UnknownModel(f"transformers has no model class {name}.{hint}")
    if getattr(found, "config_class", None) is None:
        raise UnknownModel(
            f"transformers:{name} has no configuration of its own to be built from; "
            "name a concrete class, such as transformers:ViTForImageClassification."
        )
    return found


def _configuration(model_class: Any, options: dict[str, Any]) -> Any:
    """The configuration with these options, and with no pretrained part to fetch."""
    if options.get("use_pretrained_backbone"):
        raise BadOption("use_pretrained_backbone would download weights; nothing is downloaded.")
    known = _fields(model_class.config_class)
    offline = {"use_pretrained_backbone": False} if "use_pretrained_backbone" in known else {}
    return model_class.config_class(**{**options, **offline})


def _fields(configuration: Any) -> dict[str, inspect.Parameter]:
    if not dataclasses.is_dataclass(configuration):
        return parameters_of(configuration)
    try:
        # Its annotations speak of a torch that it imports for type checkers only.
        hints = typing.get_type_hints(configuration, localns={"torch": torch})
    except (NameError, TypeError, AttributeError):
        hints = {}  # an annotation that cannot be evaluated is one that cannot be checked
    return {
        field.name: inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty
            if field.default is dataclasses.MISSING
            else field.default,
            annotation=hints.get(field.name, inspect.Parameter.empty),
        )
        for field in dataclasses.fields(configuration)
        if field.init
    }


def _pixels(module: nn.Module) -> str | None:
    takes = inspect.signature(module.forward).parameters
    return next((name for name in _PIXELS if name in takes), None)


def _seeing_part(configuration: Any) -> tuple[tuple[str, ...], Any, str]:
    """The part of a configuration that says the image size: its path, itself, and its field.

    The configuration itself, if none does.
    """
    for path in _SEEING:
        part = configuration
        for name in path:
            part = getattr(part, name, None)
        for field in _SIZES:
            if getattr(part, field, None) is not None:
                return path, part, field
    return (), configuration, _SIZES[0]


def _image_size(configuration: Any) -> Size | None:
    _, part, field = _seeing_part(configuration)
    size = getattr(part, field, None)
    if isinstance(size, dict):
        size = (size.get("height"), size.get("width"))
    if isinstance(size, int):
        return (size, size)
    if isinstance(size, list | tuple) and len(size) >= 2:  # noqa: PLR2004 - height and width
        return (int(size[0]), int(size[1]))
    return None


def _sized(configuration: Any, size: Size) -> dict[str, Any]:
    """The options that build for a size; on the part that sees, if the model has several."""
    path, _, field = _seeing_part(configuration)
    made: dict[str, Any] = {field: size[0] if size[0] == size[1] else list(size)}
    for depth in range(len(path), 0, -1):
        part = configuration
        for name in path[:depth]:
            part = getattr(part, name)
        made = {path[depth - 1]: {**part.to_dict(), **made}}
    return made
