"""``vtbench throughput``: which model is faster, by how much, and how sure that is."""

from __future__ import annotations

from vtbench.cli.groups import command
from vtbench.cli.timing import Timing, answer

PROTOCOLS = ("throughput", "compiled", "graph")


@command
def throughput(*, ask: Timing) -> int:
    """Measure images per second; several models take turns, and their ratios have intervals.

    \b
    vtbench throughput --models vt_r34,resnet34
    vtbench throughput vt_r34 resnet34 --gpu 0 --dtype bf16 --layout channels_last
    vtbench throughput deit_s --batch-size 16 --threads 1 --stages
    vtbench throughput vt_r18 -o tokens=8,16 --save speed.jsonl

    The CPU is measured unless you give --gpu. The conditions that all models share stand above
    the table.

    Exit status: 0 if all is done; 1 if a model failed; 2 if nothing could be measured.
    """
    return answer(ask, PROTOCOLS)
