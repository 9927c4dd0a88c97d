"""Claims about speed: what they measure, in which units, and how it was run."""

from __future__ import annotations

from types import MappingProxyType

import msgspec

from vtbench.data.workload import Layout, Precision

SPEEDS = MappingProxyType({"throughput": ("img/s", "fps"), "latency": ("s", "ms")})
"""Metric -> the units that its figures are printed in."""
MEASURED_MEMORY = ("allocated", "reserved", "resident")
"""Conventions of memory that only a device can tell."""
NOT_STATED = "not stated"
"""What a suite says of the hardware where the paper names none."""
SPEED_UNITS = frozenset(unit for units in SPEEDS.values() for unit in units)


class Conditions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a printed speed was measured, as far as the paper says; None is not stated."""

    batch_size: int | None = None
    """Images per step."""
    dtype: Precision | None = None
    """Precision of the arithmetic."""
    autocast: bool | None = None
    """Whether torch's autocast chose it."""
    layout: Layout | None = None
    """Memory format."""
    compile: str | None = None
    """Mode of ``torch.compile``."""

    def over(self, wider: Conditions) -> Conditions:
        """These, and what they leave open as something wider has it."""
        return msgspec.structs.replace(wider, **self.stated())

    def stated(self) -> dict[str, int | str | bool]:
        """What is stated, by name."""
        named = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in named.items() if value is not None}


NO_CONDITIONS = Conditions()
