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
from vtbench.models.third_party import first_line

Size = tuple[int, int]

_PATCHES = re.compile("PatchEmbed|ConvEmbed|Patchif|PatchMerg|PatchProj")
_LINEARS_OF_A_HEAD = 2
_TOKEN_MODEL = re.compile("Transformer|ViT")
# Multiples of a patch that are tried for a nearest size, and how many sizes at most.
_UNITS = (1, 2, 4, 8, 16, 32, 64, 7, 14, 28, 56, 112, 128, 192, 224, 256)
_STEPS = 2
_ATTEMPTS = 24


class Refused(VtbenchError):
    """Why a model refuses a size; becomes a BadResolution with the nearest sizes."""

    def __init__(self, reason: str, patch: Size | None = None) -> None:
        super().__init__(reason)
        self.crops = patch is not None
        self.unit = patch or (1, 1)


def positive(model: str, size: Size) -> None:
    """Refuse a size below 1."""
    if min(size) < 1:
        raise BadResolution(
            f"The resolution {written(size)} of {model} must be at least 1 in height and width."
        )


def written(size: Size) -> str:
    """A size as the command line takes it."""
    return f"{size[0]}x{size[1]}"


def try_size(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Run a model once on meta; raise Refused if it cannot, or if its patches crop."""
    crops: list[tuple[Size, Size]] = []
    hooks = [
        cutter.register_forward_pre_hook(lambda cutter, given: _note_crop(cutter, given, crops))
        for cutter in _patch_cutters(module)
    ]
    hooks += [
        part.register_forward_hook(lambda _, given, out: something_left(given, out))
        for part in module.modules()
        if isinstance(part, nn.Conv1d | nn.Conv2d | nn.Conv3d)
    ]
    try:
        with torch.no_grad():
            module(*args, **kwargs)
    except Exception as error:
        if "meta" in str(error):
            return  # it needs values, which says nothing of the size
        raise Refused(f"it cannot run ({first_line(error)})") from error
    finally:
        for hook in hooks:
            hook.remove()
    if crops:
        given, patch = crops[0]
        raise Refused(
            f"its patches of {written(patch)} would silently crop an input of {written(given)}",
            patch,
        )


def something_left(given: tuple[Any, ...], out: torch.Tensor) -> None:
    """Raise if nothing is left of a convolution's input: torch 2.6 says so only on values."""
    if given and out.numel() == 0 < given[0].numel():
        sides = "x".join(map(str, given[0].shape))
        raise RuntimeError(f"A convolution is larger than its input, {sides}.")


def _patch_cutters(module: nn.Module) -> list[nn.Module]:
    """What cuts the image of a token model into patches; nothing in a net of convolutions alone."""
    parts = list(module.modules())
    if sum(isinstance(part, nn.Linear) for part in parts) <= _LINEARS_OF_A_HEAD:
        return []
    found: list[nn.Module] = [part for part in parts if isinstance(part, nn.Unfold)]
    first = bool(_TOKEN_MODEL.search(type(module).__name__))
    for parent in parts:
        cuts = bool(_PATCHES.search(type(parent).__name__))
        for child in parent.children():
            if isinstance(child, nn.Conv2d | nn.Conv3d):
                if cuts or first:
                    found.append(child)
                first = False
    return found


def _note_crop(cutter: nn.Module, given: tuple[Any, ...], crops: list[tuple[Size, Size]]) -> None:
    """Remember an input whose last rows or columns fall into no patch."""
    if not given or isinstance(cutter.padding, str):
        return
    size = (int(given[0].shape[-2]), int(given[0].shape[-1]))
    stride = _pair(cutter.stride)
    for side, step, patch, pad in zip(
        size, stride, _pair(cutter.kernel_size), _pair(cutter.padding), strict=True
    ):
        if side + 2 * pad >= patch and (side + 2 * pad - patch) % step > pad:
            crops.append((size, stride))
            return


def _pair(value: Any) -> Size:
    """Height and width of a setting that may be one number, or have a time before them."""
    return (value, value) if isinstance(value, int) else (int(value[-2]), int(value[-1]))


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
    tried: dict[Size, bool] = {own: True, size: False}

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
    squares = sorted({(min(size), min(size)), (max(size), max(size))} - {size})
    return near or [square for square in squares if square == own or accepts(square)] or [own]


def _below(size: Size, unit: Size) -> Iterator[Size]:
    down, across = (side // each for side, each in zip(size, unit, strict=True))
    if down and across and (down * unit[0], across * unit[1]) != size:
        yield (down * unit[0], across * unit[1])


def _above(size: Size, unit: Size) -> Iterator[Size]:
    down, across = (-(-side // each) for side, each in zip(size, unit, strict=True))
    for step in range(_STEPS):
        yield ((down + step) * unit[0], (across + step) * unit[1])
