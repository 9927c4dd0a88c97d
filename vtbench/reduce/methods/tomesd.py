"""ToMeSD: tokens are merged before attention and copied back after it, for dense outputs.

Bolya and Hoffman, Token Merging for Fast Stable Diffusion, CVPR Workshops 2023.

Modifications of the host: in every block each cell of the grid of patches offers one of them as a
target. Of the other patches, those whose input is most like a target become its mean for the time
of attention, if asked for MLP too, and get a copy of the result. No token goes for good. The
targets are drawn once, when the method is applied, from a generator of its own: as released they
are drawn anew for each batch, and not at all for a batch of an odd number of images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from vtbench.errors import BadOption
from vtbench.reduce.block import ReducedBlock
from vtbench.reduce.host import Host
from vtbench.reduce.matching import Matched, merged, places_after, unit
from vtbench.reduce.run import Run
from vtbench.reduce.selecting import behind_prefix, taken
from vtbench.reduce.step import Step

Layer = Callable[[Tensor], Tensor]


def offered(grid: tuple[int, int], cell: tuple[int, int], draw: torch.Generator | None) -> Tensor:
    """Which patches are targets, one of each whole cell of so many rows and columns, (P,) as bool.

    Without a generator it is the first of each. Patches beyond the last whole cell are none.
    """
    high, wide = cell
    rows, columns = grid[0] // high, grid[1] // wide
    drawn = torch.zeros(rows, columns, dtype=torch.long, device="cpu")
    if draw is not None:
        drawn = torch.randint(high * wide, (rows, columns), generator=draw, device="cpu")
    row = torch.arange(rows, device="cpu")[:, None] * high + drawn // wide
    column = torch.arange(columns, device="cpu") * wide + drawn % wide
    targets = torch.zeros(grid, dtype=torch.bool, device="cpu")
    targets[row, column] = True
    return targets.flatten()


def paired(metric: Tensor, sources: Tensor, targets: Tensor, r: int) -> Matched:
    """Which r of the source patches of metric (B, P, C) go into which target; S·T·C products."""
    tokens, batch = unit(metric), metric.shape[0]
    scores = tokens[:, sources] @ tokens[:, targets].transpose(1, 2)  # (B, S, T)
    best, target = scores.max(dim=-1)
    order = best.argsort(dim=1, descending=True)
    go, stay = order[:, :r], order[:, r:]
    left = torch.cat((sources[stay], targets.expand(batch, -1)), dim=1)
    return Matched(left, sources[go], target.gather(1, go) + stay.shape[1])


class MergeAndRestore(Step):
    """One block."""

    where = "instead"
    sources: Tensor
    targets: Tensor

    def __init__(self, ratio: float, targets: Tensor, *, merge_mlp: bool) -> None:
        super().__init__()
        self.r = min(int(len(targets) * ratio), int((~targets).sum()))
        self.merge_mlp = merge_mlp
        for name, mask in (("sources", ~targets), ("targets", targets)):
            self.register_buffer(name, mask.nonzero().flatten(), persistent=False)

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """All of them."""
        return tokens

    def forward(self, x: Tensor, run: Run, block: ReducedBlock) -> Tensor:  # type: ignore[override]
        """Tokens (B, N, C) to as many."""
        if self.r == 0:  # as released: where nothing goes, nothing is compared
            return block.fed_forward(block.attended(x))
        prefix, tokens = run.prefix, x.shape[1]
        pairs = paired(x[:, prefix:], self.sources, self.targets, self.r)
        pairs = Matched(behind_prefix(pairs.left, prefix), pairs.gone + prefix, pairs.at + prefix)
        place = places_after(pairs, tokens)

        def on_fewer(layer: Layer, x: Tensor) -> Tensor:
            return taken(layer(merged(x, pairs, None)[0]), place)

        x = x + block.drop_path1(block.ls1(on_fewer(block.attn, block.norm1(x))))
        if not self.merge_mlp:
            return block.fed_forward(x)
        fed: Tensor = block.drop_path2(block.ls2(on_fewer(block.mlp, block.norm2(x))))
        return x + fed


def steps(
    host: Host,
    *,
    ratio: float = 0.5,
    merge_mlp: bool = False,
    sx: int = 2,
    sy: int = 2,
    seed: int | None = 0,
) -> Sequence[Step]:
    """Apply it with the share of patches that are merged, around attention only or MLP too.

    Cells are sy rows by sx columns. A seed of None takes the first patch of each cell.
    """
    number = isinstance(ratio, int | float) and not isinstance(ratio, bool)
    if not number or not 0 <= ratio <= 1:
        raise BadOption(f"ratio={ratio!r}: it is the share of the patches that goes, from 0 to 1.")
    for option, value, most in (("sy", sy, host.grid[0]), ("sx", sx, host.grid[1])):
        if type(value) is not int or not 1 <= value <= most:
            raise BadOption(f"{option}={value!r}: a cell has from 1 to {most} patches that way.")
    draw = None if seed is None else torch.Generator("cpu").manual_seed(seed)
    return [
        MergeAndRestore(ratio, offered(host.grid, (sy, sx), draw), merge_mlp=merge_mlp)
        for _ in range(host.depth)
    ]
