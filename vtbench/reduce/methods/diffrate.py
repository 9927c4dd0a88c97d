"""DiffRate: at each block some patches are pruned and some merged, as many as was learned for it.

Chen et al., DiffRate: Differentiable Compression Rate for Efficient Vision Transformers, ICCV 2023.

Modifications of the host: between attention and MLP, patches are ranked by the attention of the
class token (mean of the heads). The last are dropped; of those kept, the last go into the one of
the others that they are most like, which becomes the mean of its patches. Attention counts a token
as often as its patches. The schedules are those that were released.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from vtbench.errors import BadOption
from vtbench.reduce.diffrate_schedules import RELEASED, Lists
from vtbench.reduce.host import Host
from vtbench.reduce.matching import Matched, merged, places_after, unit
from vtbench.reduce.run import Run
from vtbench.reduce.selecting import behind_prefix, need_class_token, places_of, taken
from vtbench.reduce.step import Step

Trained = Literal["deit", "mae"]
_LISTS = {
    (12, 192): ("deit_t",),
    (12, 384): ("deit_s",),
    (12, 768): ("deit_b", "mae_b"),
    (24, 1024): ("mae_l",),
    (32, 1280): ("mae_h",),
}
"""Depth and width of a host -> the weights whose schedules fit it, the usual first."""


def absorbed(x: Tensor, merge: int, prefix: int) -> Matched:
    """Tokens (B, N, C) behind the first ``merge`` go into those; the prefix takes none.

    (N - merge)·merge·C products.
    """
    tokens = unit(x)
    scores = tokens[:, merge:] @ tokens[:, :merge].transpose(1, 2)
    scores[:, :, :prefix] = -torch.inf
    every = torch.arange(x.shape[1], device=x.device).expand(x.shape[0], -1)
    return Matched(every[:, :merge], every[:, merge:], scores.argmax(-1))


class PruneAndMerge(Step):
    """One block."""

    where = "after_attention"
    shows = "row"
    proportional = True

    def __init__(self, prune: int, merge: int, prefix: int) -> None:
        super().__init__()
        self.prune = prune
        self.merge = merge
        self.prefix = prefix

    def kept(self, tokens: int) -> tuple[int, int]:
        """How many of so many tokens, the prefix included, are kept and then left."""
        prune = min(tokens, self.prune)
        return prune, min(prune, self.merge)

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """The smaller of both numbers, if more come in."""
        return self.kept(tokens + self.prefix)[1] - self.prefix

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, N - pruned - merged, C)."""
        tokens, prefix = x.shape[1], run.prefix
        prune, merge = self.kept(tokens)
        if merge == tokens or run.seen is None or run.seen.row is None:
            return x
        attention = run.seen.row[:, :, prefix:].mean(1)
        best = attention.topk(prune - prefix, dim=1).indices  # in falling order
        kept = behind_prefix(best, prefix)
        run.moved(lambda: places_of(kept, tokens))
        x = taken(x, kept)
        run.size = None if run.size is None else taken(run.size, kept)
        if merge == prune:
            return x
        pairs = absorbed(x, merge, prefix)
        run.moved(lambda: places_after(pairs, prune))
        x, run.size = merged(x, pairs, run.size)
        return x


def steps(
    host: Host,
    *,
    schedule: str | float | None = None,
    trained: Trained | None = None,
    prune: Sequence[int] | None = None,
    merge: Sequence[int] | None = None,
) -> Sequence[Step]:
    """Apply it with a released schedule, named by its GMACs and by default the middle one.

    Those of ViT-B differ by how it was trained, as DeiT or as MAE. Instead of a schedule, two lists
    say how many tokens, the class token included, each block keeps when it prunes, and how many
    when it has merged.
    """
    need_class_token(host, "diffrate")
    if (prune is None) != (merge is None):
        raise BadOption("prune and merge are the two lists of one schedule; give both or neither.")
    if prune is None or merge is None:
        prune, merge = _released(host, schedule, trained)
    elif schedule is not None or trained is not None:
        raise BadOption("diffrate takes a released schedule, or prune and merge; leave one out.")
    for option, kept in (("prune", prune), ("merge", merge)):
        _check(option, kept, host)
    return [PruneAndMerge(*each, host.prefix) for each in zip(prune, merge, strict=True)]


def _released(host: Host, schedule: object, trained: str | None) -> Lists:
    if trained not in (None, "deit", "mae"):
        raise BadOption(f"trained={trained!r}: it is deit or mae.")
    tokens = host.patches + host.prefix
    fitting = [
        RELEASED[weights]
        for weights in _LISTS.get((host.depth, host.width), ())
        if trained is None or weights.startswith(trained)
    ]
    if not fitting or next(iter(fitting[0].values()))[0][0] != tokens:
        raise BadOption(
            "diffrate has released schedules for DeiT-T, S and B and, trained as MAE, ViT-B, L and "
            f"H at 224 pixels, and none for this network of {host.depth} blocks, {host.width} "
            f"channels and {tokens} tokens; give prune and merge, a number for each block."
        )
    found = fitting[0]
    name = list(found)[len(found) // 2] if schedule is None else str(schedule)
    name = name if name in found else f"{name}.0"
    if name not in found:
        raise BadOption(
            f"schedule={schedule!r}: those released for this network are {', '.join(found)}."
        )
    return found[name]


def _check(option: str, kept: Sequence[int], host: Host) -> None:
    if not isinstance(kept, Sequence) or len(kept) != host.depth:
        raise BadOption(
            f"{option}={kept}: the network has {host.depth} blocks; give as many numbers."
        )
    if any(type(each) is not int or each <= host.prefix for each in kept):
        raise BadOption(
            f"{option}={list(kept)}: tokens kept are whole numbers from {host.prefix + 1}, of "
            f"which {host.prefix} are not patches."
        )
