"""GTP: tokens that others can make up for are handed on to their neighbours in a graph.

Xu et al., GTP-ViT, WACV 2024.

Modifications of the host: between attention and MLP of every block, the r patches of the least
importance go, and what they hold is added to those that stay, as the graph of the image says. The
graph is made once, of the patches that come into the first block: neighbours on the grid, patches
that are alike, or both. Importance is the share of itself that a patch attends to, times what all
others attend to it, in the head where that is largest; so attention is not one fused kernel where
patches go. A share of the attention map may be kept alone, which saves no multiply-accumulate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from vtbench.errors import BadOption, ModelError
from vtbench.reduce.dial import removed
from vtbench.reduce.host import Host
from vtbench.reduce.per_block import PerBlock, per_block
from vtbench.reduce.run import Run
from vtbench.reduce.selecting import behind_prefix, places_of, taken
from vtbench.reduce.step import Step

DIAL = removed("r")
Graph = Literal["mixed", "semantic", "spatial"]


def spatial(rows: int, columns: int) -> Tensor:
    """Which patches touch on the grid, corners included: (P, P) of 0 and 1."""
    row = torch.arange(rows).repeat_interleave(columns)
    column = torch.arange(columns).repeat(rows)
    apart = torch.maximum((row[:, None] - row).abs(), (column[:, None] - column).abs())
    return (apart == 1).float()


def semantic(patches: Tensor, neighbours: int) -> Tensor:
    """For each patch (B, P, C) the cosines to those most like it, 0 for all others: (B, P, P)."""
    unit = functional.normalize(patches, dim=-1)
    alike = unit @ unit.transpose(1, 2)  # P·P·C products
    alike.diagonal(dim1=1, dim2=2).fill_(0)
    best = alike.topk(min(neighbours, alike.shape[-1] - 1), dim=-1)
    return torch.zeros_like(alike).scatter(-1, best.indices, best.values.clamp(min=0))


def normalised(graph: Tensor, *, products: bool) -> Tensor:
    """D^-1/2 G D^-1/2 of a graph (B, P, P) with degrees D.

    Products with the diagonal matrices, 2·P³, as released; or each edge scaled, which is the same.
    """
    degree = graph.sum(-1)
    root = torch.where(degree > 0, degree, 1).rsqrt()  # (B, P)
    if products:
        diagonal = root.diag_embed()
        return diagonal @ graph @ diagonal
    return root[:, :, None] * graph * root[:, None, :]


def importance(attention: Tensor, prefix: int) -> Tensor:
    """What is lost with a patch: (B, h, N, N) -> (B, P).

    How much of itself it is, as what is made of others can be made again of them; times how much
    of it the others take.
    """
    own = attention.diagonal(dim1=2, dim2=3)  # (B, h, N)
    spread = attention.sum(2) - own
    return (own * spread)[:, :, prefix:].amax(1)


def densest(scores: Tensor, share: float) -> Tensor:
    """Scores (B, h, N, N) of which each row keeps so large a share, and the others never count."""
    count = max(1, int(share * scores.shape[-1]))
    least = scores.topk(count, dim=-1, sorted=False).values.amin(-1, keepdim=True)
    return scores.masked_fill(scores < least, -torch.inf)


class Propagate(Step):
    """One block."""

    where = "instead"
    near: Tensor
    """(P, P): which patches touch; in the first block, if the graph asks for it."""

    def __init__(self, r: int, host: Host, settings: dict[str, Any], *, first: bool) -> None:
        super().__init__()
        self.r = r
        self.first = first
        self.settings = settings
        self.proportional = settings["token_scale"]  # type: ignore[misc]  # an option here
        if r or settings["sparsity"] < 1:
            self.shows = "map"  # type: ignore[misc]
        if first and settings["graph"] != "semantic":
            self.register_buffer("near", spatial(*host.grid), persistent=False)

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """All but r, and at least one."""
        return max(tokens - self.r, min(tokens, 1))

    def scored(self, scores: Tensor) -> Tensor:
        """All scores of attention, or the largest of each row."""
        sparsity = self.settings["sparsity"]
        return scores if sparsity == 1 else densest(scores, sparsity)

    def forward(self, x: Tensor, run: Run, block: Any) -> Tensor:  # type: ignore[override]
        """Tokens (B, N, C) to (B, N - r, C)."""
        if self.first:
            run.kept["graph"] = self._graph(x[:, run.prefix :])
        x = block.attended(x)
        kept = self.left(x.shape[1] - run.prefix, run.whole)
        if self.r and run.seen is not None and run.seen.map is not None:
            x = self._handed_on(x, importance(run.seen.map, run.prefix), kept, run)
        run.seen = None
        return block.fed_forward(x)  # type: ignore[no-any-return]

    def _graph(self, patches: Tensor) -> Tensor:
        """The edges of the image's patches (B, P, C): (B, P, P)."""
        kind = self.settings["graph"]
        if kind != "semantic" and self.near.shape[0] != patches.shape[1]:
            raise ModelError(
                f"gtp knows which of {self.near.shape[0]} patches touch, and the image has "
                f"{patches.shape[1]}; give the size of the network, or graph=semantic."
            )
        products = self.settings["products"]
        if kind == "spatial":
            near = self.near.to(patches.dtype).expand(patches.shape[0], -1, -1)
            return normalised(near, products=products)
        alike = semantic(patches, self.settings["neighbours"])
        return normalised(alike + self.near if kind == "mixed" else alike, products=products)

    def _handed_on(self, x: Tensor, important: Tensor, kept: int, run: Run) -> Tensor:
        prefix, graph = run.prefix, run.kept["graph"]
        order = important.argsort(dim=1, descending=True)
        stays, goes = behind_prefix(order[:, :kept], prefix), order[:, kept:]
        across = order[:, None].expand(-1, kept, -1)
        edges = taken(graph, order[:, :kept]).gather(2, across)  # (B, K, P), those that stay first
        run.kept["graph"] = edges[..., :kept]
        run.moved(lambda: places_of(stays, x.shape[1]))
        whole = x
        if self.settings["token_scale"]:
            size = x.new_ones(*x.shape[:2], 1) if run.size is None else run.size
            whole = torch.cat((x, size), dim=2)
        tokens = taken(whole, stays)
        added = edges[..., kept:] @ taken(whole, goes + prefix)  # K·r·C products, or C + 1
        tokens = tokens + functional.pad(added * self.settings["alpha"], (0, 0, prefix, 0))
        if self.settings["token_scale"]:
            tokens, run.size = tokens[..., :-1], tokens[..., -1:]
        return tokens


def steps(  # noqa: PLR0913  # the choices of its paper, each with its name
    host: Host,
    *,
    r: PerBlock = 8,
    graph: Graph = "mixed",
    neighbours: int = 8,
    alpha: float = 0.1,
    token_scale: bool = False,
    sparsity: float = 1.0,
    products: bool = True,
) -> Sequence[Step]:
    """Apply it with the patches that go at each block, and the graph along which they are added.

    neighbours are those most like a patch, alpha what is added of what goes; token_scale has
    attention count a token by what was added to it, sparsity is the share of attention that is
    kept; products normalises the graph by matrix products as released, not edge by edge.
    """
    numbers = per_block("r", r, host)
    if sum(numbers) >= host.patches:
        raise BadOption(
            f"r={r!r} takes {sum(numbers)} patches in all, and the image has {host.patches}, of "
            "which at least one stays."
        )
    if graph not in get_args(Graph):
        raise BadOption(f"graph={graph!r}: it is one of {', '.join(get_args(Graph))}.")
    if type(neighbours) is not int or neighbours < 1:
        raise BadOption(f"neighbours={neighbours!r}: a whole number from 1.")
    if isinstance(sparsity, bool) or not 0 < sparsity <= 1:
        raise BadOption(f"sparsity={sparsity!r}: a share is above 0 and at most 1.")
    settings = {
        "graph": graph,
        "neighbours": neighbours,
        "alpha": alpha,
        "token_scale": token_scale,
        "sparsity": sparsity,
        "products": products,
    }
    return [Propagate(each, host, settings, first=index == 0) for index, each in enumerate(numbers)]
