"""Vision transformers with fewer tokens: a function for each method, looked up by its name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import timm
from torch import nn

from vtbench.data.libraries import timm_architectures
from vtbench.data.spelling import closest
from vtbench.errors import UnknownModel
from vtbench.reduce.attach import apply
from vtbench.reduce.listed import method_named

Size = int | tuple[int, int]


def __getattr__(name: str) -> Callable[..., nn.Module]:
    """The function that builds a network with that method in it."""
    if name.startswith("__"):
        raise AttributeError(name)
    method = method_named(name)

    def network(
        *, host: str, img_size: Size | None = None, num_classes: int = 1000, **options: Any
    ) -> nn.Module:
        model: Any = hosted(host, img_size, num_classes)
        reduction = apply(method, model, options)
        model.reduction = reduction
        if any(block.reduction.by_image for block in reduction.host.blocks):
            model.by_image = method.name
        return model  # type: ignore[no-any-return]  # a module that was given one more attribute

    own = [
        each
        for each in inspect.signature(network, eval_str=True).parameters.values()
        if each.kind is not each.VAR_KEYWORD
    ]
    network.__name__ = network.__qualname__ = name
    network.__annotations__ = {
        each.name: each.annotation for each in (*own, *method.options.values())
    }
    network.__signature__ = inspect.Signature([*own, *method.options.values()])  # type: ignore[attr-defined]
    return network


def hosted(host: str, img_size: Size | None, num_classes: int) -> nn.Module:
    """A vision transformer of timm by its name, of that image size or of its own."""
    name = host.removeprefix("timm:")
    if name.partition(".")[0] not in timm_architectures():
        near = closest(name, timm_architectures(), 1)
        hint = f" Did you mean timm:{near[0]}?" if near else ""
        raise UnknownModel(f"There is no host {host!r} for a token reduction.{hint}")
    size = {} if img_size is None else {"img_size": img_size}
    model: nn.Module = timm.create_model(name, num_classes=num_classes, **size)
    return model
