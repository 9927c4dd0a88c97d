"""DiffRate: counts that were learned once, block by block, and released as lists."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.errors import BadOption
from vtbench.reduce.diffrate_schedules import RELEASED, Lists
from vtbench.reduce.schedules.before_mlp_stages import given_counts
from vtbench.reduce.schedules.body import Body
from vtbench.reduce.schedules.layer import Overhead, Schedule

_SIZES = {(192, 12): "t", (384, 12): "s", (768, 12): "b", (1024, 24): "l", (1280, 32): "h"}
"""Width and blocks of the hosts with released lists."""
_TRAININGS = ("deit", "mae")


def diffrate(
    body: Body,
    *,
    schedule: str | None = None,
    trained: str | None = None,
    prune: Sequence[int] | None = None,
    merge: Sequence[int] | None = None,
    merging: bool = True,
) -> Schedule:
    """min(n, prune, merge) tokens are left; merging forms (prune - merge)·merge·C similarities.

    The authors' own figures leave the similarities out: ``merging`` false. Lists were learned on
    hosts trained as DeiT (T, S, B) and as MAE (B, L, H).
    """
    if (prune is None) != (merge is None):
        raise BadOption("prune and merge are two lists of one schedule; give both or none.")
    if prune is None or merge is None:
        prune, merge = released(body, schedule, trained)
    elif schedule is not None:
        raise BadOption("schedule names released lists; leave it out, or prune and merge.")
    if len(prune) != len(merge):
        raise BadOption(f"prune has {len(prune)} numbers and merge has {len(merge)}.")
    left = tuple(min(pair) for pair in zip(prune, merge, strict=True))
    layers = given_counts(body, left, "merge")
    overheads: list[Overhead] = []
    for block, layer in enumerate(layers):
        between = min(layer.q, prune[block])
        macs = (between - layer.left) * layer.left * body.width
        if merging and macs:
            overheads.append(Overhead(name="matching", macs=macs, block=block))
    return Schedule(body=body, layers=layers, overheads=tuple(overheads))


def targets(body: Body, trained: str | None = None) -> tuple[str, ...]:
    """Targets of the lists that were released for a host."""
    return tuple(_lists_of(body, trained))


def released(body: Body, target: str | None, trained: str | None) -> Lists:
    """The lists of a target; the middle one if none is named."""
    found = _lists_of(body, trained)
    if not found:
        raise BadOption(
            "No lists were released for this host at this size of the image; give prune and merge."
        )
    names = tuple(found)
    name = names[len(names) // 2] if target is None else target
    if name not in found:
        raise BadOption(f"schedule: expected one of {', '.join(names)}, got {name!r}.")
    return found[name]


def _lists_of(body: Body, trained: str | None) -> dict[str, Lists]:
    """Those of the host of this width and depth, if its image has as many tokens."""
    size = _SIZES.get((body.width, body.depth))
    for training in _TRAININGS if trained is None else (trained,):
        found = RELEASED.get(f"{training}_{size}", {})
        if found and next(iter(found.values()))[0][0] == body.tokens:
            return found
    return {}
