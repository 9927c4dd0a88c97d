"""Names of claims: short ones made full, wrong ones refused, and what a claim follows from."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping

import msgspec

from vtbench.claims.suite.formulas import names_in, refuse_no_arithmetic, with_names
from vtbench.claims.suite.reader import Lines
from vtbench.claims.suite.types import Claim, Suite
from vtbench.data.spelling import closest
from vtbench.errors import UsageError


def full_expression(
    expression: str, suite: str, claim: str, quantities: Container[str] = ()
) -> str:
    """Arithmetic with full ids: ``macs`` is of the same row, ``row.macs`` of the same table.

    A name of three parts is of the same suite (``t1.row.macs``), one of four is full already.
    Quantities are named as they stand.
    """
    refuse_no_arithmetic(expression)
    parts = claim.split(".")

    def full(name: str) -> str:
        if name in quantities:
            return f"{suite}.{name}"
        depth = name.count(".")
        if depth == 0:
            return ".".join([suite, *parts[:-1], name])
        if depth == 1 and len(parts) > 2:  # noqa: PLR2004  # table, row, column
            return ".".join([suite, parts[0], name])
        return name if name.startswith(f"{suite}.") or depth > 2 else f"{suite}.{name}"  # noqa: PLR2004  # suite, table, row, column

    return with_names(expression, full)


def check_names(
    claims: Iterable[Claim],
    quantities: Container[str],
    mistake: Callable[[int, str], None],
    lines: Lines,
) -> None:
    """Every name in arithmetic exists, and no claim follows from itself."""
    by_id = {claim.id: claim for claim in claims}
    for claim in by_id.values():
        if claim.expression is None or _repeats(claim, by_id):
            continue
        own = claim.suite + "."
        for name in names_in(claim.expression):
            if not name.startswith(own) or name.removeprefix(own) in quantities:
                continue
            if name not in by_id:
                mistake(lines.of_claim(claim.id), f"{claim.id}: there is no claim {name}.")
            elif name in by_id and (
                _is_no_number(by_id[name])
                or (claim.kind == "arithmetic" and _is_bound(by_id[name]))
            ):
                said = f"{claim.id}: {name} is no single figure, so no arithmetic can use it."
                mistake(lines.of_claim(claim.id), said)
        if claim.id in follows_from(by_id, names_in(claim.expression)):
            mistake(lines.of_claim(claim.id), f"{claim.id} follows from itself.")


def without_bounds(claims: Iterable[Claim]) -> list[Claim]:
    """Claims less the twins that would work out a figure from a printed bound, which has none."""
    every = list(claims)
    by_id = {claim.id: claim for claim in every}

    def bounded(claim: Claim) -> bool:
        names = names_in(claim.expression) if claim.expression else ()
        return (
            claim.id.endswith(".printed")
            and claim.kind == "arithmetic"
            and any(_is_bound(by_id[name]) for name in names if name in by_id)
        )

    return [claim for claim in every if not bounded(claim)]


def _is_bound(claim: Claim) -> bool:
    return not (claim.low.is_finite() and claim.high.is_finite())


def _is_no_number(claim: Claim) -> bool:
    """Whether a claim prints two figures, words, or what holds of many sizes."""
    return claim.ordering or claim.relation == "range" or claim.sweep is not None


def _repeats(claim: Claim, by_id: Mapping[str, Claim]) -> bool:
    """Whether a claim is the twin of one with the same arithmetic, which is checked there."""
    base = by_id.get(claim.id.removesuffix(".printed"))
    return base is not None and base is not claim and base.expression == claim.expression


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
        raise UsageError(f"{asked!r} stands for several claims: {ids}; give one of these ids.")
    ids_known = [claim.id for suite in suites for claim in suite.claims]
    short = {claim.partition(".")[2]: claim for claim in ids_known}
    # ids of a suite are alike, so one that is meant is more than half alike
    near = closest(asked, ids_known, likeness=0.6) or [
        short[each] for each in closest(asked, short, likeness=0.6)
    ]
    hint = f" Did you mean {' or '.join(near)}?" if near else " `vtbench check` lists the ids."
    raise UsageError(f"There is no claim {asked!r}.{hint}")
