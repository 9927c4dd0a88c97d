"""VT-ResNets and VT-FPN, term by term, from values of their cost models' symbols.

A VT-ResNet has stages 1 to 4 of a ResNet, blocks of tokens as stage 5, and a head on the tokens.
A panoptic FPN stands on a ResNet that strides in its first 1x1 convolution; its levels p2 to p5 lie
at strides 4 to 32 of the image and have 256 channels each.
"""

from __future__ import annotations

from collections.abc import Callable

from vtbench.data.cost.model import Values
from vtbench.data.cost.terms import Amount, Term, ceiling, convolution, divided, under
from vtbench.papers.resnet.cost import DEPTHS, area, backbone
from vtbench.papers.visual_transformers.cost import blocks, printed
from vtbench.papers.visual_transformers.cost.blocks import Map

BLOCKS = {18: 2, 34: 3, 50: 3, 101: 3}
"""Blocks of tokens in stage 5, by the depth of the ResNet."""
LEVELS = (2, 3, 4, 5)
WIDTH = 256
"""Channels of every level of a pyramid."""
HEAD_WIDTH = 128
TOKEN_WIDTH = 1024
"""Channels of a token in a pyramid."""

Stage = Callable[[int, Values], tuple[Term, ...]]
"""From a depth and values of the symbols."""


def vt_resnet(layers: int, stage5: Stage, at: Values) -> tuple[Term, ...]:
    """The mean of the tokens costs no product; the classifier works on it."""
    return (
        *backbone(DEPTHS[layers], at["H"], at["W"], last=4),
        *under("stage5", stage5(layers, at)),
        convolution("head.fc", (at["CT"], at["classes"]), 1),
    )


def channels_of(layers: int) -> int:
    """Channels of the map that stage 5 writes to."""
    return 512 if DEPTHS[layers].block == "basic" else 1024


def maps(layers: int, at: Values) -> tuple[Map, ...]:
    """The map that each block reads: stage 4's, and from then on the one stage 5 writes to.

    As printed, the first block too reads one of stage 5's channels.
    """
    pixels = area(at["H"], at["W"], 16)
    first = channels_of(layers) if at["reading"] == "literal" else DEPTHS[layers].channels(4)
    read = [first, *[channels_of(layers)] * (BLOCKS[layers] - 1)]
    return tuple(
        Map(pixels=pixels, channels=channels, group_width=at["group_width"], groups=at["groups"])
        for channels in read
    )


def stage5(layers: int, at: Values) -> tuple[Term, ...]:
    """v3: tokenizer, transformer and, in every block but the last, projector."""
    if at["reading"] == "literal":
        return printed.stage5(maps(layers, at), DEPTHS[layers].channels(4), at)
    terms: list[Term] = []
    dynamic, tokens = at.get("dynamic", 1), at["L"]
    for place, source in enumerate(maps(layers, at)):
        if place and not dynamic:  # L new ones join the half that is kept, the larger one
            kept = divided(tokens, 2) if place == 1 else ceiling(tokens, 2)
            tokens = at["L"] + kept
        made = blocks.dynamic_tokenizer if place and dynamic else blocks.static_tokenizer
        drawn = made(source, at["L"], at["CT"], position=bool(at["position"]))
        last = place == BLOCKS[layers] - 1
        fused = () if last else blocks.fusion(source, channels_of(layers), tokens, at["CT"])
        terms += _block(place, drawn, _transformed(tokens, at), fused)
    return tuple(terms)


def stage5_v4(layers: int, at: Values) -> tuple[Term, ...]:
    """v4's default: all tokens are replaced in every block, and no place is encoded.

    Without projectors, later blocks are the transformer alone.
    """
    if at["reading"] == "literal":
        return printed.stage5_v4(maps(layers, at), DEPTHS[layers].channels(4), at)
    terms: list[Term] = []
    for place, source in enumerate(maps(layers, at)):
        drawn = _tokens_v4(source, place, at) if place == 0 or at["projector"] else ()
        ends = place == BLOCKS[layers] - 1 or not at["projector"]
        fused = () if ends else blocks.fusion(source, channels_of(layers), at["L"], at["CT"])
        terms += _block(place, drawn, _transformed(at["L"], at), fused)
    return tuple(terms)


def stage5_advanced(layers: int, at: Values) -> tuple[Term, ...]:
    """v4's table 8: v3's tokenizers with the new transformer; as printed, v4's stage."""
    return (stage5_v4 if at["reading"] == "literal" else stage5)(layers, at)


def _block(
    place: int, drawn: tuple[Term, ...], mixed: tuple[Term, ...], fused: tuple[Term, ...]
) -> tuple[Term, ...]:
    parts = (*under("tokenizer", drawn), *under("transformer", mixed), *fused)
    return under(f"block{place}", parts)


def _tokens_v4(source: Map, place: int, at: Values) -> tuple[Term, ...]:
    """The tokenizer of a block: what is named, and after filters or clusters the recurrent one."""
    kind, tokens, width = at["tokenizer"], at["L"], at["CT"]
    if kind == "pooling":
        return blocks.pooling_tokenizer(
            source, tokens, width, pool_counted=bool(at["pool_counted"])
        )
    if place and kind != "filter":
        return blocks.recurrent_tokenizer(source, tokens, width)
    if kind == "kmeans":
        return blocks.kmeans_tokenizer(source, tokens, width, at["kmeans_iters"])
    return blocks.static_tokenizer(source, tokens, width, position=False)


def _transformed(tokens: Amount, at: Values) -> tuple[Term, ...]:
    """What tokens pass through; a hidden width is v4's transformer, which v3's has none of."""
    kind, width, groups = at.get("transformer", "vt"), at["CT"], at["kqv_groups"]
    if kind in (0, "none"):
        return blocks.mixing(tokens, width)
    if kind == "graphconv":
        return blocks.graph_convolution(tokens, width)
    if "hidden" in at:
        return blocks.transformer_v4(tokens, width, groups, at["hidden"])
    return blocks.transformer(tokens, width, groups)


def fpn(layers: int, at: Values) -> tuple[Term, ...]:
    """A lateral 1x1 and an output 3x3 convolution on every level."""
    outputs = (
        convolution(f"output.p{level}", (WIDTH, WIDTH), _pixels(level, at), kernel=3)
        for level in LEVELS
    )
    return (*_laterals(layers, at), *outputs)


def vt_fpn(layers: int, at: Values) -> tuple[Term, ...]:
    """L tokens from every level, one transformer over all of them, projected back to theirs."""
    if at["reading"] == "literal":
        channels = [DEPTHS[layers].channels(level) for level in LEVELS]
        levels = [(_level(level, at), entry) for level, entry in zip(LEVELS, channels, strict=True)]
        return printed.pyramid(levels, TOKEN_WIDTH, at)
    terms = [*_laterals(layers, at)]
    for level in LEVELS:
        terms += under(f"tokenizer.p{level}", _tokenized(_pixels(level, at), at["L"]))
    tokens = len(LEVELS) * at["L"]
    terms += under("transformer", blocks.transformer(tokens, TOKEN_WIDTH, at["kqv_groups"]))
    for level in LEVELS:
        projected = blocks.projector(_level(level, at), WIDTH, at["L"], TOKEN_WIDTH, value=True)
        terms += under(f"projector.p{level}", projected)
    return tuple(terms)


def _level(level: int, at: Values) -> Map:
    """A level of the pyramid, with the groups of the convolutions over its pixels."""
    return Map(pixels=_pixels(level, at), channels=WIDTH, groups=at["groups"])


def _tokenized(pixels: Amount, tokens: Amount) -> tuple[Term, ...]:
    """A static tokenizer that weighs the map itself: no values, no code of the place."""
    source = Map(pixels=pixels, channels=WIDTH)
    drawn = blocks.static_tokenizer(source, tokens, TOKEN_WIDTH, position=False)
    return tuple(term for term in drawn if term.name != "value")


def _laterals(layers: int, at: Values) -> tuple[Term, ...]:
    net = DEPTHS[layers]
    return tuple(
        convolution(f"lateral.p{level}", (net.channels(level), WIDTH), _pixels(level, at))
        for level in LEVELS
    )


def _pixels(level: int, at: Values) -> Amount:
    return area(at["H"], at["W"], 2**level)


def head(at: Values) -> tuple[Term, ...]:
    """3x3 convolutions that bring every level to p2, doubling in between, and the predictor."""
    terms: list[Term] = []
    for level in LEVELS:
        # one at p2 and p3; above, one at the level itself and at each that doubling leads to
        for place, reached in enumerate(range(level, min(level, 3) - 1, -1)):
            channels = (HEAD_WIDTH if place else WIDTH, HEAD_WIDTH)
            name = f"p{level}.convolution{place}"
            terms.append(convolution(name, channels, _pixels(reached, at), kernel=3))
    return (*terms, convolution("predictor", (HEAD_WIDTH, at["classes"]), _pixels(2, at)))


def segmenter(layers: int, pyramid: Stage, at: Values) -> tuple[Term, ...]:
    """Backbone, the pyramid in the middle, and the head."""
    body = backbone(DEPTHS[layers], at["H"], at["W"], last=5, stride_in_1x1=True)
    return (
        *under("backbone", body),
        *under("pyramid", pyramid(layers, at)),
        *under("head", head(at)),
    )
