"""What a method keeps, merges and drops of an image, block by block."""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor

from vtbench.data.panel import Panel
from vtbench.errors import ModelError
from vtbench.reduce.attach import Reduction, places


def panels(reduction: Reduction, image: Tensor) -> list[Panel]:
    """A panel for each block that changes where patches are; image is (1, 3, H, W)."""
    rows, columns = reduction.host.grid
    prefix = reduction.host.prefix
    found: list[Panel] = []
    lengths = reduction.lengths
    before = torch.arange(rows * columns) + prefix
    for block, place in enumerate(places(reduction, image)):
        if place is None:
            raise ModelError(f"{reduction.method} does not say where its patches go.")
        here = place[0].cpu()
        if here.numel() != rows * columns:
            raise ModelError(
                f"The image has {here.numel()} patches, and the network was made for "
                f"{rows}x{columns}; give the size of the network."
            )
        if not torch.equal(_grouped(here), _grouped(before)):
            step = reduction.host.blocks[block].reduction
            left = None if step.by_image else lengths[block]
            found.append(_panel(block, here.reshape(rows, columns), left))
        before = here
    return found


def _grouped(place: Tensor) -> Tensor:
    """The groups of patches, whatever the order of their tokens: the first patch of each."""
    _, group = torch.unique(place, return_inverse=True)
    first = torch.full((int(group.max()) + 1,), len(place))
    first = first.scatter_reduce(0, group, torch.arange(len(place)), "amin")
    return torch.where(place < 0, -1, first[group])


def _panel(block: int, place: Tensor, left: int | None) -> Panel:
    """The patches of a block; ``left`` tokens, of which each patch is drawn in its main one."""
    dropped = int((place < 0).sum())
    sizes = Counter(place.flatten().tolist())
    sizes.pop(-1, None)
    largest = max(sizes.values(), default=0)
    said = f"{len(sizes) if left is None else left} of {place.numel()} tokens"
    if largest > 1:
        said += f", up to {largest} patches in one"
    if dropped:
        said += f", {dropped} dropped"
    groups = tuple(tuple(row) for row in place.tolist())
    return Panel(title=f"block {block}", said=said, groups=groups)
