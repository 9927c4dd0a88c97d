"""The counters that know modules only: thop and torchinfo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vtbench.count.peers.tally import (
    FORWARD_ONLY,
    Line,
    Subject,
    Tally,
    Unsuitable,
    positional,
    walk,
)


def run_thop(subject: Subject) -> Tally:
    """The profile of thop, which knows modules by their class."""
    import thop

    if subject.backward:
        raise Unsuitable(FORWARD_ONLY)
    total, _, layers = thop.profile(
        subject.module, positional(subject), verbose=False, ret_layer_info=True
    )
    classes = {path: type(module).__name__ for path, module in walk(subject.module)}
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


def run_torchinfo(subject: Subject) -> Tally:
    """The summary of torchinfo, whose mult-adds are a layer's parameters times its positions."""
    import torchinfo

    if subject.backward:
        raise Unsuitable(FORWARD_ONLY)
    given = list(subject.args) if subject.args else subject.kwargs
    named = subject.kwargs if subject.args else {}
    try:
        statistics = torchinfo.summary(subject.module, input_data=given, verbose=0, **named)
    finally:  # it keeps every model that it has ever seen
        getattr(torchinfo.torchinfo, "_cached_forward_pass", {}).clear()
    paths = {id(module): path for path, module in reversed(list(walk(subject.module)))}
    lines = [
        Line(paths.get(layer.layer_id), None, int(layer.macs), 1, module_class=layer.class_name)
        for layer in statistics.summary_list
        if layer.is_leaf_layer and layer.macs
    ]
    return Tally(int(statistics.total_mult_adds), tuple(lines))
