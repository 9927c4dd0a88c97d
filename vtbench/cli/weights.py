"""``--weights``: where models take their weights from, for every command that builds them."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from vtbench.errors import BadOption

WeightFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--weights",
        metavar="[MODEL=]FILE",
        help="Weights from a checkpoint, for every model or for one; what is in it is not run. "
        "Repeatable.",
    ),
]

ForModels = tuple[tuple[str | None, str], ...]
"""Model or None for all, and its file."""


def parse_weights(given: Sequence[str] | None) -> ForModels:
    """``FILE`` and ``MODEL=FILE``, each with its digest; those for one model come last and win."""
    from vtbench.models.weight_files import identified

    read: list[tuple[str | None, str]] = []
    for text in given or ():
        only, equals, file = text.partition("=")
        one = bool(equals) and not Path(text).exists()
        read.append((only if one else None, identified(file if one else text)))
    return tuple(sorted(read, key=lambda each: each[0] is not None))


def weights_for(model: str, files: ForModels) -> str | None:
    """The file of one model, if there is any."""
    named = [file for only, file in files if only is None or fnmatch.fnmatchcase(model, only)]
    return named[-1] if named else None


def every_file_has_its_model(files: ForModels, models: Iterable[str]) -> None:
    """Refuse a file for a model that is not asked for."""
    for only, file in files:
        if only is not None and not any(fnmatch.fnmatchcase(name, only) for name in models):
            raise BadOption(
                f"The weights {file.partition('@sha256:')[0]!r} are for the model {only!r}, which "
                "is not among those asked for."
            )
