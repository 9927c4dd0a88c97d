"""Token Cropr: learned queries score the tokens, and the lowest go, a few after every block.

Bergner et al., Token Cropr, CVPR 2025.

Modifications of the host: after every block but the last, each token is multiplied by the learned
queries, and the patches with the smallest sums go; after the first block one more, as released.
With last-layer fusion (``llf``) none go after the last two blocks, and all that went come back
before the last one, behind the others. The head that trains the queries is not part of it: here
they are trained straight through what is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from vtbench.errors import BadOption
from vtbench.reduce.dial import removed
from vtbench.reduce.host import Host
from vtbench.reduce.per_block import PerBlock, per_block
from vtbench.reduce.run import Run
from vtbench.reduce.selecting import behind_prefix, places_of, taken
from vtbench.reduce.stages import Blocks, Rates, at_stages, quotas, stages
from vtbench.reduce.step import Step

DIAL = removed("r")
_PARKED, _ORIGIN = "parked", "origin"


def scored(tokens: Tensor, queries: Tensor) -> Tensor:
    """What each token (B, N, C) is to the queries (Q, C), summed: (B, N); N·C·Q products."""
    return (tokens @ queries.T).sum(-1)


def ranked(scores: Tensor, prefix: int, kept: int) -> tuple[Tensor, Tensor]:
    """Patches by their scores (B, N): those kept, best first (B, K), and the others (B, P - K)."""
    order = scores[:, prefix:].argsort(dim=1, descending=True)
    return order[:, :kept], order[:, kept:]


class Crop(Step):
    """After one block."""

    where = "after_block"

    def __init__(self, gone: int, width: int, queries: int, *, projected: str, park: bool) -> None:
        super().__init__()
        self.gone = gone
        self.park = park
        self.queries = nn.Parameter(torch.empty(queries, width))
        nn.init.trunc_normal_(self.queries, std=0.02)
        self.query = nn.Linear(width, width, bias=False) if "q" in projected else nn.Identity()
        self.key = nn.Linear(width, width, bias=False) if "k" in projected else nn.Identity()

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """All but those that go, and at least one."""
        return max(tokens - self.gone, min(tokens, 1))

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, N - r, C)."""
        prefix, present = run.prefix, x.shape[1]
        scores = scored(self.key(x), self.query(self.queries))  # all tokens, as released
        best, others = ranked(scores, prefix, self.left(present - prefix, run.whole))
        chosen = behind_prefix(best, prefix)
        if self.park:
            park(x, others + prefix, chosen, run)
        run.moved(lambda: places_of(chosen, present))
        kept = taken(x, chosen)
        if self.training:
            # times 1, whose gradient is that of the score: a choice has none of its own
            share = scores.gather(1, chosen).sigmoid()[..., None]
            kept = kept * (1 + (share - share.detach()))
        return kept


class Return(Step):
    """Before the last block: all that went come back."""

    where = "before_block"

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """All of the image."""
        return whole

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to as many as came in (B, prefix + P, C)."""
        if run.traced and _ORIGIN in run.kept:
            origin = torch.cat((run.kept[_ORIGIN], *_parked(run, f"{_ORIGIN} ")), dim=1)
            run.place = origin.argsort(dim=1)[:, run.prefix :]
        return torch.cat((x, *_parked(run, f"{_PARKED} ")), dim=1)


def park(x: Tensor, others: Tensor, chosen: Tensor, run: Run) -> None:
    """Keep the tokens of x (B, N, C) at ``others`` aside until they come back."""
    name = f"{_PARKED} {len(_parked(run, f'{_PARKED} '))}"
    run.kept[name] = taken(x, others)
    if not run.traced:
        return
    here = torch.arange(x.shape[1], device=x.device).expand(x.shape[0], -1)
    origin = run.kept.get(_ORIGIN, here)
    run.kept[f"{_ORIGIN} {name}"] = origin.gather(1, others)
    run.kept[_ORIGIN] = origin.gather(1, chosen)


def _parked(run: Run, name: str) -> list[Tensor]:
    return [tokens for each, tokens in run.kept.items() if each.startswith(name)]


def steps(  # noqa: PLR0913  # the choices of its paper, each with its name
    host: Host,
    *,
    r: PerBlock = 8,
    llf: bool = False,
    queries: int = 1,
    query_projection: bool = False,
    key_projection: bool = False,
    keep_rate: Rates | None = None,
    blocks: Blocks = None,
) -> Sequence[Step]:
    """Apply it with the patches that go after each block, or with shares kept before some blocks.

    llf brings all patches back before the last block; query_projection and key_projection are
    layers that queries and tokens go through before they are multiplied.
    """
    if type(queries) is not int or queries < 1:
        raise BadOption(f"queries={queries!r}: a whole number from 1.")
    modules = host.depth - 1 - int(llf)
    if modules < 1:
        raise BadOption(f"cropr needs {3 if llf else 2} blocks, and the network has {host.depth}.")
    if keep_rate is None and blocks is not None:
        raise BadOption("blocks goes with keep_rate; r says what goes after every block.")
    gone = _one_by_one(host, r, modules) if keep_rate is None else _staged(host, keep_rate, blocks)
    if max(gone) >= modules:
        raise BadOption("With llf nothing goes after the last two blocks; give earlier blocks.")
    if sum(gone.values()) >= host.patches:
        raise BadOption(
            f"{sum(gone.values())} patches would go in all, and the image has {host.patches}, of "
            "which at least one stays."
        )
    projected = "q" * query_projection + "k" * key_projection
    found: dict[int, Step] = {
        block: Crop(each, host.width, queries, projected=projected, park=llf)
        for block, each in gone.items()
    }
    if llf:
        found[host.depth - 1] = Return()
    return at_stages(host, found)


def _one_by_one(host: Host, r: PerBlock, modules: int) -> Mapping[int, int]:
    """Block -> patches that go after it; if one number is given, one more after the first."""
    numbers = per_block("r", r, host)
    if isinstance(r, Sequence) and len(r) == host.depth and any(numbers[modules:]):
        raise BadOption(
            f"r={list(r)}: nothing goes after the last {host.depth - modules} of the "
            f"{host.depth} blocks, so the list ends with 0."
        )
    first = int(not isinstance(r, Sequence))
    return {block: numbers[block] + first * (block == 0) for block in range(modules)}


def _staged(host: Host, keep_rate: Rates, blocks: Blocks) -> Mapping[int, int]:
    """Block -> patches that go after it, so that a share of the image is left before the next."""
    at = stages(host, blocks)
    if 0 in at:
        raise BadOption("blocks: patches are scored after a block, so none go before block 0.")
    found, present = {}, host.patches
    for block, quota in zip(at, quotas(keep_rate, "int_original", len(at)), strict=True):
        kept = quota.of(present, host.patches)
        found[block - 1], present = present - kept, kept
    return found
