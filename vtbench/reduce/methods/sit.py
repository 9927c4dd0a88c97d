"""SiT: a small network at a stage says how the patches are mixed into fewer tokens.

Zong et al., Self-slimmed Vision Transformer, ECCV 2022.

Modifications of the host: before a block of each stage, a norm, a layer to half of the width, GELU
and a layer to as many channels as tokens are left give the weights of each patch; a softmax over
the patches, and each token is their weighted mean.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vtbench.reduce.dial import rate
from vtbench.reduce.host import Host
from vtbench.reduce.run import Run
from vtbench.reduce.stages import Blocks, Rates, at_stages, quotas, stages
from vtbench.reduce.step import Step
from vtbench.reduce.weighing import Weighed

DIAL = rate("keep_rate")


class Slim(Weighed):
    """One stage."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__(tokens)
        self.norm = nn.LayerNorm(width)
        self.narrow = nn.Linear(width, width // 2)
        self.gelu = nn.GELU()
        self.mix = nn.Linear(width // 2, tokens)
        self.scale = nn.Parameter(torch.ones(()))
        """Learned; how sharply a token chooses."""

    def weights(self, patches: Tensor, run: Run) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """P·C·C/2 and P·C/2·K products; the patches themselves are summed."""
        scores = self.mix(self.gelu(self.narrow(self.norm(patches))))
        return (scores * self.scale).softmax(dim=1), patches


def steps(host: Host, *, keep_rate: Rates = 0.7, blocks: Blocks = None) -> list[Step]:
    """Apply it with the share of the image's patches that is left from each stage on."""
    at = stages(host, blocks)
    cuts: dict[int, Step] = {
        block: Slim(quota.of(host.patches, host.patches), host.width)
        for block, quota in zip(at, quotas(keep_rate, "int_original", len(at)), strict=True)
    }
    return at_stages(host, cuts)
