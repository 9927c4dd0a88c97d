"""What to do about each disturbance of a measurement."""

from __future__ import annotations

from vtbench.data.disturbance import Kind

_WATCH_AGAIN = "Measure again; if it happens again, report it as a fault of vtbench."
_SENSORS = "The verdict stays *unwatched*: watch the GPU with nvidia-smi meanwhile."

REMEDIES: dict[Kind, str] = {
    Kind.OTHER_LOAD: "End the other processes, or measure when the machine is quiet.",
    Kind.HOST_FULL: "End the other processes: a host without a free core starts kernels late.",
    Kind.STEAL: "Measure at another time, or on a machine that is not shared.",
    Kind.GPU_SHARED: "End the other processes, or choose another GPU with --gpu.",
    Kind.CLOCK_HELD: "Cool the GPU or raise its power limit; or lower the clock and hold it there.",
    Kind.QUOTA: "Use fewer --threads, or give the container more processor time.",
    Kind.HEAT: "Cool the machine, and wait until it is cool.",
    Kind.FEW_READINGS: "Measure longer, with a longer --max-time or larger batches.",
    Kind.GAP: "Leave a core to the watcher, and measure again.",
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
    Kind.NOT_RECORDED: "Measure it with vtbench.",
    Kind.CLOCK_MOVED: "Hold the clock with `nvidia-smi --lock-gpu-clocks`, or measure longer.",
    Kind.PROCESSES_UNSEEN: "Look outside of the container whether the GPU has other users.",
    Kind.CLOCK_UNREADABLE: "A processor that slows down goes unseen: measure on bare metal.",
    Kind.MACHINE_BUSY: "Measure when the machine is quiet.",
    Kind.GOVERNOR: "`cpupower frequency-set --governor performance` holds it up.",
    Kind.QUOTA_SET: "Give --threads no more than that.",
    Kind.VIRTUAL: "Repeat sessions on several occasions, or measure on bare metal.",
    Kind.LAUNCHES_BLOCK: "Unset it.",
    Kind.MEMORY_UNCACHED: "Unset it.",
}
"""One sentence for every kind."""
