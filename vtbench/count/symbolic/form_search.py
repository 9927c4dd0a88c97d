"""One workload while its form is looked for: its model, its concrete counts, its time."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping

import msgspec
from torch import nn

from vtbench import models
from vtbench.count.count_module import CountSettings, count_module
from vtbench.count.count_workload import count_workload
from vtbench.count.symbolic.tracing import Inputs
from vtbench.count.symbolic.varied_model import VariedModel, varied_model
from vtbench.data.workload import Workload
from vtbench.errors import ModelError, VtbenchError
from vtbench.models import from_timm, from_torchvision, from_transformers
from vtbench.models.from_library import Library
from vtbench.models.size_options import with_resolution
from vtbench.models.third_party import ran

_ASKED_BATCH = 3
"""The batch of the first check away from the model's own size."""
_LIBRARIES: dict[str, Library] = {
    "timm": from_timm,
    "torchvision": from_torchvision,
    "transformers": from_transformers,
}


class FormSearch:
    """One workload while its form is looked for."""

    def __init__(self, workload: Workload, time_limit: float) -> None:
        self.workload = workload
        self.began = time.monotonic()
        self.deadline = self.began + time_limit
        built = models.build(workload)
        self.target = models.resolve(workload.model)
        self.by_resolution = not workload.inputs and self._takes_sizes(built.workload)
        self.own = varied_from(built)
        self.counts: dict[tuple[tuple[str, int], ...], int] = {}
        self.reasons: list[str] = []
        self.was_asked = False

    def _takes_sizes(self, built: Workload) -> bool:
        """Whether another size can be asked for; a function may bring images of its own."""
        if built.resolution is None or self.target.source != "callable":
            return built.resolution is not None
        height, width = built.resolution
        try:
            models.build(msgspec.structs.replace(built, resolution=(2 * height, 2 * width)))
        except VtbenchError:
            return False
        return True

    @property
    def left(self) -> float:
        """Seconds until the time limit."""
        return self.deadline - time.monotonic()

    def count(self, at: Mapping[str, int]) -> int:
        """The concrete count at given sizes, as ``vtbench macs`` counts it."""
        square = {"W": at["H"]} if "H" in at and "W" not in at else {}
        full = {**self.own.own, **at, **square}
        key = tuple(sorted(full.items()))
        if key not in self.counts:
            self.counts[key] = self._count(full)
        return self.counts[key]

    def _count(self, at: dict[str, int]) -> int:
        module = self.own.module
        as_asked = self.by_resolution and not set(at) - {"B", "H", "W"}
        if as_asked and at["B"] == _ASKED_BATCH and not self.was_asked:
            self.was_asked = True  # once by the command's own road, which refuses odd sizes
            return self._as_asked(at)
        if self.built_for_size and (at["H"], at["W"]) != (self.own.own["H"], self.own.own["W"]):
            module, _ = self.build(at)
        settings = CountSettings(road="meta", mode=self.workload.mode)
        try:
            counted = count_module(module, self.own.at(at), settings)
        except ModelError:
            if not as_asked:
                raise
            return self._as_asked(at)  # it needs values
        return sum(row.macs for row in counted.rows)

    def _as_asked(self, at: dict[str, int]) -> int:
        size, batch = (at["H"], at["W"]), at["B"]
        asked = msgspec.structs.replace(self.workload, resolution=size, batch_size=batch)
        return count_workload(asked).macs

    @functools.cached_property
    def built_for_size(self) -> bool:
        """Whether the model's library builds it for the size that is asked for."""
        if not self.by_resolution:
            return False
        library = _LIBRARIES.get(self.target.source)
        return library is None or library.takes_size(self.own.module)

    def build(self, at: Mapping[str, int]) -> tuple[nn.Module, Inputs]:
        """The model as it is built for a size, without asking whether the size is a good one."""
        size, batch = (at["H"], at.get("W", at["H"])), at["B"]
        library = _LIBRARIES.get(self.target.source)
        if library is None:
            workload = msgspec.structs.replace(self.workload, resolution=size, batch_size=batch)
            built = models.build(workload)
            return built.module, (built.args, built.kwargs)
        entry = self.target.entry
        known = library.parameters(self.target.name, self.own.module)
        asked = with_resolution(self.workload, known)
        options = {**(entry.options if entry else {}), **dict(asked.options)}
        module = ran(
            self.workload.model,
            options,
            lambda: library.make_on_meta(self.target.name, options, size),
        )
        module.train(self.workload.mode == "train")
        return module, library.image(module, options, batch, size, real=False)


def varied_from(built: models.Built) -> VariedModel:
    """What of a built model is varied."""
    resolution, batch = built.workload.resolution, built.workload.batch_size
    return varied_model(built.module, (built.args, built.kwargs), resolution, batch)
