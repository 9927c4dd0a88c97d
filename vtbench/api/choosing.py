"""Which claims are judged: selection by pattern, and what a suite may not ask for."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence

from vtbench.claims.judge.workloads import alternatives, figures
from vtbench.claims.suite import Suite
from vtbench.claims.suite.files import line_of_axis
from vtbench.claims.suite.names import bearing_on
from vtbench.data.model_names import is_code
from vtbench.data.record import Record
from vtbench.data.workload import Workload
from vtbench.errors import BadSuite, UnknownModel, UsageError


def selected(suites: list[Suite], only: str | None) -> tuple[list[Suite], frozenset[str] | None]:
    """Suites with what the matching claims depend on, and the ids that match; None is all."""
    if only is None:
        return suites, None
    found, ids = [], set()
    for suite in suites:
        own = f"{suite.name}.{only}"
        matching = {
            claim.id
            for claim in suite.claims
            if fnmatch.fnmatchcase(claim.id, only) or fnmatch.fnmatchcase(claim.id, own)
        }
        if matching:
            ids |= matching
            found.append(bearing_on(suite, matching))
    if not found:
        raise UsageError(f"No claim matches {only!r}; `vtbench check --format csv` lists the ids.")
    return found, frozenset(ids)


def refuse_code(suites: list[Suite]) -> None:
    """Data never runs code: a suite may name a user's function only where the user allows it."""
    for suite in suites:
        for where, model in _models(suite):
            if is_code(model):
                raise BadSuite(
                    f"{suite.path}: {where} names the function {model}, which vtbench would run; "
                    "give --allow-imports if you trust it."
                )


def refuse_unknown_models(suites: list[Suite]) -> None:
    """Every model that suites name must exist; all that do not are named, with the nearest."""
    from vtbench.models import resolve

    wrong = []
    for suite in suites:
        seen: set[str] = set()
        for where, model in _models(suite):
            if model in seen:
                continue
            seen.add(model)
            try:
                resolve(model)
            except UnknownModel as error:
                wrong.append(f"{suite.path}: {where}: {error}")
    if wrong:
        raise BadSuite("\n".join(wrong))


def refuse_idle_axes(suites: Sequence[Suite], records: Mapping[Workload, Record]) -> None:
    """Every axis of a search must be an option of some model that it applies to."""
    wrong = []
    for suite in suites:
        for axis, refusals in _refusals(suite, records).items():
            if None not in refusals:
                where = f"{suite.path}:{line_of_axis(suite, axis)}: search.{axis}"
                wrong.append(f"{where}: {refusals[0]}")
    if wrong:
        raise BadSuite("\n".join(wrong))


def _refusals(suite: Suite, records: Mapping[Workload, Record]) -> dict[str, list[str | None]]:
    """Axis -> of each workload that it alone changes, why it was not counted; None if it was."""
    found: dict[str, list[str | None]] = {}
    for figure in figures(suite):
        for changes, work in alternatives(figure, suite):
            if len(changes) == 1 and work in records:
                (axis,) = changes
                found.setdefault(axis, []).append(records[work].error)
    return found


def _models(suite: Suite) -> Iterator[tuple[str, str]]:
    """The models that a suite would have built, each with the claim or quantity that names it."""
    for quantity in suite.quantities:
        yield quantity.id, quantity.workload.model
    for claim in suite.claims:
        if claim.workload is not None:
            yield claim.id, claim.workload.model
