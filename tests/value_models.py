"""Networks whose token count follows from values, and inputs with a known number of each."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Prune(nn.Module):
    """4 to 16 on those of 8 tokens whose mean is positive, then 16 to 2 on their sum.

    64 MACs for each token that is left, and 32 for the head.
    """

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(4, 16), nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x[0]
        return self.head(self.body(tokens[tokens.mean(-1) > 0]).sum(0))


PER_TOKEN, HEAD = 4 * 16, 16 * 2
SHAPE = (1, 8, 4)


def macs(tokens: int) -> int:
    """What Prune costs with so many tokens left."""
    return tokens * PER_TOKEN + HEAD


def with_positive(tokens: int) -> Tensor:
    """An input with so many tokens of a positive mean."""
    return torch.where(torch.arange(8)[:, None] < tokens, 1.0, -1.0).expand(8, 4)[None].clone()


def make() -> tuple[nn.Module, Tensor]:
    """The network, with 5 positive tokens."""
    return Prune(), with_positive(5)


def fixed() -> tuple[nn.Module, Tensor]:
    """A network whose count follows from shapes."""
    return nn.Linear(4, 16), with_positive(5)


def whole() -> tuple[nn.Module, Tensor]:
    """An input of whole numbers, of which nothing real can be drawn."""
    return nn.Embedding(8, 4), torch.zeros(1, 8, dtype=torch.int64)


class Patches(nn.Module):
    """A patch embedding of 8×8 pixels, and a head on those patches that are lighter than black."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Conv2d(3, 4, 8, 8), nn.Linear(4, 10)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(x).flatten(2).transpose(1, 2).flatten(0, 1)
        light = nn.functional.avg_pool2d(x, 8).mean(1).flatten() > 0
        return self.head(tokens[light])


def image() -> nn.Module:
    """A network that takes an image."""
    return Patches()


class Draws(nn.Module):
    """Skips its layer for half of the numbers that it draws."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 16)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) if torch.rand(1).item() < 0.5 else x


def draws() -> tuple[nn.Module, Tensor]:
    """A network that draws random numbers."""
    return Draws(), with_positive(5)


@torch.library.custom_op("values::scan", mutates_args=())
def scan(x: Tensor) -> Tensor:
    """An operator of another library that nobody has stated."""
    return torch.cumsum(x, dim=-1)


@scan.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x)


class Scans(Prune):
    """Prune with an operator that nobody knows."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(torch.ops.values.scan(x))


def scans() -> tuple[nn.Module, Tensor]:
    """The network with an unknown operator."""
    return Scans(), with_positive(5)


def several():
    """Inputs with 0, 2, 4 and 8 positive tokens."""
    for tokens in (0, 2, 4, 8):
        yield with_positive(tokens)


def nothing():
    """No input."""
    return []


def one_tensor():
    """One input where inputs are expected."""
    return with_positive(3)


def words():
    """No inputs at all."""
    yield "an input"


def longer():
    """An input of another shape."""
    yield with_positive(1)
    yield torch.ones(1, 9, 4)


def raising():
    """An error of the user's."""
    yield with_positive(1)
    raise KeyError("lost")


def without_end():
    """Inputs without end."""
    while True:
        yield with_positive(1)
