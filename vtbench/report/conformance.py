"""Micro-cases against counters: who is right, as a matrix of ratios to the truth."""

from __future__ import annotations

import msgspec

from vtbench.data.conformance import OURS, CaseResults, Conformance, Result
from vtbench.report.document import Document, Rendering, written
from vtbench.report.table import Column, Table, values_table

SHORT = {OURS: "ours", "ptflops": "ptfl.", "calflops": "calfl.", "torchinfo": "t.info",
         "torchprofile": "t.prof"}  # fmt: skip
"""Headings that leave room for the names of the cases on a page of 80 cells."""


def conformance_document(found: Conformance, asked: Rendering) -> str:
    """What counters say of the cases."""
    made = Document(
        kind="conformance",
        results=lambda: msgspec.to_builtins(found.cases),
        more=lambda: {"versions": found.versions, "absent": found.absent},
        tables=lambda: [matrix(found)],
        values=lambda: [_values(found)],
    )
    return written(made, asked)


def matrix(found: Conformance) -> Table:
    """A row for each case, a column for each counter."""
    names = list(found.versions)
    rows = [
        (case.name, *(cell(case, case.results[name]) for name in names)) for case in found.cases
    ]
    total = len(found.cases)
    rows.append((f"exact, of {total}", *(_sum(found, name, exact=True) for name in names)))
    rows.append((f"within 2 %, of {total}", *(_sum(found, name, exact=False) for name in names)))
    versions = [f"{name} {version}" for name, version in found.versions.items()]
    notes = [
        "A figure is the count divided by the truth: 1 is exact, 0 counts nothing.",
        "crash: the counter raised.  —: it cannot take the inputs.",
        "more: it counts something although nothing is multiplied.",
        "≥: it reports that something is unknown; blind: it does not.",
        *(", ".join(versions[at : at + 3]) for at in range(0, len(versions), 3)),
        *(f"{name} is not installed." for name in found.absent),
    ]
    return Table(
        title="Counters on micro-cases",
        columns=(
            Column(head="Case", align="left", shrink=True),  # rather than a counter
            *(Column(head=SHORT.get(name, name), drop=0 if name == OURS else 1) for name in names),
        ),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def cell(case: CaseResults, result: Result) -> str:
    """What a counter made of a case, in six cells at most."""
    if result.error is not None or result.macs is None:
        return "crash" if result.crashed else "—"
    if result.complete is False:
        return "≥"
    if result.right:
        return "1"
    if case.truth is None:
        return "blind"
    return "more" if not case.truth else _ratio(result.macs / case.truth)


def _sum(found: Conformance, name: str, *, exact: bool) -> str:
    """In how many cases a counter is right, or nearly."""
    right = 0
    for case in found.cases:
        result, truth = case.results[name], case.truth or 0
        near = truth > 0 and abs((result.macs or 0) - truth) * 50 <= truth
        right += result.right or (near and not exact)
    return str(right)


def _ratio(value: float) -> str:
    """Two decimals below ten, as ``.92`` or ``1.21``; more if there would be only zeros."""
    if not value:
        return "0"
    decimals = 2 if value >= 0.01 else 3  # noqa: PLR2004  # where two decimals show nothing
    text = f"{value:.{decimals}f}" if value < 10 else f"{value:.0f}"  # noqa: PLR2004  # as above
    return text.removeprefix("0") if value < 1 and not text.startswith("1") else text


def _values(found: Conformance) -> Table:
    return values_table(
        ("case", "truth", "counter", "macs", "right", "error"),
        [
            (case.name, case.truth, name, result.macs, result.right, result.error)
            for case in found.cases
            for name, result in case.results.items()
        ],
    )
