"""How a cost grows, as papers say it: ``linear``, ``at most quadratic``, or an exponent."""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import Literal

import msgspec

from vtbench.claims.suite.interval import Interval, interval
from vtbench.errors import BadSuite

WORDS = MappingProxyType({"constant": 0, "linear": 1, "quadratic": 2, "cubic": 3})
"""Word -> degree of the polynomial that it names."""

Relation = Literal["is", "at most", "at least"]
RELATIONS: tuple[Relation, ...] = ("at most", "at least")


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a growth: the degree of a polynomial, or an exponent by its digits."""

    relation: Relation
    degree: int | None
    """Of a word; None where an exponent is printed."""
    exponent: Interval
    """The exponents that are meant; of a word its degree alone."""


def growth(printed: str) -> Growth:
    """What a printed growth says; BadSuite where it is no word and no exponent."""
    text, relation = printed.strip(), _relation(printed.strip())
    said = text if relation == "is" else text.removeprefix(relation).strip()
    if said in WORDS:
        point = Decimal(WORDS[said])
        return Growth(relation=relation, degree=WORDS[said], exponent=Interval(point, point))
    try:
        exponent = interval(said, "")
    except BadSuite as error:
        words = ", ".join(WORDS)
        raise BadSuite(
            f"{printed!r} is no growth: there are {words} and exponents such as 1.5, perhaps "
            "after `at most` or `at least`."
        ) from error
    return Growth(relation=relation, degree=None, exponent=exponent)


def _relation(text: str) -> Relation:
    return next((each for each in RELATIONS if text.startswith(f"{each} ")), "is")
