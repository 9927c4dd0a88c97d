"""Panoptic FPN and VT-FPN on a ResNet that strides in its first 1x1 convolution.

Levels p2 to p5 lie at strides 4 to 32 of the image and have 256 channels each.
"""

from __future__ import annotations

from vtbench.data.cost.terms import Amount, Term, convolution, under
from vtbench.papers.resnet.cost import DEPTHS, area, backbone
from vtbench.papers.visual_transformers.cost import blocks
from vtbench.papers.visual_transformers.cost.blocks import Map

LEVELS = (2, 3, 4, 5)
WIDTH = 256
"""Channels of every level."""
HEAD_WIDTH = 128
TOKEN_WIDTH = 1024


def fpn(layers: int, height: Amount, width: Amount) -> tuple[Term, ...]:
    """A lateral 1x1 and an output 3x3 convolution on every level."""
    outputs = (
        convolution(f"output.p{level}", (WIDTH, WIDTH), area(height, width, 2**level), kernel=3)
        for level in LEVELS
    )
    return (*_laterals(layers, height, width), *outputs)


def vt_fpn(
    layers: int, height: Amount, width: Amount, tokens: Amount, groups: tuple[Amount, Amount]
) -> tuple[Term, ...]:
    """``tokens`` from every level, one transformer over all of them, projected back to theirs.

    ``groups`` are those of the keys, queries and values, and those of the projectors' queries.
    """
    terms = [*_laterals(layers, height, width)]
    for level in LEVELS:
        pixels = area(height, width, 2**level)
        terms += under(f"tokenizer.p{level}", _tokenized(pixels, tokens))
    terms += under("transformer", blocks.transformer(len(LEVELS) * tokens, TOKEN_WIDTH, groups[0]))
    for level in LEVELS:
        pixels = area(height, width, 2**level)
        source = Map(pixels=pixels, channels=WIDTH, groups=groups[1])
        projected = blocks.projector(source, WIDTH, tokens, TOKEN_WIDTH, value=True)
        terms += under(f"projector.p{level}", projected)
    return tuple(terms)


def _tokenized(pixels: Amount, tokens: Amount) -> tuple[Term, ...]:
    """A static tokenizer that weighs the map itself: no values, no code of the place."""
    source = Map(pixels=pixels, channels=WIDTH)
    drawn = blocks.static_tokenizer(source, tokens, TOKEN_WIDTH, position=False)
    return tuple(term for term in drawn if term.name != "value")


def _laterals(layers: int, height: Amount, width: Amount) -> tuple[Term, ...]:
    net = DEPTHS[layers]
    return tuple(
        convolution(
            f"lateral.p{level}", (net.channels(level), WIDTH), area(height, width, 2**level)
        )
        for level in LEVELS
    )


def head(height: Amount, width: Amount, classes: Amount) -> tuple[Term, ...]:
    """3x3 convolutions that bring every level to p2, doubling in between, and the predictor."""
    terms: list[Term] = []
    for level in LEVELS:
        # one at p2 and p3; above, one at the level itself and at each that doubling leads to
        for place, at in enumerate(range(level, min(level, 3) - 1, -1)):
            channels = (HEAD_WIDTH if place else WIDTH, HEAD_WIDTH)
            positions = area(height, width, 2**at)
            name = f"p{level}.convolution{place}"
            terms.append(convolution(name, channels, positions, kernel=3))
    predictor = convolution("predictor", (HEAD_WIDTH, classes), area(height, width, 4))
    return (*terms, predictor)


def segmenter(
    layers: int, height: Amount, width: Amount, neck: tuple[Term, ...], classes: Amount
) -> tuple[Term, ...]:
    """Backbone, the pyramid in the middle, and the head."""
    body = backbone(DEPTHS[layers], height, width, last=5, stride_in_1x1=True)
    return (
        *under("backbone", body),
        *under("pyramid", neck),
        *under("head", head(height, width, classes)),
    )
