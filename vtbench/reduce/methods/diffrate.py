"""DiffRate: at each block some patches are pruned and some merged, as many as was learned for it.

Chen et al., DiffRate: Differentiable Compression Rate for Efficient Vision Transformers, ICCV 2023.

Modifications of the host: between attention and MLP, patches are ranked by the attention of the
class token (mean of the heads). The last are dropped; of those kept, the last go into the one of
the others that they are most like, which becomes the mean of its patches. Attention counts a token
as often as its patches. The schedules are those that were released.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vtbench.errors import BadOption
from vtbench.reduce.diffrate_schedules import RELEASED, Schedule
from vtbench.reduce.host import Host
from vtbench.reduce.matching import Matched, merged, places_after, unit
from vtbench.reduce.run import Run
from vtbench.reduce.selecting import behind_prefix, need_class_token, places_of, taken
from vtbench.reduce.step import Step

_LISTS = {
    (12, 192): ("deit_t",),
    (12, 384): ("deit_s",),
    (12, 768): ("deit_b", "mae_b"),
    (24, 1024): ("mae_l",),
    (32, 1280): ("mae_h",),
}
"""Depth and width of a host -> the weights whose schedules fit it, the usual first."""


def absorbed(x: Tensor, merge: int) -> Matched:
    """Tokens (B, N, C) behind the first ``merge`` go into those; the class token takes none.

    (N - merge)·merge·C products.
    """
    tokens = unit(x)
    scores = tokens[:, merge:] @ tokens[:, :merge].transpose(1, 2)
    scores[:, :, 0] = -torch.inf
    every = torch.arange(x.shape[1], device=x.device).expand(x.shape[0], -1)
    return Matched(every[:, :merge], every[:, merge:], scores.argmax(-1))


class PruneAndMerge(Step):
    """One block."""

    where = "after_attention"
    shows = "row"
    proportional = True

    def __init__(self, prune: int, merge: int) -> None:
        super().__init__()
        self.prune = prune
        self.merge = merge

    def kept(self, tokens: int) -> tuple[int, int]:
        """How many of so many tokens, class token included, are kept and then left."""
        prune = min(tokens, self.prune)
        return prune, min(prune, self.merge)

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """The smaller of both numbers, if more come in."""
        return self.kept(tokens + 1)[1] - 1

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, N - pruned - merged, C)."""
        tokens = x.shape[1]
        prune, merge = self.kept(tokens)
        if merge == tokens or run.seen is None or run.seen.row is None:
            return x
        attention = run.seen.row[:, :, 1:].mean(1)
        best = attention.topk(prune - 1, dim=1).indices  # in falling order
        kept = behind_prefix(best, 1)
        run.moved(lambda: places_of(kept, tokens))
        x = taken(x, kept)
        run.size = None if run.size is None else taken(run.size, kept)
        if merge == prune:
            return x
        pairs = absorbed(x, merge)
        run.moved(lambda: places_after(pairs, prune))
        x, run.size = merged(x, pairs, run.size)
        return x


def steps(
    host: Host, *, schedule: str | float | Sequence[Sequence[int]] | None = None
) -> Sequence[Step]:
    """Apply it with a schedule: the GMACs of a released one, by default the middle, or two lists.

    Where two networks of one shape have their own, the weights tell them apart: mae_b:8.7. Lists
    say how many tokens, the class token included, each block keeps when it prunes, and how many
    when it has merged.
    """
    need_class_token(host, "diffrate")
    prune, merge = _named(host, schedule) if _is_name(schedule) else _given(host, schedule)
    return [PruneAndMerge(*each) for each in zip(prune, merge, strict=True)]


def _is_name(schedule: object) -> bool:
    return schedule is None or isinstance(schedule, str | int | float)


def _named(host: Host, schedule: object) -> Schedule:
    fitting = _LISTS.get((host.depth, host.width), ())
    lists = {
        (weights, target): each
        for weights in fitting
        for target, each in RELEASED[weights].items()
        if each[0][0] == host.patches + host.prefix
    }
    if host.prefix != 1 or not lists:
        raise BadOption(
            "diffrate has released schedules for DeiT-T, S and B and ViT-B, L and H with a class "
            f"token at 224 pixels, and none for {host.depth} blocks of {host.width} channels with "
            f"{host.patches + host.prefix} tokens; give two lists, of the tokens that each block "
            "keeps when it prunes and when it has merged."
        )
    usual = list(RELEASED[fitting[0]])
    asked = usual[len(usual) // 2] if schedule is None else str(schedule)
    weights, colon, target = asked.rpartition(":")
    of = weights if colon else fitting[0]
    found = lists.get((of, target)) or lists.get((of, f"{target}.0"))
    if found is None:
        names = ", ".join(t if w == fitting[0] else f"{w}:{t}" for w, t in lists)
        raise BadOption(f"schedule={schedule!r}: those released for this network are {names}.")
    return found


def _given(host: Host, schedule: object) -> Schedule:
    lists = schedule if isinstance(schedule, Sequence) else ()
    if host.prefix != 1:
        raise BadOption("diffrate's lists are for a network whose only other token is the class.")
    if len(lists) != 2 or not all(isinstance(each, Sequence) for each in lists):  # noqa: PLR2004
        raise BadOption(f"schedule={schedule!r}: give a name, or two lists of tokens.")
    for each in lists:
        if len(each) != host.depth:
            raise BadOption(
                f"schedule has a list of {len(each)} numbers, and the network {host.depth} blocks."
            )
        if any(type(kept) is not int or kept < 2 for kept in each):  # noqa: PLR2004
            raise BadOption(
                f"schedule={list(each)}: tokens kept are whole numbers from 2, the class token "
                "and a patch."
            )
    return tuple(lists[0]), tuple(lists[1])
