"""Parts of a suite that can be judged as the whole would be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

import msgspec

from vtbench.claims.suite.formulas import names_in
from vtbench.claims.suite.types import Claim, Suite
from vtbench.errors import UsageError


def follows_from(claims: Mapping[str, Claim], ids: Iterable[str]) -> set[str]:
    """Some claims and every claim that their arithmetic speaks of, however far down."""
    waiting = list(ids)
    found = set(waiting)
    while waiting:
        claim = claims.get(waiting.pop())
        names = set(names_in(claim.expression)) if claim and claim.expression else set()
        waiting += names - found
        found |= names
    return found


def bearing_on(suite: Suite, ids: Iterable[str]) -> Suite:
    """A suite with some of its claims and all that their verdicts depend on.

    That is what they follow from, and the table columns in which figures are explained jointly:
    without these an explanation would reproduce "1 of 1" where it reproduces 1 of 12.
    """
    claims = {claim.id: claim for claim in suite.claims}
    columns = {claims[each].column for each in follows_from(claims, ids) if each in claims}
    mates = [claim.id for claim in suite.claims if claim.column in columns]
    needed = follows_from(claims, mates)
    return msgspec.structs.replace(
        suite,
        claims=tuple(claim for claim in suite.claims if claim.id in needed),
        quantities=tuple(each for each in suite.quantities if each.id in needed),
    )


def one_claim(suites: Iterable[Suite], asked: str) -> tuple[Suite, Claim]:
    """The claim of an id, with or without the name of its suite; else the nearest are named."""
    suites = list(suites)
    found = [
        (suite, claim)
        for suite in suites
        for claim in suite.claims
        if asked in (claim.id, claim.id.removeprefix(f"{suite.name}."))
    ]
    if len(found) == 1:
        return found[0]
    if found:
        ids = " and ".join(claim.id for _, claim in found)
        raise UsageError(f"{asked!r} is several claims: {ids}; give one of these ids.")
    ids_known = [claim.id for suite in suites for claim in suite.claims]
    short = {claim.partition(".")[2]: claim for claim in ids_known}
    near = difflib.get_close_matches(asked, ids_known, n=3) or [
        short[each] for each in difflib.get_close_matches(asked, short, n=3)
    ]
    hint = f" Did you mean {' or '.join(near)}?" if near else " `vtbench check` lists the ids."
    raise UsageError(f"There is no claim {asked!r}.{hint}")
