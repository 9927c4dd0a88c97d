"""Sinkhorn: patches are transported to learned centres, as evenly as possible.

Haurum et al., Multi-scale hybrid vision transformer and Sinkhorn tokenizer, 2022.

Modifications of the host: before a block of each stage, the patches, each at length 1, become as
many tokens as there are learned centres. The weights of a patch come from its cosine with each
centre, and add up to 1; each centre gets nearly as much as any other.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vtbench.errors import BadOption
from vtbench.reduce.dial import rate
from vtbench.reduce.host import Host
from vtbench.reduce.run import Run
from vtbench.reduce.stages import Blocks, Rates, at_stages, quotas, stages
from vtbench.reduce.step import Step
from vtbench.reduce.weighing import Weighed

DIAL = rate("keep_rate")


def transported(likeness: Tensor, iterations: int) -> Tensor:
    """The weight of each patch in each centre, (B, P, K), of their cosines (B, P, K).

    All centres are given as much, then every patch gives 1, several times over. Exponentials of
    cosines are between 1/e and e, so that this needs no logarithms.
    """
    weights = likeness.exp()
    for _ in range(iterations):
        weights = weights / weights.sum(dim=1, keepdim=True)
        weights = weights / weights.sum(dim=2, keepdim=True)
    return weights


class Transport(Weighed):
    """One stage."""

    def __init__(self, tokens: int, width: int, iterations: int) -> None:
        super().__init__(tokens)
        self.iterations = iterations
        self.centres = nn.Parameter(torch.randn(tokens, width))

    def weights(self, patches: Tensor, run: Run) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Patches and centres are compared, and summed, at length 1."""
        unit = functional.normalize(patches, dim=-1)
        centres = functional.normalize(self.centres, dim=-1)
        likeness = functional.linear(unit, centres)  # P·C·K products
        return transported(likeness, self.iterations), unit


def steps(
    host: Host, *, keep_rate: Rates = 0.7, iterations: int = 3, blocks: Blocks = None
) -> list[Step]:
    """Apply it with the share of the image's patches that each stage has centres for.

    ``iterations``: how often the centres, and then the patches, are evened out.
    """
    if type(iterations) is not int or iterations < 1:
        raise BadOption(f"iterations={iterations!r}: expected a whole number from 1.")
    at = stages(host, blocks)
    cuts: dict[int, Step] = {
        block: Transport(quota.of(host.patches, host.patches), host.width, iterations)
        for block, quota in zip(at, quotas(keep_rate, "int_original", len(at)), strict=True)
    }
    return at_stages(host, cuts)
