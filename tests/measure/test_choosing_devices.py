"""Which devices there are and what ``--gpu`` means, on machines made up for the test."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import msgspec
import pytest

from vtbench.data.disturbance import Disturbance, Kind
from vtbench.data.measurement import Device
from vtbench.data.workload import Workload
from vtbench.errors import NoDevice
from vtbench.measure.machine import devices, limits, processor
from vtbench.measure.machine.devices import Chosen, choose, describe, gpus, made_current, why_no_gpu
from vtbench.measure.machine.nvml import Unwatched
from vtbench.measure.memory import footprint
from vtbench.measure.session import measure_workloads as measuring
from vtbench.measure.session import participants
from vtbench.measure.session.participants import Participant

NO_DRIVER = "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU."


@pytest.fixture
def machine(monkeypatch):
    """A torch that sees GPUs of these names, with free bytes and other processes."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def make(*names, built=True, says=NO_DRIVER, free=(), processes=None):
        def init():
            raise RuntimeError(says)

        def properties(index):
            return SimpleNamespace(
                name=names[index], uuid=f"uuid-{index}", total_memory=150_000_000_000,
                multi_processor_count=132,
            )  # fmt: skip

        cuda = SimpleNamespace(
            device_count=lambda: len(names), get_device_properties=properties, init=init,
            mem_get_info=lambda index: (free[index], 150),
        )  # fmt: skip
        backends = SimpleNamespace(cuda=SimpleNamespace(is_built=lambda: built))
        torch = SimpleNamespace(cuda=cuda, backends=backends, __version__="2.9.0")
        monkeypatch.setattr(devices, "_torch", lambda: torch)

        def open_gpu(uuid):
            if processes is None:
                raise Unwatched(Disturbance(Kind.NVML_UNUSABLE, {"error": "broken"}))
            index = int(uuid.removeprefix("uuid-"))
            return SimpleNamespace(
                processes=lambda: range(processes[index]), free_memory=lambda: free[index],
                close=lambda: None,
            )  # fmt: skip

        monkeypatch.setattr(devices, "open_gpu", open_gpu)
        monkeypatch.setattr(devices, "other_processes", len)

    return make


@pytest.mark.parametrize(
    ("gpu", "device", "chosen"),
    [
        (None, None, [Chosen("cpu")]),
        (None, "cpu", [Chosen("cpu")]),
        (None, "cuda", [Chosen("cuda", 0)]),
        (None, "cuda:1", [Chosen("cuda", 1)]),
        ("1", None, [Chosen("cuda", 1)]),
        ("1, 0", None, [Chosen("cuda", 1), Chosen("cuda", 0)]),
        ("1", "cuda", [Chosen("cuda", 1)]),
        ("1", "cuda:1", [Chosen("cuda", 1)]),
    ],
)
def test_what_is_asked_for_is_chosen(machine, gpu, device, chosen):
    machine("NVIDIA H200", "NVIDIA L4")
    assert choose(gpu, device) == tuple(chosen)


@pytest.mark.parametrize(
    ("gpu", "device", "sentence"),
    [
        ("2", None, "There is no GPU 2; there are 2: 0 NVIDIA H200, 1 NVIDIA L4."),
        ("0,7", None, "There is no GPU 7; there are 2: 0 NVIDIA H200, 1 NVIDIA L4."),
        (None, "cuda:2", "There is no GPU 2; there are 2: 0 NVIDIA H200, 1 NVIDIA L4."),
        (
            "first",
            None,
            "--gpu: expected a number such as 0, several such as 0,1, or auto, got 'first'.",
        ),
        ("-1", None, "--gpu: expected a number such as 0, several such as 0,1, or auto, got '-1'."),
        ("", None, "--gpu: expected a number such as 0, several such as 0,1, or auto, got ''."),
        ("0,0", None, "--gpu: expected each GPU once, got '0,0'."),
        (None, "tpu", "--device: expected cpu, cuda or cuda:N, got 'tpu'."),
        (None, "cuda:x", "--device: expected cpu, cuda or cuda:N, got 'cuda:x'."),
        ("0", "cpu", "--gpu 0 and --device cpu contradict each other; give one of them."),
        ("0", "cuda:1", "--gpu 0 and --device cuda:1 contradict each other; give one of them."),
    ],
)
def test_what_cannot_be_chosen_is_said_with_what_there_is(machine, gpu, device, sentence):
    machine("NVIDIA H200", "NVIDIA L4")
    with pytest.raises(NoDevice) as said:
        choose(gpu, device)
    assert str(said.value) == sentence


def test_a_single_gpu_is_listed_as_one(machine):
    machine("NVIDIA H200")
    with pytest.raises(NoDevice, match="There is no GPU 1; there is 1: 0 NVIDIA H200"):
        choose("1")


def test_the_idlest_has_the_fewest_processes_then_the_most_free_memory(machine):
    machine("A", "B", "C", free=(90, 10, 20), processes=(1, 0, 0))
    assert choose("auto") == (Chosen("cuda", 2),)
    machine("A", "B", free=(50, 50), processes=(0, 0))
    assert choose("auto") == (Chosen("cuda", 0),)
    machine("A", "B", free=(10, 20))  # without NVML, torch says what is free
    assert choose("auto") == (Chosen("cuda", 1),)


def test_no_gpu_is_one_sentence_that_says_why(machine, monkeypatch):
    machine(built=False)
    assert why_no_gpu() == (
        "The installed torch (2.9.0) is built without CUDA; install a build with it."
    )
    machine()
    assert why_no_gpu() == (
        "No GPU is visible: torch says 'Found no NVIDIA driver on your system'. "
        "`--device cpu` measures on the processor."
    )
    machine(says="No CUDA GPUs are available")
    assert "torch says 'No CUDA GPUs are available'" in why_no_gpu()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert why_no_gpu() == (
        "No GPU is visible: CUDA_VISIBLE_DEVICES is '-1'; unset it to see them all."
    )
    for asked in (("0", None), ("auto", None), (None, "cuda")):
        with pytest.raises(NoDevice, match="CUDA_VISIBLE_DEVICES is '-1'"):
            choose(*asked)
    assert gpus() == ()
    machine("NVIDIA H200")
    assert why_no_gpu() is None


def test_a_gpu_is_described_by_what_cuda_says(machine):
    machine("NVIDIA H200", "NVIDIA H200 MIG 1g.18gb")
    first, second = gpus()
    assert (first.kind, first.name, first.index, first.uuid) == (
        "cuda", "NVIDIA H200", 0, "uuid-0"
    )  # fmt: skip
    assert (first.memory, first.cores, first.partition) == (150_000_000_000, 132, None)
    assert (second.index, second.partition) == (1, "1g.18gb")
    with pytest.raises(NoDevice, match="There is no GPU 2"):
        describe("cuda", 2)


def test_the_processor_is_described():
    device = describe("cpu")
    assert (device.kind, device.index, device.uuid) == ("cpu", None, None)
    assert device.name
    assert device.memory > 0
    assert 1 <= device.cores <= len(processor.allowed_cores())


def write(root, **files):
    """Files of a made-up kernel; double underscores are slashes."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_processors_have_names(tmp_path, monkeypatch):
    monkeypatch.setattr(processor.platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(processor.platform, "processor", lambda: "")
    monkeypatch.setattr(processor.platform, "system", lambda: "Linux")
    assert processor.cpu_name(tmp_path) == "aarch64"
    assert processor.virtual(tmp_path) is None
    write(tmp_path, proc__cpuinfo="CPU implementer\t: 0x41\nCPU part\t: 0xd40\n")
    assert processor.cpu_name(tmp_path) == "aarch64 0x41/0xd40"
    write(tmp_path, proc__cpuinfo="model name\t: Intel(R)  Xeon(R) 6972P\nflags : fpu hypervisor\n"
          "model name : of the second\n")  # fmt: skip
    assert processor.cpu_name(tmp_path) == "Intel(R) Xeon(R) 6972P"
    assert processor.virtual(tmp_path) is True


def test_what_sets_the_clock(tmp_path):
    assert processor.governor(tmp_path) is None
    assert processor.turbo(tmp_path) is None
    assert processor.clock_mhz((0, 1), tmp_path) is None
    assert processor.overheated(tmp_path) == 0
    folder = tmp_path / "sys/devices/system/cpu"
    for core, kilohertz in ((0, "2000000"), (1, "3000000"), (2, "9000000")):
        write(folder / f"cpu{core}", cpufreq__scaling_cur_freq=kilohertz)
        write(folder / f"cpu{core}", cpufreq__scaling_governor="powersave\n")
        write(folder / f"cpu{core}", thermal_throttle__core_throttle_count="2\n")
    # The mean of the allowed cores alone: (2000 + 3000) / 2 MHz.
    assert processor.clock_mhz((0, 1), tmp_path) == 2500
    assert processor.governor(tmp_path) == "powersave"
    assert processor.overheated(tmp_path) == 6
    write(folder, cpufreq__boost="1\n")
    assert processor.turbo(tmp_path) is True
    write(folder, intel_pstate__no_turbo="1\n")
    assert processor.turbo(tmp_path) is False


def test_limits_of_a_container_in_the_second_version(tmp_path):
    assert (limits.cpu_quota(tmp_path), limits.memory_limit(tmp_path)) == (None, None)
    write(tmp_path, proc__self__cgroup="0::/pod/work\n")
    groups = tmp_path / "sys/fs/cgroup"
    (groups / "pod/work").mkdir(parents=True)
    (groups / "cgroup.controllers").write_text("cpu memory")
    assert limits.cpu_quota(tmp_path) is None
    (groups / "pod/cpu.max").write_text("150000 100000\n")  # 1.5 cores, of the group above
    (groups / "pod/work/cpu.max").write_text("max 100000\n")
    (groups / "pod/work/memory.max").write_text("4000000000\n")
    (groups / "pod/memory.max").write_text("max\n")
    (groups / "pod/cpu.stat").write_text("usage_usec 9\nnr_throttled 3\nthrottled_usec 250000\n")
    assert limits.cpu_quota(tmp_path) == 1.5
    assert limits.memory_limit(tmp_path) == 4_000_000_000
    assert limits.held(tmp_path) == limits.Held(times=3, seconds=0.25)
    assert processor.usable_memory(tmp_path) <= 4_000_000_000
    # A quota of 1.5 cores keeps two busy, where there are two.
    assert processor.usable_cores(tmp_path) == min(2, len(processor.allowed_cores()))


def test_limits_of_a_container_in_the_first_version(tmp_path):
    write(tmp_path, proc__self__cgroup="5:memory:/outside\n4:cpu,cpuacct:/outside\n0::/\n")
    both, memory = tmp_path / "sys/fs/cgroup/cpu,cpuacct", tmp_path / "sys/fs/cgroup/memory"
    both.mkdir(parents=True)
    memory.mkdir(parents=True)
    (both / "cpu.cfs_quota_us").write_text("-1\n")
    (both / "cpu.cfs_period_us").write_text("100000\n")
    (memory / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert (limits.cpu_quota(tmp_path), limits.memory_limit(tmp_path)) == (None, None)
    # The path lies outside of what is mounted, so the root of the mount is the group.
    (both / "cpu.cfs_quota_us").write_text("400000\n")
    (both / "cpu.stat").write_text("nr_throttled 2\nthrottled_time 1500000000\n")
    (memory / "memory.limit_in_bytes").write_text("1000\n")
    assert (limits.cpu_quota(tmp_path), limits.memory_limit(tmp_path)) == (4.0, 1000)
    assert limits.held(tmp_path) == limits.Held(times=2, seconds=1.5)


def test_a_gpu_is_the_current_one_for_as_long_as_it_is_measured(machine, monkeypatch):
    # streams, events and the backlog are made on the current GPU, which is 0 unless one says so
    machine("A", "B")
    current = [0]

    @contextmanager
    def device(index):
        current.append(index)
        yield
        current.pop()

    monkeypatch.setattr(devices._torch().cuda, "device", device, raising=False)
    with made_current(describe("cuda", 1)):
        assert current == [0, 1]
    assert current == [0]
    with made_current(describe("cpu")), made_current(None):
        assert current == [0]


def test_a_session_has_its_gpu_current_from_building_on(monkeypatch):
    built = []

    @contextmanager
    def current(device):
        built.append(f"{device.kind}:{device.index}")
        yield
        built.append("over")

    def participant_of(workload, protocol, common):
        built.append(workload.model)
        return Participant(msgspec.structs.replace(common, error="no such GPU here"))

    for room in (measuring, footprint):
        monkeypatch.setattr(room, "made_current", current)
    monkeypatch.setattr(
        participants,
        "describe",
        lambda kind, index=None: Device(kind=kind, name="H200", index=index),
    )
    monkeypatch.setattr(measuring, "participant_of", participant_of)
    workloads = [Workload(model=name, device="cuda") for name in ("a", "b")]
    measuring.measure_session(workloads, measuring.MeasureSettings(index=1))
    assert built == ["cuda:1", "a", "b", "over"]

    built.clear()
    monkeypatch.setattr(
        footprint, "_measured", lambda record, over: built.append("weighed") or record
    )
    footprint.footprint(workloads[0], index=1)
    assert built == ["cuda:1", "weighed", "over"]
