"""LTMP: tokens are merged if they are alike enough, and dropped if too little is made of them.

Bonnaerens and Dambre, Learned Thresholds Token Merging and Pruning for Vision Transformers,
TMLR 2023.

Modifications of the host: between attention and MLP of every block, each token of one half whose
key (mean of the heads) is more like one of the other half than a threshold goes into it; then those
whose attention, the mean over heads and queries, is not above another threshold are dropped.
Attention counts a token as often as its patches. How many are left depends on the image: the
tokens of a batch are padded to those of the image that keeps most, and the padding counts for
nothing. Without data, and compiled, the number is the largest possible. With ``fixed`` it is plain
pruning instead, of the r tokens that are attended to least. How thresholds are learned is not here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vtbench.errors import BadOption
from vtbench.reduce.dial import removed
from vtbench.reduce.host import Host
from vtbench.reduce.matching import added, exact, likest
from vtbench.reduce.per_block import PerBlock, per_block
from vtbench.reduce.run import Run
from vtbench.reduce.selecting import behind_prefix, places_of, taken
from vtbench.reduce.step import Step

DIAL = removed("r")
_FIXED_R = 8
Thresholds = float | Sequence[float]


def importance(attention: Tensor, size: Tensor | None, prefix: int) -> Tensor:
    """The attention that each token gets, (B, N): the mean over heads and queries of the map.

    attention (B, h, N, N). Padding, of size (B, N, 1) zero, does not ask. The prefix is infinitely
    important.
    """
    asked = exact(attention).mean(1)  # (B, queries, keys)
    if size is None:
        mean = asked.mean(1)
    else:
        there = (size > 0).to(asked.dtype)
        mean = (asked * there).sum(1) / there.sum(1)
    return mean.index_fill(1, torch.arange(prefix, device=mean.device), torch.inf)


def arranged(tokens: int, prefix: int, device: torch.device) -> Tensor:
    """Tokens as they come out if none goes, (N,): prefix, other even ones, other odd ones."""
    every = torch.arange(tokens, device=device)
    even, odd = every[(prefix + 1) // 2 * 2 :: 2], every[prefix // 2 * 2 + 1 :: 2]
    return torch.cat((every[:prefix], even, odd))


class Thin(Step):
    """One block with thresholds."""

    where = "after_attention"
    shows = "map"
    proportional = True
    by_image = True

    def __init__(self, theta_m: float, theta_p: float) -> None:
        super().__init__()
        self.theta_m = nn.Parameter(torch.tensor(float(theta_m)))
        self.theta_p = nn.Parameter(torch.tensor(float(theta_p)))

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """All of them, if the image will have it so."""
        return tokens

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, M, C) of the image that keeps M, the most."""
        seen, prefix = run.seen, run.prefix
        if seen is None or seen.map is None:
            return x
        size = run.size if run.size is not None else exact(x.new_ones(())).expand(*x.shape[:2], 1)
        important = importance(seen.map, run.size, prefix)
        best, target = likest(seen.keys.mean(1), prefix, None if run.size is None else size)
        goes = best.clamp(max=1) > exact(self.theta_m)  # (B, S)
        x, sizes, important = absorbed(x, size, important, goes, target)
        stays = (important > exact(self.theta_p)) & (sizes[..., 0] > 0)
        stays[:, ::2] &= ~goes
        order = arranged(x.shape[1], prefix, x.device)
        stays = stays[:, order]
        unknown = x.is_meta or torch.compiler.is_compiling()
        most = x.shape[1] if unknown else int(stays.sum(1).max())  # what the image decides
        kept = stays.byte().argsort(dim=1, descending=True, stable=True)[:, :most]
        there = stays.gather(1, kept)[..., None]  # (B, M, 1)
        left = order[kept]
        run.moved(lambda: self._places(left, there, goes, target, x.shape[1]))
        run.size = taken(sizes, left) * there
        return taken(x, left)

    def _places(
        self, left: Tensor, there: Tensor, goes: Tensor, target: Tensor, tokens: int
    ) -> Tensor:
        here = torch.arange(left.shape[1], device=left.device).expand_as(left)
        places = torch.full((len(left), tokens), -1, device=left.device)
        places = places.scatter(1, left, here.where(there[..., 0], -1))
        places[:, ::2] = places[:, 1::2].gather(1, target).where(goes, places[:, ::2])
        return places


def absorbed(
    x: Tensor, size: Tensor, important: Tensor, goes: Tensor, target: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Even tokens that go (B, S) added to their odd targets, none of them taken away yet.

    x (B, N, C), size (B, N, 1) and importance (B, N), of which a target gets the largest.
    """
    going = size[:, ::2] * goes[..., None]  # (B, S, 1)
    onto = target * 2 + 1
    sizes = added(size.clone(), onto, going)
    share = going / taken(sizes, onto).clamp(min=1)
    way = (x[:, ::2] - taken(x, onto)) * share.to(x.dtype)
    moved = torch.where(goes, important[:, ::2], -torch.inf)
    return (
        added(x.clone(), onto, way),
        sizes,
        important.scatter_reduce(1, onto, moved, "amax"),
    )


class Prune(Step):
    """One block of fixed pruning."""

    where = "after_attention"
    shows = "map"

    def __init__(self, r: int) -> None:
        super().__init__()
        self.r = r

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """All but r, and at least half."""
        return tokens - min(self.r, tokens // 2)

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, N - r, C)."""
        prefix, tokens = run.prefix, x.shape[1]
        kept = self.left(tokens - prefix, run.whole)
        if run.seen is None or run.seen.map is None:
            return x
        important = importance(run.seen.map, None, prefix)[:, prefix:]
        best = important.topk(kept, dim=1).indices.sort(dim=1).values
        left = behind_prefix(best, prefix)
        run.moved(lambda: places_of(left, tokens))
        return taken(x, left)


def steps(
    host: Host,
    *,
    theta_m: Thresholds = 0.9,
    theta_p: Thresholds = 0.0,
    fixed: bool = False,
    r: PerBlock | None = None,
) -> Sequence[Step]:
    """Apply it with the thresholds of merging and pruning, or fixed with the tokens that go.

    Thresholds are one number, or one for each block; r is used only if it is fixed, by default 8.
    """
    if fixed:
        return [Prune(each) for each in per_block("r", _FIXED_R if r is None else r, host)]
    if r is not None:
        raise BadOption(
            "r, and tokens with it, are of fixed pruning: add fixed=true. Without it thresholds "
            "decide how many tokens go."
        )
    merge = thresholds("theta_m", theta_m, host, -1.0)
    prune = thresholds("theta_p", theta_p, host, 0.0)
    return [Thin(*each) for each in zip(merge, prune, strict=True)]


def thresholds(option: str, value: Thresholds, host: Host, least: float) -> list[float]:
    """A threshold for each block, from the least possible to 1."""
    several = [value] * host.depth if isinstance(value, int | float) else list(value)
    if len(several) != host.depth:
        raise BadOption(
            f"{option}={several} has {len(several)} numbers, and the network {host.depth} blocks."
        )
    for each in several:
        if isinstance(each, bool) or not isinstance(each, int | float) or not least <= each <= 1:
            raise BadOption(f"{option}={each!r}: a threshold is from {least:g} to 1.")
    return several
