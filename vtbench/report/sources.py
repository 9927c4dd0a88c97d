"""The kinds of sources that the claims of a suite stand in, as a note."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from vtbench.claims.suite import Claim
from vtbench.claims.suite.types import SourceKind

_KINDS: tuple[SourceKind, ...] = get_args(SourceKind)


def source_notes(claims: Sequence[Claim]) -> list[str]:
    """How many claims stand in each kind of source, and which; nothing if the suite says none."""
    printed = [each for each in claims if each.kind != "arithmetic" or not _is_twin(each)]
    parts = []
    for kind in _KINDS:
        own = [each for each in printed if each.source_kind == kind]
        others = {_first(each) for each in printed if each.source_kind != kind}
        which = dict.fromkeys(_pattern(each, others) for each in own)
        if own:
            parts.append(f"{len(own)} {kind} ({', '.join(which)})" if others else f"all {kind}")
    return [f"Sources of the claims: {'; '.join(parts)}."] if parts else []


def _is_twin(claim: Claim) -> bool:
    """Whether it holds a figure against the other printed ones, so that it is no further figure."""
    return claim.id.endswith(".printed")


def _first(claim: Claim) -> str:
    return claim.id.split(".")[1]


def _pattern(claim: Claim, others: set[str]) -> str:
    """The id as short as it can be without meaning a claim of another kind: a whole table, say."""
    _, first, *rest = claim.id.split(".")
    if rest and first not in others:
        return f"{first}.*"
    return ".".join([first, *("*" for _ in rest[:-1]), *rest[-1:]])
