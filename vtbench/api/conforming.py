"""Counters on micro-cases with known answers: what ``vtbench conformance`` does, from Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import msgspec

from vtbench.api.public import public
from vtbench.api.shown import Shown, frame, nothing_to_draw
from vtbench.count.peers import conformance as suite
from vtbench.count.peers.counters import chosen, parse
from vtbench.data.conformance import Conformance
from vtbench.report.conformance import conformance_document
from vtbench.report.document import Rendering

if TYPE_CHECKING:
    import pandas as pd


class Conformed(Shown):
    """What counters say of the cases; prints as ``vtbench conformance`` does."""

    def __init__(self, conformance: Conformance) -> None:
        self.conformance = conformance

    @property
    def ours_is_right(self) -> bool:
        """Whether vtbench is right in every case."""
        return self.conformance.ours_is_right

    def document(self, asked: Rendering) -> str:
        """The document of ``vtbench conformance``."""
        return conformance_document(self.conformance, asked)

    def to_frame(self) -> pd.DataFrame:
        """A row for each case and counter."""
        rows = [
            {
                "case": case.name,
                "truth": case.truth,
                "counter": name,
                **msgspec.structs.asdict(result),
            }
            for case in self.conformance.cases
            for name, result in case.results.items()
        ]
        return frame(rows)

    def chart(self) -> NoReturn:
        """There is none."""
        nothing_to_draw("Counters are right or wrong in single cases")


@public()
def conformance(counters: str | Sequence[str] = "all", *, cases: str | None = None) -> Conformed:
    """Compare FLOP counters on small cases whose answer is derived by hand.

    >>> vtbench.conformance("fvcore,torch", cases="attention").ours_is_right

    Options:
      counters: Names of counters that run beside ours, or 'all'.
      cases: Run only the cases whose name matches, such as 'conv'.
    """
    names = parse(counters if isinstance(counters, str) else ",".join(counters))
    chosen(names)
    return Conformed(suite.conformance(names, suite.selected(cases)))
