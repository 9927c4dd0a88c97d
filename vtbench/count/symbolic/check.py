"""A draft held against concrete counts: at its own size, at unseen ones, and where it may be wrong.

No size that is checked was used to find the form. A draft that differs anywhere inside the sizes
that it claims is never shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from vtbench.count.symbolic.attempts import Draft
from vtbench.count.symbolic.conditions import Doubt
from vtbench.count.symbolic.subject import Subject
from vtbench.errors import Untraceable, VtbenchError
from vtbench.formula import Checked, Formula, Tree, parse, value, written

Count = Callable[[Mapping[str, int]], int]
At = dict[str, int]

_MOST_DOUBTS = 6
_INTERPOLATED = 2
"""How many multiples beyond the model's own size an interpolation has used."""


def checked(draft: Draft, subject: Subject, count: Count) -> Formula:
    """The draft as a formula, with the sizes that prove it; Untraceable where it is wrong."""
    tree = parse(draft.form.wide)
    proofs = [_agreeing(tree, at, count) for at in _held_out(draft, subject)]
    least = _least(draft, subject, tree, count)
    exceptions = [
        doubt.text
        for doubt in draft.doubts[:_MOST_DOUBTS]
        if not _settled(doubt, draft, subject, least, tree, count)
    ]
    form, multiples = draft.form, {k: s for k, s in draft.steps.items() if s > 1}
    least = {letter: low for letter, low in least.items() if low > draft.steps[letter]}
    fixed = {} if "H" in draft.steps else {k: n for k, n in subject.own.items() if k in ("H", "W")}
    unit = (form.unit["h"], form.unit["w"]) if "h" in form.unit else None
    return Formula(
        model="",
        macs=form.wide,
        macs_unit=form.clean,
        unit=unit,
        conditions=(*_in_words(multiples, least, fixed), *exceptions),
        multiple_of=multiples,
        at_least=least,
        fixed=fixed,
        degree={"B": 0, "H": 0, "W": 0, **form.degree},
        growth="fixed size" if fixed else form.growth,
        batch_free=form.batch_free,
        method=draft.method,
        checked_at=tuple(proofs),
    )


def _agreeing(tree: Tree, at: At, count: Count) -> Checked:
    try:
        counted = count(at)
    except VtbenchError as error:
        raise Untraceable(f"its form could not be checked: {error}") from error
    said = value(tree, at)
    if said != counted:
        raise Untraceable(f"its form gives {said} at {written(at)}, where {counted} are counted.")
    return Checked(sizes=dict(at), macs=counted)


def _held_out(draft: Draft, subject: Subject) -> Iterator[At]:
    """Other batches, unequal sides, squares, and the model's own size."""
    own, steps = subject.own, draft.steps
    through = draft.method == "interpolated"
    if not through and all(own[letter] % step == 0 for letter, step in steps.items()):
        yield dict(own)
    if "H" in steps:
        high, wide = steps["H"], steps["W"]
        # a polynomial goes through its own size and the two multiples after it
        ahead = _INTERPOLATED if through else 0
        near, far = max(1, own["H"] // high) + ahead, max(1, own["W"] // wide) + ahead
        yield {**own, "B": 3, "H": high * (near + 1), "W": wide * (far + 2)}
        yield {**own, "B": 2, "H": high * (2 * near + 1), "W": wide * (2 * far + 1)}
        yield {**own, "B": 1, "H": high * (near + near // 2 + 2), "W": wide * (far + 1)}
    if "T" in steps:
        yield {**own, "B": 3, "T": 37}
        yield {**own, "B": 2, "T": 10}
    elif "H" not in steps:
        yield {**own, "B": 3}
        yield {**own, "B": 7}


def _least(draft: Draft, subject: Subject, tree: Tree, count: Count) -> At:
    """The least height and width at which the form is still right, found by trying."""
    if "H" not in draft.steps:
        return {}
    high, wide = draft.steps["H"], draft.steps["W"]

    def right(number: int) -> bool:
        at = {**subject.own, "B": 1, "H": high * number, "W": wide * number}
        try:
            return count(at) == value(tree, at)
        except VtbenchError:
            return False

    low = max(1, -(-draft.bounds.get("H", 1) // high), -(-draft.bounds.get("W", 1) // wide))
    top = max(low, subject.own["H"] // high, subject.own["W"] // wide)
    if low < top and not right(low):
        below, top = low, top
        while top - below > 1:
            middle = (below + top) // 2
            below, top = (below, middle) if right(middle) else (middle, top)
        low = top
    return {"H": low * high, "W": low * wide}


def _settled(
    doubt: Doubt, draft: Draft, subject: Subject, least: At, tree: Tree, count: Count
) -> bool:
    """Whether the form is right also where the model's code decides otherwise."""
    at = {**subject.own, **dict(doubt.sizes)}
    if any(at[letter] < low for letter, low in least.items()) or any(
        at[letter] % step for letter, step in draft.steps.items()
    ):
        return True  # not among the sizes that the form claims
    try:
        if count(at) == value(tree, at):
            return True
    except VtbenchError:
        return False
    if set(dict(doubt.sizes)) <= {"H", "W"} and len(doubt.sizes) == 1:
        raise Untraceable(f"its form holds only where {doubt.text}.")
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
