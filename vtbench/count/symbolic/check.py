"""A draft compared with counts: at its own size, at unseen ones, and where it may be wrong.

No size that is checked was used to find the form. A draft that differs anywhere inside the sizes
that it claims is never shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from vtbench.count.symbolic.conditions import Doubt
from vtbench.count.symbolic.drafts import Draft
from vtbench.count.symbolic.varied_model import VariedModel
from vtbench.data.closed_form import Checked, Formula, holds, parse, value, written
from vtbench.data.grammar import Tree
from vtbench.errors import Untraceable, VtbenchError

Count = Callable[[Mapping[str, int]], int]
At = dict[str, int]

_MOST_DOUBTS = 24
_INTERPOLATED = 2
"""How many multiples beyond the model's own size an interpolation has used."""


def checked(draft: Draft, varied: VariedModel, count: Count) -> Formula:
    """The draft as a formula, with the sizes that prove it; Untraceable if it is wrong."""
    tree = parse(draft.form.wide)
    rounds = Formula(model="", where=draft.exceptions)
    try:
        proofs = [
            _agreeing(tree, at, count) for at in _held_out(draft, varied) if holds(rounds, at)
        ]
    except Untraceable as error:
        raise Untraceable(f"{error}{forced_words(draft.forced)}") from error
    least = _least(draft, varied, tree, count)
    exceptions = list(draft.exceptions) + [
        doubt.text
        for doubt in draft.doubts[:_MOST_DOUBTS]
        if not _settled(doubt, draft, varied, least, tree, count)
    ]
    form, multiples = draft.form, {k: s for k, s in draft.steps.items() if s > 1}
    least = {letter: low for letter, low in least.items() if low > draft.steps[letter]}
    fixed = {k: varied.own[k] for k in varied.sides if k not in draft.steps}
    square = varied.sides == ["H"]
    said = ["H = W"] if square else []
    said += [*_in_words(multiples, least, fixed), *exceptions]
    return Formula(
        model="",
        macs=form.wide,
        macs_unit=form.clean,
        unit=(form.unit["h"], form.unit.get("w", form.unit["h"])) if "h" in form.unit else None,
        conditions=tuple(said),
        multiple_of=multiples,
        at_least={**least},
        fixed=fixed,
        where=tuple(exceptions),
        square=square,
        degree={"B": 0, "H": 0, "W": 0, **form.degree},
        growth="fixed size" if fixed else form.growth,
        batch_free=form.batch_free,
        method=draft.method,
        checked_at=tuple(proofs),
    )


def forced_words(lines: Sequence[str]) -> str:
    """Where the model's own code made a plain number of a symbolic one."""
    if not lines:
        return ""
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    return f" A plain number was made of a symbolic one in {lines[0]}{more}."


def _agreeing(tree: Tree, at: At, count: Count) -> Checked:
    try:
        counted = count(at)
    except VtbenchError as error:
        raise Untraceable(f"its form could not be checked: {error}") from error
    said = value(tree, at)
    if said != counted:
        raise Untraceable(f"its form gives {said} at {written(at)}, where {counted} are counted.")
    return Checked(sizes=dict(at), macs=counted)


def _held_out(draft: Draft, varied: VariedModel) -> Iterator[At]:
    """Other batches, unequal sides, squares, and the model's own size."""
    own, steps = varied.own, draft.steps
    sides = [letter for letter in varied.sides if letter in steps]
    if draft.method != "interpolated":
        yield dict(own)
    if sides:
        # a polynomial goes through its own size and the two multiples after it
        ahead = _INTERPOLATED if draft.method == "interpolated" else 0
        near = {letter: max(1, own[letter] // steps[letter]) + ahead for letter in sides}
        beyond = ((1, 2), (near["H"] + 1, near["H"] + 1), (near["H"] // 2 + 2, 1))
        for batch, further in zip((3, 2, 1), beyond, strict=True):
            added = dict(zip(sides, further, strict=False))
            pixels = {each: steps[each] * (near[each] + added[each]) for each in sides}
            yield {**own, "B": batch, **pixels}
    if "T" in steps:
        yield {**own, "B": 3, "T": 37}
        yield {**own, "B": 2, "T": 10}
    elif not sides:
        yield {**own, "B": 3}
        yield {**own, "B": 7}


def _least(draft: Draft, varied: VariedModel, tree: Tree, count: Count) -> At:
    """The least height and width at which the form is still right, found by trying."""
    sides = [letter for letter in varied.sides if letter in draft.steps]
    if not sides:
        return {}
    steps = {letter: draft.steps[letter] for letter in sides}

    def right(number: int) -> bool:
        pixels = {letter: step * number for letter, step in steps.items()}
        at = {**varied.own, "B": 1, **pixels}
        if not holds(Formula(model="", where=draft.exceptions), at):
            return True  # not claimed
        try:
            return count(at) == value(tree, at)
        except VtbenchError:
            return False

    low = max(1, *(-(-draft.bounds.get(letter, 1) // step) for letter, step in steps.items()))
    enough = max(low, *(varied.own[letter] // step for letter, step in steps.items()))
    if low < enough and not right(low):
        wrong = low
        while enough - wrong > 1:
            middle = (wrong + enough) // 2
            if right(middle):
                enough = middle
            else:
                wrong = middle
        low = enough
    return {letter: low * step for letter, step in steps.items()}


def _settled(
    doubt: Doubt, draft: Draft, varied: VariedModel, least: At, tree: Tree, count: Count
) -> bool:
    """Whether the form is right also where the model's code decides otherwise."""
    at = {**varied.own, **dict(doubt.sizes)}
    if (
        any(at[letter] < low for letter, low in least.items())
        or any(at[letter] % step for letter, step in draft.steps.items())
        or not holds(Formula(model="", where=draft.exceptions), at)
    ):
        return True  # not among the sizes that the form claims
    try:
        if count(at) == value(tree, at):
            return True
    except VtbenchError:
        return False
    if set(dict(doubt.sizes)) <= {"H", "W"} and len(doubt.sizes) == 1:
        raise Untraceable(f"its form holds only if {doubt.text}.")
    return False


def _in_words(multiples: At, least: At, fixed: At) -> Iterator[str]:
    if fixed:
        yield ", ".join(f"{letter} = {size}" for letter, size in fixed.items())
    for bounds, words in ((multiples, "multiples of"), (least, ">=")):
        both = {bounds[letter] for letter in ("H", "W") if letter in bounds}
        if len(both) == 1 and {"H", "W"} <= bounds.keys():
            yield f"H, W {words} {both.pop()}"
        else:
            single = "a multiple of" if words != ">=" else words
            yield from (f"{letter} {single} {bounds[letter]}" for letter in bounds)
