"""Which devices are of the printed class: a kind of GPU, or a name that holds the printed one."""

from __future__ import annotations

import re

from vtbench.claims.suite.speed import NOT_STATED
from vtbench.data.datasheets import boards_in, device_of
from vtbench.data.measurement import Device


def is_printed(hardware: str, device: Device | None) -> bool:
    """Whether a device is of the class that a paper names.

    A V100 is one whatever its board. A part of a GPU is another device, and so are several of
    them. A name without known figures has to stand in the device's own name, word by word.
    """
    if device is None or not hardware or hardware == NOT_STATED or device.partition is not None:
        return False
    about = boards_in(hardware)
    if about is None:
        return f" {_words(hardware)} " in f" {_words(device.name)} "
    boards, count = about
    found = device_of(device.name)
    return found is not None and found.kind == boards[0].kind and count == 1


def _words(name: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", name.lower()))
