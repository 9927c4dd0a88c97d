"""Networks that read every pixel as cost models."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from vtbench.cost import dense_peers, papers, symbols
from vtbench.cost.model import CostModel, Rule, Values
from vtbench.cost.terms import Term

SWIN_STRIDE = 32
"""By how much the last map of a Swin is smaller than the image."""
SWIN_LEAST = 128
"""From here on, every map but the last holds a window."""

_PATCHES = Rule(
    symbols=("H", "W", "patch"),
    sentence="the image is cut into whole patches, so H and W are multiples of patch",
    holds=lambda at: at["H"] % at["patch"] == at["W"] % at["patch"] == 0,
)
_MAPS = Rule(
    symbols=("H", "W"),
    sentence="maps are halved without a rest and all but the last hold a window, so H and W are "
    "multiples of 32 from 128",
    holds=lambda at: (
        at["H"] % SWIN_STRIDE == at["W"] % SWIN_STRIDE == 0 and min(at["H"], at["W"]) >= SWIN_LEAST
    ),
)


def dense_peer_models() -> Iterator[CostModel]:
    """ViT and DeiT, Swin, and Perceiver."""
    yield _vit("vit", "vision transformer of any size, ViT-B/16 unless set", papers.VIT, (768, 12))
    for size, body in {"s": (384, 12), "b": (768, 12), "l": (1024, 24)}.items():
        yield _vit(f"vit_{size}", f"ViT-{size.upper()}/16", papers.VIT, body)
    for size, body in {"t": (192, 12), "s": (384, 12), "b": (768, 12)}.items():
        yield _vit(f"deit_{size}", f"DeiT-{size.upper()}", papers.DEIT, body)
    for size, net in dense_peers.SWINS.items():
        yield CostModel(
            name=f"swin_{size}", summary=f"Swin-{size.upper()}", paper=papers.SWIN,
            symbols=(*symbols.image(), symbols.CLASSES), rules=(_MAPS,),
            build=functools.partial(_swin, net), depth=2,
        )  # fmt: skip
    yield CostModel(
        name="perceiver", summary="Perceiver that reads all pixels, with Fourier features",
        paper=papers.PERCEIVER,
        symbols=(
            *symbols.image(),
            symbols.size("N", "latents", 512),
            symbols.setting("width", "channels of a latent", 1024),
            symbols.setting("cross_attends", "times that all pixels are read", 8),
            symbols.setting("layers", "blocks of self-attention after each", 6),
            symbols.setting("bands", "frequencies of a position, for each axis", 64),
            symbols.CLASSES,
        ),
        build=_perceiver, depth=2,
    )  # fmt: skip


def _vit(name: str, summary: str, paper: str, body: tuple[int, int]) -> CostModel:
    return CostModel(
        name=name, summary=summary, paper=paper,
        symbols=(
            *symbols.image(),
            symbols.setting("patch", "side of a patch", 16),
            symbols.setting("width", "channels of a token", body[0]),
            symbols.setting("layers", "blocks", body[1]),
            symbols.CLASSES,
        ),
        rules=(_PATCHES,),
        build=lambda at: dense_peers.vit(
            (at["H"], at["W"]), at["patch"], (at["width"], at["layers"]), at["classes"]),
        depth=2,
    )  # fmt: skip


def _swin(net: dense_peers.Swin, at: Values) -> tuple[Term, ...]:
    return dense_peers.swin(net, at["H"], at["W"], at["classes"])


def _perceiver(at: Values) -> tuple[Term, ...]:
    net = dense_peers.Perceiver(
        latents=at["N"], width=at["width"], reads=at["cross_attends"], layers=at["layers"],
        bands=at["bands"],
    )  # fmt: skip
    return dense_peers.perceiver(at["H"], at["W"], net, at["classes"])
