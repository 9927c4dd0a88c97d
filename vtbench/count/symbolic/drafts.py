"""The ways to a form, the best first: traced as it is, traced as built for its size, interpolated.

Each attempt gives a draft; whether it is true is settled elsewhere, against concrete counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from torch import nn

from vtbench.count.symbolic.conditions import Doubt, doubts, exceptions, lower_bounds
from vtbench.count.symbolic.forms import Form, form_of
from vtbench.count.symbolic.lifting import lifted
from vtbench.count.symbolic.nodes import Sizes
from vtbench.count.symbolic.tracing import Inputs, Traced, traced
from vtbench.count.symbolic.varied_model import VariedModel, symbol_of

Steps = Mapping[str, int]
Method = Literal["symbolic", "interpolated", "fixed size"]

FINE_STEPS = (1, 2, 4, 8, 14, 16, 28, 32)
"""Steps of height and width that a model may take; the finest that it takes is tried first."""
COARSE_STEPS = (16, 32, 64)
"""Steps to try after that; the model's own size comes last."""
_EXAMPLES = {1: (211, 307), 2: (101, 149), 4: (53, 79), 8: (29, 37), 14: (17, 23), 16: (13, 19)}
_COARSE_EXAMPLE = (11, 13)
_OWN_SIZE_EXAMPLE = (2, 3)
_COARSEST = 64
_BATCH = 5
_TOKENS = 61


class Draft(NamedTuple):
    """A form that has not been checked."""

    form: Form
    steps: dict[str, int]
    """Sizes that it covers, each with what it must be a multiple of."""
    bounds: dict[str, int]
    """The least of each size, by what its operators insist on."""
    doubts: list[Doubt]
    method: Method = "symbolic"
    exceptions: tuple[str, ...] = ()
    """What has to hold of the sizes for floating point to round as exact arithmetic does."""
    forced: tuple[str, ...] = ()
    """Lines that made a plain number of a symbolic one."""


def fine_steps(varied: VariedModel) -> Iterator[dict[str, int]]:
    """Steps of the sizes that could be tried, the finest first; they divide the model's own."""
    yield from _dividing(varied, FINE_STEPS)
    yield _own_step(varied)


def coarse_steps(varied: VariedModel, finest: Steps) -> Iterator[dict[str, int]]:
    """Steps to try if the finest gave no form."""
    for steps in (*_dividing(varied, COARSE_STEPS), _own_step(varied)):
        if steps["H"] > finest["H"] and steps["H"] % finest["H"] == 0:
            yield steps


def _dividing(varied: VariedModel, steps: Sequence[int]) -> Iterator[dict[str, int]]:
    sides = [varied.own[letter] for letter in varied.sides]
    for step in steps:
        if all(side % step == 0 for side in sides) and step not in sides:
            yield with_others(varied, dict.fromkeys(varied.sides, step))


def _own_step(varied: VariedModel) -> dict[str, int]:
    return with_others(varied, {letter: varied.own[letter] for letter in varied.sides})


def with_others(varied: VariedModel, steps: Steps) -> dict[str, int]:
    """Every size of a model, those without a step of their own in steps of one."""
    return {letter: steps.get(letter, 1) for letter in varied.own}


def example_of(varied: VariedModel, steps: Steps) -> dict[str, int]:
    """How many steps of each size decide what a trace asks: no two alike, nothing special."""
    example = {"B": _BATCH, "T": _TOKENS}
    if "H" in steps:
        own = steps["H"] == varied.own["H"] and steps["H"] not in FINE_STEPS
        usual = _COARSE_EXAMPLE if steps["H"] < _COARSEST else _OWN_SIZE_EXAMPLE
        example["H"], example["W"] = _OWN_SIZE_EXAMPLE if own else _EXAMPLES.get(steps["H"], usual)
    return {letter: example[letter] for letter in steps}


def sizes_of(example: Steps, steps: Steps) -> dict[str, int]:
    """Steps as the sizes that they come to."""
    return {letter: steps[letter] * number for letter, number in example.items()}


def as_it_is(varied: VariedModel, steps: Steps) -> Draft:
    """The model as it was built, on inputs of symbolic sizes."""
    sizes = Sizes()
    example = example_of(varied, steps)
    result = traced(varied.module, sizes, lambda: varied.symbolic(sizes, steps, example))
    return draft_of(result, steps)


def as_built(
    build: Callable[[Steps], tuple[nn.Module, Inputs]], varied: VariedModel, steps: Steps
) -> Draft:
    """The model as it is built for each size; ``build`` takes sizes."""
    example = example_of(varied, steps)
    sides = {symbol_of(letter): letter for letter in varied.sides}

    def at(numbers: Steps) -> tuple[nn.Module, Inputs]:
        pixels = {sides[name]: steps[sides[name]] * number for name, number in numbers.items()}
        return build({**varied.own, **pixels})

    def inputs(sizes: Sizes) -> Inputs:
        return varied.symbolic(sizes, steps, example)

    by_symbol = {symbol: example[letter] for symbol, letter in sides.items()}
    return draft_of(lifted(at, by_symbol, inputs), steps)


def draft_of(result: Traced, steps: Steps) -> Draft:
    """What a trace says, in sizes instead of steps."""
    letters = {symbol_of(letter): letter for letter in steps}
    by_symbol = {symbol_of(letter): step for letter, step in steps.items()}
    form = form_of(result.macs, result.sizes.floors, by_symbol, letters)
    bounds = {
        letters[name]: bound * by_symbol[name] for name, bound in lower_bounds(result.sizes).items()
    }
    return Draft(
        form,
        dict(steps),
        bounds,
        doubts(result.sizes, by_symbol, letters),
        exceptions=exceptions(result.sizes, by_symbol, letters),
        forced=tuple(result.sizes.forced),
    )


def batch_only(varied: VariedModel, steps: Steps) -> Draft:
    """A model that takes one size: a form in the other sizes alone."""
    others = {letter: step for letter, step in steps.items() if letter not in varied.sides}
    return as_it_is(varied, others)._replace(method="fixed size")
