"""Batches whose images keep different numbers of tokens: filled up to the largest.

What fills an image up is a copy of its last token whose size is 0, so that attention which minds
sizes does not see it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from vtbench.reduce.run import Run
from vtbench.reduce.selecting import behind_prefix, places_of

Pad = Literal["largest", "bound"]
"""To the largest number of the batch, which is read from the device at each block that cuts; or to
the largest that there can be, which is known beforehand."""


class Packed(NamedTuple):
    """The patches that each image of a batch keeps."""

    which: Tensor
    """(B, M): which they are, in their order, filled up with the last."""
    real: Tensor | None
    """(B, M): whether it is one, or fills up; None if all are."""


def packed(kept: Tensor, most: int, pad: Pad) -> Packed:
    """What each image keeps of its patches (B, P), at most so many."""
    counts = kept.sum(1)  # (B,)
    fewest = 0
    if not (pad == "bound" or kept.is_meta or torch.compiler.is_compiling()):
        fewest, most = torch.stack(counts.aminmax()).tolist()
    order = kept.to(torch.uint8).argsort(dim=1, descending=True, stable=True)  # (B, P)
    if fewest == most:
        return Packed(order[:, :most], None)
    rank = torch.arange(most, device=kept.device).minimum((counts - 1).clamp(min=0)[:, None])
    real = torch.arange(most, device=kept.device) < counts[:, None]
    return Packed(order.gather(1, rank), real)


def those_kept(patches: Packed, run: Run, tokens: int) -> Tensor:
    """Which of so many tokens are kept, prefix and patches: (B, prefix + M).

    Sizes are noted, and places followed.
    """
    chosen = behind_prefix(patches.which, run.prefix)
    run.size = None if patches.real is None else behind_ones(patches.real, run.prefix)
    run.moved(lambda: _places(chosen, patches.real, run.prefix, tokens))
    return chosen


def behind_ones(real: Tensor, prefix: int) -> Tensor:
    """Sizes (B, prefix + M, 1): 1 of what is real (B, M), 0 of what fills up."""
    return functional.pad(real.float(), (prefix, 0), value=1.0)[..., None]


def _places(chosen: Tensor, real: Tensor | None, prefix: int, tokens: int) -> Tensor:
    """Where each token (B, N) went; -1 is gone."""
    if real is None:
        return places_of(chosen, tokens)
    first = chosen.new_ones(len(chosen), prefix, dtype=torch.bool)
    behind = torch.cat((first, real), dim=1)
    aside = chosen.masked_fill(~behind, tokens)  # a place of its own for what fills up
    return places_of(aside, tokens + 1)[:, :tokens]
