"""Axes as the user writes them, and what a sweep's other options mean."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from vtbench.cli.options import (
    Conditions,
    every_option_fits,
    found_models,
    parse_options,
    parse_resolution,
    workload_of,
)
from vtbench.cli.values import spelled, spread
from vtbench.data.workload import OptionValue, Workload
from vtbench.errors import BadInput, BadOption, BadResolution, UsageError
from vtbench.sweep.axes import MANY, OptionAxis


def resolutions(text: str | None) -> tuple[tuple[int, int] | None, ...]:
    """``192:512:32``, ``224,192x320``; each model's own where none is given."""
    if text is None:
        return (None,)
    found: list[tuple[int, int] | None] = []
    for word in spelled(text, "--resolution"):
        if "," in word:
            raise BadResolution(f"The resolution {word!r} is neither a number nor HxW.")
        found.append(parse_resolution(word))
    return tuple(dict.fromkeys(found))


def options(given: Sequence[str] | None) -> tuple[OptionAxis, ...]:
    """``key=0.5,0.7``, ``model:key=8:16:4``; brackets make a tuple, which is one value."""
    found = []
    for text in given or ():
        left, equals, values = text.partition("=")
        read = [parse_options([f"{left}{equals}{word}"])[0] for word in spread(values)]
        only, key, _ = read[0]
        each_once = {repr(value): _kept(value) for _, _, value in read}
        if len(set(each_once.values())) < len(each_once):
            raise BadOption(f"-o {text} has values that are equal, such as 1 and true; choose one.")
        found.append(OptionAxis(only, key, tuple(each_once.values())))
    return tuple(found)


def combinations(given: Sequence[str] | None) -> list[tuple[tuple[str | None, str, Any], ...]]:
    """Every combination of the values of options; those for one model come last and win."""
    axes = sorted(options(given), key=lambda axis: axis.only is not None)
    number = math.prod(len(axis.values) for axis in axes)
    if number > MANY:
        raise UsageError(
            f"The options have {number:,} combinations; `vtbench sweep` is for more than {MANY:,}."
        )
    values = ([(axis.only, axis.key, value) for value in axis.values] for axis in axes)
    return list(itertools.product(*values))


def one_of_each(given: Sequence[str] | None) -> tuple[tuple[str | None, str, Any], ...]:
    """The options where several values of one have no place."""
    for axis in options(given):
        if len(axis.values) > 1:
            raise BadOption(
                f"The option {axis.key!r} takes one value here; brackets make a tuple: "
                f"-o '{axis.key}=[...]'."
            )
    return combinations(given)[0]


def combined(
    names: Sequence[str],
    given: Sequence[str] | None,
    conditions: Conditions,
    base: str | None = None,
) -> dict[Workload, str | None]:
    """A workload for every model and combination of options, and why it cannot be.

    A model's workloads stand together; those of ``base`` come first where it was not asked for.
    """
    each = [msgspec.structs.replace(conditions, options=o) for o in combinations(given)]
    found = found_models(names, base)
    every_option_fits(each[0], found)  # the others differ in values alone
    return {
        workload_of(model, chosen): error
        for model, error in found.items()
        for chosen in (each if error is None else each[:1])
    }


def shard_of(text: str | None) -> tuple[int, int] | None:
    """``2/5``: the second of five parts."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise UsageError(f"--shard {text!r} is not of the form 2/5, the second of five parts.")
    return int(match[1]), int(match[2])


def budget_of(text: str) -> int:
    """``3.0G``, ``450M``, ``3e9``: a number of MACs."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?(?:e\d{1,2})?)\s*([KMGT]?)", text.strip(), re.IGNORECASE)
    if match is None or Decimal(match[1]) <= 0:
        raise BadInput(f"The budget {text!r} of --match-macs is no number such as 3.0G or 450M.")
    return int(Decimal(match[1]).scaleb(3 * " KMGT".index(match[2].upper() or " ")))


def _kept(value: object) -> OptionValue:
    return tuple(value) if isinstance(value, list) else value  # type: ignore[return-value]  # parse_options lets nothing else through
