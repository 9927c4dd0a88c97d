"""The stages as the papers print them, term by term: the literal reading of v3 and of v4.

v3's is its listings, v4's its equations. ``at`` has the values of a network's symbols, ``source``
the map after its channels were adjusted, ``first`` says which block it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.data.cost.model import Values
from vtbench.data.cost.terms import Amount, Term, convolution, divided, product, under
from vtbench.papers.visual_transformers.cost import blocks
from vtbench.papers.visual_transformers.cost.blocks import Map

CODED = 7 * 7
"""Positions to which listing 2 halves 14x14, and channels of the code that it makes of them."""


def stage5(sources: tuple[Map, ...], entry: int, at: Values) -> tuple[Term, ...]:
    """v3: in every block tokenizer, transformer and projector, after the map is adjusted once."""
    terms: list[Term] = [*_adjusted(sources[0], entry)]
    for place, source in enumerate(sources):
        dynamic = bool(place and at["dynamic"])
        parts = (
            *under("tokenizer", _listed_tokenizer(source, at, dynamic=dynamic)),
            *under("transformer", mixed(at)),
            *under("projector", blocks.projector(source, source.channels, at["L"], at["CT"],
                                                 value=True)),
        )  # fmt: skip
        terms += under(f"block{place}", parts)
    return tuple(terms)


def pyramid(levels: Sequence[tuple[Map, int]], width: int, at: Values) -> tuple[Term, ...]:
    """VT-FPN: by listing 1 from every level, and all of the tokens back to every level.

    Beside each level stand the channels of the backbone's map there.
    """
    terms: list[Term] = []
    has = {**at, "CT": width, "position": 1}
    for number, (source, entry) in enumerate(levels, start=2):
        terms += under(f"lateral.p{number}", _adjusted(source, entry))
    for number, (source, _) in enumerate(levels, start=2):
        terms += under(f"tokenizer.p{number}", _listed_tokenizer(source, has, dynamic=False))
    tokens = len(levels) * at["L"]
    terms += under("transformer", blocks.transformer(tokens, width, at["kqv_groups"]))
    for number, (source, _) in enumerate(levels, start=2):
        back = blocks.projector(source, source.channels, tokens, width, value=True)
        terms += under(f"projector.p{number}", back)
    return tuple(terms)


def _adjusted(source: Map, entry: int) -> tuple[Term, ...]:
    """From the channels of stage 4 to those of stage 5, ahead of the first block."""
    if entry == source.channels:
        return ()
    return (convolution("adjust", (entry, source.channels), source.pixels),)


def _listed_tokenizer(source: Map, at: Values, *, dynamic: bool) -> tuple[Term, ...]:
    """Listing 1; a dynamic tokenizer draws L/2 tokens."""
    pixels, channels, width = source.pixels, source.channels, at["CT"]
    tokens = divided(at["L"], 2) if dynamic else at["L"]
    asked = (
        convolution("query", (width, channels), tokens),
        convolution("key", (channels, source.in_group(channels)), pixels),
        product("scores", pixels, channels, tokens),
    )
    coded = _listed_position(at["heads"] if dynamic else 1, tokens) if at["position"] else ()
    more = CODED if at["position"] else 0
    return (
        *(asked if dynamic else (convolution("coef", (channels, tokens), pixels),)),
        convolution("value", (channels, source.in_group(channels)), pixels),
        product("pooling", pixels, channels, tokens),
        *under("position", coded),
        convolution("token", (channels + more, width), tokens),
    )


def _listed_position(heads: Amount, tokens: Amount) -> tuple[Term, ...]:
    """Listing 2: for every token, a 3x3 over its maps of all heads, a 1x1 to one, and the code."""
    return (
        convolution("halve", (heads, heads), CODED * tokens, kernel=3),
        convolution("merge", (heads, 1), CODED * tokens),
        convolution("code", (CODED, CODED), tokens),
    )


def mixed(at: Values) -> tuple[Term, ...]:
    """v3's transformer, or the one convolution in its place."""
    if not at["transformer"]:
        return blocks.mixing(at["L"], at["CT"])
    return blocks.transformer(at["L"], at["CT"], at["kqv_groups"])


def stage5_v4(sources: tuple[Map, ...], entry: int, at: Values) -> tuple[Term, ...]:
    """v4: without projectors every block still draws tokens."""
    terms: list[Term] = [*_adjusted(sources[0], entry)]
    for place, source in enumerate(sources):
        parts = (
            *under("tokenizer", _printed_tokenizer(source, at, first=place == 0)),
            *under("transformer", _mixed_v4(at)),
            *under("projector", _taken(source, at) if at.get("projector", 1) else ()),
        )
        terms += under(f"block{place}", parts)
    return tuple(terms)


def _printed_tokenizer(source: Map, at: Values, *, first: bool) -> tuple[Term, ...]:
    """Equations 1, 2 and 6: averages of the map itself; pooling interpolates the first one."""
    kind, pixels, channels, tokens = _kind(at), source.pixels, source.channels, at["L"]
    widened = _between("widen", channels, at["CT"], tokens)
    averaged = product("pooling", pixels, channels, tokens)
    scores = product("scores", pixels, channels, tokens)
    if kind == "filter" or (first and kind == "recurrent"):
        return (convolution("coef", (channels, tokens), pixels), averaged, *widened)
    if not first:
        return (convolution("query", (at["CT"], channels), tokens), scores, averaged, *widened)
    if kind == "pooling":
        return widened
    assigned = product("assignment", at["kmeans_iters"], pixels, channels, tokens)
    return (assigned, scores, averaged, *widened)


def _kind(at: Values) -> str:
    return str(at.get("tokenizer", "recurrent"))


def _between(name: str, channels: Amount, width: Amount, tokens: Amount) -> tuple[Term, ...]:
    """A convolution of tokens from one width to another, if they differ."""
    return () if channels == width else (convolution(name, (channels, width), tokens),)


def _mixed_v4(at: Values) -> tuple[Term, ...]:
    """Equations 3 and 4, or what table 5 has in their place."""
    kind, tokens, width = at.get("transformer", "vt"), at["L"], at["CT"]
    if kind == "none":
        return blocks.mixing(tokens, width)
    if kind == "graphconv":
        return blocks.graph_convolution(tokens, width)
    return blocks.transformer_v4(tokens, width, at["kqv_groups"], at["hidden"])


def _taken(source: Map, at: Values) -> tuple[Term, ...]:
    """Equation 5: the tokens are values themselves."""
    channels, tokens, width = source.channels, at["L"], at["CT"]
    return (
        convolution("query", (channels, source.in_group(channels)), source.pixels),
        convolution("key", (width, channels), tokens),
        *_between("narrow", width, channels, tokens),
        product("scores", source.pixels, channels, tokens),
        product("spread", source.pixels, channels, tokens),
    )
