"""From where each visual token is made: its coefficients over the map, block by block."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from vtbench.data.panel import Panel


@torch.no_grad()
def panels(net: nn.Module, image: Tensor) -> list[Panel]:
    """A panel for each token of each tokenizer; the coefficients are the mean of the heads."""
    seen: list[tuple[str, Tensor, tuple[int, int]]] = []

    def note(path: str) -> Any:
        def hook(_: nn.Module, given: tuple[Tensor, ...]) -> None:
            x, coefficients = given[0], given[1]  # N,f,H,W and N,h,HW,L
            seen.append((path, coefficients[0].mean(0), (x.shape[2], x.shape[3])))

        return hook

    parts = [(path, part) for path, part in net.named_modules() if path.endswith(".extraction")]
    hooks = [part.register_forward_pre_hook(note(path)) for path, part in parts]
    try:
        net(image)
    finally:
        for hook in hooks:
            hook.remove()
    return [
        _panel(path, token, weights, size)
        for path, coefficients, size in seen
        for token, weights in enumerate(coefficients.T)
    ]


def _panel(path: str, token: int, weights: Tensor, size: tuple[int, int]) -> Panel:
    block = path.split(".tokenizer", maxsplit=1)[0]
    rows = weights.reshape(size).tolist()
    most = f"at most {float(weights.max()):.2g} of it from one place"
    return Panel(
        title=f"{block}, token {token}", said=most, weights=tuple(tuple(row) for row in rows)
    )
