"""Workload in, Formula out: a closed form that has passed its own check, or a sentence why not."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Generator, Iterator, Sequence

import msgspec
import torch
from torch import nn

from vtbench import models
from vtbench.count.count_module import CountSettings, count_module
from vtbench.count.symbolic.check import checked
from vtbench.count.symbolic.drafts import (
    Draft,
    Steps,
    as_built,
    as_it_is,
    batch_only,
    coarse_steps,
    example_of,
    fine_steps,
    sizes_of,
    with_others,
)
from vtbench.count.symbolic.form_search import FormSearch, varied_from
from vtbench.count.symbolic.interpolation import drafts_through_counts
from vtbench.count.symbolic.nodes import Sizes
from vtbench.count.symbolic.option_forms import formula_in_options
from vtbench.count.symbolic.time_limit import within
from vtbench.count.symbolic.tracing import traced
from vtbench.count.symbolic.varied_model import VariedModel
from vtbench.data.closed_form import Formula, Symbol
from vtbench.data.workload import Workload, freeze_options
from vtbench.errors import Untraceable, VtbenchError
from vtbench.models import sizes
from vtbench.models.options import parameters_of

TIME_LIMIT = 30.0
"""Seconds that the symbolic runs of one model may take."""
_FOR_ONE_SIZE = 10.0
"""Seconds for the form in the batch alone, also if nothing is left for others."""
_ADAPTED = {"dynamic_img_size": True, "strict_img_size": False}
"""Options with which a timm model takes other sizes than it was built for, if it has them."""


def formula(workload: Workload, *, time_limit: float = TIME_LIMIT) -> Formula:
    """The closed form of a model; raises a VtbenchError that says what to do when there is none."""
    _warm()
    search = FormSearch(workload, time_limit)
    for varied, draft in _drafts(search):
        try:
            found = checked(draft, varied, search.count)
        except VtbenchError as error:
            search.reasons.append(str(error))
            continue
        reason = search.reasons[0] if search.reasons and draft.method != "symbolic" else None
        return msgspec.structs.replace(
            found,
            model=workload.model,
            options=workload.to_dict()["options"],
            reason=reason,
            seconds=round(time.monotonic() - search.began, 2),
        )
    why = search.reasons[0] if search.reasons else "it takes no input whose size could vary."
    raise Untraceable(f"No closed form of {workload.model} could be derived: {why}")


def block_formula(
    workload: Workload, symbols: Sequence[Symbol], *, time_limit: float = TIME_LIMIT
) -> Formula:
    """The closed form of a model in options of its own, such as a width and a number of tokens."""
    _warm()
    return formula_in_options(workload, symbols, time_limit)


@functools.cache
def _warm() -> None:
    """Load what every trace needs before the first process is forked for one."""
    module, size = nn.BatchNorm2d(2).eval(), Sizes()
    batch = size.size("B", 3)
    traced(module, size, lambda: ((torch.empty(batch, 2, 4, 4),), {}))


def _drafts(search: FormSearch) -> Iterator[tuple[VariedModel, Draft]]:
    """Forms to check, the best first, with what is varied; why an attempt gave none is noted."""
    own = search.own
    if not own.sides:
        yield from _attempt(search, own, lambda: as_it_is(own, with_others(own, {})))
    else:
        found = yield from _image_drafts(search, own)
        if own.own["H"] == own.own["W"]:
            found |= yield from _image_drafts(search, own.squared())
        if found:
            yield from ((own, d) for d in drafts_through_counts(search.count, own, search.reasons))
        limit = max(search.left, _FOR_ONE_SIZE)
        yield from _attempt(search, own, lambda: batch_only(own, with_others(own, {})), limit)
    drafts = drafts_through_counts(search.count, own, search.reasons, sizes_too=False)
    yield from ((own, draft) for draft in drafts)


def _image_drafts(
    search: FormSearch, own: VariedModel
) -> Generator[tuple[VariedModel, Draft], None, bool]:
    """Drafts of an image model: as it is, and as it is built; whether it takes other sizes."""
    adapted = _adapted(search, own)
    found = yield from _few(
        search,
        adapted,
        lambda steps: _runs(adapted, steps) and _same_when_built(search, adapted, steps),
        lambda steps: as_it_is(adapted, steps),
    )
    if search.built_for_size:
        found |= yield from _few(
            search,
            own,
            lambda steps: _can_be_built(search, own, steps),
            lambda steps: as_built(search.build, own, steps),
        )
    return found


def _few(
    search: FormSearch,
    varied: VariedModel,
    possible: Callable[[Steps], bool],
    trace: Callable[[Steps], Draft],
) -> Generator[tuple[VariedModel, Draft], None, bool]:
    """Drafts at the finest steps that are possible, then at coarser ones; whether any are."""
    finest = next((steps for steps in fine_steps(varied) if possible(steps)), None)
    if finest is None:
        return False
    yield from _attempt(search, varied, lambda: trace(finest))
    for steps in coarse_steps(varied, finest):
        if possible(steps):
            yield from _attempt(search, varied, functools.partial(trace, steps))
    return True


def _attempt(
    search: FormSearch,
    varied: VariedModel,
    trace: Callable[[], Draft],
    limit: float | None = None,
) -> Iterator[tuple[VariedModel, Draft]]:
    """A draft, within what is left of the time limit; or none, and the reason."""
    try:
        yield varied, within(search.left if limit is None else limit, trace)
    except VtbenchError as error:
        search.reasons.append(str(error))


def _adapted(search: FormSearch, own: VariedModel) -> VariedModel:
    """The model, made to take other sizes if its constructor has an option for that."""
    known = parameters_of(type(search.own.module))
    given = dict(search.workload.options)
    more = {name: on for name, on in _ADAPTED.items() if name in known and name not in given}
    if not more or not search.by_resolution:
        return own
    workload = msgspec.structs.replace(search.workload, options=freeze_options({**given, **more}))
    try:
        adapted = varied_from(models.build(workload))
    except VtbenchError:
        return own
    return adapted if len(own.sides) > 1 else adapted.squared()


def _runs(varied: VariedModel, steps: Steps) -> bool:
    """Whether the model runs at a usual multiple of the steps, without cropping."""
    args, kwargs = varied.at(sizes_of(example_of(varied, steps), steps))
    try:
        sizes.try_size(varied.module, args, kwargs)
    except sizes.Refused:
        return False
    return True


def _same_when_built(search: FormSearch, varied: VariedModel, steps: Steps) -> bool:
    """Whether a model that is built for its size costs there what this one costs."""
    if not search.built_for_size:
        return True
    large = {letter: 2 * n + 1 for letter, n in example_of(varied, steps).items()}
    at = {**varied.own, **sizes_of(large, steps)}
    settings = CountSettings(road="meta", mode=search.workload.mode)
    try:
        counted = count_module(varied.module, varied.at(at), settings)
        return sum(row.macs for row in counted.rows) == search.count(at)
    except VtbenchError:
        return False


def _can_be_built(search: FormSearch, varied: VariedModel, steps: Steps) -> bool:
    if search.left <= 0:
        return False
    try:
        module, (args, kwargs) = search.build(sizes_of(example_of(varied, steps), steps))
        sizes.try_size(module, args, kwargs)
    except VtbenchError:
        return False
    return True
