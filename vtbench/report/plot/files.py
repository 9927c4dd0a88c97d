"""Figures as files: the same bytes each time, marked with what they were drawn from."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import msgspec

from vtbench.errors import OutputError
from vtbench.report.chart import Chart
from vtbench.report.plot.look import SETTINGS

SUFFIXES = (".pdf", ".png", ".svg")

_MARK = "drawn from "
_WRITTEN = re.compile(re.escape(_MARK) + "([0-9a-f]{64})")


def checked(path: Path) -> Path:
    """The path, where its name ends in a kind of figure that can be drawn."""
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(
            f"--plot: expected a file name that ends in {', '.join(SUFFIXES[:-1])} or "
            f"{SUFFIXES[-1]}, got {str(path)!r}."
        )
    return path


def digest(chart: Chart) -> str:
    """What a chart shows, as a fingerprint."""
    return hashlib.sha256(msgspec.json.encode(chart)).hexdigest()


def drawn_from(path: Path) -> str | None:
    """The fingerprint of the chart that a figure was drawn from; None if it says none.

    The bytes of a figure change with the plotting library, and what it shows does not.
    """
    found = _WRITTEN.search(path.read_bytes().decode("utf-8", errors="replace"))
    return found[1] if found else None


def save(figure: Any, path: Path, mark: str | None = None) -> None:
    """Write a figure; its fingerprint stands in the file's own description."""
    import matplotlib as mpl

    said = None if mark is None else f"{_MARK}{mark}"
    with mpl.rc_context(SETTINGS):
        try:
            figure.savefig(checked(path), metadata=_about(path.suffix.lower(), said))
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise OutputError(f"The figure {str(path)!r} cannot be written: {reason}.") from error


def _about(suffix: str, said: str | None) -> dict[str, str | None]:
    """What a file says of itself; no date, and no version of the plotting library."""
    if suffix == ".pdf":
        dated = {"CreationDate": None, "ModDate": None}
        return {
            "Creator": "vtbench",
            "Producer": None,
            **dated,
            **({"Keywords": said} if said else {}),
        }
    about = {"Description": said} if said else {}
    if suffix == ".svg":
        return {**about, "Creator": "vtbench", "Date": None}
    return {**about, "Software": "vtbench"}
