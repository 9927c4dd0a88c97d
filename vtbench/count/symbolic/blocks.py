"""Blocks whose widths are symbols too: a function of sizes in, its closed form out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from vtbench.count import counting
from vtbench.count.symbolic.forms import Form, form_of
from vtbench.count.symbolic.lifting import lifted
from vtbench.count.symbolic.tracing import Inputs
from vtbench.errors import Untraceable
from vtbench.formula import parse, value

Made = tuple[nn.Module, Any]
"""A module and its input, inputs or keyword inputs."""


def block_form(
    build: Callable[..., Made],
    sizes: Mapping[str, int],
    multiples: Mapping[str, int] | None = None,
) -> Form:
    """The count of a block as a formula in its sizes, held against concrete counts.

    ``build`` makes the block and its input from the sizes, as keywords. ``sizes`` names the ones
    that become symbols, each with an example; ``multiples`` those that must be multiples, such as
    a width of the number of heads.
    """
    steps = {name: (multiples or {}).get(name, 1) for name in sizes}
    for name, example in sizes.items():
        if example % steps[name]:
            raise Untraceable(f"{name}={example} is no multiple of {steps[name]}.")

    def at(numbers: Mapping[str, int]) -> tuple[nn.Module, Inputs]:
        module, given = build(**{name: steps[name] * number for name, number in numbers.items()})
        return module.eval(), as_inputs(given)

    example = {name: size // steps[name] for name, size in sizes.items()}
    result = lifted(at, example)
    form = form_of(result.macs, result.sizes.floors, steps, {})
    tree = parse(form.wide)
    for numbers in ({n: x + 3 for n, x in example.items()}, {n: 2 * x + k for k, (n, x) in enumerate(example.items())}):
        module, inputs = at(numbers)
        counted = counting.count_module(module, inputs, counting.Settings(road="meta"))
        pixels = {name: steps[name] * number for name, number in numbers.items()}
        total = sum(row.macs for row in counted.rows)
        if value(tree, pixels) != total:
            raise Untraceable(f"its form differs from the count of {total} at {pixels}.")
    return form


def as_inputs(given: Any) -> Inputs:
    """Inputs as a call takes them: a tensor, a tuple of them, or a dictionary of keywords."""
    if isinstance(given, dict):
        return (), given
    if isinstance(given, tuple | list):
        return tuple(given), {}
    return (given,), {}
