"""The figures that papers printed of a model that was counted."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from vtbench.claims.judge import Verdict, judge
from vtbench.claims.suite import Claim, Suite, read_suite
from vtbench.claims.suite.files import shipped
from vtbench.claims.suite.speed import SPEEDS
from vtbench.data.record import Record
from vtbench.data.workload import OptionValue, Workload
from vtbench.errors import BadSuite


def printed_figures(records: Sequence[Record]) -> tuple[tuple[Verdict, ...], tuple[str, ...]]:
    """Verdicts on the claims of the shipped suites that speak of just these workloads.

    And sentences on models of which there are claims with other options alone.
    """
    counted = [record for record in records if record.error is None]
    if not counted or not shipped():
        return (), ()
    suites: list[Suite] = []
    found: dict[Workload, Record] = {}
    others: list[Claim] = []
    for suite in _readable({record.workload.model for record in counted}):
        claims = []
        for claim in filter(_is_of_one_count, suite.claims):
            own = _counted_of(claim, counted)
            if own is not None and claim.workload is not None:
                found[claim.workload] = own
                claims.append(claim)
            else:
                others.append(claim)
        suites.append(msgspec.structs.replace(suite, claims=tuple(claims), search={}))
    without = [record for record in counted if record not in found.values()]
    return tuple(judge(suites, found)), _otherwise(others, without)


def _readable(models: set[str]) -> Iterator[Suite]:
    """The shipped suites that name a model, less those with mistakes.

    A mistake must not cost a finished count; ``vtbench check`` says what is wrong. A suite whose
    text does not hold the name need not be parsed.
    """
    for path in shipped().values():
        with contextlib.suppress(BadSuite, OSError, UnicodeDecodeError):
            text = path.read_text(encoding="utf-8")
            if any(model in text for model in models):
                yield read_suite(path)


def _is_of_one_count(claim: Claim) -> bool:
    return (
        claim.workload is not None
        and claim.unknown is None
        and claim.expression is None
        and claim.sweep is None
        and claim.metric not in SPEEDS
    )


def _counted_of(claim: Claim, counted: Sequence[Record]) -> Record | None:
    work = claim.workload
    if work is None:
        return None
    return next((record for record in counted if record.is_of(work)), None)


MOST = 3
"""Other options that a sentence names."""


def _otherwise(claims: Sequence[Claim], counted: Sequence[Record]) -> tuple[str, ...]:
    """A sentence for each model whose figures are all of other options."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for claim in claims:
        for record in counted:
            work = claim.workload
            if work is not None and record.is_of(
                msgspec.structs.replace(work, options=record.workload.options)
            ):
                own = record.options_of(record.workload)
                others = record.options_of(work).items()
                said = " ".join(f"-o {k}={_typed(v)}" for k, v in others if own.get(k) != v)
                found.setdefault((claim.suite, work.model), Counter())[said] += 1
    return tuple(
        f"{suite} has {_figures(sum(options.values()))} of {model} with other options: "
        f"{_named(options)}."
        for (suite, model), options in found.items()
    )


def _figures(number: int) -> str:
    return "1 figure" if number == 1 else f"{number} figures"


def _typed(value: OptionValue) -> str:
    return value if isinstance(value, str) else repr(value).replace(" ", "")


def _named(options: Counter[str]) -> str:
    """The options as they are typed, those of most figures first."""
    named = [f"{number} with `{said}`" for said, number in options.most_common(MOST)]
    rest = sum(options.values()) - sum(number for _, number in options.most_common(MOST))
    return ", ".join([*named, *([f"{rest} with others"] if rest else [])])
