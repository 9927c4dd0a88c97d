"""How a figure is measured: named, versioned protocols, as data.

A protocol is part of a record's identity: figures of two protocols never share a column, and
changing what a protocol does changes its version.
"""

from __future__ import annotations

import msgspec

from vtbench.data.workload import DeviceKind
from vtbench.errors import BadOption


class ProtocolId(msgspec.Struct, frozen=True, kw_only=True):
    """The protocol of a record."""

    name: str
    """The protocol's name, such as ``throughput``."""
    version: int
    """The version of the protocol."""

    def __str__(self) -> str:
        """``throughput/1``."""
        return f"{self.name}/{self.version}"


class Protocol(msgspec.Struct, frozen=True, kw_only=True):
    """One way to measure."""

    name: str
    """The protocol's name, such as ``throughput``."""
    version: int
    """The protocol's version, which changes when a part of the protocol changes."""
    says: str
    """One line for the conditions above a table."""
    timed: bool = True
    """Whether it takes samples of time."""
    synchronised: bool = False
    """Whether the host waits for the device after every step; otherwise the queue is kept full."""
    cold: bool = False
    """Whether the device's last cache is flushed before every step; this is not timed."""
    graph: bool = False
    """Whether a captured CUDA graph is replayed."""
    compiled: bool = False
    """Whether the model is compiled first."""
    input_sets: int = 1
    """The number of different inputs that are taken in turn."""
    devices: tuple[DeviceKind, ...] = ("cpu", "cuda")
    """The kinds of device that it can run on."""

    @property
    def id(self) -> ProtocolId:
        """Its name and version, as a record carries them."""
        return ProtocolId(name=self.name, version=self.version)

    def batch_size(self, device: DeviceKind) -> int:
        """The default number of images per step."""
        return 64 if device == "cuda" and not self.synchronised else 1


_ALL = (
    Protocol(
        name="throughput",
        version=1,
        says="steps back to back, the device's queue kept full; several inputs in turn",
        input_sets=4,
    ),
    Protocol(
        name="latency",
        version=1,
        says="one step at a time, the host waits for each; caches stay as the step before left "
        "them",
        synchronised=True,
    ),
    Protocol(
        name="latency-cold",
        version=1,
        says="one step at a time, the host waits for each; the last cache is flushed before each",
        synchronised=True,
        cold=True,
    ),
    Protocol(
        name="graph",
        version=1,
        says="a CUDA graph of the step, replayed back to back",
        graph=True,
        devices=("cuda",),
    ),
    Protocol(
        name="compiled",
        version=1,
        says="as throughput, with the model compiled by torch.compile",
        compiled=True,
        input_sets=4,
    ),
    Protocol(
        name="memory",
        version=1,
        says="one step after a warm-up step, peaks over the step",
        timed=False,
    ),
    Protocol(
        name="macs",
        version=1,
        says="multiply-accumulates counted on shapes; one FMA is one",
        timed=False,
    ),
)
PROTOCOLS: dict[str, Protocol] = {protocol.name: protocol for protocol in _ALL}
TIMED = tuple(name for name, protocol in PROTOCOLS.items() if protocol.timed)


def protocol_named(name: str) -> Protocol:
    """The protocol of that name; otherwise an error that names all protocols."""
    try:
        return PROTOCOLS[name]
    except KeyError:
        raise BadOption(
            f"There is no protocol {name!r}; choose one of {', '.join(PROTOCOLS)}."
        ) from None
