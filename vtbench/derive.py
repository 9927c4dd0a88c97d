"""Workload in, Formula out: a closed form that has passed its own check, or a sentence why not."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Generator, Iterator, Mapping

import msgspec
import torch
from torch import nn

from vtbench import models
from vtbench.count import counting
from vtbench.count.symbolic.attempts import (
    Draft,
    Steps,
    as_built,
    as_it_is,
    batch_only,
    example_of,
    image_steps,
    sizes_of,
    with_others,
)
from vtbench.count.symbolic.check import checked
from vtbench.count.symbolic.interpolation import drafts_through_counts
from vtbench.count.symbolic.limit import within
from vtbench.count.symbolic.nodes import Sizes
from vtbench.count.symbolic.subject import Subject, subject_of
from vtbench.count.symbolic.tracing import Inputs, traced
from vtbench.errors import ModelError, Untraceable, VtbenchError
from vtbench.formula import Formula
from vtbench.models import from_timm, sizes
from vtbench.models.foreign import ran
from vtbench.models.signatures import parameters_of
from vtbench.run import run
from vtbench.workload import Workload, freeze_options

TIME_LIMIT = 30.0
"""Seconds that the symbolic runs of one model may take."""
_MOST_TRACES = 3
"""A model that cannot be traced at some steps is seldom traced at others."""
_ADAPTED = {"dynamic_img_size": True, "strict_img_size": False}
"""Options with which a timm model takes other sizes than it was built for, where it has them."""


class Case:
    """One workload while its form is looked for."""

    def __init__(self, workload: Workload, time_limit: float) -> None:
        self.workload = workload
        self.began = time.monotonic()
        self.deadline = self.began + time_limit
        built = models.build(workload)
        self.by_resolution = built.workload.resolution is not None and not workload.inputs
        self.target = models.resolve(workload.model)
        self.own = _subject(built)
        self.counts: dict[tuple[tuple[str, int], ...], int] = {}
        self.reasons: list[str] = []
        self.was_asked = False

    @property
    def left(self) -> float:
        """Seconds until the time limit."""
        return self.deadline - time.monotonic()

    def count(self, at: Mapping[str, int]) -> int:
        """The concrete count at given sizes, as ``vtbench macs`` counts it."""
        full = {**self.own.own, **at}
        key = tuple(sorted(full.items()))
        if key not in self.counts:
            self.counts[key] = self._count(full)
        return self.counts[key]

    def _count(self, at: dict[str, int]) -> int:
        module, inputs = self.own.module, self.own.at(at)
        if self.by_resolution and not set(at) - {"B", "H", "W"}:
            if not self.was_asked and at["H"] != at["W"]:
                self.was_asked = True  # once by the command's own road, which refuses odd sizes
                return self._as_asked(at)
            if self.built_for_size:
                module, inputs = self.build(at)
        settings = counting.Settings(road="meta", mode=self.workload.mode)
        counted = counting.count_module(module, inputs, settings)
        return sum(row.macs for row in counted.rows)

    def _as_asked(self, at: dict[str, int]) -> int:
        size, batch = (at["H"], at["W"]), at["B"]
        asked = msgspec.structs.replace(self.workload, resolution=size, batch_size=batch)
        return run(asked).macs

    @functools.cached_property
    def built_for_size(self) -> bool:
        """Whether the model's library builds it for the size that is asked for."""
        if not self.by_resolution or self.target.source == "torchvision":
            return False
        return self.target.source != "timm" or from_timm.takes_size(self.own.module)

    def build(self, at: Steps) -> tuple[nn.Module, Inputs]:
        """The model as it is built for a size, without asking whether the size is a good one."""
        size, batch = (at["H"], at["W"]), at["B"]
        if self.target.source != "timm":
            workload = msgspec.structs.replace(self.workload, resolution=size, batch_size=batch)
            built = models.build(workload)
            return built.module, (built.args, built.kwargs)
        entry = self.target.entry
        options = {**(entry.options if entry else {}), **dict(self.workload.options)}
        module = ran(
            self.workload.model,
            options,
            lambda: from_timm.make_on_meta(self.target.name, options, size),
        )
        module.train(self.workload.mode == "train")
        return module, from_timm.image(module, options, batch, size, real=False)


def _subject(built: models.Built) -> Subject:
    resolution, batch = built.workload.resolution, built.workload.batch_size
    return subject_of(built.module, (built.args, built.kwargs), resolution, batch)


def formula(workload: Workload, *, time_limit: float = TIME_LIMIT) -> Formula:
    """The closed form of a model; raises a VtbenchError that says what to do when there is none."""
    _warm()
    case = Case(workload, time_limit)
    for draft in _drafts(case):
        try:
            found = checked(draft, case.own, case.count)
        except (Untraceable, ModelError) as error:
            case.reasons.append(str(error))
            continue
        reason = case.reasons[0] if case.reasons and draft.method != "symbolic" else None
        return msgspec.structs.replace(
            found,
            model=workload.model,
            options=workload.to_dict()["options"],
            reason=reason,
            seconds=round(time.monotonic() - case.began, 2),
        )
    why = case.reasons[0] if case.reasons else "it takes no input whose size could vary."
    raise Untraceable(f"No closed form of {workload.model} could be derived: {why}")


@functools.cache
def _warm() -> None:
    """Load what every trace needs before the first process is forked for one."""
    module, size = nn.BatchNorm2d(2).eval(), Sizes()
    batch = size.size("B", 3)
    traced(module, size, lambda: ((torch.empty(batch, 2, 4, 4),), {}))


def _drafts(case: Case) -> Iterator[Draft]:
    """Forms to check, the best first; why an attempt gave none is noted."""
    own = case.own
    if "H" not in own.own:
        yield from _attempt(case, lambda: as_it_is(own, with_others(own, {})))
    else:
        adapted = _adapted(case)
        running = (steps for steps in _all_steps(adapted) if _runs(adapted, steps))
        found = yield from _few(case, running, lambda steps: as_it_is(adapted, steps))
        if case.built_for_size:
            buildable = (steps for steps in _all_steps(own) if _can_be_built(case, steps))
            found |= yield from _few(case, buildable, lambda s: as_built(case.build, own, s))
        if found:
            yield from drafts_through_counts(case.count, own, case.reasons)
        yield from _attempt(case, lambda: batch_only(own, with_others(own, {})))
    yield from drafts_through_counts(case.count, own, case.reasons, sizes_too=False)


def _attempt(case: Case, trace: Callable[[], Draft]) -> Iterator[Draft]:
    """A draft, within what is left of the time limit; or none, and the reason."""
    try:
        yield within(case.left, trace)
    except VtbenchError as error:
        case.reasons.append(str(error))


def _few(
    case: Case, possible: Iterator[dict[str, int]], trace: Callable[[Steps], Draft]
) -> Generator[Draft, None, bool]:
    """Drafts at a few of the steps, the finest first; whether there were any steps."""
    found = False
    for steps in itertools.islice(possible, _MOST_TRACES):
        found = True
        yield from _attempt(case, functools.partial(trace, steps))
    return found


def _all_steps(subject: Subject) -> Iterator[dict[str, int]]:
    seen: set[tuple[int, int]] = set()
    for steps in image_steps(subject):
        if (steps["H"], steps["W"]) not in seen:
            seen.add((steps["H"], steps["W"]))
            yield with_others(subject, steps)


def _adapted(case: Case) -> Subject:
    """The model, made to take other sizes where its constructor has an option for that."""
    known = parameters_of(type(case.own.module))
    given = dict(case.workload.options)
    more = {name: on for name, on in _ADAPTED.items() if name in known and name not in given}
    if not more or not case.by_resolution:
        return case.own
    workload = msgspec.structs.replace(case.workload, options=freeze_options({**given, **more}))
    try:
        return _subject(models.build(workload))
    except VtbenchError:
        return case.own


def _runs(subject: Subject, steps: Steps) -> bool:
    """Whether the model runs at a usual multiple of the steps, without cropping."""
    args, kwargs = subject.at(sizes_of(example_of(subject, steps), steps))
    try:
        sizes.try_size(subject.module, args, kwargs)
    except sizes.Refused:
        return False
    return True


def _can_be_built(case: Case, steps: Steps) -> bool:
    if case.left <= 0:
        return False
    try:
        module, (args, kwargs) = case.build(sizes_of(example_of(case.own, steps), steps))
        sizes.try_size(module, args, kwargs)
    except VtbenchError:
        return False
    return True
