"""VT-ResNet of Visual Transformers, arXiv 2006.03677v3: tokens in place of ResNet's last stage.

Read it beside section 3 and appendix A of the paper; the parts that v4 shares are in ``blocks``.
With ``reading="literal"`` the blocks are those that the paper prints: ``listings``. This file is
the fitted reading, with which its tables come out. Where it deviates from the paper:

- The first block reads tokens off the raw map of layer3; the convolution that adjusts its channels,
  in front of the block in section 4, stands in its projector. The last block has no projector, as
  nothing reads its map; figure 1 and listing 4 give one to every block.
- Equation 1 takes values C_T wide; as in listing 1 they are C wide here, and another convolution
  widens the tokens.
- Equation 2: coefficients averaged over heads, on 14x14 pixels by bilinear interpolation, in a code
  of 32 channels; listing 2 halves them to 49 positions and codes these in 49 channels.
- Equation 3 has one residual around F, listing 3 two, which are here. Scores are divided by the
  root of a head's width, where the listing has that of L.
- Equation 4 prints Q as C_T x C and listing 4 makes queries of C_T channels. A map of C channels
  takes a Q of C rows, and keys of C channels one of C columns: it is C x C, or f x C in the first
  block, whose query reads the map before its channels are adjusted. Tokens are values as they are
  where C_T = C.
- Convolutions over pixels have one group per 64 channels, not the listings' 16 groups.
  ``kqv_groups`` is 1 in VT-R-18 and the listing's 8 in the others.
- The tables were made with other token counts than the text's 8: VT-R-18 with 16, VT-R-34 with 8
  (table 1) and 16 (table 3), VT-R-50 and -101 with 4.
- Norms, which the listings leave out, follow every 1x1 convolution but the coefficients', and
  stand on attended and projected maps; there is no ReLU after stage 4. No figure bears on them.

Gradients reach every parameter, and are zero for some biases of norms alone: those of ``key``
always, as what is added to all keys alike drops out of a softmax over them; while norms use batch
statistics, those too that a later norm takes out again. The map that the last block leaves is not
read. The stochastic depth of the training recipe is not here.

The net ends in a mean over tokens and pools nothing else, so its MACs are the same under the
papers' convention, which counts average pooling at its input size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from vtbench.errors import BadOption
from vtbench.models.arguments import at_least_1, one_of
from vtbench.papers.resnet.networks.resnet import Depth
from vtbench.papers.visual_transformers.networks import listings
from vtbench.papers.visual_transformers.networks.blocks import (
    BlockShape,
    DynamicTokenizer,
    Projector,
    Reading,
    StaticTokenizer,
    VTBlock,
    VTNet,
    check_shape,
    check_transformer,
    pointwise1d,
    split_heads,
)

# Depth -> blocks, channels C of the map in the stage, and kqv_groups.
STAGE_5: dict[int, tuple[int, int, int]] = {
    18: (2, 512, 1),
    34: (3, 512, 8),
    50: (3, 1024, 8),
    101: (3, 1024, 8),
}


class Transformer(nn.Module):
    """Every token looks at every token: eq. 3, with the two residuals of listing 3.

    Ungrouped it takes 3·C_T²·L + 1.5·L²·C_T: key and query C_T²/2 each, value and F C_T² each, per
    token; scores L²·C_T/2 and their use L²·C_T.
    """

    def __init__(self, width: int, heads: int, kqv_groups: int) -> None:
        super().__init__()
        self.heads = heads
        self.key = pointwise1d(width, width // 2, kqv_groups)
        self.query = pointwise1d(width, width // 2, kqv_groups)
        self.value = pointwise1d(width, width, kqv_groups)
        self.norm = nn.BatchNorm1d(width)
        self.feed_forward = pointwise1d(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """N,C_T,L -> N,C_T,L."""
        key = split_heads(self.key(tokens), self.heads)  # N,h,C_T/2h,L
        query = split_heads(self.query(tokens), self.heads)  # N,h,C_T/2h,L
        value = split_heads(self.value(tokens), self.heads)  # N,h,C_T/h,L
        # Scaled by the width of a head; the listing's root of L is a slip.
        scores = key.transpose(2, 3) @ query / query.shape[2] ** 0.5  # N,h,L,L: keys by queries
        attended = (value @ scores.softmax(dim=2)).flatten(1, 2)  # N,C_T,L
        tokens = tokens + self.norm(attended)
        fed: Tensor = self.feed_forward(tokens)
        return tokens + fed


class TransformerOnRows(nn.Module):
    """The transformer by itself, for tokens in rows: N,L,C_T as most libraries have them."""

    def __init__(self, width: int, heads: int, kqv_groups: int) -> None:
        super().__init__()
        self.transformer = Transformer(width, heads, kqv_groups)

    def forward(self, tokens: Tensor) -> Tensor:
        """N,L,C_T -> N,L,C_T."""
        out: Tensor = self.transformer(tokens.transpose(1, 2))
        return out.transpose(1, 2)


def vt_transformer(
    *, tokens: int = 8, width: int = 1024, heads: int = 16, kqv_groups: int = 1, batch_size: int = 1
) -> tuple[nn.Module, Tensor]:
    """The transformer of section 3.2 and its tokens: 3·C_T²·L + 1.5·L²·C_T ungrouped."""
    at_least_1(tokens=tokens, width=width, heads=heads, kqv_groups=kqv_groups)
    check_transformer(width, heads, kqv_groups)
    given = torch.randn(batch_size, tokens, width)
    return TransformerOnRows(width, heads, kqv_groups), given


class VTResNet(VTNet):
    """ResNet's stem and layers 1 to 3 as they are; visual transformers as layer4; a head.

    ``transformer="none"``, ``position=False`` and ``dynamic=False`` are the ablations -TF, -PE and
    -DT of table 3. Without dynamic tokenization every later block extracts L tokens by filters of
    its own and keeps the half of the previous tokens beside them, so tokens grow: L, 1.5 L, 1.75 L.
    ``tokenizer="static"`` says the same as ``dynamic=False``. With ``reading="literal"`` -DT is
    what section 5.2 says: a static tokenizer in every block, whose tokens are all there are.
    """

    def __init__(  # noqa: PLR0913 - one argument per choice that the paper and its ablations vary
        self,
        *,
        depth: Depth,
        reading: Reading = "fitted",
        tokens: int = 8,
        token_width: int = 1024,
        heads: int = 16,
        groups: int | None = None,
        kqv_groups: int | None = None,
        transformer: Literal["vt", "none"] | None = "vt",
        position: bool = True,
        dynamic: bool = True,
        tokenizer: Literal["dynamic", "static"] | None = None,
        zero_init_residual: bool = False,
        dropout: float = 0.2,
        num_classes: int = 1000,
    ) -> None:
        super().__init__(depth, layers=3)
        one_of(get_args(Reading), reading=reading)
        number, channels, usual_groups = STAGE_5[depth]
        if reading == "literal":
            usual_groups = listings.KQV_GROUPS
        shape = BlockShape(
            f=self.widths[-1], C=channels, L=tokens, CT=token_width, heads=heads, groups=groups,
            kqv_groups=usual_groups if kqv_groups is None else kqv_groups,
        )  # fmt: skip
        check_shape(shape)
        dynamic = _check(transformer, tokenizer, tokens=tokens, dynamic=dynamic)
        parts = {"transformer": transformer == "vt", "position": position, "dynamic": dynamic}
        if reading == "literal":
            listings.check_norms(zero_init_residual=zero_init_residual)
        made = listings.blocks if reading == "literal" else _fitted
        self.put_on(
            made(shape, number, **parts),
            token_width=token_width,
            num_classes=num_classes,
            dropout=dropout,
            zero_init_residual=zero_init_residual,
        )


def _fitted(
    shape: BlockShape, number: int, *, transformer: bool, position: bool, dynamic: bool
) -> Iterator[nn.Module]:
    """Stage 5 as the tables have it."""
    for index in range(number):
        here = shape if index == 0 else shape.after()
        # Eq. 1 in the first block, eq. 5 after it.
        draws = DynamicTokenizer if dynamic and index > 0 else StaticTokenizer
        yield VTBlock(
            draws(here, position=position),
            Transformer(shape.CT, shape.heads, shape.kqv_groups)
            if transformer
            else pointwise1d(shape.CT, shape.CT),
            Projector(here) if index < number - 1 else None,
            keeps_half=True,
        )


def _check(transformer: str | None, tokenizer: str | None, *, tokens: int, dynamic: bool) -> bool:
    """Refuse choices that do not go together; whether later blocks ask with tokens."""
    if tokens % 2:
        raise BadOption(
            f"The option tokens={tokens} is odd; every block after the first keeps one half "
            "of the tokens and replaces the other, so choose an even number."
        )
    one_of(("vt", "none"), transformer=transformer or "none")
    one_of(("dynamic", "static"), tokenizer=tokenizer or "dynamic")
    if tokenizer == "dynamic" and not dynamic:
        raise BadOption(
            "tokenizer=dynamic and dynamic=False contradict each other; give one of them."
        )
    return dynamic and tokenizer != "static"
