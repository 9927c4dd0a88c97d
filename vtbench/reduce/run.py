"""What a reduction knows of the tokens while an image goes through the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Seen:
    """What the attention of a block showed; B images, h heads of d channels, N tokens."""

    input: Tensor
    """(B, N, C): the normalised tokens that it attended over."""
    keys: Tensor
    """(B, h, N, d)."""
    values: Tensor
    """(B, h, N, d)."""
    row: Tensor | None = None
    """(B, h, N): how the class token attends, if the step asked for it."""
    map: Tensor | None = None
    """(B, h, N, N): how every token attends, if the step asked for it."""


@dataclass
class Run:
    """One image batch on its way; the blocks of a network share it."""

    prefix: int
    """Class, distillation and register tokens. They come first and are never reduced."""
    grid: tuple[int, int] | None = None
    """Rows and columns of the patches that came in."""
    whole: int = 0
    """Patches that came in."""
    size: Tensor | None = None
    """(B, N, 1): how many patches each token stands for; None as long as each is one."""
    seen: Seen | None = None
    """What the attention of this block showed."""
    pools: bool = False
    """Whether the network pools its tokens, and so asks for their sizes at the end."""
    pooled: Tensor | None = None
    """(B, N, 1): the sizes after the last block, if it pools."""
    kept: dict[str, Tensor] = field(default_factory=dict)
    """What a method carries from one block to a later one, by its own names."""
    traced: bool = False
    """Whether to follow each patch, which a picture needs and a prediction does not."""
    place: Tensor | None = None
    """(B, P): the token that each patch is in now; -1 if it was dropped. Only if traced."""
    places: list[Tensor | None] = field(default_factory=list)
    """Where the patches were after each block. Only if traced."""

    def start(self, x: Tensor, grid: tuple[int, int] | None) -> None:
        """A new batch (B, N, C) comes in."""
        self.whole = x.shape[1] - self.prefix
        self.grid = grid
        self.forget()
        self.places = []
        if self.traced:
            patches = torch.arange(self.prefix, x.shape[1], device=x.device)
            self.place = patches.expand(x.shape[0], -1)

    def end(self) -> None:
        """The batch leaves the last block."""
        size = self.size if self.pools else None
        self.forget()
        self.pooled = size

    def forget(self) -> None:
        """Let go of what belongs to one batch."""
        self.size = self.seen = self.pooled = None
        self.kept = {}

    def moved(self, to: Callable[[], Tensor]) -> None:
        """Follow the patches: ``to()`` is (B, N), the new place of each token, -1 if it is dropped.

        It is a function so that it costs nothing if nobody follows.
        """
        if self.place is None or not self.traced:
            return
        places = to()  # (B, N)
        found = places.gather(1, self.place.clamp(min=0))
        self.place = torch.where(self.place < 0, self.place, found)
