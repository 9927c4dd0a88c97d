"""The totals below a suite: a line for each kind of evidence, which are never added up."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.claims.judge import Total, Verdict, totals
from vtbench.report.units import plural

_TOTALS = {
    "independent": "Independent of every fit",
    "fitted": "Fitted, which confirms nothing",
    "arithmetic": "The paper against itself",
    "accuracies": "Accuracies",
}
"""Kind of evidence -> how its total begins."""


def total_notes(verdicts: Sequence[Verdict]) -> list[str]:
    """A line for each kind of evidence; they are never added up."""
    found = totals(verdicts)
    return [
        _total_note(head, found[name], arithmetic=name in ("arithmetic", "accuracies"))
        for name, head in _TOTALS.items()
        if found[name].claims
    ]


def _total_note(head: str, found: Total, *, arithmetic: bool) -> str:
    """How many of the judged claims hold, and what became of the rest."""
    if not found.judged:
        return f"{head}: {plural(found.claims, 'claim')}, none of which can be judged here."
    one = found.judged == 1
    hold, close, fail = (
        ("is consistent" if one else "are consistent", "", "in contradiction")
        if arithmetic
        else ("holds" if one else "hold", "close", "fail" if found.fails != 1 else "fails")
    )
    said = [f"{found.holds} of {plural(found.judged, 'claim')} {hold}"]
    said += [f"{n} {word}" for n, word in ((found.close, close), (found.fails, fail)) if n]
    wrong = found.close + found.fails
    if wrong and not arithmetic:
        said.append(f"{found.named} of these {wrong} with a named explanation")
    rest = f"; {found.unknown} more cannot be judged here" if found.unknown else ""
    return f"{head}: {', '.join(said)}{rest}."
