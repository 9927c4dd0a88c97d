"""Stages at which some patch tokens go on and the others are dropped."""

from __future__ import annotations

from typing import cast

from torch import Tensor

from vtbench.reduce.run import Run, Seen
from vtbench.reduce.selecting import behind_prefix, places_of, taken
from vtbench.reduce.stages import Quota
from vtbench.reduce.step import Step


class Cut(Step):
    """One stage. Subclasses say which patches are best."""

    def __init__(self, quota: Quota) -> None:
        super().__init__()
        self.quota = quota

    def left(self, tokens: int, whole: int) -> int:
        """Its quota."""
        return self.quota.of(tokens, whole)

    def best(self, x: Tensor, run: Run, kept: int) -> Tensor:
        """Which patches of tokens (B, N, C) are kept: (B, K), counted without the prefix."""
        raise NotImplementedError

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, prefix + K, C), in the order that ``best`` gives."""
        kept = self.left(x.shape[1] - run.prefix, run.whole)
        chosen = behind_prefix(self.best(x, run, kept), run.prefix)
        run.moved(lambda: places_of(chosen, x.shape[1]))
        return taken(x, chosen)


def attention_of_class(run: Run) -> Tensor:
    """How the class token attends to each patch, the mean of the heads: (B, P)."""
    row = cast("Tensor", cast("Seen", run.seen).row)  # (B, h, N): a step whose shows is a row
    return row[:, :, run.prefix :].mean(1)


def highest(scores: Tensor, kept: int) -> Tensor:
    """The patches (B, K) of scores (B, P) in descending order."""
    return scores.topk(kept, dim=1).indices
