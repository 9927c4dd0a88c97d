"""Workloads in, measurements out: the only room where models, counts and clocks meet.

``sessions`` measures times, ``footprint`` memory, and ``standing`` says where they stand between
the ceilings; ``subjects`` makes a workload into something that can be timed.
"""

from vtbench.measuring.sessions import (
    MeasureSettings,
    measure,
    measure_live,
    measure_session,
)

__all__ = [
    "MeasureSettings",
    "measure",
    "measure_live",
    "measure_session",
]
