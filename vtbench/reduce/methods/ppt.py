"""PPT: at each stage tokens are merged if they are about equally important, and else pruned.

Wu et al., PPT: Token Pruning and Pooling for Efficient Vision Transformers, arXiv 2310.01812.

Modifications of the host: at each stage, between attention and MLP, r patches go. Their scores are
the attention of the class token (sum of the heads) times the length of their values, as shares of
the sum. In an image whose scores vary less than the threshold, the r likest pairs are merged; in
another, the r patches of the lowest scores are dropped. Attention counts a token as often as its
patches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from vtbench.errors import BadOption
from vtbench.reduce.cutting import highest
from vtbench.reduce.dial import removed
from vtbench.reduce.host import Host
from vtbench.reduce.matching import matched, merged, places_after
from vtbench.reduce.run import Run, Seen
from vtbench.reduce.selecting import behind_prefix, need_class_token, places_of, taken
from vtbench.reduce.stages import Blocks, at_stages, stages
from vtbench.reduce.step import Step, UntouchedProportional

DIAL = removed("r")
Kept = tuple[Tensor, Tensor | None]
"""Tokens (B, M, C), and their sizes (B, M, 1) unless each is one patch."""


def importance(row: Tensor, values: Tensor) -> Tensor:
    """Scores of tokens that add up to 1, (B, P), of how the class token attends to them (B, h, P).

    values are (B, h, P, d).
    """
    exact = torch.promote_types(values.dtype, torch.float32)
    length: Tensor = torch.linalg.vector_norm(values, dim=(1, 3), dtype=exact)
    scores = row.sum(1) * length
    return scores / scores.sum(1, keepdim=True)


class PruneOrMerge(Step):
    """One stage.

    Both are computed and one is chosen for each image, so that nothing waits for a decision; with
    a threshold from 1 only merging is, with one of 0 only pruning.
    """

    where = "after_attention"
    shows = "row"
    proportional = True

    def __init__(self, r: int, threshold: float) -> None:
        super().__init__()
        self.r = r
        self.threshold = threshold

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """All but r, and at least half."""
        return tokens - min(self.r, tokens // 2)

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, N - r, C)."""
        tokens = x.shape[1]
        kept = self.left(tokens - run.prefix, run.whole)
        r = tokens - run.prefix - kept
        if r == 0:
            return x
        seen = cast("Seen", run.seen)
        if self.threshold >= 1:
            pairs = matched(seen.keys.mean(1), r, run.prefix)
            run.moved(lambda: places_after(pairs, tokens))
            x, run.size = merged(x, pairs, run.size)
            return x
        patches = slice(run.prefix, None)
        scores = importance(cast("Tensor", seen.row)[:, :, patches], seen.values[:, :, patches])
        chosen = behind_prefix(highest(scores, kept), run.prefix)
        pruned = taken(x, chosen)
        size = None if run.size is None else taken(run.size, chosen)
        if self.threshold <= 0:
            run.moved(lambda: places_of(chosen, tokens))
            run.size = size
            return pruned
        merges = scores.var(dim=1) < self.threshold  # (B,)
        pairs = matched(seen.keys.mean(1), r, run.prefix)
        run.moved(
            lambda: places_after(pairs, tokens).where(merges[:, None], places_of(chosen, tokens))
        )
        joined, sizes = merged(x, pairs, run.size)
        run.size = sizes.where(merges[:, None, None], 1 if size is None else size)
        return joined.where(merges[:, None, None], pruned)


def steps(
    host: Host,
    *,
    r: int | Sequence[int] = 50,
    threshold: float | Sequence[float] = 7e-5,
    blocks: Blocks = None,
) -> Sequence[Step]:
    """Apply it with the patches that go at each stage, and the variance below which they merge.

    Both are one number, or one for each stage.
    """
    need_class_token(host, "ppt")
    at = stages(host, blocks)
    gone = _for_each("r", r, len(at))
    if any(type(each) is not int or each < 0 for each in gone):
        raise BadOption(f"r={r!r}: patches that go are whole numbers from 0.")
    below = _for_each("threshold", threshold, len(at))
    if any(isinstance(each, bool) or not isinstance(each, int | float) for each in below):
        raise BadOption(f"threshold={threshold!r}: give a number, 0 to prune and 1 to merge.")
    cuts: dict[int, Step] = {
        index: PruneOrMerge(int(each), float(limit))
        for index, each, limit in zip(at, gone, below, strict=True)
    }
    return at_stages(host, cuts, UntouchedProportional)


def _for_each(option: str, value: float | Sequence[float], count: int) -> list[float]:
    several = list(value) if isinstance(value, list | tuple) else [value] * count
    if len(several) != count:
        raise BadOption(f"{option}={several} has {len(several)} numbers for {count} stages.")
    return several  # type: ignore[return-value]  # checked by those who use it
