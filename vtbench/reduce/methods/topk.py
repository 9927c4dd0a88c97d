"""Top-K: the patches that the class token attends to most go on, and the others are dropped.

Haurum et al., Which Tokens to Use?, ICCV Workshops 2023.

Modifications of the host: at each stage, between attention and MLP, only the patches with the most
attention of the class token (mean of the heads) are kept, in descending order of it.
"""

from __future__ import annotations

from torch import Tensor

from vtbench.reduce.cutting import Cut, attention_of_class, highest
from vtbench.reduce.dial import rate
from vtbench.reduce.host import Host
from vtbench.reduce.run import Run
from vtbench.reduce.selecting import need_class_token
from vtbench.reduce.stages import Blocks, Rates, Rounding, at_stages, quotas, stages
from vtbench.reduce.step import Step

DIAL = rate("keep_rate")


class Attended(Cut):
    """One stage."""

    where = "after_attention"
    shows = "row"

    def best(self, x: Tensor, run: Run, kept: int) -> Tensor:  # noqa: ARG002  # the row decides
        """Those that the class token attends to most."""
        return highest(attention_of_class(run), kept)


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
    need_class_token(host, "topk")
    at = stages(host, blocks)
    kept = quotas(keep_rate, rounding, len(at))
    return at_stages(host, {index: Attended(each) for index, each in zip(at, kept, strict=True)})
