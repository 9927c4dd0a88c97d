"""Medians, intervals, ratios, stopping rules and gates: plain numbers in and out.

Nothing here knows what was measured. How each method was chosen stands in ``docs/measuring.md``.
"""

from __future__ import annotations

from vtbench.stats.gate import Comparison, Gate, Verdict
from vtbench.stats.growth import exponent
from vtbench.stats.interval import Interval, half_width
from vtbench.stats.launches import apart_ratio, launch_interval, round_ratio
from vtbench.stats.mean import exact_mean, mean_half_width, quantile
from vtbench.stats.median import median_interval
from vtbench.stats.ratio import ratio_interval, ratio_of_interleaved
from vtbench.stats.samples import images_per_second, percentile
from vtbench.stats.stopping import Stop, StoppingRule, WarmUp

__all__ = [
    "Comparison",
    "Gate",
    "Interval",
    "Stop",
    "StoppingRule",
    "Verdict",
    "WarmUp",
    "apart_ratio",
    "exact_mean",
    "exponent",
    "half_width",
    "images_per_second",
    "launch_interval",
    "mean_half_width",
    "median_interval",
    "percentile",
    "quantile",
    "ratio_interval",
    "ratio_of_interleaved",
    "round_ratio",
]
