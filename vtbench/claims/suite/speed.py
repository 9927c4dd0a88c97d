"""Claims about speed: what they measure, in which units, on which device, and how it was run."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

import msgspec

from vtbench.data.workload import Layout, Precision

SPEEDS = MappingProxyType({"throughput": ("img/s", "fps"), "latency": ("s", "ms")})
"""Metric -> the units that its figures are printed in."""
NOT_STATED = "not stated"
"""What a suite says of the hardware where the paper names none."""
_UNITS = frozenset(unit for units in SPEEDS.values() for unit in units)


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
        return Conditions(
            batch_size=wider.batch_size if self.batch_size is None else self.batch_size,
            dtype=wider.dtype if self.dtype is None else self.dtype,
            autocast=wider.autocast if self.autocast is None else self.autocast,
            layout=wider.layout if self.layout is None else self.layout,
            compile=wider.compile if self.compile is None else self.compile,
        )

    def stated(self) -> dict[str, int | str | bool]:
        """What is stated, by name."""
        named = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in named.items() if value is not None}


NO_CONDITIONS = Conditions()


class Stated(msgspec.Struct, frozen=True, kw_only=True):
    """What a suite says of one figure, as far as speed is concerned."""

    metric: str
    unit: str
    hardware: str
    """Its own or its column's; empty where they have none."""
    conditions: Conditions
    derived: bool
    """Whether it follows from other figures."""
    stages: bool
    """Whether it speaks of parts of the model."""
    settled: bool
    """Whether the suite says that it cannot be judged."""


def speed_mistakes(said: Stated, inherited: str) -> Iterator[str]:
    """What is wrong with a figure of speed, or with a figure that says what only those may say."""
    size = said.conditions.batch_size
    if size is not None and size < 1:
        yield "a batch size is positive."
    if said.metric not in SPEEDS:
        if said.unit in _UNITS:
            yield f"{said.unit} is a unit of speed; give the metric throughput or latency."
        if not said.derived and (said.hardware or said.conditions != NO_CONDITIONS):
            yield (
                "hardware and conditions say how a speed was measured; give the metric "
                "throughput or latency."
            )
        return
    if said.stages:
        yield f"{said.metric} is of a whole model and takes no stages."
    units = SPEEDS[said.metric]
    if not said.derived and said.unit not in units:
        yield f"{said.metric} is printed in {' or '.join(units)}, not in {said.unit!r}."
    if not (said.derived or said.settled or said.hardware or inherited):
        yield (
            f"{said.metric} needs the hardware that the paper names, such as V100; "
            f"or hardware = {NOT_STATED!r}."
        )
