"""New patch tokens before a block, each a sum of the old ones with learned or found weights."""

from __future__ import annotations

import torch
from torch import Tensor

from vtbench.reduce.run import Run
from vtbench.reduce.step import Step


class Weighed(Step):
    """Patches become so many tokens; subclasses say with which weights."""

    where = "before_block"

    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.tokens = tokens

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002  # as many as were learned
        """As many as were learned."""
        return self.tokens

    def weights(self, patches: Tensor, run: Run) -> tuple[Tensor, Tensor]:
        """Of patches (B, P, C): the weight of each in each token, (B, P, K), and what is summed."""
        raise NotImplementedError

    def summed(self, weights: Tensor, patches: Tensor) -> Tensor:
        """The tokens (B, K, C) of weights (B, P, K) and patches (B, P, C)."""
        return weights.transpose(1, 2) @ patches  # K·P·C products

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, prefix + K, C)."""
        prefix, patches = x[:, : run.prefix], x[:, run.prefix :]
        weights, values = self.weights(patches, run)
        run.moved(lambda: heaviest(weights, run.prefix))
        return torch.cat((prefix, self.summed(weights, values).to(x.dtype)), dim=1)


def heaviest(weights: Tensor, prefix: int) -> Tensor:
    """Where each token (B, N) is: the prefix where it was, a patch where it weighs most."""
    patches = weights.argmax(dim=2) + prefix
    first = torch.arange(prefix, device=weights.device).expand(len(weights), -1)
    return torch.cat((first, patches), dim=1)
