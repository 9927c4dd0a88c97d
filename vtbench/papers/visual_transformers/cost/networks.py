"""VT-ResNet: stages 1 to 4 of a ResNet, blocks of tokens as stage 5, and a head on the tokens."""

from __future__ import annotations

from typing import Literal

import msgspec

from vtbench.data.cost.terms import Amount, Term, ceiling, convolution, divided, under
from vtbench.papers.resnet.cost import DEPTHS, area, backbone
from vtbench.papers.visual_transformers.cost import blocks
from vtbench.papers.visual_transformers.cost.blocks import Map

Tokenizer = Literal["filter", "recurrent", "kmeans", "pooling"]
Transformer = Literal["vt", "none", "graphconv"]

BLOCKS = {18: 2, 34: 3, 50: 3, 101: 3}
"""Blocks of tokens in stage 5, by the depth of the ResNet."""


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """How a stage of v3 blocks is made."""

    number: Amount
    """L: tokens of the first block."""
    width: int = 1024
    kqv_groups: Amount = 1
    groups: Amount = 0
    group_width: Amount = 64
    transformer: bool = True
    """False is the ablation -TF."""
    position: bool = True
    """False is the ablation -PE."""
    dynamic: bool = True
    """False is the ablation -DT."""
    version: Literal[3, 4] = 3
    """Whose transformer stands in the blocks; 4 is the advanced recipe of the later version."""
    hidden: Amount = 768
    """Width between the two last convolutions of v4's transformer."""


class TokensV4(msgspec.Struct, frozen=True, kw_only=True):
    """How a stage of v4's default blocks is made."""

    number: Amount
    width: int = 1024
    kqv_groups: Amount = 1
    groups: Amount = 0
    group_width: Amount = 64
    hidden: Amount = 768
    tokenizer: Tokenizer = "recurrent"
    """recurrent: filters first, then tokens ask for tokens; kmeans: the same after clusters;
    filter: learned filters in every block; pooling: an average in every block."""
    transformer: Transformer = "vt"
    projector: bool = True
    """Without it, later blocks are the transformer alone."""
    kmeans_iters: Amount = 3
    pool_counted: bool = False
    """Whether average pooling counts as the size of its input, as the papers count it."""


def channels_of(layers: int) -> int:
    """Channels of the map that stage 5 writes to."""
    return 512 if DEPTHS[layers].block == "basic" else 1024


def maps(layers: int, pixels: Amount, how: Tokens | TokensV4) -> tuple[Map, ...]:
    """The map that each block reads: stage 4's, and from then on the one stage 5 writes to."""
    read = [DEPTHS[layers].channels(4), *[channels_of(layers)] * (BLOCKS[layers] - 1)]
    return tuple(
        Map(pixels=pixels, channels=channels, group_width=how.group_width, groups=how.groups)
        for channels in read
    )


def stage5(layers: int, pixels: Amount, how: Tokens) -> tuple[Term, ...]:
    """Tokenizer, transformer and, in every block but the last, projector."""
    terms: list[Term] = []
    sources = maps(layers, pixels, how)
    tokens = how.number
    for place, source in enumerate(sources):
        if place and not how.dynamic:  # L new ones join the half that is kept, the larger one
            kept = divided(tokens, 2) if place == 1 else ceiling(tokens, 2)
            tokens = how.number + kept
        made = blocks.dynamic_tokenizer if place and how.dynamic else blocks.static_tokenizer
        drawn = made(source, how.number, how.width, position=how.position)
        terms += under(f"block{place}.tokenizer", drawn)
        terms += under(f"block{place}.transformer", _transformed(tokens, how))
        if place < len(sources) - 1:
            fused = blocks.fusion(source, channels_of(layers), tokens, how.width)
            terms += under(f"block{place}", fused)
    return under("stage5", terms)


def _transformed(tokens: Amount, how: Tokens) -> tuple[Term, ...]:
    if not how.transformer:
        return blocks.mixing(tokens, how.width)
    if how.version == 3:  # noqa: PLR2004  # the version is its own name
        return blocks.transformer(tokens, how.width, how.kqv_groups)
    return blocks.transformer_v4(tokens, how.width, how.kqv_groups, how.hidden)


def stage5_v4(layers: int, pixels: Amount, how: TokensV4) -> tuple[Term, ...]:
    """v4's default: all tokens are replaced in every block, and no place is encoded."""
    terms: list[Term] = []
    sources = maps(layers, pixels, how)
    for place, source in enumerate(sources):
        if place == 0 or how.projector:
            drawn = _tokens_v4(source, place, how)
            terms += under(f"block{place}.tokenizer", drawn)
        terms += under(f"block{place}.transformer", _transformed_v4(how))
        if how.projector and place < len(sources) - 1:
            fused = blocks.fusion(source, channels_of(layers), how.number, how.width)
            terms += under(f"block{place}", fused)
    return under("stage5", terms)


def _tokens_v4(source: Map, place: int, how: TokensV4) -> tuple[Term, ...]:
    """The tokenizer of a block: what is named, and after filters or clusters the recurrent one."""
    if how.tokenizer == "pooling":
        return blocks.pooling_tokenizer(
            source, how.number, how.width, pool_counted=how.pool_counted
        )
    if place and how.tokenizer != "filter":
        return blocks.recurrent_tokenizer(source, how.number, how.width)
    if how.tokenizer == "kmeans":
        return blocks.kmeans_tokenizer(source, how.number, how.width, how.kmeans_iters)
    return blocks.static_tokenizer(source, how.number, how.width, position=False)


def _transformed_v4(how: TokensV4) -> tuple[Term, ...]:
    if how.transformer == "none":
        return blocks.mixing(how.number, how.width)
    if how.transformer == "graphconv":
        return blocks.graph_convolution(how.number, how.width)
    return blocks.transformer_v4(how.number, how.width, how.kqv_groups, how.hidden)


def stem_to_stage4(layers: int, height: Amount, width: Amount) -> tuple[Term, ...]:
    """What a VT-ResNet keeps of the ResNet."""
    return backbone(DEPTHS[layers], height, width, last=4)


def pixels_of(height: Amount, width: Amount) -> Amount:
    """Positions of the map after stage 4, which stage 5 keeps."""
    return area(height, width, 16)


def head(width: int, classes: Amount) -> tuple[Term, ...]:
    """The mean of the tokens costs no product; the classifier works on it."""
    return (convolution("head.fc", (width, classes), 1),)
