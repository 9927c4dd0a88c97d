"""Random: patches drawn at random go on, and the others are dropped.

Haurum et al., Which Tokens to Use?, ICCV Workshops 2023, as the baseline of Top-K.

Modifications of the host: at each stage, between attention and MLP, so many patches are kept, drawn
for each image without replacement by torch's own generator (``torch.manual_seed`` repeats them).
"""

from __future__ import annotations

import torch
from torch import Tensor

from vtbench.reduce.cutting import Cut, highest
from vtbench.reduce.dial import rate
from vtbench.reduce.host import Host
from vtbench.reduce.run import Run
from vtbench.reduce.stages import Blocks, Rates, Rounding, at_stages, quotas, stages
from vtbench.reduce.step import Step

DIAL = rate("keep_rate")


class Drawn(Cut):
    """One stage."""

    where = "after_attention"

    def best(self, x: Tensor, run: Run, kept: int) -> Tensor:
        """Any, each as likely."""
        scores = torch.rand(x.shape[0], x.shape[1] - run.prefix, device=x.device)
        return highest(scores, kept)


def steps(
    host: Host,
    *,
    keep_rate: Rates = 0.7,
    rounding: Rounding = "int_original",
    blocks: Blocks = None,
) -> list[Step]:
    """Apply it with what is kept at each stage.

    ``rounding``: a share of the image's patches, cut to an integer, as its authors released it; or
    of the tokens present, rounded up (``ceil_current``), as EViT has it.
    """
    at = stages(host, blocks)
    kept = quotas(keep_rate, rounding, len(at))
    return at_stages(host, {index: Drawn(each) for index, each in zip(at, kept, strict=True)})
