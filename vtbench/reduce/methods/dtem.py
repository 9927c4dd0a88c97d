"""DTEM: tokens are merged as in ToMe, by a learned embedding of their own instead of the keys.

Lee and Hong, Learning to Merge Tokens via Decoupled Embedding for Efficient Vision Transformers,
NeurIPS 2024.

Modifications of the host: in every block a linear layer embeds the normalised tokens that attention
works on, also where none goes. Between attention and MLP the r pairs that are most alike by it
become one token each, the mean of its patches. Attention counts a token as often as its patches.
This is the rule of inference; how the embedding is trained, with soft merges that keep all tokens,
is not here.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from vtbench.errors import BadOption
from vtbench.reduce.dial import removed
from vtbench.reduce.host import Host
from vtbench.reduce.matching import matched, merged, places_after
from vtbench.reduce.per_block import PerBlock, per_block
from vtbench.reduce.run import Run
from vtbench.reduce.step import Step

DIAL = removed("r")
_WIDE = 1024


class Merge(Step):
    """One block."""

    where = "after_attention"
    proportional = True

    def __init__(self, r: int, channels: int, feature_dim: int) -> None:
        super().__init__()
        self.r = r
        self.embedding = nn.Linear(channels, feature_dim)

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """All but r, and at least half."""
        return tokens - min(self.r, tokens // 2)

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, N - r, C)."""
        patches = x.shape[1] - run.prefix
        r = patches - self.left(patches, run.whole)
        if run.seen is None:
            return x
        metric = self.embedding(run.seen.input)  # (B, N, f): N·C·f products
        if r == 0:  # as released: tokens are embedded all the same
            return x
        pairs = matched(metric, r, run.prefix)
        run.moved(lambda: places_after(pairs, x.shape[1]))
        x, run.size = merged(x, pairs, run.size)
        return x


def steps(host: Host, *, r: PerBlock = 12, feature_dim: int | None = None) -> Sequence[Step]:
    """Apply it with the tokens that go at each block, and the channels of the embedding.

    These are by default those of a head, or twice as many in a host of 1024 channels or more.
    """
    if feature_dim is None:
        feature_dim = host.head_width * (1 if host.width < _WIDE else 2)
    if type(feature_dim) is not int or feature_dim < 1:
        raise BadOption(
            f"feature_dim={feature_dim!r}: the embedding has a whole number of channels from 1."
        )
    return [Merge(each, host.width, feature_dim) for each in per_block("r", r, host)]
