"""Which workloads are to be counted, and which sizes a formula or a growth is held against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import product

import msgspec

from vtbench.claims.judge.search import alternatives, figures, is_judged
from vtbench.claims.suite import Claim, Suite
from vtbench.claims.suite.formulas import polynomial
from vtbench.data.polynomial import value
from vtbench.data.workload import Workload, freeze_options


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One size at which a claim is held against a count."""

    axes: dict[str, int]
    """Axis of the sweep -> its value here."""
    sizes: dict[str, Fraction]
    """Letter of the paper -> its value here."""
    workload: Workload


def points_of(claim: Claim) -> list[Point]:
    """Every combination of a sweep's values, the last axis running fastest; none without sweep."""
    if claim.sweep is None or claim.workload is None:
        return []
    sweep, found = claim.sweep, []
    forms = {letter: polynomial(text) for letter, text in sweep.symbols.items()}
    for values in product(*sweep.axes.values()):
        axes = dict(zip(sweep.axes, values, strict=True))
        sizes = {letter: value(form, axes) for letter, form in forms.items()}
        found.append(Point(axes=axes, sizes=sizes, workload=_at(claim.workload, axes)))
    return found


def _at(workload: Workload, axes: Mapping[str, int]) -> Workload:
    """A workload at other sizes."""
    sizes = dict(axes)
    pair = workload.resolution or (0, 0)  # the reader has seen to it that both sides are known
    both = sizes.pop("resolution", 0)
    high = sizes.pop("image_height", both or pair[0])
    wide = sizes.pop("image_width", both or pair[1])
    batch = sizes.pop("batch_size", workload.batch_size)
    return msgspec.structs.replace(
        workload,
        resolution=(high, wide) if high and wide else None,
        batch_size=batch,
        options=freeze_options({**dict(workload.options), **sizes}),
    )


def wanted(suites: Iterable[Suite]) -> list[Workload]:
    """The stated workloads, those of sweeps, and the alternatives: each once, in this order."""
    stated: dict[Workload, None] = {}
    others: dict[Workload, None] = {}
    for suite in suites:
        for figure in figures(suite):
            if figure.workload is None or not is_judged(figure):
                continue
            stated[figure.workload] = None
            for _, workload in alternatives(figure, suite):
                others[workload] = None
        for claim in suite.claims:
            stated |= {point.workload: None for point in points_of(claim)}
    return [*stated, *(workload for workload in others if workload not in stated)]


def parts_named(suites: Iterable[Suite]) -> dict[Workload, tuple[str, ...]]:
    """Workload -> the parts of it that claims speak of, which kept records must tell apart."""
    found: dict[Workload, dict[str, None]] = {}
    for suite in suites:
        for figure in figures(suite):
            if figure.workload is None or not figure.stages:
                continue
            for work in (figure.workload, *(each for _, each in alternatives(figure, suite))):
                found.setdefault(work, {}).update(dict.fromkeys(figure.stages))
        for claim in suite.claims:
            for point in points_of(claim):
                parts = dict.fromkeys((*claim.stages, *claim.without))
                found.setdefault(point.workload, {}).update(parts)
    return {work: tuple(parts) for work, parts in found.items() if parts}
