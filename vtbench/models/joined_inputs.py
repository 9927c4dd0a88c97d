"""Inputs of models that join images and text: ids that hold a token for each feature of an image.

Such a model puts the features of its images in the places of one token, the image token of its
configuration, and checks that there are as many of one as of the other. How many an image has, the
model says itself (``get_image_features``), or the grid of its patches does.
"""

from __future__ import annotations

import contextlib
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
    if not {"input_ids", "pixel_values"} <= set(takes) or not hasattr(module, _FEATURES):
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
    vision = getattr(module.config, "vision_config", module.config)
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


_FEATURES = "get_image_features"


def _features(module: nn.Module, batch: int, given: dict[str, Any]) -> int:
    """Features of the image of each text: positions of the text that they take."""
    vision = getattr(module.config, "vision_config", module.config)
    if _GRID in given and not given[_GRID].is_meta:
        merged = _number(vision, 1, "spatial_merge_size") ** 2
        return int(given[_GRID].prod(1).sum()) // merged // batch
    beside = {name: given[name] for name in _COMPANIONS if name in given}
    pixels = given["pixel_values"]
    if any(each.is_meta for each in module.parameters()):
        pixels = pixels.to("meta")
    errors: list[Exception] = []
    for numbers in (NumbersKept, contextlib.nullcontext):  # a few towers mix both up
        try:
            with torch.no_grad(), numbers():
                out = getattr(module, _FEATURES)(pixel_values=pixels, **beside)
            return sum(_rows(getattr(out, "pooler_output", out))) // batch
        except Exception as error:  # noqa: BLE001, PERF203  # whatever the model raises
            errors.append(error)
    raise BadInput(
        f"{type(module).__name__} joins images and text, and how many tokens of the text an image "
        f"takes could not be found out ({first_line(errors[0])}); name a function that returns "
        "the model and its inputs."
    ) from errors[0]


def _rows(features: Any) -> Iterator[int]:
    """The number of vectors in each tensor of features."""
    if isinstance(features, torch.Tensor):
        yield features.numel() // features.shape[-1]
    else:
        for each in features:
            yield from _rows(each)
