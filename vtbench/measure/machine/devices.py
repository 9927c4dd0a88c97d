"""Which devices there are, and which one was asked for."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from vtbench.data.measurement import Device
from vtbench.data.workload import DeviceKind
from vtbench.errors import NoDevice
from vtbench.measure.machine import processor
from vtbench.measure.machine.nvml import Unwatched, open_gpu, other_processes


class Chosen(msgspec.Struct, frozen=True):
    """A device to measure on; the index is CUDA's, None for the processor."""

    kind: DeviceKind
    index: int | None = None


def choose(gpu: str | None = None, device: str | None = None) -> tuple[Chosen, ...]:
    """What ``--gpu`` and ``--device`` mean together; the CPU if neither is given.

    ``--gpu 0``, ``--gpu 0,1``, ``--gpu auto`` for the idlest; ``--device cpu``, ``cuda``,
    ``cuda:1``.
    """
    named = None if device is None else _named(device)
    if gpu is None:
        chosen: tuple[Chosen, ...] = (named or Chosen("cpu"),)
    else:
        chosen = _asked_gpus(gpu)
        allowed = named is None or (named.kind == "cuda" and _agree(device, named, chosen))
        if not allowed:
            raise NoDevice(
                f"--gpu {gpu} and --device {device} contradict each other; give one of them."
            )
    for each in chosen:
        _check(each)
    return chosen


def describe(kind: DeviceKind, index: int | None = None) -> Device:
    """The device as a record carries it."""
    if kind == "cpu":
        return Device(
            kind="cpu",
            name=processor.cpu_name(),
            memory=processor.usable_memory(),
            cores=processor.usable_cores(),
        )
    index = index or 0
    _check(Chosen("cuda", index))
    known = _torch().cuda.get_device_properties(index)
    name = str(known.name)
    part = re.search(r" MIG (\S+)$", name)
    return Device(
        kind="cuda",
        name=name,
        index=index,
        uuid=str(known.uuid) if getattr(known, "uuid", None) is not None else None,
        memory=int(known.total_memory),
        cores=int(known.multi_processor_count),
        partition=part.group(1) if part else None,
    )


@contextmanager
def made_current(device: Device | None) -> Iterator[None]:
    """Make this GPU the current one: streams, events and kernels go to GPU 0 if none is named."""
    if device is None or device.kind == "cpu":
        yield
        return
    with _torch().cuda.device(device.index or 0):
        yield


def gpus() -> tuple[Device, ...]:
    """Every GPU that torch sees, in its order."""
    return tuple(describe("cuda", index) for index in range(_count()))


def why_no_gpu() -> str | None:
    """Why torch sees no GPU, in one sentence; None if it sees one."""
    torch = _torch()
    if not torch.backends.cuda.is_built():
        return (
            f"The installed torch ({torch.__version__}) is built without CUDA; "
            "install a build with it."
        )
    if _count() > 0:
        return None
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None:
        return f"No GPU is visible: CUDA_VISIBLE_DEVICES is {hidden!r}; unset it to see them all."
    return f"No GPU is visible: {_torch_says(torch)}. `--device cpu` measures on the processor."


def _torch_says(torch: Any) -> str:
    """The first sentence of what starting CUDA raises: no driver, too old, no GPU."""
    try:
        torch.cuda.init()
    except (RuntimeError, AssertionError) as error:
        said = str(error).strip().splitlines()
        first = re.split(r"\.(?:\s|$)", said[0])[0] if said else type(error).__name__
        return f"torch says {first!r}"
    return "torch counts no GPU"


def _torch() -> Any:
    import torch

    return torch


def _count() -> int:
    return int(_torch().cuda.device_count())


def _named(text: str) -> Chosen:
    """``cpu``, ``cuda`` or ``cuda:N``."""
    if text == "cpu":
        return Chosen("cpu")
    match = re.fullmatch(r"cuda(?::([0-9]{1,4}))?", text)
    if not match:
        raise NoDevice(f"--device: expected cpu, cuda or cuda:N, got {text!r}.")
    return Chosen("cuda", int(match.group(1) or 0))


def _asked_gpus(text: str) -> tuple[Chosen, ...]:
    """``0``, ``0,1`` or ``auto``."""
    if text == "auto":
        return (idlest(),)
    words = [word.strip() for word in text.split(",")]
    if not all(re.fullmatch(r"[0-9]{1,4}", word) for word in words):
        raise NoDevice(
            f"--gpu: expected a number such as 0, several such as 0,1, or auto, got {text!r}."
        )
    numbers = [int(word) for word in words]
    twice = next((number for number in numbers if numbers.count(number) > 1), None)
    if twice is not None:
        raise NoDevice(f"--gpu: expected each GPU once, got {text!r}.")
    return tuple(Chosen("cuda", number) for number in numbers)


def _agree(device: str | None, named: Chosen, chosen: tuple[Chosen, ...]) -> bool:
    """``--device cuda`` agrees with every GPU, ``--device cuda:1`` with that one alone."""
    return device == "cuda" or chosen == (named,)


def _check(chosen: Chosen) -> None:
    """Refuse a GPU that is not there, and say which are."""
    if chosen.kind == "cpu":
        return
    missing = why_no_gpu()
    if missing is not None:
        raise NoDevice(missing)
    count = _count()
    if (chosen.index or 0) >= count:
        raise NoDevice(f"There is no GPU {chosen.index}; {_listed(count)}.")


def _listed(count: int) -> str:
    known = _torch().cuda.get_device_properties
    names = ", ".join(f"{index} {known(index).name}" for index in range(count))
    return f"there is 1: {names}" if count == 1 else f"there are {count}: {names}"


def idlest() -> Chosen:
    """The GPU with the fewest processes, and among those the one with the most free memory."""
    missing = why_no_gpu()
    if missing is not None:
        raise NoDevice(missing)
    return min((Chosen("cuda", index) for index in range(_count())), key=_occupation)


def _occupation(chosen: Chosen) -> tuple[int, int, int]:
    """Processes, less free memory, index; what NVML cannot tell is asked of CUDA."""
    index = chosen.index or 0
    try:
        gpu = open_gpu(describe("cuda", index).uuid)
    except Unwatched:
        free, _ = _torch().cuda.mem_get_info(index)
        return (0, -int(free), index)
    try:
        return (other_processes(gpu.processes() or ()) or 0, -gpu.free_memory(), index)
    finally:
        gpu.close()
