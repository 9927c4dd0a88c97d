"""Claims over sizes: what is said of a growth, which sizes are counted, and for which letters."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Literal

import msgspec

from vtbench.claims.suite.formulas import polynomial
from vtbench.claims.suite.interval import Interval, interval
from vtbench.claims.suite.schema import Single
from vtbench.claims.suite.types import SWEPT, Sweep
from vtbench.data.polynomial import Polynomial, degree, letters, value_at
from vtbench.errors import BadSuite

WORDS = MappingProxyType({"constant": 0, "linear": 1, "quadratic": 2, "cubic": 3})
"""Word -> degree of the polynomial that it names."""

GrowthRelation = Literal["is", "at most", "at least"]
RELATIONS: tuple[GrowthRelation, ...] = ("at most", "at least")


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a growth: the degree of a polynomial, or an exponent by its digits."""

    relation: GrowthRelation
    degree: int | None
    """Of a word; None if an exponent is printed."""
    exponent: Interval
    """The exponents that are meant; of a word its degree alone."""


def growth(printed: str) -> Growth:
    """The meaning of a printed growth; BadSuite if it is neither a word nor an exponent."""
    text, relation = printed.strip(), _relation(printed.strip())
    said = text if relation == "is" else text.removeprefix(relation).strip()
    if said in WORDS:
        point = Decimal(WORDS[said])
        return Growth(relation=relation, degree=WORDS[said], exponent=Interval(point, point))
    try:
        exponent = interval(said, "")
    except BadSuite as error:
        words = ", ".join(WORDS)
        raise BadSuite(
            f"{printed!r} is not a growth: use one of {words} or an exponent such as 1.5; "
            "`at most` or `at least` may stand before it."
        ) from error
    return Growth(relation=relation, degree=None, exponent=exponent)


def _relation(text: str) -> GrowthRelation:
    return next((each for each in RELATIONS if text.startswith(f"{each} ")), "is")


MOST_POINTS = 256
"""Counts that one claim may ask for."""
FEWEST = 3
"""Sizes that any growth takes."""
SIDES = ("image_height", "image_width")
"""Axes that are one side of the image; ``resolution`` is both."""

_RANGE = re.compile(r"(\d{1,9}):(\d{1,9}):(\d{1,9})")


def sweep_of(single: Single) -> Sweep:
    """The sizes of a claim without mistakes."""
    axes = {axis: values_of(given) for axis, given in single.sweep.items()}
    return Sweep(axes=axes, symbols=_symbols(single))


def _symbols(single: Single) -> dict[str, str]:
    """Letter -> polynomial in one axis; a growth without a letter is in the axis itself."""
    if single.symbols or single.kind == "formula":
        return single.symbols
    return {axis: axis for axis in single.sweep}


def values_of(given: str | tuple[int, ...]) -> tuple[int, ...]:
    """The values of an axis: a list as it stands, ``192:512:32`` with both ends."""
    if not isinstance(given, str):
        values = given
    else:
        found = _RANGE.fullmatch(given.strip())
        if found is None or int(found[3]) < 1:
            raise BadSuite(f"{given!r} is not a range; write it as 192:512:32 (start:stop:step).")
        values = tuple(range(int(found[1]), int(found[2]) + 1, int(found[3]))[: MOST_POINTS + 1])
    if not values or min(values) < 1 or list(values) != sorted(set(values)):
        raise BadSuite("expected positive whole numbers, each larger than the one before.")
    return values


def mistakes_of(single: Single) -> Iterator[str]:
    """What is wrong with the sizes of a claim, every sentence of it."""
    if single.kind not in SWEPT:
        for key in ("sweep", "symbols", "without"):
            if getattr(single, key):
                yield f"a {single.kind} takes no {key}; only a formula or a scaling does."
    elif single.needs is None:
        yield from _wrong_keys(single)
        if single.workload is None or not single.sweep:
            yield f"a {single.kind} needs a workload and a sweep; write it as a [[claim]]."
        else:
            yield from _sweep_mistakes(single)


def _wrong_keys(single: Single) -> Iterator[str]:
    """Keys of figures that mean nothing here, or that contradict each other."""
    if single.unit:
        yield f"a {single.kind} has no unit."
    if single.by:
        yield f"a {single.kind} takes no `by`, because no other reading is tried for it."
    if single.metric == "none":
        yield f"a {single.kind} needs a metric."
    if single.stages and single.without:
        yield "give `stages` or `without`, not both."


def _sweep_mistakes(single: Single) -> Iterator[str]:
    axes, wrong = _axes(single)
    yield from wrong
    if wrong:
        return
    points = math.prod(len(values) for values in axes.values())
    if points > MOST_POINTS:
        yield f"the sweep needs more than {MOST_POINTS} counts; give fewer values."
    elif single.kind == "formula":
        yield from _formula_mistakes(single, axes)
    else:
        yield from _scaling_mistakes(single, axes)


def _axes(single: Single) -> tuple[dict[str, tuple[int, ...]], list[str]]:
    axes, wrong = {}, []
    for axis, given in single.sweep.items():
        if not axis.isidentifier():
            wrong.append(f"sweep.{axis}: an axis is an option, resolution, image_height, "
                         "image_width or batch_size.")  # fmt: skip
        try:
            axes[axis] = values_of(given)
        except BadSuite as error:
            wrong.append(f"sweep.{axis}: {error}")
    sides = [side for side in SIDES if side in single.sweep]
    if "resolution" in single.sweep and sides:
        wrong.append(f"sweep: resolution sets both sides of the image; remove it or {sides[0]}.")
    own = single.workload is not None and single.workload.resolution == "own"
    if own and len(sides) == 1:
        wrong.append(
            f"sweep: {sides[0]} needs the other side too, or a resolution of the workload."
        )
    return axes, wrong


def _formula_mistakes(single: Single, axes: Mapping[str, tuple[int, ...]]) -> Iterator[str]:
    """Every letter is bound to one axis of its own, with enough sizes to settle its power."""
    try:
        form = polynomial(single.printed)
    except BadSuite as error:
        yield str(error)
        return
    known = letters(form)
    unbound = [each for each in known if each not in single.symbols]
    foreign = [each for each in single.symbols if each not in known]
    yield from (f"symbols: the letter {each} of the formula is bound to no axis."
                for each in unbound)  # fmt: skip
    yield from (f"symbols: the formula has no letter {each}." for each in foreign)
    bound: list[str] = []
    for letter, text in single.symbols.items():
        axis, wrong = _axis_of(letter, text, axes)
        bound.append(axis)
        need = degree(form, letter) + 2
        if wrong:
            yield wrong
        elif len(axes[axis]) < need:
            yield (
                f"sweep.{axis}: {letter} has the power {need - 2}, which needs {need} values: "
                f"{need - 1} determine it and one more checks it."
            )
    if "" not in bound:
        yield from (f"sweep.{axis}: an axis needs exactly one letter; this one has {count}."
                    for axis in axes if (count := bound.count(axis)) != 1)  # fmt: skip


def _scaling_mistakes(single: Single, axes: Mapping[str, tuple[int, ...]]) -> Iterator[str]:
    """One axis, at most one letter for it, and enough sizes for what is said of them."""
    try:
        said = growth(single.printed)
    except BadSuite as error:
        yield str(error)
        return
    if len(axes) != 1 or len(single.symbols) > 1:
        yield "a scaling has one axis and at most one letter."
        return
    ((axis, values),) = axes.items()
    for letter, text in single.symbols.items():
        _, wrong = _axis_of(letter, text, axes)
        if wrong:
            yield wrong
    need = max(FEWEST, (said.degree or 0) + 2)
    if len(values) < need:
        yield f"sweep.{axis}: {single.printed!r} needs at least {need} values."


def _axis_of(letter: str, text: str, axes: Mapping[str, tuple[int, ...]]) -> tuple[str, str]:
    """The axis that a letter is a polynomial in, or what is wrong with it."""
    try:
        form = polynomial(text)
    except BadSuite as error:
        return "", f"symbols.{letter}: {error}"
    names = letters(form)
    if len(names) != 1 or names[0] not in axes:
        known = ", ".join(axes)
        return "", (
            f"symbols.{letter}: {text!r} must use exactly one axis of the sweep, which has {known}."
        )
    sizes = [_size(form, names[0], number) for number in axes[names[0]]]
    if sizes != sorted(set(sizes)) or sizes[0] <= 0:
        return "", f"symbols.{letter}: {text!r} must be positive and must grow over the sweep."
    return names[0], ""


def _size(form: Polynomial, axis: str, number: int) -> Fraction:
    return value_at(form, {axis: number})
