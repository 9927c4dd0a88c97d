"""The blocks of VT-ResNet as v4 prints them: equations 1 to 6, with nothing deduced.

This is ``reading="literal"`` of ``v4``. Its equations have dense matrices, so ``groups`` and
``kqv_groups`` are 1 unless given, and one C for maps and tokens alike. Where C_T is another width,
as in every net of its stage table but VT-R50 and VT-R101, a sum is not defined without a matrix
between the two; the third version adds a 1x1 convolution then (its section 4), and so is done here:
tokens drawn from the map are widened from C to C_T, and the tokens that equation 5 adds to the map
are narrowed from C_T to C. What else the text leaves to the reader:

- Maps of 256 channels (VT-R18, VT-R34): section 4 gives the blocks 256 channels and the stage table
  512. The table is followed, which names every net; a 1x1 adjusts the map before the first block.
- The width of keys and queries in equation 3 is the third version's, C_T/2.
- Several heads, which do not change a count, are the third version's too; the softmaxes have no
  divisor here, as none is printed.
- Equations have no norm, so none stands in these blocks.
- "Without projector" takes the projectors away and nothing else: every block still draws tokens.
- Pooling draws the first block's tokens alone, by bilinear interpolation.
- Table 8 is one of these nets too: no other tokenizer and no position code is printed for it.
"""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from vtbench.papers.visual_transformers.networks.blocks import BlockShape, as_map, split_heads
from vtbench.papers.visual_transformers.networks.clusters import grid, kmeans
from vtbench.papers.visual_transformers.networks.listings import conv1x1_1d, conv1x1_2d


class FilterTokenizer(nn.Module):
    """Equation 1: softmax over HW of X·W_A, and averages of X itself, which has no value."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.coefficients = conv1x1_2d(shape.C, shape.L)
        self.widen = _widened(shape)

    def forward(self, x: Tensor, tokens: Tensor | None) -> Tensor:  # noqa: ARG002 - not asked
        """Map N,C,H,W -> tokens N,C_T,L."""
        coefficients = self.coefficients(x).flatten(2).softmax(dim=2)  # N,L,HW
        drawn: Tensor = self.widen(x.flatten(2) @ coefficients.transpose(1, 2))  # N,C,L
        return drawn


class RecurrentTokenizer(nn.Module):
    """Equation 2: as equation 1, with W_R = T_in·W in place of W_A; the map has no key either."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.query = conv1x1_1d(shape.CT, shape.C)
        self.widen = _widened(shape)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        """Map N,C,H,W and the previous tokens N,C_T,L -> tokens N,C_T,L."""
        filters = split_heads(self.query(tokens), self.heads)  # N,h,C/h,L
        pixels = split_heads(x, self.heads)  # N,h,C/h,HW
        coefficients = (pixels.transpose(2, 3) @ filters).softmax(dim=2)  # N,h,HW,L
        drawn: Tensor = self.widen((pixels @ coefficients).flatten(1, 2))  # N,C,L
        return drawn


class KMeansTokenizer(nn.Module):
    """Equation 6: as equation 1, with the centroids of this map's own pixels in place of W_A."""

    def __init__(self, shape: BlockShape, iterations: int) -> None:
        super().__init__()
        self.tokens, self.iterations = shape.L, iterations
        self.widen = _widened(shape)

    def forward(self, x: Tensor, tokens: Tensor | None) -> Tensor:  # noqa: ARG002 - not asked
        """Map N,C,H,W -> tokens N,C_T,L."""
        centroids = kmeans(x, self.tokens, self.iterations).to(x.dtype)  # N,C,L
        pixels = x.flatten(2)  # N,C,HW
        coefficients = (pixels.transpose(1, 2) @ centroids).softmax(dim=1)  # N,HW,L
        drawn: Tensor = self.widen(pixels @ coefficients)  # N,C,L
        return drawn


class PoolingTokenizer(nn.Module):
    """Table 3: the map interpolated to L positions, each of which is a token."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.grid = grid(shape.L)
        self.widen = _widened(shape)

    def forward(self, x: Tensor, tokens: Tensor | None) -> Tensor:  # noqa: ARG002 - not asked
        """Map N,C,H,W -> tokens N,C_T,L."""
        drawn: Tensor = self.widen(F.interpolate(x, self.grid, mode="bilinear").flatten(2))
        return drawn


def _widened(shape: BlockShape) -> nn.Module:
    """From the map's channels to the tokens', if these are others."""
    return nn.Identity() if shape.C == shape.CT else conv1x1_1d(shape.C, shape.CT)


def tokenizer(kind: str, shape: BlockShape, iterations: int, *, first: bool) -> nn.Module:
    """The tokenizer of one block; pooling and clusters serve the first block alone."""
    if kind == "filter" or (first and kind == "recurrent"):
        return FilterTokenizer(shape)
    if first and kind == "kmeans":
        return KMeansTokenizer(shape, iterations)
    return PoolingTokenizer(shape) if first else RecurrentTokenizer(shape)


class Transformer(nn.Module):
    """Equations 3 and 4: scores multiply the tokens themselves; F1 and F2 are C_T x C_T."""

    def __init__(self, width: int, heads: int, kqv_groups: int) -> None:
        super().__init__()
        self.heads = heads
        self.key = conv1x1_1d(width, width // 2, kqv_groups)
        self.query = conv1x1_1d(width, width // 2, kqv_groups)
        self.feed_forward1 = conv1x1_1d(width, width)
        self.feed_forward2 = conv1x1_1d(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """N,C_T,L -> N,C_T,L."""
        key = split_heads(self.key(tokens), self.heads)  # N,h,C_T/2h,L
        query = split_heads(self.query(tokens), self.heads)  # N,h,C_T/2h,L
        scores = (key.transpose(2, 3) @ query).softmax(dim=2)  # N,h,L,L: keys by queries
        tokens = tokens + (split_heads(tokens, self.heads) @ scores).flatten(1, 2)
        fed: Tensor = self.feed_forward2(self.feed_forward1(tokens).relu())
        return tokens + fed


class Projector(nn.Module):
    """Equation 5: pixels ask the tokens, and take from the tokens themselves."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.query = conv1x1_2d(shape.C, shape.C, shape.groups or 1)
        self.key = conv1x1_1d(shape.CT, shape.C)
        same = shape.CT == shape.C
        self.narrow = nn.Identity() if same else conv1x1_1d(shape.CT, shape.C)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        """Map N,C,H,W and tokens N,C_T,L -> map N,C,H,W."""
        query = split_heads(self.query(x), self.heads)  # N,h,C/h,HW
        key = split_heads(self.key(tokens), self.heads)  # N,h,C/h,L
        scores = (query.transpose(2, 3) @ key).softmax(dim=3)  # N,h,HW,L
        taken = split_heads(self.narrow(tokens), self.heads) @ scores.transpose(2, 3)
        return x + as_map(taken, x)
