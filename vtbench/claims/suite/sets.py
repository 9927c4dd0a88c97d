"""Claims over a set: which figures are its members, and which of them decides.

A set is a list of arithmetic, of which an entry may be a pattern of ids such as ``t1.vt_*.macs``.
An ordering is the set of differences of each of its figures and each of those that it is held
against; of speeds, which are measured in turns, of ratios.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from vtbench.claims.suite.hedges import LOWER, UPPER, ends, is_half
from vtbench.claims.suite.interval import interval
from vtbench.claims.suite.schema import Single
from vtbench.claims.suite.speed import SPEEDS
from vtbench.claims.suite.types import Claim
from vtbench.errors import BadSuite

SIDED = (*LOWER, *UPPER)
"""Relations with one side, which an ordering takes."""

_PATTERN = re.compile(r"(\*|\w+\*?|\*\w+)(\.(\*|\w+\*?|\*\w+))+")


def is_pattern(entry: str) -> bool:
    """Whether an entry of a set names claims by a pattern; ``a.b*c.d`` is a product."""
    return "*" in entry and _PATTERN.fullmatch(entry) is not None


def members_of(single: Single, ids: Sequence[str]) -> tuple[str, ...]:
    """The arithmetic of each member of a claim's set; none if it is about one figure."""
    if isinstance(single.of, str) or single.of is None:
        return ()
    return _listed(single.of, single.id, ids)


def pairs_of(single: Single, ids: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The two figures of each comparison that an ordering makes; none of another claim."""
    if single.kind != "ordering":
        return ()
    ours, others = (_listed(given or (), single.id, ids) for given in (single.of, single.than))
    pairs = tuple((one, other) for one in ours for other in others if one != other)
    if not pairs:
        raise BadSuite("than: an ordering needs another figure than its own.")
    return pairs


def compared(metric: str, pairs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The arithmetic that tells which of two figures is the lesser, of each pair."""
    sign = "/" if metric in SPEEDS else "-"
    return tuple(f"({one}) {sign} ({other})" for one, other in pairs)


def _listed(given: str | Iterable[str], claim: str, ids: Sequence[str]) -> tuple[str, ...]:
    entries = (given,) if isinstance(given, str) else given
    return tuple(dict.fromkeys(each for entry in entries for each in _named(entry, claim, ids)))


def _named(entry: str, claim: str, ids: Sequence[str]) -> list[str]:
    """An entry itself, or the ids that it is a pattern of, less the claim's own."""
    if not is_pattern(entry):
        return [entry]
    depth = entry.count(".")
    found = [
        each
        for each in ids
        if each != claim and each.count(".") == depth and fnmatch.fnmatchcase(each, entry)
    ]
    if not found:
        near = sorted({each.partition(".")[0] for each in ids})
        raise BadSuite(f"no claim matches {entry!r}; ids begin with {', '.join(near)}.")
    return found


def set_mistakes(single: Single) -> Iterator[str]:
    """What is wrong with the relation, the set and the order that a claim speaks of."""
    if single.average:
        yield from _average_mistakes(single)
    if single.kind == "ordering":
        yield from _ordering_mistakes(single)
        return
    if single.than:
        yield f"than: a {single.kind} takes no `than`; only an ordering does."
    yield from _list_mistakes(single)
    if single.relation == "equals":
        return
    if single.kind in ("formula", "scaling"):
        yield f"relation: a {single.kind} takes no relation; a growth may say 'at most'."
    elif single.relation == "range" and not isinstance(single.of, tuple):
        yield "relation: a range is of a set; list its members in `of`."
    elif single.by:
        yield "by: only a claim that equals its figure has other readings."
    else:
        yield from _figure_mistakes(single)


def _list_mistakes(single: Single) -> Iterator[str]:
    if isinstance(single.of, tuple) and not single.of:
        yield "of: the set is empty; list the arithmetic of its members."
    if isinstance(single.of, str) and is_pattern(single.of):
        yield f"of: a pattern stands in a list, as in of = [{single.of!r}]."
    if isinstance(single.of, tuple) and single.by:
        yield "by: a claim over a set has no other readings."


def _average_mistakes(single: Single) -> Iterator[str]:
    if single.of is not None or single.kind != "value" or single.stages:
        yield "average: it is of a whole model over inputs, so of a value with a workload."
    known = {
        "macs": (None, "full"),
        "flops": (None, "full", "double"),
        "memory": (None, "predicted"),
    }
    if single.convention not in known.get(single.metric, ()):
        yield "average: inputs are counted in macs, flops and predicted memory, as they are."


def _figure_mistakes(single: Single) -> Iterator[str]:
    try:
        for each in ends(single.printed) if single.relation == "range" else (single.printed,):
            interval(each, "")
    except BadSuite as error:
        half = " Write a half as 0.5 x, 50 % or 2 x." if single.relation == "half" else ""
        yield f"printed: {error}{half}"
        return
    if single.relation == "half" and not is_half(single.printed, single.unit):
        yield f"printed: a half is 0.5 x, 50 % or 2 x, not {single.printed!r} {single.unit}."


def _ordering_mistakes(single: Single) -> Iterator[str]:
    if single.relation not in SIDED:
        yield f"relation: an ordering needs one of {', '.join(SIDED)}."
    if not single.than:
        yield "than: an ordering needs the figures that it is held against."
    if isinstance(single.of, tuple) and not single.of:
        yield "of: the set is empty; list the figures that are ordered."
    if single.unit:
        yield "unit: an ordering has no unit; `printed` holds its words."


def deciding(relation: str, members: Sequence[str]) -> str:
    """The arithmetic of the member of a set that decides: the least, or the greatest."""
    if len(members) == 1:
        return members[0]
    return f"{'min' if relation in LOWER else 'max'}({', '.join(members)})"


def sides(claim: Claim) -> tuple[Claim, ...]:
    """A claim as its two sides, the least and the greatest of its set; itself if one decides."""
    single = len(claim.members) < 2  # noqa: PLR2004  # of a pair each may decide
    if claim.relation != "range" and (single or claim.relation in (*SIDED, "up_to")):
        return (claim,)
    least, greatest = (
        msgspec.structs.replace(claim, expression=f"{name}({', '.join(claim.members)})")
        for name in ("min", "max")
    )
    if claim.relation != "range":
        return least, greatest
    return tuple(
        msgspec.structs.replace(
            side, printed=printed, relation="equals", low=own.low, high=own.high
        )
        for side, printed in zip((least, greatest), ends(claim.printed), strict=True)
        for own in (interval(printed, claim.unit, zeros=claim.zeros),)
    )
