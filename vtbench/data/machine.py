"""The description of a machine: its devices, its environment and its disturbances."""

from __future__ import annotations

import msgspec

from vtbench.data.disturbance import Disturbance
from vtbench.data.measurement import Device, Environment


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a machine that a record of measurements says or warns of."""

    devices: tuple[Device, ...]
    """The processor, then every GPU in CUDA's order."""
    no_gpu: str | None
    """The reason why there is no GPU, in a sentence; None if there is one."""
    environment: Environment
    """Versions of libraries, driver, host and processor, by name."""
    commit: str | None
    """The revision of the code in the working directory; None if it is not under git."""
    disturbances: tuple[Disturbance, ...]
    """Everything that would distort measurements."""
