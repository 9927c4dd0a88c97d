"""The other counters, a row each in ``PEERS``: what they are called, and how each is run.

Adding a counter: write a function here that runs it and gives its tally, and add its row below.
Importing this module imports neither torch nor any counter.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from vtbench.count.peers.patching import run_calflops, run_ptflops
from vtbench.count.peers.tally import Line, ModelCall, Tally, own_counts, positional, walk
from vtbench.errors import BadOption, MissingPackage

ALL = "all"
"""Stands for every counter."""


class Peer(NamedTuple):
    """One other counter."""

    name: str
    """Also the package that is imported, and the distribution whose version is shown."""
    run: Callable[[ModelCall], Tally]
    """What it counts for one call of a model; a model that it cannot take is ``Unsuitable``."""
    extra: str | None = None
    """The extra of vtbench that brings it, if vtbench does not need it anyway."""
    on_meta: bool = False
    """Whether it runs on shapes alone, which it is asked to if a model is too large."""
    backward: bool = False
    """Whether it counts the backward pass too."""
    alias: str | None = None
    """Another word for it, in lower case."""


def run_fvcore(call: ModelCall) -> Tally:
    """FlopCountAnalysis of fvcore, which counts one multiply-accumulate as one."""
    from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(call.module, positional(call))
    analysis.ancestor_mode("owner")  # the same total; modules then form a tree
    counts = {
        path: {op: round(float(macs)) for op, macs in by_op.items()}
        for path, by_op in analysis.by_module_and_operator().items()
    }
    return Tally(round(float(analysis.total())), tuple(own_counts(counts)))


def run_torchprofile(call: ModelCall) -> Tally:
    """The operators of torchprofile's profile_macs."""
    from torchprofile import profile_macs

    by_node = profile_macs(call.module, positional(call), reduction=None)
    lines = [Line(None, node.operator, int(macs), 1) for node, macs in by_node.items() if macs]
    return Tally(sum(int(macs) for macs in by_node.values()), tuple(lines))


def run_torch(call: ModelCall) -> Tally:
    """FlopCounterMode of torch, whose FLOPs are two per multiply-accumulate."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    mode = FlopCounterMode(display=False)
    with torch.set_grad_enabled(call.backward), mode:
        out = call.module(*call.args, **call.kwargs)
        if call.backward:
            _backward(out)
    counts = mode.get_flop_counts()
    root = type(call.module).__name__
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
    import torch
    from torch.utils._pytree import tree_leaves

    roots = [t for t in tree_leaves(out) if isinstance(t, torch.Tensor) and t.requires_grad]
    torch.autograd.backward(roots, [torch.ones_like(t) for t in roots])


def run_thop(call: ModelCall) -> Tally:
    """The profile of thop, which knows modules by their class."""
    import thop

    total, _, layers = thop.profile(
        call.module, positional(call), verbose=False, ret_layer_info=True
    )
    classes = {path: type(module).__name__ for path, module in walk(call.module)}
    lines = [
        Line(path, None, round(float(macs)), module_class=classes.get(path, ""))
        for path, macs in _leaves(layers)
        if macs
    ]
    if not lines and total:  # the model itself is a layer that thop knows
        lines = [Line("", None, round(float(total)), module_class=classes[""])]
    return Tally(round(float(total)), tuple(lines))


def _leaves(layers: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, (macs, _, below) in layers.items():
        if below:
            yield from _leaves(below, f"{prefix}{name}.")
        else:
            yield prefix + name, macs


def run_torchinfo(call: ModelCall) -> Tally:
    """The summary of torchinfo, whose mult-adds are a layer's parameters times its positions."""
    import torchinfo

    given = list(call.args) if call.args else call.kwargs
    named = call.kwargs if call.args else {}
    try:
        statistics = torchinfo.summary(call.module, input_data=given, verbose=0, **named)
    finally:  # it keeps every model that it has ever seen
        getattr(torchinfo.torchinfo, "_cached_forward_pass", {}).clear()
    paths = {id(module): path for path, module in reversed(list(walk(call.module)))}
    lines = [
        Line(paths.get(layer.layer_id), None, int(layer.macs), 1, module_class=layer.class_name)
        for layer in statistics.summary_list
        if layer.is_leaf_layer and layer.macs
    ]
    return Tally(int(statistics.total_mult_adds), tuple(lines))


PEERS = (
    Peer("fvcore", run_fvcore),
    Peer("thop", run_thop, on_meta=True),
    Peer("torch", run_torch, on_meta=True, backward=True, alias="flopcountermode"),
    Peer("ptflops", run_ptflops, extra="counters", on_meta=True),
    Peer("calflops", run_calflops, extra="counters", on_meta=True),
    Peer("torchinfo", run_torchinfo, extra="counters", on_meta=True),
    Peer("torchprofile", run_torchprofile, extra="counters"),
)
"""Every counter, in the order in which they are shown."""


def parse(text: str) -> tuple[str, ...]:
    """``all``, or names separated by commas; raises BadOption for an unknown name."""
    aliases = {peer.alias: peer.name for peer in PEERS}
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    names = tuple(dict.fromkeys(aliases.get(word, word) for word in words))
    known = [peer.name for peer in PEERS]
    unknown = [name for name in names if name not in (*known, ALL)]
    if unknown or not names:
        got = repr(unknown[0]) if unknown else "no name"
        raise BadOption(
            f"--counters: expected {ALL}, or names among {', '.join(known)}; got {got}."
        )
    return names


def is_installed(peer: Peer) -> bool:
    """Whether the package can be found; it is not imported."""
    try:
        return importlib.util.find_spec(peer.name) is not None
    except (ImportError, ValueError):  # a package that is half there
        return False


def not_installed(peer: Peer) -> str:
    """The sentence for a counter that is absent."""
    wanted = f"vtbench[{peer.extra}]" if peer.extra else peer.name
    return f"{peer.name} is not installed; install it with: pip install '{wanted}'"


def chosen(names: Iterable[str]) -> tuple[Peer, ...]:
    """The counters that are asked for, in the order of ``PEERS``.

    One that was asked for by name must be there; ``all`` stands for every one, there or not.
    """
    words = set(parse(",".join(names)))
    picked = tuple(peer for peer in PEERS if ALL in words or peer.name in words)
    for peer in picked:
        if peer.name in words and not is_installed(peer):
            raise MissingPackage(f"The counter {not_installed(peer)}")
    return picked
