"""The closed form of a model in options of its own, such as a width, a number of tokens or a rate.

The ways, the best first: the model is built at a few values and traced once with what differs as
symbols; its function is called with the symbols themselves; or a form goes through counts, which
is said. Whatever comes out is held against counts over the range before it is shown.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import sympy
import torch
from torch import nn
from torch._dispatch.python import enable_python_dispatcher
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_map

from vtbench import models
from vtbench.count.count_workload import count_workload
from vtbench.count.symbolic.axes import Axis, axis_of
from vtbench.count.symbolic.check import forced_words
from vtbench.count.symbolic.conditions import doubts, exceptions
from vtbench.count.symbolic.drafts import Draft
from vtbench.count.symbolic.floors import Floors
from vtbench.count.symbolic.forms import form_of
from vtbench.count.symbolic.lifting import lifted
from vtbench.count.symbolic.nodes import Sizes
from vtbench.count.symbolic.plain_numbers import numbers_symbolic, packages
from vtbench.count.symbolic.region import Search, Value
from vtbench.count.symbolic.time_limit import within
from vtbench.count.symbolic.tracing import Inputs, Traced, traced
from vtbench.count.symbolic.value_forms import form_through_values
from vtbench.data.closed_form import Checked, Formula, Symbol
from vtbench.data.workload import Workload, freeze_options
from vtbench.errors import Untraceable, VtbenchError
from vtbench.models import from_callable
from vtbench.models.placement import META, on_meta
from vtbench.models.unfilled import initialisation_skipped

_LEAST = 10.0
"""Seconds for counts, also if the traces have left less."""
_ON_RATES = (
    "Counts over a rate are steps, through which nothing can be interpolated. Let int, math.floor, "
    "math.ceil, round or // of the rate be the number that shapes are made of, or make that number "
    "an option and derive the form in it, as with --symbol k=98:1..196."
)
_RATES_OF_LIBRARIES = (
    "only a function of yours can have a rate as a symbol. Write one that makes the model, with "
    "the rate as its parameter, and name it as package.module:function."
)
_MOST_SHOWN = 64
"""So many counts are kept as proofs."""


class Options:
    """A workload whose options are symbols, its counts, and the time that is left."""

    def __init__(self, workload: Workload, symbols: Sequence[Symbol], time_limit: float) -> None:
        self.workload = workload
        self.symbols = symbols
        self.axes = [axis_of(symbol, place) for place, symbol in enumerate(symbols)]
        self.began = time.monotonic()
        self.deadline = self.began + time_limit
        self.counts: dict[tuple[tuple[str, Value], ...], int] = {}

    @property
    def left(self) -> float:
        """Seconds until the time limit."""
        return self.deadline - time.monotonic()

    def at(self, values: Mapping[str, Any]) -> Workload:
        """The workload with values of the symbols."""
        options = freeze_options({**dict(self.workload.options), **values})
        return msgspec.structs.replace(self.workload, options=options)

    def count(self, values: Mapping[str, Value]) -> int:
        """The count as ``vtbench macs`` counts it; one that is a lower bound is refused."""
        key = tuple(values.items())
        if key not in self.counts:
            record = count_workload(self.at(values))
            if not record.complete:
                unknown = ", ".join(sorted({r.op for r in record.rows if r.status == "unknown"}))
                raise Untraceable(f"{unknown} has no formula, so that the count is a lower bound.")
            self.counts[key] = record.macs
        return self.counts[key]

    def build(self, values: Mapping[str, Any]) -> models.Built:
        """The model with values of the symbols."""
        return models.build(self.at(values))


def formula_in_options(workload: Workload, symbols: Sequence[Symbol], time_limit: float) -> Formula:
    """The form in the options; Untraceable, with what to change, if there is none."""
    asked = Options(workload, symbols, time_limit)
    example = {axis.name: axis.example for axis in asked.axes}
    built = asked.build(example)  # what is wrong with the options is said at once
    asked.count(example)
    found, reasons = _widest(asked, built)
    if found is None:
        rates = any(symbol.rate for symbol in symbols)
        own = models.resolve(workload.model).source == "callable"
        advice = [_ON_RATES if own else _RATES_OF_LIBRARIES] if rates else []
        why = " ".join([*dict.fromkeys(reasons), *advice])
        raise Untraceable(f"No closed form of {workload.model} could be derived: {why}")
    return msgspec.structs.replace(
        found,
        fixed=_fixed(built),
        conditions=(*_fixed_words(_fixed(built)), *found.conditions),
        reason=reasons[0] if reasons and found.method == "interpolated" else None,
    )


def _widest(asked: Options, built: models.Built) -> tuple[Formula | None, list[str]]:
    """The first form that holds for all that was asked, else that which holds for the most."""
    best: tuple[int, Formula | None] = (1, None)
    reasons: list[str] = []
    for way in _ways(asked, built):
        draft = None
        try:
            draft = way()
            used = set() if draft.method == "symbolic" else set(asked.counts)
            search = Search(draft.form.wide, asked.axes, asked.count, draft.exceptions)
            search.bound(_single(draft))
            if draft.method == "interpolated" and len(asked.axes) == 1:
                search.every_value(max(asked.deadline, time.monotonic() + _LEAST))
        except VtbenchError as error:
            reasons.append(f"{error}{forced_words(draft.forced if draft else ())}")
            continue
        size = math.prod(len(axis.values) for axis in search.axes)
        artefact = draft.forced and not search.complete  # a number that was no symbol any more
        if size > best[0] and not artefact:
            best = (size, _formula(asked, draft, search, used))
        if search.complete and size > 1:
            break
        reasons.append(f"{search.wrong_first}{forced_words(draft.forced)}")
    return best[1], reasons


def _ways(asked: Options, built: models.Built) -> Iterator[Callable[[], Draft]]:
    """The ways to a form, the best first."""
    rates = [symbol.name for symbol in asked.symbols if symbol.rate]
    if not rates:
        yield lambda: within(asked.left, lambda: _lifted(asked))
    if models.resolve(asked.workload.model).source == "callable":
        yield lambda: within(max(asked.left, _LEAST), lambda: _called(asked, built))
    if not rates:
        yield lambda: _interpolated(asked)


def _lifted(asked: Options) -> Draft:
    """The model is built at a few values; what differs becomes symbols."""
    steps = {symbol.name: symbol.multiple for symbol in asked.symbols}

    def at(numbers: Mapping[str, int]) -> tuple[nn.Module, Inputs]:
        built = asked.build({name: steps[name] * number for name, number in numbers.items()})
        return built.module, (built.args, built.kwargs)

    example = {axis.name: int(axis.example) // steps[axis.name] for axis in asked.axes}
    return _draft(lifted(at, example), steps)


def _called(asked: Options, built: models.Built) -> Draft:
    """The function that makes the model is called with the symbols themselves."""
    sizes = Sizes()
    values: dict[str, Any] = {}
    for symbol in asked.symbols:
        if symbol.rate:
            values[symbol.name] = sizes.rate(symbol.name, float(symbol.example))
        else:
            number = int(symbol.example) // symbol.multiple
            values[symbol.name] = symbol.multiple * sizes.size(symbol.name, number)
    module, given = _built_of_symbols(asked, values, sizes)
    module.train(asked.workload.mode == "train")
    inputs = _call(given) if built.own_inputs else (built.args, built.kwargs)

    def on_shapes() -> Inputs:
        args, kwargs = tree_map(_shape_only, inputs)
        return args, kwargs

    steps = {symbol.name: symbol.multiple for symbol in asked.symbols}
    return _draft(traced(module, sizes, on_shapes), steps)


def _built_of_symbols(
    asked: Options, values: dict[str, Any], sizes: Sizes
) -> tuple[nn.Module, Any]:
    """What the function makes; on meta, or, if it makes tensors of symbolic shapes, of shapes."""
    target = models.resolve(asked.workload.model)

    def on_shapes(make: Callable[[], Any]) -> Any:
        fake = FakeTensorMode(shape_env=sizes, allow_non_fake_inputs=True)
        with fake, enable_python_dispatcher(), META, initialisation_skipped():
            return make()

    with numbers_symbolic(packages([target.name.partition(":")[0]])):
        try:
            return from_callable.called(target, asked.workload, values, on_meta)
        except VtbenchError:
            return from_callable.called(target, asked.workload, values, on_shapes)


def _call(given: Any) -> Inputs:
    if isinstance(given, dict):
        return (), given
    return (tuple(given) if isinstance(given, tuple | list) else (given,)), {}


def _shape_only(leaf: Any) -> Any:
    if isinstance(leaf, torch.Tensor):
        return torch.empty(tuple(leaf.shape), dtype=leaf.dtype, device="cpu")
    return leaf


def _draft(result: Traced, steps: Mapping[str, int]) -> Draft:
    sizes = result.sizes
    return Draft(
        form_of(result.macs, sizes.floors, steps, {}),
        dict(steps),
        {},
        doubts(sizes, steps, {}),
        exceptions=exceptions(sizes, steps, {}),
        forced=tuple(sizes.forced),
    )


def _interpolated(asked: Options) -> Draft:
    """A form through counts."""
    form = form_through_values(asked.axes, asked.count)
    floors = Floors()
    for name in (axis.name for axis in asked.axes):
        floors.add_size(sympy.Symbol(name, integer=True, positive=True))
    steps = {axis.name: 1 for axis in asked.axes}
    return Draft(form_of(form, floors, steps, {}), steps, {}, [], "interpolated")


def _single(draft: Draft) -> dict[str, list[Value]]:
    """Values of one symbol at which the model's code decides otherwise."""
    found: dict[str, list[Value]] = {}
    for doubt in draft.doubts:
        if len(doubt.sizes) == 1:
            ((name, size),) = doubt.sizes
            found.setdefault(name, []).append(size)
    return found


def _fixed(built: models.Built) -> dict[str, int]:
    """The sizes of the image, which are no symbols."""
    work = built.workload
    if built.own_inputs or work.inputs or work.resolution is None:
        return {}
    return {"B": work.batch_size, "H": work.resolution[0], "W": work.resolution[1]}


def _formula(
    asked: Options, draft: Draft, search: Search, used: set[tuple[tuple[str, Value], ...]]
) -> Formula:
    """The draft with the values for which it was found to hold."""
    form = draft.form
    multiples = {each.name: each.multiple for each in asked.symbols if each.multiple > 1}
    low, high = _claimed(asked, draft, search)
    inside = [proof for proof in search.proofs.values() if _within(proof, search.axes)]
    unseen = [proof for proof in inside if tuple(proof.sizes.items()) not in used]
    proofs = sorted(unseen, key=lambda proof: tuple(proof.sizes.values()))
    values = math.prod(len(axis.values) for axis in search.axes)
    finite = len(low) == len(search.axes) and not any(axis.rate for axis in search.axes)
    conditions = (
        *(f"{name} a multiple of {step}" for name, step in multiples.items()),
        *(_between(name, low.get(name), high[name]) for name in high),
        *search.where,
    )
    return Formula(
        model=asked.workload.model,
        options=asked.workload.to_dict()["options"],
        macs=form.wide,
        macs_unit=form.clean if set(form.unit.values()) == {1} else None,
        conditions=conditions,
        multiple_of=multiples,
        at_least=low,
        at_most=high,
        where=search.where,
        degree={"B": 0, "H": 0, "W": 0, **form.degree},
        growth=form.growth,
        batch_free=form.batch_free,
        method=draft.method,
        values=values if finite else None,
        counted=len(inside) if finite else None,
        notes=tuple(search.notes),
        checked_at=tuple(proofs[:_MOST_SHOWN]),
        seconds=round(time.monotonic() - asked.began, 2),
    )


def _claimed(asked: Options, draft: Draft, search: Search) -> tuple[dict[str, Value], ...]:
    """The least and the largest value of each symbol; of one without a range only where it ends."""
    low: dict[str, Value] = {}
    high: dict[str, Value] = {}
    for before, axis in zip(asked.axes, search.axes, strict=True):
        said = axis.asked or axis.rate or draft.method == "interpolated"
        if said or axis.values[0] != before.values[0]:
            low[axis.name] = axis.values[0]
        if said or axis.values[-1] != before.values[-1]:
            high[axis.name] = axis.values[-1]
    return low, high


def _between(name: str, low: Value | None, high: Value) -> str:
    return (
        f"{name} <= {_short(high)}" if low is None else f"{_short(low)} <= {name} <= {_short(high)}"
    )


def _within(proof: Checked, axes: Sequence[Axis]) -> bool:
    return all(a.values[0] <= proof.sizes[a.name] <= a.values[-1] for a in axes)


def _fixed_words(fixed: Mapping[str, int]) -> Iterator[str]:
    if not fixed:
        return
    yield f"B = {fixed['B']}"
    sides = f"H = W = {fixed['H']}"
    yield sides if fixed["H"] == fixed["W"] else f"H = {fixed['H']}, W = {fixed['W']}"


def _short(number: Value) -> str:
    return str(number).removesuffix(".0")
