"""Run docs/tour.ipynb in a kernel of its own, and write it with what its cells show.

    python scripts/tour.py

Times, machines and versions vary, so a notebook that shows the same but for these stays as it is.
The cells stand in the notebook; this script and tests/docs/test_tour.py share how it is run.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from pages import ROOT, VARYING

TOUR = ROOT / "docs" / "tour.ipynb"
MEASURED = "measured"
"""The tag of a cell whose figures are of a machine."""
SECONDS = 600
"""For each cell, on a machine that is busy."""


def executed(notebook: Any, folder: Path) -> Any:
    """The notebook with what its cells show now; a cell that fails raises."""
    own = {"PYTHONPATH": str(ROOT), "VTBENCH_CACHE": str(folder / "cache")}
    again = nbformat.from_dict(notebook)
    NotebookClient(
        again,
        timeout=SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    ).execute(env={**os.environ, **own})
    return again


def tidied(notebook: Any) -> Any:
    """The notebook without what each run leaves behind: times, versions and random names."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for place, cell in enumerate(notebook.cells):
        cell.id = f"cell-{place:02}"
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [each for each in cell.outputs if each.get("name") != "stderr"]
    return notebook


def shows_the_same(cell: Any, other: Any) -> bool:
    """Whether two runs of a cell show the same; pictures and measured figures are not compared."""
    if MEASURED in cell.metadata.get("tags", ()):
        return [_kinds(each) for each in cell.outputs] == [_kinds(each) for each in other.outputs]
    return [_texts(each) for each in cell.outputs] == [_texts(each) for each in other.outputs]


def _kinds(output: Any) -> list[str]:
    return [output.output_type, *sorted(output.get("data", ()))]


def _texts(output: Any) -> list[str]:
    """What an output says, without what varies between machines."""
    data = output.get("data", {})
    said = [data.get("text/plain", ""), data.get("text/html", ""), output.get("text", "")]
    return [*_kinds(output), *map(_even, said)]


def _even(text: str) -> str:
    flowing = " ".join(text.split())
    for pattern, placeholder in VARYING.items():
        flowing = re.sub(pattern, placeholder, flowing)
    return flowing


def main() -> None:
    """Write the notebook if a cell shows something else than before."""
    import tempfile

    before = nbformat.read(TOUR, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        now = tidied(executed(before, Path(folder)))
    pairs = list(zip(before.cells, now.cells, strict=True))
    stale = [
        place
        for place, (old, new) in enumerate(pairs)
        if new.cell_type == "code" and not (old.outputs and shows_the_same(old, new))
    ]
    for place, (old, _) in enumerate(pairs):
        if place not in stale:
            now.cells[place] = old
    nbformat.write(tidied(now), TOUR)
    sys.stdout.write(f"{TOUR.name}: {len(stale)} of {len(pairs)} cells written\n")


if __name__ == "__main__":
    main()
