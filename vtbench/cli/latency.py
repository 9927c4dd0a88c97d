"""``vtbench latency``: how long one step takes while the caller waits for it."""

from __future__ import annotations

from vtbench.cli.groups import command
from vtbench.cli.timing import Timing, answer

PROTOCOLS = ("latency", "latency-cold")


@command
def latency(*, ask: Timing) -> int:
    """Measure how long single steps take, with percentiles if there are enough samples.

    \b
    vtbench latency vt_r34 resnet34
    vtbench latency deit_s --gpu 0 --protocol latency-cold

    The host waits for the device after every step. The batch size is 1, and the CPU is measured,
    unless you give other values.

    Exit status: 0 if all is done; 1 if a model failed; 2 if nothing could be measured.
    """
    return answer(ask, PROTOCOLS)
