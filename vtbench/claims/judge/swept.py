"""Formulas and growths: what was printed of all sizes, held against counts at many.

A formula is judged as a polynomial and not by its values. Counts at every combination of sizes
settle the one polynomial that gives them, and the suite has to name one size more of each letter
than the printed powers take. Equality there is the same polynomial, unless the count has a yet
higher degree that vanishes at every size that was tried. A growth is judged by the degree of the
polynomial that gives the counts, if there is one, and by exponents.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import msgspec

from vtbench.claims.judge.figures import figure, known_beforehand
from vtbench.claims.judge.readings import Records
from vtbench.claims.judge.verdict import CLOSE, CountedSweep, Outcome, SweptPoint, Verdict
from vtbench.claims.judge.workloads import Point, points_of
from vtbench.claims.suite import Claim
from vtbench.claims.suite.formulas import polynomial
from vtbench.claims.suite.sweeps import WORDS, Growth, GrowthRelation, growth
from vtbench.data.polynomial import (
    Polynomial,
    coefficients,
    degree,
    letters,
    named,
    number,
    spelled,
    through,
    value_at,
    written,
)
from vtbench.stats.growth import exponents, nearest

_SHARE = Fraction(CLOSE)


def judge_swept(claim: Claim, records: Records) -> Verdict:
    """The verdict on a formula or a growth; unknown if a size of it was not counted."""
    beforehand = known_beforehand(claim)
    if beforehand is not None:
        return beforehand
    points, counts = points_of(claim), []
    for point in points:
        found = figure(claim, records.get(point.workload))
        if isinstance(found, Verdict):
            return _at(found, point)
        counts.append(found)
    if claim.kind == "formula":
        return _formula(claim, points, counts)
    return _scaling(claim, points, counts, records)


def _at(verdict: Verdict, point: Point) -> Verdict:
    """A verdict that says at which size it came about."""
    return msgspec.structs.replace(verdict, reason=f"At {_sizes(point)}: {verdict.reason}")


def _sizes(point: Point) -> str:
    return ", ".join(f"{axis}={value}" for axis, value in point.axes.items())


def _formula(claim: Claim, points: Sequence[Point], counts: Sequence[int]) -> Verdict:
    printed = polynomial(claim.printed)
    given = [value_at(printed, point.sizes) for point in points]
    found = _counted_form(points, counts, printed)
    apart = [_apart(count, each) for count, each in zip(counts, given, strict=True)]
    far = max(range(len(points)), key=lambda place: abs(apart[place]))
    if all(count == each for count, each in zip(counts, given, strict=True)):
        outcome: Outcome = "holds"
        reason = (
            f"The count is the same polynomial: it is equal at all {len(points)} sizes, "
            f"{_spare(printed, points)}."
        )
    else:
        outcome = "close" if abs(apart[far]) <= _SHARE else "fails"
        reason = _difference(printed, found) if found else _no_form(printed, points, counts)
    return Verdict(
        claim=claim,
        verdict=outcome,
        reason=reason,
        deviation=float(apart[far]),
        found=CountedSweep(
            points=_pairs(points, counts, given), form=None if found is None else spelled(found)
        ),
    )


def _spare(printed: Polynomial, points: Sequence[Point]) -> str:
    """How many sizes of each letter there are beyond what settles its printed power."""
    over = {
        letter: len({point.sizes[letter] for point in points}) - degree(printed, letter) - 1
        for letter in letters(printed)
    }
    said = " and ".join(f"{more} more of {letter}" for letter, more in over.items())
    return f"{said} than the powers need"


def _apart(count: int, given: Fraction) -> Fraction:
    """How far a count is from what the formula gives, relative to that."""
    return (count - given) / abs(given) if given else Fraction(count != 0)


def _pairs(
    points: Sequence[Point], counts: Sequence[int], given: Sequence[Fraction] | None = None
) -> tuple[SweptPoint, ...]:
    return tuple(
        SweptPoint(
            axes=point.axes,
            workload=point.workload,
            counted=counts[place],
            printed=None if given is None else float(given[place]),
        )
        for place, point in enumerate(points)
    )


def _counted_form(
    points: Sequence[Point], counts: Sequence[int], printed: Polynomial
) -> Polynomial | None:
    """The polynomial that the counts are, terms as printed; None if its degree stays open."""
    axes = {letter: sorted({point.sizes[letter] for point in points}) for letter in points[0].sizes}
    grid = {
        tuple(sizes.index(point.sizes[letter]) for letter, sizes in axes.items()): Fraction(count)
        for point, count in zip(points, counts, strict=True)
    }
    found = through(axes, grid)
    if any(degree(found, letter) > len(sizes) - 2 for letter, sizes in axes.items()):
        return None
    others = sorted(set(found) - set(printed), key=lambda each: (-sum(p for _, p in each), each))
    order = [*(each for each in printed if each in found), *others]
    return {monomial: found[monomial] for monomial in order}


def _difference(printed: Polynomial, counted: Polynomial) -> str:
    """The counted form, and each term that differs."""
    nothing = Fraction(0)
    said = [
        f"{named(term)} has {number(counted.get(term, nothing))}, printed is "
        f"{number(printed.get(term, nothing))}"
        for term in dict.fromkeys((*printed, *counted))
        if printed.get(term, nothing) != counted.get(term, nothing)
    ]
    return f"The count is {written(counted)}: {'; '.join(said)}."


def _no_form(printed: Polynomial, points: Sequence[Point], counts: Sequence[int]) -> str:
    """Where the counts are no polynomial of a degree that so many sizes can settle."""
    most = ", ".join(
        f"{len({point.sizes[letter] for point in points}) - 2} in {letter}"
        for letter in letters(printed)
    )
    place = next(k for k, point in enumerate(points) if counts[k] != value_at(printed, point.sizes))
    return (
        f"The count is not a polynomial of a degree of at most {most}; at {_sizes(points[place])} "
        f"it is {counts[place]:,} and the formula gives "
        f"{float(value_at(printed, points[place].sizes)):,.6g}."
    )


def _scaling(
    claim: Claim, points: Sequence[Point], counts: Sequence[int], records: Records
) -> Verdict:
    said = growth(claim.printed)
    ((letter, _),) = points[0].sizes.items()
    xs = [point.sizes[letter] for point in points]
    ys = [Fraction(count) for count in counts]
    factors = coefficients(xs, ys)
    own = max((power for power, factor in enumerate(factors) if factor), default=0)
    settled = own if own <= len(xs) - 2 else None
    slopes = exponents(xs, ys)
    outcome, reason = _grown(said, settled, xs, ys)
    form = None
    if settled is not None:
        form = spelled(
            {((letter, p),) if p else (): f for p, f in reversed(list(enumerate(factors))) if f}
        )
    figure_ = _figure(said, settled, slopes)
    return Verdict(
        claim=claim,
        verdict=outcome,
        reason=f"{reason}{_left_out(claim, points, records)}",
        measured=figure_,
        found=CountedSweep(
            points=_pairs(points, counts), form=form, degree=settled, exponents=slopes
        ),
    )


def _figure(
    said: Growth, settled: int | None, slopes: tuple[float, float, float] | None
) -> Decimal | None:
    """The degree where a word is held against one; else the exponent over the whole sweep."""
    if said.degree is not None and settled is not None:
        return Decimal(settled)
    return None if slopes is None else Decimal(slopes[1])


def _grown(
    said: Growth, settled: int | None, xs: Sequence[Fraction], ys: Sequence[Fraction]
) -> tuple[Outcome, str]:
    """Whether counts grow as a paper says, and a sentence on how they do."""
    if said.degree is None:
        return _by_exponents(said, exponents(xs, ys))
    how = f"The count is not a polynomial of degree {len(xs) - 2} or less."
    if settled is not None:
        how = f"The count is a polynomial of degree {settled}, at all {len(xs)} sizes."
        if not settled:
            how = f"The count is the same at all {len(xs)} sizes."
        if _as_said(said.relation, settled, said.degree):
            return "holds", how
        if settled < said.degree:  # the nearest polynomial would be the count itself
            return "fails", how
    near = nearest(xs, ys, said.degree)
    if near is None:
        return "fails", how
    far = max(abs(each / y - 1) for each, y in zip(near, ys, strict=True))
    word = next(name for name, power in WORDS.items() if power == said.degree)
    how = f"{how} The nearest {word} one differs by at most {100 * float(far):.2g} %."
    return ("close" if far <= _SHARE else "fails"), how


def _as_said(relation: GrowthRelation, counted: int, printed: int) -> bool:
    if relation == "at most":
        return counted <= printed
    return counted >= printed if relation == "at least" else counted == printed


def _by_exponents(said: Growth, slopes: tuple[float, float, float] | None) -> tuple[Outcome, str]:
    """An exponent holds where every step of the sweep has it, to the printed digits."""
    if slopes is None:
        return "fails", "A count is zero, so there is no exponent."
    low, overall, high = slopes
    how = f"The exponent is {overall:.4g} over the sweep, {low:.4g} to {high:.4g} step by step."
    over = max(0.0, high - float(said.exponent.high)) if said.relation != "at least" else 0.0
    under = max(0.0, float(said.exponent.low) - low) if said.relation != "at most" else 0.0
    if not over and not under:
        return "holds", how
    middle = float(said.exponent.low + said.exponent.high) / 2
    return ("close" if max(over, under) <= float(CLOSE) * abs(middle) else "fails"), how


def _left_out(claim: Claim, points: Sequence[Point], records: Records) -> str:
    """What the whole and the parts that are left out grow by, from the least size to the largest.

    The rest is the same at every size just where both grow alike at every step.
    """
    if not claim.without:
        return ""
    parts = msgspec.structs.replace(claim, without=(), stages=claim.without)
    whole = msgspec.structs.replace(claim, without=())
    growths = []
    for each in (whole, parts):
        ends = [figure(each, records.get(points[place].workload)) for place in (0, -1)]
        first, last = (end if isinstance(end, int) else 0 for end in ends)
        growths.append(last - first)
    names = ", ".join(claim.without)
    return (
        f" From {_sizes(points[0])} to {_sizes(points[-1])} the whole grows by {growths[0]:,}, "
        f"{names} by {growths[1]:,}."
    )
