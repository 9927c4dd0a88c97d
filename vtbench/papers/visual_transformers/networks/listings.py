"""The blocks of VT-ResNet as v3 prints them: appendix A and section 4, with nothing deduced.

This is ``reading="literal"`` of ``v3``. Parts bear the names of the listings, and 16 groups and
kqv_groups 8 are their defaults. The listings do not run as they are printed. What had to be mended:

- Listing 1 makes the value convolution, the position code and the token convolution in its dynamic
  branch alone and uses them in both; here both have them. Equation 1 has one matrix W_V from C to
  C_T in place of value and token convolution; the listing is followed, which is the more detailed.
- Listing 2 lays coefficients N,h,HW,L out as N·L,h,H,W without a permutation; here they are
  permuted. ``dim`` is undefined there; it is the number of heads, 1 for a static tokenizer.
  ``PosEncoder()`` is called without its arguments: 14 positions a side, halved once, so that 49
  are left. Its 3x3 convolution is padded, or 36 would be left.
- Listing 4 makes queries of C_T channels and keys of C, and section 3.3 prints Q as C_T x C. The
  map has C channels, so X·Q is defined for Q with C rows alone, and its product with the keys for
  C columns alone: Q is C x C here, which is what the other two come to where C_T = C.
- Listing 3 divides the scores by the root of L, which is not the width of a key. It is followed.

The listings leave normalisation out and say so, so no norm stands in these blocks: where norms
stand is not printed. The convolution that adjusts the channels works on the map before the first
block (section 4). Every block has a projector, the last too, whose map nothing reads.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from vtbench.errors import BadOption
from vtbench.papers.visual_transformers.networks.blocks import BlockShape, as_map, split_heads

GROUPS = 16
"""Groups of the convolutions over pixels: listings 1 and 4."""
KQV_GROUPS = 8
"""Groups of keys, queries and values: listing 3."""
SIDE = 14
"""Positions a side to which the coefficients are interpolated."""
HALVED = SIDE // 2
"""Positions a side after the strided convolution."""


def conv1x1_1d(c_in: int, c_out: int, groups: int = 1) -> nn.Conv1d:
    """A 1x1 convolution over tokens; its bias, of which nothing is printed, is left out."""
    return nn.Conv1d(c_in, c_out, 1, groups=groups, bias=False)


def conv1x1_2d(c_in: int, c_out: int, groups: int = 1) -> nn.Conv2d:
    """A 1x1 convolution over pixels, without a bias."""
    return nn.Conv2d(c_in, c_out, 1, groups=groups, bias=False)


class PosEncoder(nn.Module):
    """Listing 2: coefficients on 14x14 positions, halved by a 3x3, and a code of 49 channels."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.halve = nn.Conv2d(heads, heads, 3, stride=2, padding=1, bias=False)
        self.merge = conv1x1_2d(heads, 1)
        self.pos_conv = conv1x1_1d(HALVED**2, HALVED**2)

    def forward(self, coefficients: Tensor, x: Tensor) -> Tensor:
        """Coefficients N,h,HW,L of a map N,C,H,W -> N,49,L."""
        tokens = coefficients.shape[3]
        seen = as_map(coefficients.permute(0, 3, 1, 2).flatten(0, 1), x)  # N·L,h,H,W
        # Listing 2 names no mode, so that of torch by default: the nearest pixel.
        seen = self.merge(self.halve(F.interpolate(seen, (SIDE, SIDE))))  # N·L,1,7,7
        code: Tensor = self.pos_conv(seen.reshape(-1, tokens, HALVED**2).transpose(1, 2))
        return code


class Tokenizer(nn.Module):
    """Listing 1: static filters in the first block, filters made from half of the tokens later."""

    def __init__(self, shape: BlockShape, *, dynamic: bool, position: bool) -> None:
        super().__init__()
        C, groups = shape.C, shape.groups or GROUPS  # noqa: N806 - the paper's letter
        self.heads, self.dynamic = shape.heads, dynamic
        if dynamic:
            self.query = conv1x1_1d(shape.CT, C)
            self.key = conv1x1_2d(C, C, groups)
        else:
            self.coefficients = conv1x1_2d(C, shape.L)
        self.value = conv1x1_2d(C, C, groups)
        self.position = PosEncoder(shape.heads if dynamic else 1) if position else None
        self.token = conv1x1_1d(C + HALVED**2 * position, shape.CT)

    def forward(self, x: Tensor, tokens: Tensor | None) -> Tensor:
        """Map N,C,H,W and the previous tokens N,C_T,L -> tokens N,C_T,L."""
        if not self.dynamic or tokens is None:
            scores = self.coefficients(x).flatten(2).transpose(1, 2)[:, None]  # N,1,HW,L
            return self._extracted(x, (scores / math.sqrt(x.shape[1])).softmax(dim=2))
        half = tokens.shape[2] // 2
        asking, kept = tokens[:, :, :half], tokens[:, :, half:]
        query = split_heads(self.query(asking), self.heads)  # N,h,C/h,L/2
        key = split_heads(self.key(x), self.heads)  # N,h,C/h,HW
        scores = key.transpose(2, 3) @ query / math.sqrt(query.shape[2])  # N,h,HW,L/2
        return torch.cat((kept, self._extracted(x, scores.softmax(dim=2))), dim=2)

    def _extracted(self, x: Tensor, coefficients: Tensor) -> Tensor:
        value = split_heads(self.value(x), coefficients.shape[1])  # N,h,C/h,HW
        tokens = (value @ coefficients).flatten(1, 2)  # N,C,L
        if self.position is not None:
            tokens = torch.cat((tokens, self.position(coefficients, x)), dim=1)  # N,C+49,L
        widened: Tensor = self.token(tokens)
        return widened


class Transformer(nn.Module):
    """Listing 3; equation 3 has one residual, around F, where the listing has two."""

    def __init__(self, width: int, heads: int, kqv_groups: int) -> None:
        super().__init__()
        self.heads = heads
        self.key = conv1x1_1d(width, width // 2, kqv_groups)
        self.query = conv1x1_1d(width, width // 2, kqv_groups)
        self.value = conv1x1_1d(width, width, kqv_groups)
        self.feed_forward = conv1x1_1d(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """N,C_T,L -> N,C_T,L."""
        key = split_heads(self.key(tokens), self.heads)  # N,h,C_T/2h,L
        query = split_heads(self.query(tokens), self.heads)  # N,h,C_T/2h,L
        value = split_heads(self.value(tokens), self.heads)  # N,h,C_T/h,L
        scores = key.transpose(2, 3) @ query  # N,h,L,L: keys by queries
        attention = (scores / math.sqrt(scores.shape[2])).softmax(dim=2)
        tokens = tokens + (value @ attention).flatten(1, 2)
        fed: Tensor = self.feed_forward(tokens)
        return tokens + fed


class Projector(nn.Module):
    """Listing 4, with the query's channels of equation 4 as they must be: C to C."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.query = conv1x1_2d(shape.C, shape.C, shape.groups or GROUPS)
        self.key = conv1x1_1d(shape.CT, shape.C)
        self.value = conv1x1_1d(shape.CT, shape.C)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        """Map N,C,H,W and tokens N,C_T,L -> map N,C,H,W."""
        query = split_heads(self.query(x), self.heads)  # N,h,C/h,HW
        key = split_heads(self.key(tokens), self.heads)  # N,h,C/h,L
        value = split_heads(self.value(tokens), self.heads)  # N,h,C/h,L
        scores = query.transpose(2, 3) @ key / math.sqrt(query.shape[2])  # N,h,HW,L
        out = value @ scores.softmax(dim=3).transpose(2, 3)  # N,h,C/h,HW
        return x + as_map(out, x)


class Block(nn.Module):
    """Tokenizer, transformer and, unless it is taken away, projector."""

    def __init__(
        self,
        adjust: nn.Module,
        tokenizer: nn.Module,
        transformer: nn.Module,
        projector: nn.Module | None,
    ) -> None:
        super().__init__()
        self.adjust = adjust
        self.tokenizer = tokenizer
        self.transformer = transformer
        self.projector = projector

    def forward(self, x: Tensor, tokens: Tensor | None) -> tuple[Tensor, Tensor]:
        """Map N,f,H,W and the previous tokens N,C_T,L -> map N,C,H,W and tokens N,C_T,L."""
        x = self.adjust(x)
        mixed: Tensor = self.transformer(self.tokenizer(x, tokens))
        return (x if self.projector is None else self.projector(x, mixed)), mixed


def adjusted(shape: BlockShape, index: int) -> nn.Module:
    """The convolution in front of the first block, if the map has other channels (section 4)."""
    return conv1x1_2d(shape.f, shape.C) if index == 0 and shape.f != shape.C else nn.Identity()


def check_norms(*, zero_init_residual: bool) -> None:
    """Refuse to start residual norms at zero where there are none."""
    if zero_init_residual:
        raise BadOption(
            "zero_init_residual starts norms at zero, and no norm is printed; leave it out, or "
            "choose reading=fitted."
        )


def blocks(
    shape: BlockShape, number: int, *, transformer: bool, position: bool, dynamic: bool
) -> list[nn.Module]:
    """Stage 5 as it is printed; without ``dynamic`` every block draws all its tokens anew."""
    return [
        Block(
            adjusted(shape, index),
            Tokenizer(shape, dynamic=dynamic and index > 0, position=position),
            Transformer(shape.CT, shape.heads, shape.kqv_groups)
            if transformer
            else conv1x1_1d(shape.CT, shape.CT),
            Projector(shape),
        )
        for index in range(number)
    ]
