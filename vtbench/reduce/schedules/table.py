"""Every method by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vtbench.data.spelling import closest
from vtbench.errors import BadOption
from vtbench.reduce.schedules import (
    around_blocks,
    before_block,
    before_mlp,
    before_mlp_stages,
    kept_counts,
    new_tokens,
    within_attention,
)
from vtbench.reduce.schedules.body import Body
from vtbench.reduce.schedules.layer import Schedule

Method = Callable[..., Schedule]
"""(body, settings) -> layers and overheads; its signature has the settings and their defaults."""

METHODS: dict[str, Method] = {
    "evit": before_mlp_stages.evit,
    "topk": before_mlp_stages.topk,
    "random": before_mlp_stages.topk,
    "tome": before_mlp.tome,
    "tofu": before_mlp.tofu,
    "pitome": before_mlp.pitome,
    "dtem": before_mlp.dtem,
    "mctf": within_attention.mctf,
    "diffrate": kept_counts.diffrate,
    "gtp": before_mlp.gtp,
    "dynamicvit": before_block.dynamicvit,
    "dtps": before_block.dtps,
    "atc": before_mlp_stages.atc,
    "dpcknn": before_block.dpcknn,
    "kmedoids": before_block.kmedoids,
    "sinkhorn": before_block.sinkhorn,
    "patchmerger": before_block.patchmerger,
    "tokenlearner": new_tokens.tokenlearner,
    "sit": before_block.sit,
    "stvit": new_tokens.stvit,
    "evovit": around_blocks.evovit,
    "ppt": before_mlp_stages.ppt,
    "fpet": before_mlp_stages.fpet,
    "ltmp": before_mlp.ltmp,
    "ats": within_attention.ats,
    "avit": within_attention.avit,
    "sparsifiner": within_attention.sparsifiner,
    "cropr": around_blocks.cropr,
    "tomesd": around_blocks.tomesd,
    "dct": around_blocks.dct,
    "gridpool": new_tokens.gridpool,
}
"""Name -> rule."""


def schedule(method: str, body: Body, **settings: Any) -> Schedule:
    """A method on a host; BadOption if there is no such method or a setting is refused."""
    if method not in METHODS:
        near = closest(method, METHODS, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise BadOption(f"There is no method of token reduction {method!r}.{hint}")
    return METHODS[method](body, **settings)
