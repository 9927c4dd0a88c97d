"""What ``compare`` and ``regress`` share: how small a change matters, the page, and the status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from vtbench.cli.output import say
from vtbench.cli.written import Written
from vtbench.data.comparison import Comparison, failing
from vtbench.errors import BadOption
from vtbench.report.measurements_compared import ComparisonRendering, compared_document
from vtbench.report.shape import Shape
from vtbench.stats import Gate

UNSHAPED = Shape()
Smallest = Annotated[
    str,
    typer.Option("--smallest", metavar="P%", help="The smallest change in time that matters."),
]


def shown(
    found: Sequence[Comparison],
    sides: tuple[str, str],
    gate: Gate,
    written: Written,
    shape: Shape = UNSHAPED,
) -> str:
    """The comparisons as a document; ``sides`` are the names of the earlier and the later one."""
    page = written.shown_as(ComparisonRendering, smallest=gate.smallest, names=sides, shape=shape)
    return compared_document(found, page)


def status(found: list[Comparison], *, fail_on_unknown: bool) -> int:
    """0 nothing got slower, 1 something did or no longer runs, 2 nothing could be compared."""
    if all(each.verdict == "not compared" for each in found):
        say("Nothing could be compared.")
        return 2
    return 1 if failing(found, unclear=fail_on_unknown) else 0


def parse_share(text: str) -> float:
    """``3%`` or ``0.03``, above nothing and below all."""
    number = text.strip().removesuffix("%")
    try:
        share = float(number) / (100 if text.strip().endswith("%") else 1)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise BadOption(f"--smallest: expected a share such as 3% or 0.03, got {text!r}.")
    return share
