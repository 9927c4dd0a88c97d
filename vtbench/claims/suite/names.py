"""Names of claims in arithmetic: short ones made full, unknown and circular ones refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping

from vtbench.claims.suite.formulas import names_in
from vtbench.claims.suite.lines import Lines
from vtbench.claims.suite.types import Claim

_NAME = re.compile(r"(?<![\w.])[A-Za-z_][\w.]*")
_FUNCTIONS = frozenset(("max", "min", "abs"))


def full_expression(
    expression: str, suite: str, claim: str, quantities: Container[str] = ()
) -> str:
    """Arithmetic with full ids: ``macs`` is of the same row, ``row.macs`` of the same table.

    A name of three parts is of the same suite (``t1.row.macs``), one of four is full already.
    Quantities are named as they stand.
    """
    names_in(expression)  # refuses what is no arithmetic
    parts = claim.split(".")

    def full(match: re.Match[str]) -> str:
        name = match.group()
        if name in _FUNCTIONS:
            return name
        if name in quantities:
            return f"{suite}.{name}"
        depth = name.count(".")
        if depth == 0:
            return ".".join([suite, *parts[:-1], name])
        if depth == 1 and len(parts) > 2:  # noqa: PLR2004  # table, row, column
            return ".".join([suite, parts[0], name])
        return name if name.startswith(f"{suite}.") or depth > 2 else f"{suite}.{name}"  # noqa: PLR2004  # suite, table, row, column

    return _NAME.sub(full, expression)


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
        if _follows_from_itself(claim, by_id):
            mistake(lines.of_claim(claim.id), f"{claim.id} follows from itself.")


def _repeats(claim: Claim, by_id: Mapping[str, Claim]) -> bool:
    """Whether a claim is the twin of one with the same arithmetic, which is checked there."""
    base = by_id.get(claim.id.removesuffix(".printed"))
    return base is not None and base is not claim and base.expression == claim.expression


def _follows_from_itself(claim: Claim, by_id: Mapping[str, Claim]) -> bool:
    seen: set[str] = set()
    waiting = [claim.id]
    while waiting:
        current = by_id.get(waiting.pop())
        if current is None or current.expression is None:
            continue
        names = set(names_in(current.expression))
        if claim.id in names:
            return True
        waiting += names - seen
        seen |= names
    return False
