"""FPET: the patches are halved once, every other one goes into the one that is most like it.

Kim et al., Faster Parameter-Efficient Tuning with Token Redundancy Reduction, CVPR 2025.

Modifications of the host: between attention and MLP of one block, an adapter refines the keys (mean
of the heads). On the checkerboard of the patches each black one goes into the white one that is
most like it. A token is the mean of its patches, and attention counts it as often from there on.
As released, a patch with two partners that are exactly as like it is lost; here it goes into the
first of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from vtbench.errors import BadOption
from vtbench.reduce.host import Host
from vtbench.reduce.matching import Matched, exact, places_after, unit
from vtbench.reduce.run import Run
from vtbench.reduce.step import Step, Untouched, UntouchedProportional


def checkerboard(grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The black patches and the white ones, the first of which is the corner, as indices."""
    rows, columns = (torch.arange(each, device="cpu") for each in grid)
    black = ((rows[:, None] + columns) % 2).flatten().bool()
    return black.nonzero().flatten(), (~black).nonzero().flatten()


def chosen(scores: Tensor, *, learn: bool) -> Tensor:
    """Which target each source goes into, one in each row of scores (B, S, T).

    To learn, gradients pass as if a source went by how far a score is above the mean of its best
    two.
    """
    hard = functional.one_hot(scores.argmax(-1), scores.shape[-1]).to(scores.dtype)
    if not learn:
        return hard
    soft = (scores - scores.topk(2, dim=-1).values.mean(-1, keepdim=True)).sigmoid()
    return hard + soft - soft.detach()


class Halve(Step):
    """The one block."""

    where = "after_attention"
    sources: Tensor
    targets: Tensor

    def __init__(self, host: Host, hidden: int) -> None:
        super().__init__()
        black, white = checkerboard(host.grid)
        self.register_buffer("sources", black + host.prefix, persistent=False)
        first = torch.arange(host.prefix, device="cpu")
        self.register_buffer("targets", torch.cat((first, white + host.prefix)), persistent=False)
        self.down = nn.Linear(host.head_width, hidden)
        self.up = nn.Linear(hidden, host.head_width)
        nn.init.trunc_normal_(self.up.weight, std=0.02)
        nn.init.zeros_(self.up.bias)

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """The white ones."""
        return tokens - len(self.sources)

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, prefix + W, C) of W white patches."""
        if run.seen is None:
            return x
        keys = run.seen.keys.mean(1)  # (B, N, d)
        refined = unit(keys + self.up(functional.gelu(self.down(keys))))
        scores = refined[:, self.sources] @ refined[:, self.targets].transpose(1, 2)  # (B, S, T)
        scores = scores.index_fill(2, torch.arange(run.prefix, device=x.device), -torch.inf)
        goes = chosen(scores, learn=self.training and torch.is_grad_enabled()).transpose(1, 2)
        run.moved(lambda: self._places(goes, x.shape[1]))
        black, white = x[:, self.sources], x[:, self.targets]
        size = goes @ exact(x.new_ones(x.shape[0], len(self.sources), 1)) + 1  # (B, T, 1)
        run.size = size.detach()
        return (white + goes.to(x.dtype) @ black) / size.to(x.dtype)

    def _places(self, goes: Tensor, tokens: int) -> Tensor:
        batch = goes.shape[0]
        left, gone = (each.expand(batch, -1) for each in (self.targets, self.sources))
        return places_after(Matched(left, gone, goes.argmax(1)), tokens)


def steps(host: Host, *, r_layer: int | None = None, hidden: int = 32) -> Sequence[Step]:
    """Apply it at a block, counted from 0 and by default half deep, with an adapter so wide."""
    at = host.depth // 2 if r_layer is None else r_layer
    if type(at) is not int or not 0 <= at < host.depth:
        raise BadOption(f"r_layer={r_layer!r}: give a whole number from 0 to {host.depth - 1}.")
    if type(hidden) is not int or hidden < 1:
        raise BadOption(f"hidden={hidden!r}: the adapter has a whole number of channels from 1.")
    before: list[Step] = [Untouched() for _ in range(at)]
    after = [UntouchedProportional() for _ in range(at + 1, host.depth)]
    return [*before, Halve(host, hidden), *after]
