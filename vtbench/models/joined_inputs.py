"""Inputs of models that join images and text: ids that hold a token for each feature of an image.

Such a model puts the features of its images in the places of one token, the image token of its
configuration, and checks that there are as many of one as of the other. How many an image has, the
model says itself (``get_image_features``), or the grid of its patches does.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from vtbench.errors import BadInput
from vtbench.models import inputs
from vtbench.models.numbers_kept import NumbersKept
from vtbench.models.sizes import Refused, Size
from vtbench.models.third_party import first_line

TEXT = 128
"""Tokens beside those of the image."""
_GRID = "image_grid_thw"
_TYPES = "mm_token_type_ids"
_COMPANIONS = (_GRID, "image_sizes", "pixel_attention_mask")
"""Inputs that say how an image is cut up."""


def image_token(module: nn.Module) -> int | None:
    """The id whose places the features of an image take; None of a model that has none."""
    takes = inspect.signature(module.forward).parameters
    if not {"input_ids", "pixel_values"} <= set(takes) or _tower(module) is None:
        return None
    for name in ("image_token_id", "image_token_index"):
        found = getattr(module.config, name, None)
        if isinstance(found, int):
            return found
    return None


def joined(module: nn.Module, batch: int, size: Size, *, real: bool) -> dict[str, Any]:
    """An image of that size for each text, and the texts."""
    given = _image(module, batch, size, real=real)
    features = _features(module, batch, given)
    given = {"input_ids": inputs.tensor((batch, features + TEXT), torch.int64, real=real), **given}
    return with_image_tokens(module, given, features) if real else given


def with_image_tokens(
    module: nn.Module, given: dict[str, Any], features: int | None = None
) -> dict[str, Any]:
    """The same inputs, the ids among them with a token for each feature of the image.

    As many of them as fit, where the ids are fewer: the model says what it misses.
    """
    ids, token = given.get("input_ids"), image_token(module)
    if token is None or ids is None or ids.is_meta or "pixel_values" not in given:
        return given
    features = _features(module, len(ids), given) if features is None else features
    ids = ids.clone()
    ids[:, 1 : 1 + features] = token
    start = getattr(module.config, "vision_start_token_id", None)
    if isinstance(start, int):
        ids[:, 0] = start
    kinds = {_TYPES: (ids == token).long()} if _takes(module, _TYPES) else {}
    return {**given, "input_ids": ids, **kinds}


def _takes(module: nn.Module, name: str) -> bool:
    return name in inspect.signature(module.forward).parameters


def _image(module: nn.Module, batch: int, size: Size, *, real: bool) -> dict[str, Any]:
    """The pixels as the model takes them, with what says how they are cut up."""
    vision = _vision(module.config)
    channels = _number(vision, 3, "num_channels", "in_channels", "in_chans")
    shape: tuple[int, ...] = (batch, channels, *size)
    beside: dict[str, Any] = {}
    if _takes(module, _GRID):
        high, wide = _grid(vision, size)
        patch = _number(vision, 1, "patch_size")
        shape = (
            batch * high * wide,
            channels * _number(vision, 1, "temporal_patch_size") * patch**2,
        )
        beside[_GRID] = torch.tensor([[1, high, wide]] * batch)
    elif getattr(module.config, "image_grid_pinpoints", None):
        shape = (batch, _crops(module.config, size), channels, *_tile(vision))
        beside["image_sizes"] = torch.tensor([list(size)] * batch)
    elif _takes(module, "pixel_attention_mask"):
        shape = (batch, 1, channels, *size)  # one of several images
    elif getattr(vision, "model_type", None) == "pixtral":  # it has no size of its own
        beside["image_sizes"] = torch.tensor([list(size)] * batch)
    return {"pixel_values": inputs.tensor(shape, real=real), **beside}


def _number(part: Any, otherwise: int, *names: str) -> int:
    found = (getattr(part, name, None) for name in names)
    return next((int(each) for each in found if isinstance(each, int)), otherwise)


def _tile(vision: Any) -> Size:
    side = vision.image_size
    return (side, side) if isinstance(side, int) else (side[0], side[1])


def _grid(vision: Any, size: Size) -> Size:
    """Patches down and across, of which the model merges squares."""
    patch = _number(vision, 1, "patch_size")
    merged = patch * _number(vision, 1, "spatial_merge_size")
    if size[0] % merged or size[1] % merged:
        raise Refused(
            f"its merged patches of {merged}x{merged} do not divide {size[0]}x{size[1]}",
            (merged, merged),
        )
    return size[0] // patch, size[1] // patch


def _crops(configuration: Any, size: Size) -> int:
    """Crops of an image of that size and the whole image, all as large as the tower takes."""
    from transformers.image_processing_utils import select_best_resolution

    high, wide = select_best_resolution(list(size), configuration.image_grid_pinpoints)
    down, across = _tile(configuration.vision_config)
    return int(-(-high // down) * -(-wide // across)) + 1


def _features(module: nn.Module, batch: int, given: dict[str, Any]) -> int:
    """Features of the image of each text: positions of the text that they take."""
    said = _said(module.config, given["pixel_values"])
    if _GRID in given and not given[_GRID].is_meta:
        vision = _vision(module.config)
        merged = _number(vision, 1, "spatial_merge_size") ** 2
        _refuse_unjoinable(module, _number(vision, 0, "out_hidden_size", "hidden_size"))
        said = int(given[_GRID].prod(1).sum()) // merged // batch
    return _found(module, given) // batch if said is None else said


def _vision(configuration: Any) -> Any:
    return getattr(configuration, "vision_config", configuration)


def _said(configuration: Any, pixels: torch.Tensor) -> int | None:
    """Features of an image by the configuration, of models that look at the values of pixels."""
    vision = _vision(configuration)
    patches = [side // _number(vision, 1, "patch_size") for side in pixels.shape[-2:]]
    if getattr(vision, "model_type", None) == "pixtral":
        merged = _number(configuration, 1, "spatial_merge_size")
        return (patches[0] // merged) * (patches[1] // merged)
    factor = getattr(configuration, "scale_factor", None)
    if isinstance(
        factor, int
    ):  # of Idefics3 and SmolVLM, which shuffle squares of patches together
        return patches[0] * patches[1] // factor**2
    latents = getattr(configuration, "perceiver_config", None)  # of Idefics2
    return getattr(latents, "resampler_n_latents", None)


def _found(module: nn.Module, given: dict[str, Any]) -> int:
    """Features of all images by the model: its tower runs, on shapes."""
    beside = {name: given[name] for name in _COMPANIONS if name in given}
    pixels = given["pixel_values"]
    if any(each.is_meta for each in module.parameters()):
        pixels = pixels.to("meta")
    try:
        with torch.no_grad(), NumbersKept():
            out = _tower(module)(pixel_values=pixels, **beside)
    except Exception as error:
        raise BadInput(
            f"{type(module).__name__} joins images and text, and how many tokens of the text an "
            f"image takes could not be found out ({first_line(error)}); name a function that "
            "returns the model and its inputs."
        ) from error
    features = list(_tensors(getattr(out, "pooler_output", out)))
    for each in features:
        _refuse_unjoinable(module, each.shape[-1])
    return sum(each.numel() // each.shape[-1] for each in features)


def _refuse_unjoinable(module: nn.Module, width: int) -> None:
    """Some classes have defaults of a tower and of a text that were never made for each other."""
    words: Any = module.get_input_embeddings()  # type: ignore[operator]  # a method of theirs
    wide = getattr(words, "embedding_dim", width)
    if width not in (wide, 0):
        raise BadInput(
            f"The configuration of {type(module).__name__} does not fit together: the features of "
            f"an image have {width} numbers, the words of the text {wide}. Say what it has "
            "by -o text_config='{...}' or -o vision_config='{...}', or name a function that "
            "returns the model and its inputs."
        )


def _tower(module: Any) -> Any:
    """What gives the features of images; None of a model that keeps them out of its text."""
    within = getattr(module, "model", None)
    return getattr(module, "get_image_features", getattr(within, "get_image_features", None))


def _tensors(features: Any) -> Iterator[torch.Tensor]:
    if isinstance(features, torch.Tensor):
        yield features
    else:
        for each in features:
            yield from _tensors(each)
