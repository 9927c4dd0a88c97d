"""The memory of a step: weights, and the most that is held while it runs.

The pass has a process of its own, because a peak is that of a whole process. One step warms up
(libraries are loaded, kernels chosen), free memory is given back, and a second one is watched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec
import torch
from torch import nn

from vtbench.data.measurement import MeasuredMemory
from vtbench.measure.memory.gauges import CudaBooks, Gauge, freed_at_once, gauge_of_cpu
from vtbench.measure.session.prepare import tensors_in

Given = tuple[tuple[Any, ...], dict[str, Any]]


class Ready(Protocol):
    """What is measured: a step, and what it works on."""

    @property
    def step(self) -> Callable[[], object]:
        """Runs the model once."""

    @property
    def module(self) -> nn.Module:
        """The model where it lies."""

    @property
    def given(self) -> Given:
        """Its inputs where they lie."""


def gauge_of(device: torch.device) -> Gauge:
    """The gauge of a device."""
    if device.type == "cuda":
        return CudaBooks(torch.cuda, device.index or 0)
    return gauge_of_cpu()


def memory_of_new(make: Callable[[], Ready], gauge: Gauge) -> MeasuredMemory:
    """Memory above what the process held before the model was made; for a process of its own."""
    with freed_at_once():
        gauge.settle()
        before = gauge.level()
        return _measured(make(), gauge, lambda _: before)


def memory_of_live(ready: Ready, gauge: Gauge) -> MeasuredMemory:
    """Memory of a model that its caller has made: weights, inputs, and what a step adds to them.

    What else the caller holds is left out; the allocator stays as it is, so that on a CPU freed
    memory that it keeps may be in the figure.
    """
    gauge.settle()
    own = stored_bytes([*_tensors_of(ready.module), *tensors_in(ready.given)])
    return _measured(ready, gauge, lambda level: level - own)


def _measured(ready: Ready, gauge: Gauge, before: Callable[[int], int]) -> MeasuredMemory:
    """One step to warm up, and the peak over a second one; ``before`` is what is not the model's.

    What the warm-up leaves behind for good (packed weights, a workspace) belongs to the step.
    """
    level = gauge.level()
    ready.step()
    gauge.settle()
    with gauge.watch() as watched:
        ready.step()
    peak = watched.bytes - before(level)
    weights = stored_bytes(_tensors_of(ready.module))
    if isinstance(gauge, CudaBooks):
        return MeasuredMemory(weights=weights, peak_allocated=peak, peak_reserved=gauge.reserved)
    return MeasuredMemory(weights=weights, peak_resident=peak)


def with_prediction(memory: MeasuredMemory, predicted: int | None) -> MeasuredMemory:
    """The measured peak beside the predicted one."""
    peak = memory.peak_resident if memory.peak_allocated is None else memory.peak_allocated
    ratio = peak / predicted if peak is not None and predicted else None
    return msgspec.structs.replace(memory, predicted=predicted, ratio=ratio)


def stored_bytes(tensors: list[torch.Tensor]) -> int:
    """Bytes of the storages behind some tensors, each storage once."""
    storages = {(t.device, t.untyped_storage().data_ptr()): t.untyped_storage() for t in tensors}
    return sum(storage.nbytes() for storage in storages.values())


def _tensors_of(module: nn.Module) -> list[torch.Tensor]:
    return [*module.parameters(), *module.buffers()]


def index_of(subject: object, inputs: tuple[Any, ...]) -> int | None:
    """The CUDA device where a live module lies, or else its inputs; None on a CPU."""
    held = _tensors_of(subject) if isinstance(subject, nn.Module) else []
    first = next(iter([*held, *tensors_in(inputs)]), None)
    return first.device.index if first is not None and first.is_cuda else None
