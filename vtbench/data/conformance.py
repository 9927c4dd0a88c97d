"""The results of counters on micro-cases with known answers, case by case."""

from __future__ import annotations

import msgspec

OURS = "vtbench"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one counter on one case."""

    macs: int | None
    """The counter's MACs; None if it gave none."""
    right: bool
    """Whether the count is exact; if the answer cannot be known, whether the counter says so."""
    error: str | None = None
    """The reason why there is no count; None if there is one."""
    crashed: bool = False
    """Whether the counter raised; otherwise ``error`` says why it could not take the inputs."""
    complete: bool | None = None
    """For vtbench only: whether no operator was unknown."""


class CaseResults(msgspec.Struct, frozen=True, kw_only=True):
    """One case with the results of all counters."""

    name: str
    """The name of the case."""
    truth: int | None
    """The known multiply-accumulates; None if the answer cannot be known."""
    results: dict[str, Result]
    """Counter -> its result."""


class Conformance(msgspec.Struct, frozen=True, kw_only=True):
    """All cases, the versions of the counters, and the counters that are not installed."""

    cases: tuple[CaseResults, ...]
    """The cases with their results."""
    versions: dict[str, str]
    """Counter -> its version."""
    absent: tuple[str, ...] = ()
    """Counters that are not installed."""

    @property
    def ours_is_right(self) -> bool:
        """Whether vtbench is right on every case."""
        return all(case.results[OURS].right for case in self.cases)
