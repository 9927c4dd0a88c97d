"""Workload in, Formula out: a closed form that has passed its own check, or a sentence why not."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec
from torch import nn

from vtbench import models
from vtbench.count import counting
from vtbench.count.symbolic.conditions import Doubt, doubts, lower_bounds
from vtbench.count.symbolic.forms import Form, form_of
from vtbench.count.symbolic.interpolation import interpolated
from vtbench.count.symbolic.limit import within
from vtbench.count.symbolic.nodes import Sizes
from vtbench.count.symbolic.subject import Subject, subject_of, symbol_of
from vtbench.count.symbolic.tracing import own_dims, traced
from vtbench.errors import Untraceable, VtbenchError
from vtbench.formula import Checked, Formula, Tree, parse, value
from vtbench.models.signatures import parameters_of
from vtbench.models.sizes import Refused, try_size
from vtbench.run import run
from vtbench.workload import Workload, freeze_options

TIME_LIMIT = 30.0
"""Seconds that the symbolic runs of one model may take."""
STEPS = (1, 2, 4, 8, 14, 16, 28, 32)
"""Steps of height and width that are tried in turn, before the model's own size."""
_EXAMPLES = {1: (211, 307), 2: (101, 149), 4: (53, 79), 8: (29, 37), 14: (17, 23), 16: (13, 19)}
_LARGE_STEP_EXAMPLES = (11, 13)
_OWN_SIZE_EXAMPLES = (2, 3)
_BATCH = 5
_TOKENS = 61
_ADAPTED = {"dynamic_img_size": True, "strict_img_size": False}
"""Options with which a timm model takes other sizes than it was built for, where it has them."""

Method = Literal["symbolic", "interpolated", "fixed size"]


class Draft(NamedTuple):
    """A form that has not been checked."""

    form: Form
    steps: dict[str, int]
    bounds: dict[str, int]
    """Least pixels of each size."""
    doubts: list[Doubt]
    method: Method = "symbolic"


class Case:
    """One workload while its form is looked for."""

    def __init__(self, workload: Workload, time_limit: float) -> None:
        self.workload = workload
        self.began = time.monotonic()
        self.deadline = self.began + time_limit
        built = models.build(workload)
        self.by_resolution = built.workload.resolution is not None and not workload.inputs
        self.asked = built.workload
        self.plain = _subject(built)
        self.counts: dict[tuple[tuple[str, int], ...], int] = {}

    @property
    def left(self) -> float:
        """Seconds until the time limit."""
        return self.deadline - time.monotonic()

    def count(self, sizes: Mapping[str, int]) -> int:
        """The concrete count at given sizes, as ``vtbench macs`` counts it."""
        full = {**self.plain.own, **sizes}
        key = tuple(sorted(full.items()))
        if key not in self.counts:
            self.counts[key] = self._count(full)
        return self.counts[key]

    def _count(self, sizes: dict[str, int]) -> int:
        if self.by_resolution and not set(sizes) - {"B", "H", "W"}:
            return run(
                msgspec.structs.replace(
                    self.workload, resolution=(sizes["H"], sizes["W"]), batch_size=sizes["B"]
                )
            ).macs
        settings = counting.Settings(road="meta", mode=self.workload.mode)
        counted = counting.count_module(self.plain.module, self.plain.at(sizes), settings)
        return sum(row.macs for row in counted.rows)


def _subject(built: models.Built) -> Subject:
    resolution, batch = built.workload.resolution, built.workload.batch_size
    return subject_of(built.module, (built.args, built.kwargs), resolution, batch)


def formula(workload: Workload, *, time_limit: float = TIME_LIMIT) -> Formula:
    """The closed form of a model; raises a VtbenchError that says what to do when there is none."""
    case = Case(workload, time_limit)
    reasons: list[str] = []
    for draft in _drafts(case, reasons):
        try:
            checked, conditions = _check(case, draft)
        except Untraceable as error:
            reasons.append(str(error))
            continue
        return _finished(case, draft, checked, conditions, reasons)
    why = reasons[0] if reasons else "nothing could be tried."
    raise Untraceable(f"No closed form of {workload.model} could be derived: {why}")


def _drafts(case: Case, reasons: list[str]) -> Iterator[Draft]:
    """Forms to check, the best first."""
    subject = _adapted(case)
    for steps in _steps(subject):
        if case.left <= 0:
            break
        try:
            yield within(case.left, lambda: _trace(subject, steps))  # noqa: B023  # runs at once
        except Untraceable as error:
            reasons.append(str(error))
    yield from interpolated_drafts(case, reasons)


def interpolated_drafts(case: Case, reasons: list[str]) -> Iterator[Draft]:
    """Forms through concrete counts, where tracing did not give one."""
    yield from ()


def _adapted(case: Case) -> Subject:
    """The model, made to take other sizes where its constructor has an option for that."""
    known = parameters_of(type(case.plain.module))
    given = dict(case.workload.options)
    more = {name: on for name, on in _ADAPTED.items() if name in known and name not in given}
    if not more or not case.by_resolution:
        return case.plain
    workload = msgspec.structs.replace(case.workload, options=freeze_options({**given, **more}))
    try:
        return _subject(models.build(workload))
    except VtbenchError:
        return case.plain


def _steps(subject: Subject) -> Iterator[dict[str, int]]:
    """Steps of the sizes at which the model runs, the finest first."""
    others = {letter: 1 for letter in subject.own if letter not in ("H", "W")}
    if "H" not in subject.own:
        yield others
        return
    own = {"H": subject.own["H"], "W": subject.own["W"]}
    for step in (*({"H": s, "W": s} for s in STEPS), own):
        steps = {**others, **step}
        if _runs(subject, _example_sizes(subject, steps)):
            yield steps


def _example_sizes(subject: Subject, steps: Mapping[str, int]) -> dict[str, int]:
    example = _example(subject, steps)
    return {letter: steps[letter] * number for letter, number in example.items()}


def _example(subject: Subject, steps: Mapping[str, int]) -> dict[str, int]:
    """How many steps of each size decide what a trace asks: no two alike, nothing special."""
    example = {"B": _BATCH, "T": _TOKENS}
    if "H" in steps:
        usual = _EXAMPLES.get(steps["H"], _LARGE_STEP_EXAMPLES)
        own = steps["H"] == subject.own["H"] and steps["W"] == subject.own["W"]
        example["H"], example["W"] = _OWN_SIZE_EXAMPLES if own else usual
    return {letter: example[letter] for letter in steps}


def _runs(subject: Subject, sizes: Mapping[str, int]) -> bool:
    args, kwargs = subject.at(sizes)
    try:
        try_size(subject.module, args, kwargs)
    except Refused:
        return False
    return True


def _trace(subject: Subject, steps: Mapping[str, int]) -> Draft:
    sizes = Sizes()
    example = _example(subject, steps)
    result = traced(
        subject.module, sizes, lambda: subject.symbolic(sizes, steps, example), own_dims
    )
    symbols = {symbol_of(letter): letter for letter in steps}
    by_symbol = {symbol_of(letter): step for letter, step in steps.items()}
    form = form_of(result.macs, sizes.floors, by_symbol, symbols)
    bounds = {
        symbols[name]: bound * by_symbol[name] for name, bound in lower_bounds(sizes).items()
    }
    return Draft(form, dict(steps), bounds, doubts(sizes))


def _check(case: Case, draft: Draft) -> tuple[tuple[Checked, ...], tuple[str, ...]]:
    """Hold a draft against concrete counts; Untraceable where it is wrong."""
    tree = parse(draft.form.wide)
    checked = [_agreeing(case, tree, sizes) for sizes in _held_out(case, draft)]
    return tuple(checked), tuple(_conditions(draft))


def _agreeing(case: Case, tree: Tree, sizes: dict[str, int]) -> Checked:
    try:
        counted = case.count(sizes)
    except VtbenchError as error:
        raise Untraceable(f"it could not be checked: {error}") from error
    said = value(tree, sizes)
    if said != counted:
        at = ", ".join(f"{letter}={size}" for letter, size in sizes.items())
        raise Untraceable(f"its form gives {said} at {at}, where {counted} are counted.")
    return Checked(sizes=dict(sizes), macs=counted)


def _held_out(case: Case, draft: Draft) -> Iterator[dict[str, int]]:
    """Sizes that were not used to find the form: other batches, unequal sides, its own size."""
    yield dict(case.plain.own)
    steps = draft.steps
    if "H" in steps:
        high, wide = steps["H"], steps["W"]
        own_h, own_w = case.plain.own["H"], case.plain.own["W"]
        near = max(1, own_h // high)
        yield {**case.plain.own, "B": 3, "H": high * (near + 1), "W": wide * (near + 2)}
        yield {**case.plain.own, "B": 2, "H": high * (2 * near + 1), "W": wide * (2 * near + 1)}
        del own_w
    elif "T" in steps:
        yield {**case.plain.own, "B": 3, "T": 37}
        yield {**case.plain.own, "B": 2, "T": 10}
    elif "B" in steps:
        yield {**case.plain.own, "B": 3}


def _conditions(draft: Draft) -> Iterator[str]:
    high, wide = draft.steps.get("H", 1), draft.steps.get("W", 1)
    if high == wide > 1:
        yield f"H, W multiples of {high}"
    elif max(high, wide) > 1:
        yield f"H a multiple of {high}, W a multiple of {wide}"
    bounds = {k: v for k, v in draft.bounds.items() if v > draft.steps.get(k, 1)}
    if "H" in bounds and bounds.get("H") == bounds.get("W"):
        yield f"H, W >= {bounds['H']}"
        bounds = {k: v for k, v in bounds.items() if k not in ("H", "W")}
    yield from (f"{letter} >= {bound}" for letter, bound in sorted(bounds.items()))


def _finished(
    case: Case, draft: Draft, checked: tuple[Checked, ...], conditions: tuple[str, ...], reasons: list[str]
) -> Formula:
    unit = draft.form.unit
    sides = (unit["h"], unit["w"]) if "h" in unit else None
    return Formula(
        model=case.workload.model,
        options=case.workload.to_dict()["options"],
        macs=draft.form.wide,
        macs_unit=draft.form.clean,
        unit=sides,
        conditions=conditions,
        degree={"B": 0, "H": 0, "W": 0, **draft.form.degree},
        growth=draft.form.growth,
        batch_free=draft.form.batch_free,
        method=draft.method,
        reason=reasons[0] if reasons and draft.method != "symbolic" else None,
        checked_at=checked,
        seconds=round(time.monotonic() - case.began, 2),
    )


__all__ = ["TIME_LIMIT", "formula", "nn", "Any", "interpolated"]
