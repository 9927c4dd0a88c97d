"""Evo-ViT: only the patches that matter are computed, and the others wait and come back.

Xu et al., Evo-ViT: Slow-Fast Token Evolution for Dynamic Vision Transformer, AAAI 2022.

Modifications of the host: before the first block of each stage the patches are sorted by how the
class token attended to them (sum of the heads; from the first stage on, half of it is what it was
before). A share of them goes on; the others are parked, untouched, until the stage ends, and then
stand behind them again. The authors' network answers by the mean of all patches: a host made with
``global_pool="avg"`` does too, others answer as they did.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor

from vtbench.errors import BadOption
from vtbench.reduce.host import Host
from vtbench.reduce.run import Run, Seen
from vtbench.reduce.selecting import behind_prefix, need_class_token, places_of, taken
from vtbench.reduce.stages import Blocks, Quota, Rates, rates, stages
from vtbench.reduce.step import Step

_FADES = 0.5
"""What is left of the attention of earlier blocks."""


def remembered(before: Tensor | None, now: Tensor, fades: float) -> Tensor:
    """Attention to all patches (B, P): as it was, mixed with what it is to the first (B, K)."""
    if before is None or not fades:
        return now
    computed = now.shape[1]
    mixed = fades * before[:, :computed] + (1 - fades) * now
    return torch.cat((mixed, before[:, computed:]), dim=1)


class Evolve(Step):
    """One block."""

    where = "instead"
    shows = "row"

    def __init__(self, *, fades: float, parks: Quota | None, restores: bool) -> None:
        super().__init__()
        self.fades = fades
        self.parks = parks
        self.restores = restores

    def left(self, tokens: int, whole: int) -> int:
        """Those computed; all of them where a stage ends."""
        if self.restores:
            return whole
        return tokens if self.parks is None else self.parks.of(tokens, whole)

    def forward(self, x: Tensor, run: Run, block: Any) -> Tensor:  # type: ignore[override]
        """Tokens (B, N, C) to those computed, or to all at the end of a stage."""
        if self.parks is not None:
            x = self._park(x, run, self.parks.of(x.shape[1] - run.prefix, run.whole))
        x = block.attended(x)
        row = cast("Tensor", cast("Seen", run.seen).row)[:, :, run.prefix :].sum(1)
        run.kept["attention"] = remembered(run.kept.get("attention"), row, self.fades)
        run.seen = None
        x = block.fed_forward(x)
        if self.restores and "parked" in run.kept:
            x = torch.cat((x, run.kept.pop("parked")), dim=1)
            if run.traced:
                run.place = run.kept.pop("places")
        return x

    def _park(self, x: Tensor, run: Run, kept: int) -> Tensor:
        """Sort tokens (B, N, C), and park all but the prefix and the first patches."""
        run.kept["attention"], order = run.kept["attention"].sort(dim=1, descending=True)
        tokens = behind_prefix(order, run.prefix)
        x = taken(x, tokens)
        if run.traced and run.place is not None:
            run.moved(lambda: places_of(tokens, x.shape[1]))
            run.kept["places"] = run.place
            run.place = run.place.where(run.place < run.prefix + kept, -1)
        run.kept["parked"] = x[:, run.prefix + kept :]
        return x[:, : run.prefix + kept]


def steps(host: Host, *, keep_rate: Rates = 0.5, blocks: Blocks = None) -> Sequence[Step]:
    """Apply it with the share of all patches that is computed in each stage.

    ``blocks`` are the first blocks of the stages; they are 4 and 8 of 12 by default, each a third
    of the network. A stage ends at the next, or with the network.
    """
    need_class_token(host, "evovit")
    at = stages(host, (host.depth // 3, host.depth * 2 // 3) if blocks is None else blocks)
    if 0 in at:
        raise BadOption(
            "blocks: evovit sorts patches by the attention of the block before, so the first stage "
            "begins at block 1 or later."
        )
    parks = {
        index: Quota(rate, "int_original")
        for index, rate in zip(at, rates(keep_rate, len(at)), strict=True)
    }
    first = min(at, default=host.depth)
    ends = {index - 1 for index in at[1:]} | ({host.depth - 1} if at else set())
    return [
        Evolve(
            fades=_FADES if index >= first else 0.0,
            parks=parks.get(index),
            restores=index in ends,
        )
        for index in range(host.depth)
    ]
