"""VT-ResNet of Visual Transformers as published at ICCV 2021 (arXiv 2006.03677v4).

Read it beside section 3 and appendix C of that version; ``blocks`` has what it shares with v3. With
``reading="literal"`` the blocks are those that it prints: ``equations``. This file is the fitted
reading, with which its tables come out. Where it deviates from the equations:

- Equations 1, 2 and 6 average X itself; here a convolution in groups of 64 channels makes values,
  and one more makes keys of the map for equation 2.
- Equation 3 has the tokens for values, as here. F1 and F2 of equation 4 are C_T x C_T in print;
  here there are 3/4 of the token width between them.
- Equation 5: queries come from the map before its channels are adjusted, in groups of 64 channels,
  and tokens are values as they are only if C_T = C. The last block has no projector.
- kqv_groups is 1, and 8 in VT-R34 and VT-R101 of table 8; no equation has groups.
- ``recipe="advanced"`` is table 8: v3's tokenizer and position code, and 4 tokens in VT-R101, where
  the text has equation 2, no position code, and 16 tokens.
- ``tokenizer="recurrent"``: filters that all previous tokens compute, all tokens replaced.
  ``"filter"``: learned filters in every block, previous tokens dropped ("w/o RT" of table 4).
  ``"kmeans"`` and ``"pooling"``: table 3; k-means clusters in the first block only, average pooling
  in all, where the text interpolates for the first. ``"dynamic"``, v3's own, replaces one half of
  the tokens. ``"static"`` is v3's net without dynamic tokenization.
- ``projector=False`` is table 7: no projector and no second look at the map, so every block after
  the first is a transformer alone.
- ``transformer="none"`` is one 1x1 convolution; ``"graphconv"`` follows it by a learned LxL matrix.

The papers' convention counts average pooling at its input size, HW·f for each pooling tokenizer;
pooling is not a product and has no MACs here. No other net of this file pools before its stage 5.

Gradients reach every parameter, as in v3; none flows through the iterations of k-means.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from vtbench.errors import BadOption
from vtbench.models.arguments import one_of
from vtbench.papers.resnet.networks.resnet import Depth
from vtbench.papers.visual_transformers.networks import equations
from vtbench.papers.visual_transformers.networks.blocks import (
    BlockShape,
    DynamicTokenizer,
    Projector,
    Reading,
    StaticTokenizer,
    VTBlock,
    VTNet,
    check_shape,
    pointwise1d,
    split_heads,
)
from vtbench.papers.visual_transformers.networks.clusters import KMeansTokenizer, grid
from vtbench.papers.visual_transformers.networks.listings import (
    Block,
    adjusted,
    check_norms,
    conv1x1_1d,
)

Tokenizer = Literal["recurrent", "filter", "kmeans", "pooling", "dynamic", "static"]
Attention = Literal["vt", "none", "graphconv"]
Recipe = Literal["default", "advanced"]
"""The recipe of tables 2 to 7, or that of table 8."""

# Depth -> blocks and channels C of the map in stage 5: table 11.
STAGE_5: dict[int, tuple[int, int]] = {18: (2, 512), 34: (3, 512), 50: (3, 1024), 101: (3, 1024)}
# Depth -> tokens and kqv_groups in table 8, as it comes out; VT-R50's are v3's.
ADVANCED: dict[int, tuple[int, int]] = {18: (16, 1), 34: (16, 8), 50: (4, 8), 101: (4, 8)}
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

    def __init__(self, conv: nn.Module, tokens: int) -> None:
        super().__init__()
        self.conv = conv
        self.adjacency = nn.Linear(tokens, tokens, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """N,C_T,L -> N,C_T,L."""
        mixed: Tensor = self.adjacency(self.conv(tokens))
        return mixed


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
    """ResNet's stem and layers 1 to 3 as they are; visual transformers as layer4; a head.

    Tokens, tokenizer, position code and kqv_groups are those of the reading and the recipe unless
    they are given.
    """

    def __init__(  # noqa: PLR0913 - one argument per choice that the paper and its tables vary
        self,
        *,
        depth: Depth,
        reading: Reading = "fitted",
        recipe: Recipe = "default",
        tokens: int | None = None,
        tokenizer: Tokenizer | None = None,
        transformer: Attention | None = "vt",
        position: bool | None = None,
        projector: bool = True,
        kmeans_iters: int | None = None,
        token_width: int = 1024,
        heads: int = 16,
        groups: int | None = None,
        kqv_groups: int | None = None,
        zero_init_residual: bool = False,
        dropout: float = 0.0,
        num_classes: int = 1000,
    ) -> None:
        super().__init__(depth, layers=3)
        mixing: Attention = "none" if transformer is None else transformer
        one_of(get_args(Reading), reading=reading)
        one_of(get_args(Recipe), recipe=recipe)
        split = reading == "fitted" and recipe == "advanced"  # v3's tokenizer, which halves tokens
        usual = ADVANCED[depth] if split else (16, 1)
        tokens = usual[0] if tokens is None else tokens
        drawn: Tokenizer = tokenizer or ("dynamic" if split else "recurrent")
        coded = split if position is None else position
        number, channels = STAGE_5[depth]
        shape = BlockShape(
            f=self.widths[-1], C=channels, L=tokens, CT=token_width, heads=heads, groups=groups,
            kqv_groups=usual[1] if kqv_groups is None else kqv_groups,
        )  # fmt: skip
        check_shape(shape)
        _check(drawn, mixing, tokens=tokens, position=coded, iterations=kmeans_iters)
        iterations = KMEANS_ITERS if kmeans_iters is None else kmeans_iters
        if reading == "literal":
            _check_printed(drawn, position=coded, zero_init_residual=zero_init_residual)
            blocks = _printed(shape, number, drawn, mixing, iterations, projector=projector)
        else:
            blocks = _fitted(
                shape, number, drawn, mixing, iterations, projector=projector, position=coded
            )
        self.put_on(
            blocks,
            token_width=token_width,
            num_classes=num_classes,
            dropout=dropout,
            zero_init_residual=zero_init_residual,
        )


def _fitted(  # noqa: PLR0913 - one argument per choice
    shape: BlockShape,
    number: int,
    tokenizer: Tokenizer,
    mixing: Attention,
    iterations: int,
    *,
    projector: bool,
    position: bool,
) -> Iterator[nn.Module]:
    """Stage 5 as the tables have it."""
    for index in range(number):
        first, last = index == 0, index == number - 1
        here = shape if first else shape.after()
        yield VTBlock(
            _tokenizer(tokenizer, here, iterations, first=first, position=position)
            if first or projector
            else None,
            Transformer(shape.CT, shape.heads, shape.kqv_groups)
            if mixing == "vt"
            else _without_attention(mixing, pointwise1d(shape.CT, shape.CT), shape.L),
            Projector(here) if projector and not last else None,
            keeps_half=tokenizer in ("dynamic", "static"),
        )


def _printed(
    shape: BlockShape,
    number: int,
    tokenizer: Tokenizer,
    mixing: Attention,
    iterations: int,
    *,
    projector: bool,
) -> Iterator[nn.Module]:
    """Stage 5 as the equations have it."""
    for index in range(number):
        yield Block(
            adjusted(shape, index),
            equations.tokenizer(tokenizer, shape, iterations, first=index == 0),
            equations.Transformer(shape.CT, shape.heads, shape.kqv_groups)
            if mixing == "vt"
            else _without_attention(mixing, conv1x1_1d(shape.CT, shape.CT), shape.L),
            equations.Projector(shape) if projector else None,
        )


def _without_attention(kind: Attention, conv: nn.Module, tokens: int) -> nn.Module:
    """What table 5 has in the transformer's place."""
    return GraphConv(conv, tokens) if kind == "graphconv" else conv


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


def _check_printed(tokenizer: Tokenizer, *, position: bool, zero_init_residual: bool) -> None:
    """Refuse what v4 does not print."""
    if tokenizer in ("dynamic", "static"):
        raise BadOption(
            f"tokenizer={tokenizer} is the third version's; with reading=literal choose recurrent, "
            "filter, kmeans or pooling."
        )
    if position:
        raise BadOption(
            "The fourth version prints no position code; leave position=True out, or choose "
            "reading=fitted."
        )
    check_norms(zero_init_residual=zero_init_residual)
