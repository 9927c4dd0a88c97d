"""Baselines: what our own models cost, written down so that a change of it is noticed.

A baseline is a claim made by ourselves. Its figures are exact, so each is an interval without
width, and the judge that holds papers to their digits holds a model to its baseline.
"""

from vtbench.claims.baseline.holding import Judged, Moved, judge_baseline, moved, suite_of
from vtbench.claims.baseline.lines import Baseline, lines_of_baseline, read_baseline

__all__ = [
    "Baseline",
    "Judged",
    "Moved",
    "judge_baseline",
    "lines_of_baseline",
    "moved",
    "read_baseline",
    "suite_of",
]
