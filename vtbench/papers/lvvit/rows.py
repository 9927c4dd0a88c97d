"""LV-ViT, with the stem of its authors and with the one of Self-slimmed Vision Transformer."""

from vtbench.data.catalog_row import ModelRow

PAPER = (
    "Jiang et al., All Tokens Matter: Token Labeling for Training Better Vision Transformers, "
    "NeurIPS 2021"
)
_NETWORK = "vtbench.papers.lvvit.networks:lvvit"

ROWS = (
    *(
        ModelRow(f"lvvit_{size}", _NETWORK, PAPER, "LV-ViT", {"size": size}, head=("head",))
        for size in ("s", "m")
    ),
    *(
        ModelRow(
            f"lvvit_{size}_halving",
            _NETWORK,
            PAPER,
            "LV-ViT",
            {"size": size, "stem": "halving"},
            resolution=resolution,
            head=("head",),
        )
        for size, resolution in (("t", None), ("s", None), ("m", None), ("l", (288, 288)))
    ),
)
