"""What papers printed: suites of claims, read from data and never run."""

from vtbench.claim.interval import Interval, interval, middle
from vtbench.claim.suite import read_suite
from vtbench.claim.types import Claim, Fitted, Suite

__all__ = ["Claim", "Fitted", "Interval", "Suite", "interval", "middle", "read_suite"]
