"""Two revisions of one's own code, measured in turns in two processes on one machine.

A stored figure is of another hour; two revisions that take turns share the hour. The base's files
are written to a folder of their own from the repository, which is only read.
"""

from __future__ import annotations

from vtbench.measure.revisions.launches import compare_launches
from vtbench.measure.revisions.session import Asked, measure_revisions

__all__ = ["Asked", "compare_launches", "measure_revisions"]
