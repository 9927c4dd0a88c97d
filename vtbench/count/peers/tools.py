"""The counters that trace or dispatch: fvcore, torchprofile and torch's own FlopCounterMode."""

from __future__ import annotations

from typing import Any

import torch

from vtbench.count.peers.tally import (
    FORWARD_ONLY,
    Line,
    Subject,
    Tally,
    Unsuitable,
    own_counts,
    positional,
)


def run_fvcore(subject: Subject) -> Tally:
    """FlopCountAnalysis of fvcore, which counts one multiply-accumulate as one."""
    from fvcore.nn import FlopCountAnalysis

    if subject.backward:
        raise Unsuitable(FORWARD_ONLY)
    analysis = FlopCountAnalysis(subject.module, positional(subject))
    analysis.ancestor_mode("owner")  # the same total; modules then form a tree
    counts = {
        path: {op: round(float(macs)) for op, macs in by_op.items()}
        for path, by_op in analysis.by_module_and_operator().items()
    }
    return Tally(round(float(analysis.total())), tuple(own_counts(counts)))


def run_torchprofile(subject: Subject) -> Tally:
    """The operators of torchprofile's profile_macs."""
    from torchprofile import profile_macs

    if subject.backward:
        raise Unsuitable(FORWARD_ONLY)
    by_node = profile_macs(subject.module, positional(subject), reduction=None)
    lines = [Line(None, node.operator, int(macs), 1) for node, macs in by_node.items() if macs]
    return Tally(sum(int(macs) for macs in by_node.values()), tuple(lines))


def run_torch(subject: Subject) -> Tally:
    """FlopCounterMode of torch, whose FLOPs are two per multiply-accumulate."""
    from torch.utils.flop_counter import FlopCounterMode

    mode = FlopCounterMode(display=False)
    with torch.set_grad_enabled(subject.backward), mode:
        out = subject.module(*subject.args, **subject.kwargs)
        if subject.backward:
            _backward(out)
    counts = mode.get_flop_counts()
    root = type(subject.module).__name__
    total = {str(op).partition(".")[2]: flops for op, flops in counts.pop("Global", {}).items()}
    tree = {
        name.partition(".")[2]: _halved(by_op)
        for name, by_op in counts.items()
        if name.partition(".")[0] == root
    }
    tree[""] = _halved(total)  # work outside every module too
    lines = own_counts(tree)
    if any(line.macs < 0 for line in lines):  # a module was called by another than its parent
        lines = [Line("", op, macs) for op, macs in tree[""].items()]
    return Tally(mode.get_total_flops() // 2, tuple(lines))


def _halved(by_op: dict[Any, int]) -> dict[str, int]:
    return {str(op).removeprefix("aten."): flops // 2 for op, flops in by_op.items()}


def _backward(out: Any) -> None:
    from torch.utils._pytree import tree_leaves

    roots = [t for t in tree_leaves(out) if isinstance(t, torch.Tensor) and t.requires_grad]
    torch.autograd.backward(roots, [torch.ones_like(t) for t in roots])
