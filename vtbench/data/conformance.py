"""What counters say of micro-cases whose truth is known, case by case."""

from __future__ import annotations

import msgspec

OURS = "vtbench"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What one counter says of one case."""

    macs: int | None
    """Its count; None where it gave none."""
    right: bool
    """Exactly the truth; where nothing can be known, that it says so."""
    error: str | None = None
    crashed: bool = False
    """Whether it raised; without, ``error`` says why it could not take the inputs."""
    complete: bool | None = None
    """Ours only: whether nothing was unknown."""


class CaseResults(msgspec.Struct, frozen=True, kw_only=True):
    """One case and what every counter says of it."""

    name: str
    truth: int | None
    """Multiply-accumulates; None where nothing can be known."""
    results: dict[str, Result]


class Conformance(msgspec.Struct, frozen=True, kw_only=True):
    """All cases, the versions of the counters, and what is not there."""

    cases: tuple[CaseResults, ...]
    versions: dict[str, str]
    absent: tuple[str, ...] = ()
    """Counters that are not installed."""

    @property
    def ours_is_right(self) -> bool:
        """Whether we are right on every case."""
        return all(case.results[OURS].right for case in self.cases)
