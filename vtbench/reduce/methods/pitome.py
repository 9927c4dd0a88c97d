"""PiToMe: tokens that have many like them are merged, those that stand alone are protected.

Tran et al., Accelerating Transformers with Spectrum-Preserving Token Merging, NeurIPS 2024.

Modifications of the host: between attention and MLP, patches are ranked by their energy, the mean
of how far their keys (mean of the heads) are like those of all patches beyond a margin that falls
with depth. In the first half of the blocks every other patch of that ranking may go into the one
that is most like it among the rest; later only the patches of highest energy take part, and half
of them go. A token is the mean of its patches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from vtbench.reduce.dial import rate
from vtbench.reduce.host import Host
from vtbench.reduce.matching import Matched, merged, places_after, unit
from vtbench.reduce.per_block import PerBlock
from vtbench.reduce.run import Run
from vtbench.reduce.selecting import behind_prefix, taken
from vtbench.reduce.shares import RATIO, Going, Shares, going_per_block
from vtbench.reduce.step import Step

DIAL = rate("ratio")
_MARGIN = 0.75


def energies(alike: Tensor, margin: float) -> Tensor:
    """How many like it each patch has, (B, T), of the cosines (B, T, T) of all with all."""
    return functional.elu(alike - margin).mean(-1)


def paired(metric: Tensor, r: int, margin: float, *, early: bool) -> Matched:
    """Which r of the patches of metric (B, T, d) go; T·T·d products.

    Behind the patches that no other goes into come the targets, both by falling energy.
    """
    patches = unit(metric)
    alike = patches @ patches.transpose(1, 2)
    order = energies(alike, margin).argsort(dim=1, descending=True)
    part = order if early else order[:, : 2 * r]
    sources, targets = part[:, ::2], part[:, 1::2]
    columns = alike.new_full(order.shape, -torch.inf).scatter(1, targets, 0.0)
    best, target = (taken(alike, sources) + columns[:, None]).max(dim=-1)  # (B, sources)
    rank = torch.empty_like(order)
    rank.scatter_(1, order, torch.arange(order.shape[1], device=order.device).expand_as(order))
    if early:
        likest = best.argsort(dim=1, descending=True)
        go, stay = likest[:, :r], likest[:, r:].sort(dim=1).values
        gone, others = sources.gather(1, go), sources.gather(1, stay)
        target = target.gather(1, go)
    else:
        gone, others = sources, order[:, 2 * r :]
    at = rank.gather(1, target) // 2 + others.shape[1]
    return Matched(torch.cat((others, targets), dim=1), gone, at)


def behind(pairs: Matched, prefix: int) -> Matched:
    """Pairs of patches as pairs of tokens with the prefix before them."""
    return Matched(behind_prefix(pairs.left, prefix), pairs.gone + prefix, pairs.at + prefix)


class Merge(Step):
    """One block."""

    where = "after_attention"

    def __init__(self, going: Going, margin: float, *, early: bool, proportional: bool) -> None:
        super().__init__()
        self.going = going
        self.margin = margin
        self.early = early
        self.proportional = proportional  # type: ignore[misc]  # an option here, a rule elsewhere

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """All but those that go, of the patches; at least half."""
        return tokens - min(self.going(tokens), tokens // 2)

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, N - r, C)."""
        prefix, tokens = run.prefix, x.shape[1]
        r = tokens - prefix - self.left(tokens - prefix, run.whole)
        if r == 0 or run.seen is None:  # as released: where nothing goes, nothing is compared
            return x
        metric = run.seen.keys[:, :, prefix:].mean(1)
        pairs = behind(paired(metric, r, self.margin, early=self.early), prefix)
        run.moved(lambda: places_after(pairs, tokens))
        x, run.size = merged(x, pairs, run.size)
        return x


def steps(
    host: Host, *, ratio: Shares = RATIO, r: PerBlock | None = None, proportional: bool = False
) -> Sequence[Step]:
    """Apply it with the share of patches kept at each block, or the number that goes as r.

    Attention is plain as in the released code for images, or proportional.
    """
    first_half = math.ceil(host.depth / 2)
    return [
        Merge(
            each,
            _MARGIN * (1 - index / host.depth),
            early=index < first_half,
            proportional=proportional,
        )
        for index, each in enumerate(going_per_block(host, ratio, r))
    ]
