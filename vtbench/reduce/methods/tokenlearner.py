"""TokenLearner: a few learned maps over the patches, and each becomes one token.

Ryoo et al., TokenLearner: What Can 8 Learned Tokens Do for Images and Videos?, 2021.

Modifications of the host: before one block, the patches are normalised, maps over them are
computed, and a token is the mean of the patches weighted by its map. Version 1.1 has a small
network on each patch and a softmax over the patches; version 1 has convolutions on their grid and
a sigmoid. Networks of its name have no class token, and average what is left, as in its paper; in a
network of one's own, class and register tokens go past it.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from vtbench.errors import BadOption
from vtbench.reduce.dial import Dial
from vtbench.reduce.grid import grid_of
from vtbench.reduce.host import Host
from vtbench.reduce.run import Run
from vtbench.reduce.stages import at_stages, stages
from vtbench.reduce.step import Step
from vtbench.reduce.weighing import Weighed

DIAL = Dial("learned", lambda patches: tuple(range(1, patches + 1)))
HOST = {"class_token": False, "global_pool": "avg"}
"""What the networks of its name have for a host."""
Version = Literal["v1.1", "v1"]
_HIDDEN = 64


class MapsOfPatches(Weighed):
    """Version 1.1."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__(tokens)
        self.norm = nn.LayerNorm(width)
        self.narrow = nn.Linear(width, _HIDDEN)
        self.gelu = nn.GELU()
        self.maps = nn.Linear(_HIDDEN, tokens)

    def weights(self, patches: Tensor, run: Run) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """P·(64·C + 64·K) products; the patches themselves are summed."""
        maps = self.maps(self.gelu(self.narrow(self.norm(patches))))
        return maps.softmax(dim=1), patches


class MapsOfGrid(Weighed):
    """Version 1."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__(tokens)
        self.norm = nn.LayerNorm(width)
        layers: list[nn.Module] = []
        for channels in (width, tokens, tokens, tokens):
            layers += [nn.Conv2d(channels, tokens, 3, padding=1, bias=False), nn.GELU()]
        self.maps = nn.Sequential(*layers[:-1], nn.Sigmoid())

    def weights(self, patches: Tensor, run: Run) -> tuple[Tensor, Tensor]:
        """9·P·(C·K + 3·K²) products."""
        grid = grid_of(run, patches.shape[1])
        image = self.norm(patches).transpose(1, 2).reshape(len(patches), -1, *grid)
        maps: Tensor = self.maps(image)
        return maps.flatten(2).transpose(1, 2), patches

    def summed(self, weights: Tensor, patches: Tensor) -> Tensor:
        """The mean over the grid, element by element as in its paper, so without products."""
        return (weights.transpose(1, 2)[..., None] * patches[:, None]).mean(dim=2)


def steps(
    host: Host, *, learned: int = 8, block: int | None = None, version: Version = "v1.1"
) -> list[Step]:
    """Apply it with so many tokens, before half of the blocks or before the block given."""
    if type(learned) is not int or not 1 <= learned <= host.patches:
        raise BadOption(
            f"learned={learned!r}: expected a whole number from 1 to {host.patches}, the patches "
            "of the image."
        )
    if block is not None and (type(block) is not int or not 0 <= block < host.depth):
        raise BadOption(f"block={block!r}: expected a whole number from 0 to {host.depth - 1}.")
    (at,) = stages(host, (host.depth // 2 if block is None else block,))
    maps = MapsOfPatches if version == "v1.1" else MapsOfGrid
    return at_stages(host, {at: maps(learned, host.width)})
