"""How well chance does, beside the readings that are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vtbench.claims.judge import Verdict, WrongFigures
from vtbench.claims.judge.verdict import Reproduction
from vtbench.report.units import percent, plural

NONE_DRAWN: Mapping[str, WrongFigures] = {}
"""For verdicts beside which nothing was drawn."""


def by_chance(found: Reproduction) -> str:
    """How well chance does, behind how well a reading does; empty if it explains no column."""
    return "" if found.chance is None else f", {found.chance:.1f} by chance"


def chance_notes(verdicts: Sequence[Verdict], wrong: WrongFigures | None) -> list[str]:
    """How each named reading compares with chance, and how many wrong figures would have one."""
    named: dict[str, str] = {}
    for verdict in verdicts:
        found, claim = verdict.reproduced_by, verdict.claim
        if found is not None and found.chance is not None and verdict.verdict != "holds":
            named.setdefault(
                claim.column,
                f"{found.reading(claim.convention)} gives {found.hits} of "
                f"{plural(found.of, 'distinct figure')} of "
                f"{claim.column.removeprefix(f'{claim.suite}.')}{by_chance(found)}.",
            )
    if wrong is None:
        return list(named.values())
    said = (
        f"Of {wrong.drawn:,} wrong figures drawn at random within 5 % of the counts, "
        f"{percent(wrong.named, wrong.drawn)} would get a named reading; some reading gives "
        f"{percent(wrong.possible, wrong.drawn)} of them."
    )
    return [*named.values(), said]
