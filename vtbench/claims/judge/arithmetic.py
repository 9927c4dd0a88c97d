"""Figures that follow from others: in which order, and what the printed ones allow."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from graphlib import CycleError, TopologicalSorter

from vtbench.claims.suite import Claim, Interval
from vtbench.claims.suite.formulas import interval_of, names_in, value_of
from vtbench.errors import BadSuite


def parts_of(claim: Claim) -> tuple[str, ...]:
    """The figures that a claim follows from."""
    return names_in(claim.expression) if claim.expression else ()


def in_order(claims: Mapping[str, Claim]) -> list[Claim]:
    """Claims, each after those that it follows from."""
    graph = {name: parts_of(claim) for name, claim in claims.items()}
    try:
        names = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        ring = " from ".join(error.args[1][::-1])
        raise BadSuite(f"A claim follows from itself: {ring}.") from error
    return [claims[name] for name in names if name in claims]


def value(claim: Claim, parts: Mapping[str, Decimal]) -> Decimal:
    """What a claim's arithmetic gives when its parts have values."""
    try:
        return value_of(claim.expression or "", parts)
    except BadSuite as error:
        raise BadSuite(f"{claim.id}: {error}") from error


def range_of(claim: Claim, parts: Mapping[str, Interval]) -> Interval:
    """What a claim's arithmetic may give when its parts lie in ranges."""
    try:
        return interval_of(claim.expression or "", parts)
    except BadSuite as error:
        raise BadSuite(f"{claim.id}: {error}") from error
