"""Write suites/torchvision.toml: the figures that torchvision prints with its own weights.

Each set of weights of its classification models states ``_ops`` (billions of multiply-accumulates,
to three decimals, though its page calls them GFLOPS) and ``num_params``, for the size to which its
transform crops. They are read from the installed library; nothing is downloaded and nothing here
is measured. What is known of figures that do not hold is kept in KNOWN, and is written beside them.

    python scripts/read_torchvision_figures.py > suites/torchvision.toml
"""

from __future__ import annotations

import sys
import textwrap
from importlib.metadata import version
from typing import Any

from torchvision.models import get_model_weights, list_models

KNOWN: dict[str, tuple[str, str, str]] = {
    "googlenet_imagenet1k_v1.params": (
        "fails",
        "aux_logits=False",
        "The weights come without the auxiliary heads of the default model: 6624904 then.",
    ),
}
"""Row and column -> what is expected of it, by what reading it comes out, and why."""

HEAD = """\
# What torchvision prints with the weights of its classification models, read from version {version}
# by scripts/read_torchvision_figures.py. It calls the operations GFLOPS; they are billions of
# multiply-accumulates, and its parameters are all of them.

[suite]
title = "torchvision: models and pre-trained weights"
source = "https://docs.pytorch.org/vision/stable/models.html"
conventions = {{ macs = "full", params = "all" }}

[search.aux_logits]
values = [true, false]
models = ["torchvision:googlenet", "torchvision:inception_v3"]

[[table]]
id = "weights"
where = "Table of classification weights"

[table.columns]
macs = {{ metric = "macs", unit = "G" }}
params = {{ metric = "params" }}
"""


def rows() -> list[str]:
    """A table row for each set of weights that states what it costs, in the library's order."""
    import torchvision.models as classification

    return [
        row(name, weights)
        for name in list_models(module=classification)
        for weights in get_model_weights(name)
        if "_ops" in weights.meta and "num_params" in weights.meta
    ]


def row(model: str, weights: Any) -> str:
    """One set of weights."""
    label = f"{model}_{weights.name.lower()}"
    size = weights.transforms.keywords["crop_size"]
    lines = [
        "[[table.row]]",
        f'id = "{label}"',
        f'where = "{type(weights).__name__}.{weights.name}"',
        f'workload = {{ model = "torchvision:{model}", resolution = {size} }}',
    ]
    plain: list[str] = []
    noted: list[str] = []
    for column, printed in figures(weights).items():
        known = KNOWN.get(f"{label}.{column}")
        if known is None:
            plain.append(f'{column} = "{printed}"')
        else:
            noted += ["", f"[table.row.{column}]", f'printed = "{printed}"', *note(*known)]
    return "\n".join([*lines, *plain, *noted])


def figures(weights: Any) -> dict[str, str]:
    """Column -> digits as the page prints them."""
    return {"macs": f"{weights.meta['_ops']:.3f}", "params": str(weights.meta["num_params"])}


def note(expect: str, by: str, why: str) -> list[str]:
    """An expectation and its reason, wrapped."""
    said = [f'expect = "{expect}"', f'by = "{by}"']
    if len(why) < 90:  # noqa: PLR2004  # what fits on one line of the file
        return [*said, f'why = "{why}"']
    *first, last = textwrap.wrap(why, 94)
    return [*said, 'why = """\\', *(f"  {line} \\" for line in first),
            f'  {last}"""']  # fmt: skip


def main() -> None:
    """The whole file on standard output."""
    text = "\n\n".join([HEAD.format(version=version("torchvision")).rstrip(), *rows()])
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
