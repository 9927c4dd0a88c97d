"""Claims and records in, verdicts out. Pure: nothing here counts, builds or runs anything."""

from vtbench.claims.judge.held_out import Prediction, leave_one_out
from vtbench.claims.judge.judging import judge, totals
from vtbench.claims.judge.points import parts_named, wanted
from vtbench.claims.judge.verdict import Reproduction, Verdict

__all__ = [
    "Prediction",
    "Reproduction",
    "Verdict",
    "judge",
    "leave_one_out",
    "parts_named",
    "totals",
    "wanted",
]
