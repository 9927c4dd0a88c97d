"""Where cells are measured: the devices that were asked for, seen by a process that then ends.

CUDA is never started in the process that keeps the books, so that none of its memory lies on a
GPU that is measured.
"""

from __future__ import annotations

import msgspec

from vtbench.data.measurement import Device
from vtbench.errors import NoDevice, UsageError
from vtbench.measure.workers import in_processes


class _Asked(msgspec.Struct, frozen=True):
    gpu: str | None
    device: str | None


def look_up_devices(gpu: str | None, device: str | None) -> tuple[Device, ...]:
    """The devices that ``--gpu`` and ``--device`` mean, all of one model."""
    asked = _Asked(gpu, device)
    if gpu is None and device in (None, "cpu"):
        return seen(asked)
    ((_, outcome),) = in_processes(seen, [asked], 1, timing=True)
    if outcome.result is None:
        raise NoDevice(outcome.error or "The devices cannot be seen.")
    models = sorted({each.name for each in outcome.result})
    if len(models) > 1:
        raise UsageError(
            f"The GPUs are of different models, {' and '.join(models)}, and a cell is measured "
            "on one of them only; sweep each model by itself."
        )
    return outcome.result


def seen(asked: _Asked) -> tuple[Device, ...]:
    """The same in this process."""
    from vtbench.measure.machine.devices import choose, describe

    return tuple(describe(each.kind, each.index) for each in choose(asked.gpu, asked.device))
