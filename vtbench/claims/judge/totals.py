"""What became of a suite's claims: three totals that are never added up, and accuracies apart.

A model that agrees with a print to which nothing was fitted is evidence. One that was fitted to
it is none, and a paper that agrees with its own arithmetic says nothing of any model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from vtbench.claims.judge.verdict import Verdict
from vtbench.claims.suite import Claim
from vtbench.claims.suite.formulas import names_in

Group = Literal["independent", "fitted", "arithmetic", "accuracies"]


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """The claims of one kind of evidence by verdict."""

    claims: int
    """The number of claims."""
    holds: int
    """Those that hold as the paper states them."""
    close: int
    """Those that are outside their interval by at most 2 % of the figure."""
    fails: int
    """Those that are further outside."""
    unknown: int
    """Those that cannot be judged."""
    named: int
    """Those that do not hold as stated and have a named explanation."""

    @property
    def judged(self) -> int:
        """The number of claims with a verdict."""
        return self.claims - self.unknown


def group_of(claim: Claim, known: Mapping[str, Claim]) -> Group:
    """The kind of evidence that a claim is."""
    if _is_accuracy(claim, known):
        return "accuracies"
    if claim.kind == "arithmetic":
        return "arithmetic"
    return "fitted" if _rests_on_a_fit(claim, known) else "independent"


def _rests_on_a_fit(claim: Claim, known: Mapping[str, Claim]) -> bool:
    """Whether a choice that was deduced bears on a claim, or on one that it follows from."""
    parts = names_in(claim.expression) if claim.expression else ()
    return bool(claim.fitted) or any(
        _rests_on_a_fit(known[part], known) for part in parts if part in known
    )


def _is_accuracy(claim: Claim, known: Mapping[str, Claim]) -> bool:
    """Whether it is a figure that only trained weights give, or follows from such figures."""
    if claim.metric != "none":
        return False
    if claim.expression is None:
        return claim.unknown == "weights"
    parts = names_in(claim.expression)
    twin = known.get(claim.id.removesuffix(".printed"), claim)
    alone = claim.unknown == "weights" or (twin is not claim and twin.unknown == "weights")
    return alone or any(part in known and _is_accuracy(known[part], known) for part in parts)


def total(verdicts: Sequence[Verdict]) -> Total:
    """Some claims by verdict."""
    by = {name: sum(v.verdict == name for v in verdicts) for name in ("holds", "close", "fails")}
    return Total(
        claims=len(verdicts),
        unknown=sum(v.verdict == "unknown" for v in verdicts),
        named=sum(
            v.verdict in ("close", "fails") and v.reproduced_by is not None for v in verdicts
        ),
        **by,
    )


def totals(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """Claims by verdict, and the same for each kind of evidence."""
    verdicts = list(verdicts)
    groups: dict[Group, list[Verdict]] = {
        "independent": [], "fitted": [], "arithmetic": [], "accuracies": [],
    }  # fmt: skip
    known = {verdict.claim.id: verdict.claim for verdict in verdicts}
    for verdict in verdicts:
        groups[group_of(verdict.claim, known)].append(verdict)
    found: dict[str, Any] = {name: total(group) for name, group in groups.items()}
    whole: dict[str, Any] = msgspec.to_builtins(total(verdicts))
    return {**whole, **found}
