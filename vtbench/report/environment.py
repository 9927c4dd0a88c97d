"""A machine as a page: its devices, what a record says of it, and what disturbs measuring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from vtbench.data.disturbance import Disturbance, Kind
from vtbench.data.machine import Machine
from vtbench.data.measurement import Environment, EnvironmentValue
from vtbench.report.document import Document, Rendering, written
from vtbench.report.table import Column, Table, figure_columns, name_column
from vtbench.report.units import ABSENT, size

SOFTWARE = (
    "vtbench", "commit", "python", "torch", "torch_commit", "torch_threads",
    "torch_interop_threads", "cuda", "cudnn", "driver", "cpu_capability", "mkl", "mkldnn",
    "openmp", "torchvision", "timm", "transformers", "triton", "numpy",
)  # fmt: skip
"""What is installed; the rest is the machine, and variables by their own names."""
BYTES = ("memory", "memory_limit", "swap")
LABELS = {
    "vtbench": "vtbench",
    "torch_commit": "torch's commit",
    "torch_threads": "torch's threads",
    "torch_interop_threads": "torch's threads between operators",
    "cuda": "CUDA of torch",
    "cudnn": "cuDNN",
    "driver": "NVIDIA driver",
    "cpu_capability": "instructions that torch uses",
    "mkl": "MKL",
    "mkldnn": "oneDNN",
    "openmp": "OpenMP",
    "numpy": "NumPy",
    "os": "system",
    "host": "host (a hash of its name)",
    "virtual": "virtual machine",
    "cpu": "processor",
    "cores": "cores for this process",
    "cores_physical": "physical cores",
    "cpu_quota": "quota of the container, in cores",
    "turbo": "clocks above the nominal one",
    "memory_limit": "limit of the container",
    "swap": "swap space",
    "huge_pages": "huge pages",
}


def machine_document(found: Machine, asked: Rendering) -> str:
    """The page of a machine."""
    page = Document(
        kind="env",
        results=lambda: msgspec.to_builtins(found.devices),
        more=lambda: _more(found),
        tables=lambda: machine_tables(found),
    )
    return written(page, asked)


def _more(found: Machine) -> dict[str, Any]:
    known = msgspec.to_builtins(found)
    del known["devices"]
    return {**known, "warnings": told(found.disturbances)}


def machine_tables(found: Machine) -> list[Table]:
    """Devices, software, machine, variables, warnings."""
    known: Environment = {**found.environment, "commit": found.commit}
    software = [key for key in SOFTWARE if key in known]
    variables = [key for key in known if key.isupper()]
    machine = [key for key in known if key not in {*software, *variables}]
    warnings = told(found.disturbances) or ("Nothing was found that would distort timings.",)
    tables = [
        _devices(found),
        _listed("Software", software, known),
        _listed("Machine", machine, known),
        _listed("Variables that may change the speed", variables, known),
        Table(title="Before you measure", columns=(), rows=(), notes=warnings),
    ]
    return [table for table in tables if table.rows or table.notes]


def told(disturbances: Sequence[Disturbance]) -> tuple[str, ...]:
    """Each disturbance with its remedy, as one line."""
    return tuple(f"{each.sentence} {REMEDIES[each.kind]}" for each in disturbances)


def _devices(found: Machine) -> Table:
    rows = tuple(
        (
            "cpu" if device.kind == "cpu" else f"cuda:{device.index}",
            device.name,
            ABSENT if device.cores is None else str(device.cores),
            ABSENT if device.memory is None else size(device.memory),
        )
        for device in found.devices
    )
    return Table(
        title="Devices",
        columns=(
            Column(head="Device", align="left"),
            name_column("Name"),
            *figure_columns("Cores", "Memory"),
        ),
        rows=rows,
        notes=() if found.no_gpu is None else (found.no_gpu,),
    )


def _listed(title: str, keys: Sequence[str], known: Environment) -> Table:
    rows = tuple((LABELS.get(key, key), _shown(key, known[key])) for key in keys)
    return Table(
        title=title,
        columns=(name_column(""), Column(head="", align="left", shrink=True)),
        rows=rows,
    )


def _shown(key: str, value: EnvironmentValue) -> str:
    """A value for people: bytes in units, truth in words."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if key in BYTES and isinstance(value, int):
        return size(value)
    return str(value)


_WATCH_AGAIN = "Measure again; if it happens again, report it as a bug of vtbench."
_SENSORS = "The verdict stays *unwatched*; watch the GPU with nvidia-smi while you measure."

REMEDIES: dict[Kind, str] = {
    Kind.OTHER_LOAD: "End the other processes, or measure when the machine is quiet.",
    Kind.HOST_FULL: "End the other processes; a host with no free core starts kernels late.",
    Kind.STEAL: "Measure at another time, or on a machine that is not shared.",
    Kind.GPU_SHARED: "End the other processes, or choose another GPU with --gpu.",
    Kind.CLOCK_HELD: (
        "Cool the GPU, raise its power limit, or lock its clock at a lower value. Timings of a "
        "throttled device are not comparable."
    ),
    Kind.QUOTA: "Use fewer --threads, or give the container more processor time.",
    Kind.HEAT: "Cool the machine, and wait until it is cool.",
    Kind.FEW_READINGS: "Measure longer, with a longer --max-time or larger batches.",
    Kind.GAP: "Leave a core free for telemetry, and measure again.",
    Kind.TOO_SHORT: "Measure longer, with a longer --max-time.",
    Kind.COUNTERS_STUCK: "Measure outside of this sandbox or container.",
    Kind.COUNTERS_UNREADABLE: "Allow this process to read the system's processor times.",
    Kind.NOT_STARTED: _WATCH_AGAIN,
    Kind.WATCHER_DIED: _WATCH_AGAIN,
    Kind.CLOCK_WATCHER_DIED: _WATCH_AGAIN,
    Kind.NVML_UNUSABLE: "Install nvidia-ml-py and a driver that it can load.",
    Kind.NO_UUID: _SENSORS,
    Kind.GPU_UNKNOWN: _SENSORS,
    Kind.GPU_PART: "Measure on a whole GPU.",
    Kind.NOT_RECORDED: "Measure the model with vtbench.",
    Kind.CLOCK_MOVED: "Lock the clock with `nvidia-smi --lock-gpu-clocks`, or measure longer.",
    Kind.PROCESSES_UNSEEN: "Check outside of the container if the GPU has other users.",
    Kind.CLOCK_UNREADABLE: (
        "vtbench cannot see if the processor slows down; measure on bare metal."
    ),
    Kind.MACHINE_BUSY: "Measure when the machine is quiet.",
    Kind.GOVERNOR: "`cpupower frequency-set --governor performance` keeps the clock high.",
    Kind.QUOTA_SET: "Give --threads at most that number.",
    Kind.VIRTUAL: "Repeat sessions on several occasions, or measure on bare metal.",
    Kind.LAUNCHES_BLOCK: "Unset this variable.",
    Kind.MEMORY_UNCACHED: "Unset this variable.",
}
"""One sentence for every kind."""
