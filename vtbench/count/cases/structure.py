"""One linear layer, or a few, in modules that are built and called in unusual ways."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  # torch's own name for it
from torch.utils.checkpoint import checkpoint

from vtbench.count.cases.micro_case import Case, D, Given, N, does, image, layer, tokens, weight

ONE = N * D * D
"""One D x D layer on N tokens."""


class _Product(torch.autograd.Function):
    """A matrix product with a gradient of its own."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        context.save_for_backward(x, w)
        return x @ w

    @staticmethod
    def backward(context: Any, grad: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x, w = context.saved_tensors
        return grad @ w.mT, x.mT @ grad


class _OfDict(nn.Module):
    """Takes its inputs in a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(D, D), nn.Linear(D, D)

    def forward(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Two layers, one for each entry."""
        return {"a": self.a(batch["a"]), "b": self.b(batch["b"])}


class _ByKeyword(nn.Module):
    """Takes its inputs by keyword only."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(D, D), nn.Linear(D, D)

    def forward(self, *, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """Two layers, one for each input."""
        out: torch.Tensor = self.a(left) + self.b(right)
        return out


def _three_parents() -> Given:
    shared = nn.Linear(D, D)
    return nn.Sequential(*(nn.Sequential(shared, nn.ReLU()) for _ in range(3))), (tokens(),), {}


def _tied() -> Given:
    first, second = nn.Linear(D, D), nn.Linear(D, D)
    second.weight = first.weight
    return nn.Sequential(first, second), (tokens(),), {}


def _branch(self: Any, x: torch.Tensor) -> torch.Tensor:
    gate = self.gate(x.mean(1))
    out: torch.Tensor = self.a(x) if bool(torch.isfinite(gate).all()) else self.b(self.a(x))
    return out


def _loop(self: Any, x: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    for _ in range(int(steps)):
        x = self.a(x)
    return x


def _selected(self: Any, x: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
    out: torch.Tensor = self.a(x[keep])
    return out


def _scripted() -> Given:
    inner = nn.Sequential(nn.Linear(D, D), nn.ReLU(), nn.Linear(D, D))
    return does(lambda self, x: self.inner(x), tokens(), inner=torch.jit.script(inner))


def _compiled() -> Given:
    inner = nn.Sequential(nn.Linear(D, D), nn.ReLU())
    compiled = torch.compile(inner, backend="eager")
    return does(lambda self, x: self.inner(x), tokens(), inner=compiled)


def _functional(self: Any, x: torch.Tensor) -> torch.Tensor:
    stand_in = {"weight": self.w, "bias": self.a.bias}
    out: torch.Tensor = torch.func.functional_call(self.a, stand_in, (x,))
    return out


def _linear(function: Any) -> Given:
    return does(function, tokens(), a=nn.Linear(D, D))


STRUCTURE_CASES = (
    Case("called twice", 2 * ONE, lambda: _linear(lambda self, x: self.a(self.a(x)))),
    Case("under three parents", 3 * ONE, _three_parents),
    Case("tied weights", 2 * ONE, _tied),
    Case(
        "in a list",
        3 * ONE,
        lambda: does(
            lambda self, x: sum(layer(x) for layer in self.layers),
            tokens(),
            layers=nn.ModuleList(nn.Linear(D, D) for _ in range(3)),
        ),
    ),
    Case("forward called", ONE, lambda: _linear(lambda self, x: self.a.forward(x))),
    Case(
        "weights handed in",
        ONE,
        lambda: does(_functional, tokens(), a=nn.Linear(D, D), w=weight(D, D)),
    ),
    Case("keyword inputs", 2 * ONE, lambda: layer(_ByKeyword(), left=tokens(), right=tokens())),
    Case("dict input", 2 * ONE, lambda: layer(_OfDict(), {"a": tokens(), "b": tokens()})),
    Case(
        "autograd function",
        ONE,
        lambda: does(lambda self, x: _Product.apply(x, self.w), tokens(), w=weight(D, D)),
    ),
    Case(
        "checkpoint",
        ONE,
        lambda: _linear(lambda self, x: checkpoint(self.a, x, use_reentrant=False)),
    ),
    Case(
        "vmap",
        ONE,
        lambda: does(
            lambda self, x: torch.vmap(lambda v: self.w @ v)(x), image(N, D), w=weight(D, D)
        ),
    ),
    # a layer whose result only decides which way to go, then one of two ways
    Case(
        "branch on a value",
        D * D + ONE,
        lambda: does(_branch, tokens(), gate=nn.Linear(D, D), a=nn.Linear(D, D), b=nn.Linear(D, D)),
        needs_values=True,
    ),
    Case(
        "loop on a value",
        3 * ONE,
        lambda: does(_loop, tokens(), torch.tensor(3), a=nn.Linear(D, D)),
        needs_values=True,
    ),
    Case(
        "tokens kept by a mask",
        50 * D * D,
        lambda: does(_selected, image(N, D), torch.arange(N) < 50, a=nn.Linear(D, D)),
        needs_values=True,
    ),
    Case("scripted module", 2 * ONE, _scripted),
    Case("compiled module", ONE, _compiled),
    Case("data parallel", ONE, lambda: layer(nn.DataParallel(nn.Linear(D, D)), tokens())),
    Case("lazy layer", ONE, lambda: layer(nn.LazyLinear(D), tokens())),
    Case(
        "weight norm",
        ONE,
        lambda: layer(nn.utils.parametrizations.weight_norm(nn.Linear(D, D)), tokens()),
    ),
    Case("mixed precision", ONE, lambda: _linear(lambda self, x: _autocast(self.a, x))),
    Case(
        "dropout, residual",
        ONE,
        lambda: _linear(lambda self, x: x + F.dropout(self.a(x), 0.1, self.training)),
    ),
)


def _autocast(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    with torch.autocast(x.device.type if not x.is_meta else "cpu", dtype=torch.bfloat16):
        out: torch.Tensor = module(x)
    return out
