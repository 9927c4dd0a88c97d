"""STViT: a few semantic tokens are made of all patches, and go on alone.

Chang et al., Making Vision Transformers Efficient from A Token Sparsification View, CVPR 2023.

Modifications of the host: some blocks on all patches come first. In the next, two as a rule, the
queries are semantic tokens alone, and the keys are the patches and the semantic tokens; the blocks'
own weights serve both. Semantic tokens start as means of the patches of equal cells of the grid,
and learned centres are added to them before the second such block. The networks of its name have
no class token and pool the mean; one that has a class token keeps it beside the semantic tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vtbench.errors import BadOption
from vtbench.reduce.dial import Dial
from vtbench.reduce.grid import grid_of
from vtbench.reduce.host import Host
from vtbench.reduce.run import Run
from vtbench.reduce.step import Step, Untouched

DIAL = Dial("semantic", lambda patches: tuple(range(1, patches + 1)))
HOST = {"class_token": False, "global_pool": "avg"}
"""What the networks of its name change of a host that has a class token."""


def cells(semantic: int) -> tuple[int, int]:
    """Rows and columns of so many cells, as near to a square as they divide."""
    rows = next(each for each in range(math.isqrt(semantic), 0, -1) if semantic % each == 0)
    return rows, semantic // rows


def pooled(patches: Tensor, grid: tuple[int, int], semantic: int) -> Tensor:
    """Patches (B, P, C) on a grid as the means of S cells of it: (B, S, C)."""
    batch, _, width = patches.shape
    plane = patches.transpose(1, 2).reshape(batch, width, *grid)
    return functional.adaptive_avg_pool2d(plane, cells(semantic)).flatten(2).transpose(1, 2)


def cell_of(grid: tuple[int, int], semantic: int) -> Tensor:
    """The cell in which the middle of each patch is: (P,)."""
    rows, columns = cells(semantic)
    row = ((torch.arange(grid[0]) + 0.5) * rows / grid[0]).long()
    column = ((torch.arange(grid[1]) + 0.5) * columns / grid[1]).long()
    return (row[:, None] * columns + column).flatten()


def crossed(attention: Any, own: Tensor, patches: Tensor) -> Tensor:
    """Tokens (B, S, C) attend over themselves and patches (B, P, C), with timm's weights.

    S·C² products for the queries, 2·(S + P)·C² for keys and values, 2·S·(S + P)·C, S·C².
    """
    width = attention.num_heads * attention.head_dim
    both = torch.cat((own, patches), dim=1)
    weight, bias = attention.qkv.weight, attention.qkv.bias
    q = functional.linear(own, weight[:width], None if bias is None else bias[:width])
    kv = functional.linear(both, weight[width:], None if bias is None else bias[width:])
    heads = (attention.num_heads, attention.head_dim)
    q = attention.q_norm(q.view(*q.shape[:2], *heads).transpose(1, 2))  # (B, h, S, d)
    k, v = kv.view(*kv.shape[:2], 2, *heads).permute(2, 0, 3, 1, 4).unbind(0)  # (B, h, S + P, d)
    dropped = attention.attn_drop.p if attention.training else 0.0
    attended = functional.scaled_dot_product_attention(
        q, attention.k_norm(k), v, dropout_p=dropped, scale=attention.scale
    )
    return attention.joined(attended)  # type: ignore[no-any-return]


class Condense(Step):
    """One block that makes semantic tokens; all but the first have learned centres."""

    where = "instead"

    def __init__(self, semantic: int, width: int, *, first: bool) -> None:
        super().__init__()
        self.semantic = semantic
        self.first = first
        self.centres = None if first else nn.Parameter(torch.empty(semantic, width))
        if self.centres is not None:
            nn.init.trunc_normal_(self.centres, std=0.02)

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """The semantic tokens."""
        return self.semantic

    def forward(self, x: Tensor, run: Run, block: Any) -> Tensor:  # type: ignore[override]
        """Tokens (B, N, C) to (B, prefix + S, C)."""
        prefix = run.prefix
        if self.first:
            x = self._started(x, run)
        elif self.centres is not None:
            x = x + functional.pad(self.centres, (0, 0, prefix, 0))
        own, patches = block.norm1(x), block.norm1(run.kept["patches"])
        x = x + block.drop_path1(block.ls1(crossed(block.attn, own, patches)))
        return block.fed_forward(x)  # type: ignore[no-any-return]

    def _started(self, x: Tensor, run: Run) -> Tensor:
        """The prefix and means of cells; the patches are kept for all blocks of this kind."""
        prefix = run.prefix
        patches = run.kept["patches"] = x[:, prefix:]
        grid = grid_of(run, patches.shape[1])

        def moved() -> Tensor:
            cell = torch.cat((torch.arange(prefix), cell_of(grid, self.semantic) + prefix))
            return cell.to(x.device).expand(x.shape[0], -1)

        run.moved(moved)
        return torch.cat((x[:, :prefix], pooled(patches, grid, self.semantic)), dim=1)


def steps(
    host: Host, *, semantic: int = 16, base_layers: int | None = None, stgm_layers: int = 2
) -> Sequence[Step]:
    """Apply it with the semantic tokens, the blocks before they are made, and those that make them.

    A third of the blocks come before, if it is not said.
    """
    plain = host.depth // 3 if base_layers is None else base_layers
    for name, value in (("semantic", semantic), ("stgm_layers", stgm_layers)):
        if type(value) is not int or value < 1:
            raise BadOption(f"{name}={value!r}: a whole number from 1.")
    if semantic > host.patches:
        raise BadOption(f"semantic={semantic}: the image has {host.patches} patches.")
    if type(plain) is not int or plain < 0 or plain + stgm_layers > host.depth:
        raise BadOption(
            f"base_layers={plain!r} and stgm_layers={stgm_layers}: the network has {host.depth} "
            "blocks in all."
        )
    after = host.depth - plain - stgm_layers
    return [
        *(Untouched() for _ in range(plain)),
        *(Condense(semantic, host.width, first=index == 0) for index in range(stgm_layers)),
        *(Untouched() for _ in range(after)),
    ]
