"""A method on a host as one cost model: terms, and the tokens of every block."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from functools import partial
from typing import Any

from vtbench.data.cost.interpolated import InLetters
from vtbench.data.cost.model import CostModel, Symbol, Values
from vtbench.data.cost.reduced import BlockTokens, Reduced
from vtbench.data.cost.symbols import CLASSES
from vtbench.data.cost.terms import Term
from vtbench.papers.token_reduction.cost.closed import closed_form, settings_of
from vtbench.papers.token_reduction.cost.symbols import COSTLESS, symbols_of
from vtbench.reduce.schedules import HOSTS, Body, Schedule, schedule
from vtbench.reduce.schedules.nearest import DIALS, nearest_setting

_IMAGE = ("H", "W", "classes", "stem")
_SIZES = (
    Symbol("H", "height of the image", 224, role="setting", side="height"),
    Symbol(
        "W",
        "width of the image (default: H if H is given)",
        lambda given: given.get("H", 224),
        role="setting",
        side="width",
    ),
)
"""Whole patches are cut, and counts of them rounded, so no formula has a letter for a side."""

_POOLED = ("tokenlearner",)
"""Methods on hosts without a class token; STViT's rule says so itself."""


def reduced_model(method: str, title: str, paper: str, host: str) -> CostModel:
    """The cost model of a method on a host."""
    shape = HOSTS[host]
    return CostModel(
        f"{method}_{host}", f"{title} on {shape.title}", paper,
        (*_SIZES, *symbols_of(method, host), CLASSES),
        partial(_terms, method, host), depth=2, reduced=partial(_reduced, method, host),
        in_letters=partial(_in_letters, method, host), met=partial(_met, method, host),
        costless=COSTLESS.get(method, ()),
    )  # fmt: skip


@functools.lru_cache(maxsize=256)
def _scheduled(method: str, host: str, values: tuple[tuple[str, Any], ...]) -> Schedule:
    at = dict(values)
    return schedule(method, _host_of(method, host, at), **settings_of(at, _IMAGE))


def _met(method: str, host: str, at: Values, option: str, number: int) -> Values:
    """The setting that is nearest to so many tokens left or MACs, found by trying every one."""
    others = settings_of(at, _IMAGE)
    others.pop(DIALS.get(method, ""), None)
    found = nearest_setting(
        method,
        _host_of(method, host, at),
        tokens=number if option == "tokens" else None,
        macs=number if option == "macs" else None,
        others=others,
    )
    return {found.setting: found.value}


def _in_letters(method: str, host: str, at: Values) -> InLetters:
    return closed_form(method, _host_of(method, host, at), settings_of(at, _IMAGE))


def _host_of(method: str, host: str, at: Values) -> Body:
    """The host as the method was published on it."""
    body = _body(host, at)
    return body.without_prefix() if method in _POOLED else body


def _body(host: str, at: Values) -> Body:
    """The host, an LV-ViT with the stem that was chosen."""
    name = f"{host}_halving" if at.get("stem") == "halving" else host
    return HOSTS[name].body(at["H"], at["W"], at["classes"])


def _of(method: str, host: str, at: Values) -> Schedule:
    return _scheduled(method, host, tuple(at.items()))


def _terms(method: str, host: str, at: Values) -> tuple[Term, ...]:
    """The stem, five parts of every block, what the method adds, and the head."""
    found = _of(method, host, at)
    body = found.body
    terms = (
        Term(name="patches", macs=body.stem[0], weights=body.stem[1]),
        *_blocks(found),
        Term(name="head", macs=body.head, weights=body.head),
    )
    return tuple(term for term in terms if term.macs)


def _blocks(found: Schedule) -> Iterator[Term]:
    body, width = found.body, found.body.width
    for block, at in enumerate(found.layers):
        # C² (q + k + v + o); C (q k + o v); 2 C hidden m
        projected = width**2 * (at.q + at.k + at.v + at.o)
        fed = 2 * width * body.hidden
        formed = at.macs(body) - projected - fed * at.m
        yield Term(
            name=f"blocks.attention_projections.block{block}",
            macs=projected,
            weights=4 * width**2,
        )
        yield Term(name=f"blocks.attention_products.block{block}", macs=formed)
        yield Term(name=f"blocks.feed_forward.block{block}", macs=fed * at.m, weights=fed)
    for each in found.overheads:
        place = "once" if each.block is None else f"block{each.block}"
        yield Term(name=f"blocks.{each.name}.{place}", macs=each.macs, weights=each.weights)


def _reduced(method: str, host: str, at: Values) -> Reduced:
    """The tokens of every block."""
    found = _of(method, host, at)
    body = found.body
    added = [0] * body.depth
    for each in found.overheads:
        added[each.block or 0] += each.macs
    return Reduced(
        blocks=tuple(
            BlockTokens(
                block=block, queries=layer.q, keys=layer.k, values=layer.v, attended=layer.o,
                mlp=layer.m, left=layer.left, macs=layer.macs(body) + added[block],
                added=added[block],
            )
            for block, layer in enumerate(found.layers)
        ),
        patches=body.patches,
        left=found.tokens_left,
        dense=schedule("avit", _body(host, at)).macs,
        distances=found.macs_with_distances - found.macs,
        parameters=found.parameters,
        bound=found.bound,
    )  # fmt: skip
