"""ViT as cost models: patches and a class token through standard blocks."""

from __future__ import annotations

from collections.abc import Iterator

from vtbench.data.cost.model import CostModel, Rule, Values
from vtbench.data.cost.symbols import CLASSES, image, setting
from vtbench.data.cost.terms import Term, convolution, divided, under
from vtbench.data.cost.tokens import encoder_block, stacked
from vtbench.papers.vit.rows import PAPER

BODIES = {"s": (384, 12), "b": (768, 12), "l": (1024, 24)}
"""Size -> width and number of blocks."""

_PATCHES = Rule(
    ("H", "W", "patch"),
    "the image is cut into whole patches, so H and W are multiples of patch",
    lambda at: at["H"] % at["patch"] == at["W"] % at["patch"] == 0,
)


def cost_models() -> Iterator[CostModel]:
    """One of any size, and ViT of every size."""
    yield vit_model("vit", "vision transformer of any size, ViT-B/16 unless set", PAPER, (768, 12))
    for size, body in BODIES.items():
        yield vit_model(f"vit_{size}", f"ViT-{size.upper()}/16", PAPER, body)


def vit_model(name: str, summary: str, paper: str, body: tuple[int, int]) -> CostModel:
    """A ViT of a width and a number of blocks."""
    its = (
        *image(),
        setting("patch", "side of a patch", 16, option="patch_size"),
        setting("width", "channels of a token", body[0], option="embed_dim"),
        setting("layers", "blocks", body[1], option="depth"),
        CLASSES,
    )
    return CostModel(name, summary, paper, its, vit, (_PATCHES,), depth=2)


def vit(at: Values) -> tuple[Term, ...]:
    """Patches and a class token through standard blocks."""
    width, patch = at["width"], at["patch"]
    patches = divided(at["H"], patch) * divided(at["W"], patch)
    return (
        convolution("patches", (3, width), patches, kernel=patch),
        *under("blocks", stacked(encoder_block(patches + 1, width), at["layers"])),
        convolution("head", (width, at["classes"]), 1),
    )
