"""Vision transformers with fewer tokens: a function for each method, looked up by its name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import timm
import torch
from torch import nn

from vtbench.data.libraries import timm_architectures
from vtbench.data.spelling import closest
from vtbench.errors import UnknownModel
from vtbench.papers.lvvit import networks, rows
from vtbench.reduce.attach import apply
from vtbench.reduce.listed import method_named
from vtbench.reduce.pictured import panels

Size = int | tuple[int, int]
_LVVIT: dict[str, dict[str, Any]] = {row.name: row.options for row in rows.ROWS}


def __getattr__(name: str) -> Callable[..., nn.Module]:
    """The function that builds a network with that method in it."""
    if name.startswith("__"):
        raise AttributeError(name)
    method = method_named(name)

    def network(
        *, host: str, img_size: Size | None = None, num_classes: int = 1000, **options: Any
    ) -> nn.Module:
        changes = method.host if method.host and _has_class_token(host) else {}
        model: Any = hosted(host, img_size, num_classes, **changes)
        reduction = apply(method, model, options)
        if options.get("tokens") is not None and method.dial is not None:
            met = reduction.settings[method.dial.option]
            model.settled = {method.dial.option: met, "tokens_left": reduction.lengths[-1]}
        if any(block.reduction.by_image for block in reduction.host.blocks):
            model.by_image = method.name
        model.panels = functools.partial(panels, reduction)
        return model  # type: ignore[no-any-return]  # a module that was given one more attribute

    own = [
        each
        for each in inspect.signature(network, eval_str=True).parameters.values()
        if each.kind is not each.VAR_KEYWORD
    ]
    network.dial = method.dial  # type: ignore[attr-defined]
    network.__name__ = network.__qualname__ = name
    network.__annotations__ = {
        each.name: each.annotation for each in (*own, *method.options.values())
    }
    network.__signature__ = inspect.Signature([*own, *method.options.values()])  # type: ignore[attr-defined]
    return network


def _has_class_token(host: str) -> bool:
    """Whether a host has one, seen without filling its weights."""
    with torch.device("meta"):
        return getattr(hosted(host, None, 0), "cls_token", None) is not None


def hosted(host: str, img_size: Size | None, num_classes: int, **changes: Any) -> nn.Module:
    """A vision transformer of timm, or an LV-ViT, by its name, of that image size or of its own."""
    size: dict[str, Any] = changes if img_size is None else {**changes, "img_size": img_size}
    if host in _LVVIT:
        return networks.lvvit(num_classes=num_classes, **size, **_LVVIT[host])
    name = host.removeprefix("timm:")
    if name.partition(".")[0] not in timm_architectures():
        known = [*(f"timm:{each}" for each in timm_architectures()), *_LVVIT]
        near = closest(host, known, 1) or closest(f"timm:{name}", known, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UnknownModel(f"There is no host {host!r} for a token reduction.{hint}")
    model: nn.Module = timm.create_model(name, num_classes=num_classes, **size)
    return model
