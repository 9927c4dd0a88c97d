"""Arguments of a paper's networks: what is refused of them, and clips of their shape."""

from __future__ import annotations

import torch
from torch import Tensor

from vtbench.errors import BadOption, BadResolution
from vtbench.models.sizes import written

Size = tuple[int, int]


def at_least_1(**options: int) -> None:
    """Refuse a size below 1, by the name of its option."""
    for name, size in options.items():
        if size < 1:
            raise BadOption(f"The option {name} must be at least 1, not {size}.")


def one_of(known: tuple[str, ...], **options: str) -> None:
    """Refuse a choice that does not exist, by the name of its option."""
    for name, choice in options.items():
        if choice not in known:
            raise BadOption(f"The option {name} is one of {', '.join(known)}, not {choice!r}.")


def clip(batch_size: int, frames: int, resolution: Size) -> Tensor:
    """Random frames of three channels: B,3,T,H,W."""
    return torch.randn(batch_size, 3, frames, *resolution)


def check_frames(frames: int, step: int) -> None:
    """Refuse a clip that is empty, or that would lose frames if time is divided by ``step``."""
    if frames < step or frames % step:
        raise BadOption(
            f"The option frames must be a multiple of {step} and at least {step}, not {frames}."
        )


def check_sides(resolution: Size, step: int) -> None:
    """Refuse frames that are not a whole number of patches or cells of ``step`` pixels."""
    if min(resolution) < step or any(side % step for side in resolution):
        near = tuple(max(step, round(side / step) * step) for side in resolution)
        raise BadResolution(
            f"Height and width must be multiples of {step}, and {written(resolution)} are not; "
            f"the nearest that are: {written((near[0], near[1]))}."
        )
