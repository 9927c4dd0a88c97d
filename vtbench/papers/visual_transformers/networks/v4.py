"""VT-ResNet of Visual Transformers as published at ICCV 2021 (arXiv 2006.03677v4).

Read it beside section 3 and appendix C of that version; ``blocks`` has what it shares with v3. What
differs from v3, and what is settled so that the tables come out:

- 16 tokens; kqv_groups 1; no position code in the default recipe (tables 2 to 7).
- The transformer has no value: scores multiply the tokens themselves. Its feed-forward net is two
  1x1 convolutions with a ReLU between, 3/4 of the token width inside.
- ``tokenizer="recurrent"``: filters that all previous tokens compute, all tokens replaced.
  ``"filter"``: learned filters in every block, previous tokens dropped ("w/o RT" of table 4).
  ``"kmeans"`` and ``"pooling"``: table 3; k-means clusters in the first block only, pooling in all.
  ``"dynamic"``, v3's own, replaces one half of the tokens: the advanced nets of table 8 fit with
  it and with the position code. ``"static"`` is v3's net without dynamic tokenization.
- ``projector=False`` is table 7: no projector and no second look at the map, so every block after
  the first is a transformer alone.
- ``transformer="none"`` is one 1x1 convolution; ``"graphconv"`` follows it by a learned LxL matrix.

The papers' convention counts average pooling at its input size, HW·f for each pooling tokenizer;
pooling is not a product and has no MACs here. No other net of this file pools before its stage 5.

Gradients reach every parameter, as in v3; none flows through the iterations of k-means.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from vtbench.errors import BadOption
from vtbench.models.arguments import one_of
from vtbench.papers.resnet.networks.resnet import Depth
from vtbench.papers.visual_transformers.networks.blocks import (
    BlockShape,
    DynamicTokenizer,
    Extraction,
    Projector,
    StaticTokenizer,
    VTBlock,
    VTNet,
    check_shape,
    pointwise1d,
    split_heads,
)

Tokenizer = Literal["recurrent", "filter", "kmeans", "pooling", "dynamic", "static"]
Attention = Literal["vt", "none", "graphconv"]

# Depth -> blocks and channels C of the map in stage 5: table 11.
STAGE_5: dict[int, tuple[int, int]] = {18: (2, 512), 34: (3, 512), 50: (3, 1024), 101: (3, 1024)}
KMEANS_ITERS = 3


class Transformer(nn.Module):
    """Tokens that look at each other, then a small net per token: eq. 3 and 4 of v4."""

    def __init__(self, width: int, heads: int, kqv_groups: int) -> None:
        super().__init__()
        self.heads = heads
        hidden = 3 * width // 4
        self.key = pointwise1d(width, width // 2, kqv_groups)
        self.query = pointwise1d(width, width // 2, kqv_groups)
        self.norm = nn.BatchNorm1d(width)
        self.widen = pointwise1d(width, hidden)
        self.narrow = pointwise1d(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """N,C_T,L -> N,C_T,L."""
        key = split_heads(self.key(tokens), self.heads)  # N,h,C_T/2h,L
        query = split_heads(self.query(tokens), self.heads)  # N,h,C_T/2h,L
        value = split_heads(tokens, self.heads)  # N,h,C_T/h,L
        scores = key.transpose(2, 3) @ query / query.shape[2] ** 0.5  # N,h,L,L: keys by queries
        attended = (value @ scores.softmax(dim=2)).flatten(1, 2)  # N,C_T,L
        tokens = tokens + self.norm(attended)
        fed: Tensor = self.narrow(self.widen(tokens).relu())
        return tokens + fed


class GraphConv(nn.Module):
    """In the transformer's place: a 1x1 convolution, then one matrix that mixes the tokens."""

    def __init__(self, width: int, tokens: int) -> None:
        super().__init__()
        self.conv = pointwise1d(width, width)
        self.adjacency = nn.Linear(tokens, tokens, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """N,C_T,L -> N,C_T,L."""
        mixed: Tensor = self.adjacency(self.conv(tokens))
        return mixed


def grid(tokens: int) -> tuple[int, int]:
    """Rows and columns of the most nearly square grid with that many positions."""
    rows = next(rows for rows in range(math.isqrt(tokens), 0, -1) if tokens % rows == 0)
    return rows, tokens // rows


def kmeans(x: Tensor, tokens: int, iterations: int) -> Tensor:
    """Centroids N,f,L of the pixels of a map N,f,H,W, all of unit length: listing 1 of v4.

    Pixels start at the map pooled to L positions; each of Lloyd's iterations assigns them to the
    centroid that is nearest in angle, by one matrix product, and takes the mean. A centroid that
    no pixel is nearest to stays where it is. No gradient.
    """
    with torch.no_grad():
        # In half precision a sum over a few hundred pixels would lose its last ones.
        x = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
        start = F.adaptive_avg_pool2d(x, grid(tokens)).flatten(2)
        centroids = F.normalize(start, dim=1)  # N,f,L
        pixels = F.normalize(x.flatten(2), dim=1)  # N,f,HW
        for _ in range(iterations):
            nearness = pixels.transpose(1, 2) @ centroids  # N,HW,L
            nearest = nearness.argmax(dim=2)[:, None].expand_as(pixels)  # N,f,HW
            sums = torch.zeros_like(centroids).scatter_add(2, nearest, pixels)  # N,f,L
            # The mean of a cluster has the direction of its sum.
            centroids = torch.where(sums.norm(dim=1, keepdim=True) > 0, F.normalize(sums, dim=1),
                                    centroids)  # fmt: skip
    return centroids


class KMeansTokenizer(nn.Module):
    """Coefficients by the centroids of this image's own pixels as filters: eq. 6 of v4."""

    def __init__(self, shape: BlockShape, iterations: int, *, position: bool) -> None:
        super().__init__()
        self.tokens = shape.L
        self.iterations = iterations
        self.extraction = Extraction(shape, position=position)

    def forward(self, x: Tensor) -> Tensor:
        """Map N,f,H,W -> tokens N,C_T,L."""
        centroids = kmeans(x, self.tokens, self.iterations).to(x.dtype)  # N,f,L
        coefficients = (x.flatten(2).transpose(1, 2) @ centroids).softmax(dim=1)  # N,HW,L
        tokens: Tensor = self.extraction(x, coefficients[:, None])
        return tokens


class PoolingTokenizer(nn.Module):
    """The map averaged down to L positions, each a token."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.grid = grid(shape.L)
        self.token = pointwise1d(shape.f, shape.CT)

    def forward(self, x: Tensor) -> Tensor:
        """Map N,f,H,W -> tokens N,C_T,L."""
        tokens: Tensor = self.token(F.adaptive_avg_pool2d(x, self.grid).flatten(2))
        return tokens


class VTResNetV4(VTNet):
    """ResNet's stem and layers 1 to 3 as they are; visual transformers as layer4; a head."""

    def __init__(  # noqa: PLR0913 - one argument per choice that the paper and its tables vary
        self,
        *,
        depth: Depth,
        tokens: int = 16,
        tokenizer: Tokenizer = "recurrent",
        transformer: Attention | None = "vt",
        position: bool = False,
        projector: bool = True,
        kmeans_iters: int | None = None,
        token_width: int = 1024,
        heads: int = 16,
        groups: int | None = None,
        kqv_groups: int = 1,
        zero_init_residual: bool = False,
        dropout: float = 0.0,
        num_classes: int = 1000,
    ) -> None:
        super().__init__(depth, layers=3)
        number, channels = STAGE_5[depth]
        shape = BlockShape(
            f=self.widths[-1], C=channels, L=tokens, CT=token_width, heads=heads, groups=groups,
            kqv_groups=kqv_groups,
        )  # fmt: skip
        check_shape(shape)
        mixing: Attention = "none" if transformer is None else transformer
        _check(tokenizer, mixing, tokens=tokens, position=position, iterations=kmeans_iters)
        iterations = KMEANS_ITERS if kmeans_iters is None else kmeans_iters
        blocks = []
        for index in range(number):
            first, last = index == 0, index == number - 1
            here = shape if first else shape.after()
            reads_map = first or projector
            blocks.append(
                VTBlock(
                    _tokenizer(tokenizer, here, iterations, first=first, position=position)
                    if reads_map
                    else None,
                    _mixing(mixing, here),
                    Projector(here) if projector and not last else None,
                    keeps_half=tokenizer in ("dynamic", "static"),
                )
            )
        self.put_on(
            blocks,
            token_width=token_width,
            num_classes=num_classes,
            dropout=dropout,
            zero_init_residual=zero_init_residual,
        )


def _tokenizer(
    kind: Tokenizer, shape: BlockShape, iterations: int, *, first: bool, position: bool
) -> nn.Module:
    """The tokenizer of one block; those that need previous tokens begin with learned filters."""
    if kind == "pooling":
        return PoolingTokenizer(shape)
    if kind == "kmeans" and first:
        return KMeansTokenizer(shape, iterations, position=position)
    if first or kind in ("filter", "static"):
        return StaticTokenizer(shape, position=position)
    return DynamicTokenizer(shape, position=position)


def _mixing(kind: Attention, shape: BlockShape) -> nn.Module:
    """What stands between tokenizer and projector."""
    if kind == "vt":
        return Transformer(shape.CT, shape.heads, shape.kqv_groups)
    if kind == "graphconv":
        return GraphConv(shape.CT, shape.L)
    return pointwise1d(shape.CT, shape.CT)


def _check(
    tokenizer: Tokenizer,
    transformer: Attention,
    *,
    tokens: int,
    position: bool,
    iterations: int | None,
) -> None:
    """Refuse choices that do not go together."""
    one_of(get_args(Tokenizer), tokenizer=tokenizer)
    one_of(get_args(Attention), transformer=transformer)
    if tokenizer in ("dynamic", "static") and tokens % 2:
        raise BadOption(
            f"The option tokens={tokens} is odd, and tokenizer={tokenizer} replaces one half of "
            "the tokens; choose an even number."
        )
    if tokenizer == "pooling" and position:
        raise BadOption(
            "tokenizer=pooling has no coefficients to encode positions from; leave position=True "
            "out, or choose another tokenizer."
        )
    if tokenizer == "static" and transformer == "graphconv":
        raise BadOption(
            "transformer=graphconv mixes a fixed number of tokens, and with tokenizer=static it "
            "grows from block to block; choose another of the two."
        )
    if iterations is not None and tokenizer != "kmeans":
        raise BadOption("kmeans_iters is an option of tokenizer=kmeans; give both, or neither.")
    if iterations is not None and iterations < 0:
        raise BadOption(f"The option kmeans_iters must be at least 0, not {iterations}.")
