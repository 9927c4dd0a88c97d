"""ToMe: tokens that are alike are merged, a few at every block.

Bolya et al., Token Merging: Your ViT But Faster, ICLR 2023.

Modifications of the host: between attention and MLP, the r pairs of tokens whose keys (mean of the
heads) are most alike become one token each, the mean of the patches that it stands for. Attention
counts a token as often as its patches, and so does a pooling at the end.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from vtbench.reduce.dial import removed
from vtbench.reduce.host import Host
from vtbench.reduce.matching import matched, merged, places_after
from vtbench.reduce.per_block import PerBlock, per_block
from vtbench.reduce.run import Run
from vtbench.reduce.step import Step

DIAL = removed("r")


class Merge(Step):
    """One block."""

    where = "after_attention"

    def __init__(self, r: int, *, proportional: bool) -> None:
        super().__init__()
        self.r = r
        self.proportional = proportional  # type: ignore[misc]  # an option here, a rule elsewhere

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """All but r, and at least half."""
        return tokens - min(self.r, tokens // 2)

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, N - r, C)."""
        patches = x.shape[1] - run.prefix
        r = patches - self.left(patches, run.whole)
        if r == 0 or run.seen is None:  # as released: where nothing goes, nothing is compared
            return x
        pairs = matched(run.seen.keys.mean(1), r, run.prefix)
        run.moved(lambda: places_after(pairs, x.shape[1]))
        x, run.size = merged(x, pairs, run.size)
        return x


def steps(host: Host, *, r: PerBlock = 13, proportional: bool = True) -> Sequence[Step]:
    """Apply it with the tokens that go at each block, and proportional attention or plain."""
    return [Merge(each, proportional=proportional) for each in per_block("r", r, host)]
