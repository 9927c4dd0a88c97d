"""A machine as it is described: its devices, its environment, and what disturbs measuring."""

from __future__ import annotations

import msgspec

from vtbench.data.disturbance import Disturbance
from vtbench.data.measurement import Device, Environment


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a machine that a record of measurements says, or ought to warn of."""

    devices: tuple[Device, ...]
    """The processor, then every GPU in CUDA's order."""
    no_gpu: str | None
    """Why there is no GPU, in a sentence; None where there is one."""
    environment: Environment
    commit: str | None
    """Revision of the code in the working directory."""
    disturbances: tuple[Disturbance, ...]
    """What stands in the way of measuring."""
