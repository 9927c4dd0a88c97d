"""Blocks whose widths are symbols too: a function of sizes in, its closed form out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import nn

from vtbench.count.count_module import CountSettings, count_module
from vtbench.count.symbolic.forms import Form, form_of
from vtbench.count.symbolic.lifting import lifted
from vtbench.count.symbolic.tracing import Inputs
from vtbench.data.closed_form import Checked, parse, value, written
from vtbench.errors import Untraceable

Made = tuple[nn.Module, Any]
"""A module and its input, inputs or keyword inputs."""


def block_form(
    build: Callable[..., Made],
    sizes: Mapping[str, int],
    multiples: Mapping[str, int] | None = None,
) -> Form:
    """The count of a block as a formula in its sizes, compared with concrete counts.

    ``build`` makes the block and its input from the sizes, as keywords. ``sizes`` names the ones
    that become symbols, each with an example; ``multiples`` those that must be multiples, such as
    a width of the number of heads.
    """

    def made(**values: int) -> tuple[nn.Module, Inputs]:
        module, given = build(**values)
        return module.eval(), as_inputs(given)

    steps = {name: (multiples or {}).get(name, 1) for name in sizes}
    return family_form(made, sizes, steps)[0]


def family_form(
    build: Callable[..., tuple[nn.Module, Inputs]],
    sizes: Mapping[str, int],
    steps: Mapping[str, int],
) -> tuple[Form, tuple[Checked, ...]]:
    """The form of a family of models, and the sizes at which it was found true."""
    for name, size in sizes.items():
        if size % steps[name]:
            raise Untraceable(f"{name}={size} is not a multiple of {steps[name]}.")

    def at(numbers: Mapping[str, int]) -> tuple[nn.Module, Inputs]:
        return build(**{name: steps[name] * number for name, number in numbers.items()})

    example = {name: size // steps[name] for name, size in sizes.items()}
    result = lifted(at, example)
    form = form_of(result.macs, result.sizes.floors, steps, {})
    tree, proofs = parse(form.wide), []
    for numbers in _held_out(example):
        counted = count_module(*at(numbers), CountSettings(road="meta"))
        total = sum(row.macs for row in counted.rows)
        full = {name: steps[name] * number for name, number in numbers.items()}
        if value(tree, full) != total:
            raise Untraceable(
                f"The form {form.wide} is wrong at {written(full)}, where {total} are counted."
            )
        proofs.append(Checked(sizes={**full}, macs=total))
    return form, tuple(proofs)


def _held_out(example: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """Sizes that no build of the trace has."""
    yield {name: number + 4 for name, number in example.items()}
    yield {name: 2 * number + place + 3 for place, (name, number) in enumerate(example.items())}


def as_inputs(given: Any) -> Inputs:
    """Inputs as a call takes them: a tensor, a tuple of them, or a dictionary of keywords."""
    if isinstance(given, dict):
        return (), given
    if isinstance(given, tuple | list):
        return tuple(given), {}
    return (given,), {}
