"""Cells of a column whose decimal points stand below each other, in plain text as in print."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise, zip_longest

FIGURE = re.compile(r"(\d[\d,]*)(\.\d+)?")
DIGIT, POINT, OTHER = "\u2007", "\u2008", "\u2005"
"""Blanks as wide as a digit, as a point, and as anything else."""
ALONE = 2
"""Parts of the rest of a cell with one figure."""
PLAIN = str.maketrans(dict.fromkeys((DIGIT, POINT, OTHER), " "))
"""The same where all characters have one width."""


def aligned(cells: Sequence[str]) -> list[str]:
    """The cells with blanks behind and between their figures, so that right-aligned they agree.

    The first figure of each cell is set below the first of the others, and so on: ``1,280 ± 6``
    above ``12.31 ± 0.04``. Cells without a figure stay as they are.
    """
    parted = [_parted(cell) for cell in cells]
    if len({len(tail) for _, tail in parted if len(tail) > ALONE}) > 1:  # unlike beyond the first
        parted = [(head, [*tail[:1], "".join(tail[1:])]) for head, tail in parted]
    tails = (tail for _, tail in parted)
    widths = [max(map(len, parts)) for parts in zip_longest(*tails, fillvalue="")]
    return [
        head + _filled(tail, widths) if any(tail) or FIGURE.search(head) else head
        for head, tail in parted
    ]


def _parted(cell: str) -> tuple[str, list[str]]:
    """The cell up to its first point, and the rest: fraction, words, whole part, fraction, ..."""
    figures = list(FIGURE.finditer(cell))
    if not figures:
        return cell, []
    tail = [figures[0][2] or ""]
    for before, figure in pairwise(figures):
        tail += [cell[before.end() : figure.start()], figure[1], figure[2] or ""]
    return cell[: figures[0].end(1)], [*tail, cell[figures[-1].end() :]]


def _filled(tail: Sequence[str], widths: Sequence[int]) -> str:
    """The rest of a cell, each part as wide as the widest in its place."""
    said = ""
    for place, width in enumerate(widths):
        part = tail[place] if place < len(tail) else ""
        missing = width - len(part)
        fraction, whole = place % 3 == 0, place % 3 == 2  # noqa: PLR2004 - they follow each other
        if whole and part:
            said += DIGIT * missing + part
        elif fraction and missing and not part:
            said += POINT + DIGIT * (missing - 1)
        else:
            said += part + (DIGIT if fraction or whole else OTHER) * missing
    return said
