"""What papers printed: suites of claims, read from data and never run."""

from vtbench.claims.suite.files import read_suite
from vtbench.claims.suite.interval import Interval, interval, middle
from vtbench.claims.suite.types import Axis, Claim, Fitted, HeldOut, Quantity, Suite, Sweep

__all__ = [
    "Axis",
    "Claim",
    "Fitted",
    "HeldOut",
    "Interval",
    "Quantity",
    "Suite",
    "Sweep",
    "interval",
    "middle",
    "read_suite",
]
