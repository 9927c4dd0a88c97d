"""Claims and records in, verdicts out. Pure: nothing here counts, builds or runs anything."""

from vtbench.claims.judge.judging import judge
from vtbench.claims.judge.naming import WrongFigures
from vtbench.claims.judge.predictions import Prediction, leave_one_out
from vtbench.claims.judge.reading_search import Explainer
from vtbench.claims.judge.totals import Total, totals
from vtbench.claims.judge.verdict import Reproduction, Verdict
from vtbench.claims.judge.workloads import parts_named, wanted

__all__ = [
    "Explainer",
    "Prediction",
    "Reproduction",
    "Total",
    "Verdict",
    "WrongFigures",
    "judge",
    "leave_one_out",
    "parts_named",
    "totals",
    "wanted",
]
