"""Grid pooling: neighbours on the grid of patches are averaged; a plain baseline.

Modifications of the host: before a block, each square of stride times stride patches becomes one
token, their mean. Squares at the right and lower edge are smaller if the grid does not divide.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from vtbench.errors import BadOption
from vtbench.reduce.clusters import behind
from vtbench.reduce.dial import Dial
from vtbench.reduce.grid import Grid, grid_of
from vtbench.reduce.host import Host
from vtbench.reduce.run import Run
from vtbench.reduce.stages import Blocks, at_stages, stages
from vtbench.reduce.step import Step

DIAL = Dial("stride", lambda patches: tuple(range(math.isqrt(patches), 0, -1)))


def pooled(x: Tensor, grid: Grid, stride: int) -> Tensor:
    """Sums (B, K, C) over squares of patches (B, P, C), divided by stride·stride."""
    image = x.transpose(1, 2).reshape(len(x), -1, *grid)
    found = functional.avg_pool2d(image, stride, ceil_mode=True, divisor_override=stride**2)
    return found.flatten(2).transpose(1, 2)


def pooled_grid(grid: Grid, stride: int) -> Grid:
    """Rows and columns of squares, those at the edges included."""
    return math.ceil(grid[0] / stride), math.ceil(grid[1] / stride)


def squares(grid: Grid, stride: int, device: torch.device) -> Tensor:
    """The square (P) that each patch is in, row by row."""
    rows, columns = (torch.arange(each, device=device) // stride for each in grid)
    return (rows[:, None] * pooled_grid(grid, stride)[1] + columns).flatten()


class Pool(Step):
    """One stage."""

    where = "before_block"

    def __init__(self, stride: int, before: Grid) -> None:
        super().__init__()
        self.stride = stride
        self.before = before

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """The squares; of an image of another size, if its grid is square."""
        grid = self.before
        if grid[0] * grid[1] != tokens:
            grid = (math.isqrt(tokens), math.isqrt(tokens))
        return math.prod(pooled_grid(grid, self.stride))

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, prefix + K, C), each the mean of the patches it stands for."""
        first, patches = x[:, : run.prefix], x[:, run.prefix :]
        grid = grid_of(run, patches.shape[1])
        size = x.new_ones(*x.shape[:2], 1) if run.size is None else run.size
        sizes = pooled(size[:, run.prefix :], grid, self.stride)
        tokens = pooled(patches * size[:, run.prefix :], grid, self.stride) / sizes
        run.size = torch.cat((size[:, : run.prefix], sizes * self.stride**2), dim=1)
        run.grid = pooled_grid(grid, self.stride)
        run.moved(
            lambda: behind(squares(grid, self.stride, x.device).expand(len(x), -1), run.prefix)
        )
        return torch.cat((first, tokens), dim=1)


def steps(host: Host, *, stride: int = 2, blocks: Blocks = None) -> Sequence[Step]:
    """Apply it with the side of a square, before half of the blocks or before those given."""
    if type(stride) is not int or not 1 <= stride <= max(host.grid):
        raise BadOption(
            f"stride={stride!r}: expected a whole number from 1 to {max(host.grid)}, the longer "
            "side of the grid of patches."
        )
    cuts: dict[int, Step] = {}
    grid = host.grid
    for block in stages(host, (host.depth // 2,) if blocks is None else blocks):
        cuts[block] = Pool(stride, grid)
        grid = pooled_grid(grid, stride)
    return at_stages(host, cuts)
