"""Which image sizes a model takes: what it cannot run, or would silently crop, is refused.

A convolution that floors is a convolutional net's defined behaviour. A patch grid that floors
drops part of the image from a token model, whose authors mean sizes that the patches divide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from vtbench.errors import BadResolution, VtbenchError

Size = tuple[int, int]

_PATCHES = re.compile("PatchEmbed|Patchif|PatchMerg|PatchProj")
_TOKEN_MODEL = re.compile("Transformer|ViT")
# Multiples of a patch that are tried for a nearest size, and how many sizes at most.
_UNITS = (1, 2, 4, 8, 16, 32, 64, 7, 14, 28, 56, 112, 128, 192, 224, 256)
_STEPS = 2
_ATTEMPTS = 24


class Refused(VtbenchError):
    """Why a model refuses a size; becomes a BadResolution with the nearest sizes."""

    def __init__(self, reason: str, unit: Size = (1, 1)) -> None:
        super().__init__(reason)
        self.unit = unit


def positive(model: str, size: Size) -> None:
    """Refuse a size that is no size."""
    if min(size) < 1:
        raise BadResolution(
            f"The resolution {written(size)} of {model} must be at least 1 in height and width."
        )


def written(size: Size) -> str:
    """A size as the command line takes it."""
    return f"{size[0]}x{size[1]}"


def try_size(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Run a model once on meta; raise Refused where it cannot, or where its patches crop."""
    crops: list[tuple[nn.Module, Size, Size]] = []
    hooks = [
        conv.register_forward_pre_hook(lambda conv, given: _note_crop(conv, given, crops))
        for conv in _patch_convolutions(module)
    ]
    try:
        with torch.no_grad():
            module(*args, **kwargs)
    except Exception as error:
        if "meta" in str(error):
            return  # it needs values, which says nothing of the size
        first = next(iter(str(error).strip().splitlines()), "")
        raise Refused(f"it cannot run ({type(error).__name__}: {first})") from error
    finally:
        for hook in hooks:
            hook.remove()
    if crops:
        _, given, patch = crops[0]
        raise Refused(
            f"its patches of {written(patch)} would silently crop an input of {written(given)}",
            patch,
        )


def _patch_convolutions(module: nn.Module) -> list[nn.Module]:
    """Convolutions that cut their input into patches which meet without overlapping."""
    found: list[nn.Module] = []
    first = True
    token_model = bool(_TOKEN_MODEL.search(type(module).__name__))
    for parent in module.modules():
        cuts = bool(_PATCHES.search(type(parent).__name__))
        for child in parent.children():
            if isinstance(child, nn.Conv2d | nn.Conv3d):
                if (cuts or (first and token_model)) and _meets(child):
                    found.append(child)
                first = False
    return found


def _meets(conv: nn.Conv2d | nn.Conv3d) -> bool:
    kernel, stride = conv.kernel_size[-2:], conv.stride[-2:]
    return kernel == stride and max(stride) > 1 and not any(_padding(conv))


def _padding(conv: nn.Conv2d | nn.Conv3d) -> tuple[int, ...]:
    return (1,) if isinstance(conv.padding, str) else conv.padding


def _note_crop(
    conv: nn.Module, given: tuple[Any, ...], crops: list[tuple[nn.Module, Size, Size]]
) -> None:
    if not isinstance(conv, nn.Conv2d | nn.Conv3d) or not given:
        return
    height, width = (int(side) for side in given[0].shape[-2:])
    down, across = conv.stride[-2:]
    if height % down or width % across:
        crops.append((conv, (height, width), (down, across)))


def refusal(
    model: str, size: Size, own: Size, refused: Refused, accepts: Callable[[Size], bool]
) -> BadResolution:
    """The error for a size, with the nearest sizes that were found to work."""
    near = _nearest(size, own, refused.unit, accepts)
    if near == [own]:
        takes = f"It takes {written(own)}."
    else:
        takes = f"The nearest sizes it takes: {', '.join(written(each) for each in near)}."
    return BadResolution(f"{model} does not take {written(size)}: {refused}. {takes}")


def _nearest(size: Size, own: Size, unit: Size, accepts: Callable[[Size], bool]) -> list[Size]:
    """The nearest accepted size below and above, each at the smallest unit that has one."""
    tried: dict[Size, bool] = {size: False, own: True}

    def works(candidate: Size) -> bool:
        if candidate not in tried:
            tried[candidate] = len(tried) < _ATTEMPTS and accepts(candidate)
        return tried[candidate]

    below: Size | None = None
    above: Size | None = None
    for step in _UNITS:
        units = (unit[0] * step, unit[1] * step)
        below = below or next(filter(works, _below(size, units)), None)
        above = above or next(filter(works, _above(size, units)), None)
        if below and above:
            break
    near = [each for each in (below, above) if each is not None]
    squares = {(min(size), min(size)), (max(size), max(size))}
    return near or sorted(filter(works, squares)) or [own]


def _below(size: Size, unit: Size) -> Iterator[Size]:
    down, across = (side // each for side, each in zip(size, unit, strict=True))
    if down and across and (down * unit[0], across * unit[1]) != size:
        yield (down * unit[0], across * unit[1])


def _above(size: Size, unit: Size) -> Iterator[Size]:
    down, across = (-(-side // each) for side, each in zip(size, unit, strict=True))
    for step in range(_STEPS):
        yield ((down + step) * unit[0], (across + step) * unit[1])
