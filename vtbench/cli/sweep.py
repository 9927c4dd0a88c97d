"""``vtbench sweep``: every combination of the values of its options."""

from __future__ import annotations

from vtbench.cli.groups import command
from vtbench.cli.sweep_answer import Sweep, answer


@command
def sweep(*, ask: Sweep) -> int:
    """Count or measure every combination of the values that are given.

    \b
    vtbench sweep --models vt_r34,resnet34 --resolution 192:512:32
    vtbench sweep vt_r34 --tokens 8,16,32 --batch-size 1,16 --metric macs,latency --save vt.jsonl
    vtbench sweep deit_s --dtype fp32,bf16 --metric throughput,memory --gpu 0,1 --save gpu.jsonl
    vtbench sweep deit_s -o drop_rate=0,0.1 -o 'deit_s:img_size=[224,256]' --dry-run
    vtbench sweep vt_r18 vt_r34 --match-macs 2.5G --over tokens --metric latency
    vtbench sweep deit_s --gpu 0 --max-batch --metric throughput,memory

    Write several values between commas, or as start:stop:step, which includes the stop; brackets
    make one value. With --save no result is lost: the same command goes on where it stopped.

    Exit status: 0 if all is done; 1 if a cell failed; 2 if nothing could be done; 130 if the
    command was interrupted.
    """
    return answer(ask)
