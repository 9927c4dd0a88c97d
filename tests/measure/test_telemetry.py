"""Watching a GPU through a told NVML, and the processor through counters made by hand."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from types import SimpleNamespace

import msgspec
import pynvml
import pytest

from vtbench.data.disturbance import Disturbance, Kind
from vtbench.data.measurement import Device
from vtbench.measure.machine import nvml
from vtbench.measure.machine.limits import Held
from vtbench.measure.machine.nvml import REASONS, Reading, Unwatched, open_gpu
from vtbench.measure.telemetry import processor_watcher as host
from vtbench.measure.telemetry import watching as telemetry
from vtbench.measure.telemetry.processor_watcher import Usage, usage_now
from vtbench.measure.telemetry.watching import End, energy_used, judged, watching

H200 = "1f2e3d4c-0000-0000-0000-000000000001"
OTHER = "1f2e3d4c-0000-0000-0000-000000000002"


def sensors(**changes):
    """What a GPU at work says: 1980 MHz, 3201 MHz, 400 W, 55 °C, nothing holds it down."""
    known = {"sm": 1980, "mem": 3201, "power": 400_000, "temperature": 55, "reasons": 0, "pids": ()}
    return {**known, **changes}


class ToldNvml:
    """The functions of pynvml that are used, over GPUs whose readings are written down.

    ``gpus`` maps a UUID with its prefix to a list of readings; the last one repeats. A reading
    may be an error, which is raised.
    """

    NVMLError = pynvml.NVMLError
    NVML_SUCCESS = pynvml.NVML_SUCCESS
    NVML_ERROR_NOT_SUPPORTED = pynvml.NVML_ERROR_NOT_SUPPORTED
    NVML_ERROR_FUNCTION_NOT_FOUND = pynvml.NVML_ERROR_FUNCTION_NOT_FOUND
    NVML_CLOCK_SM = pynvml.NVML_CLOCK_SM
    NVML_CLOCK_MEM = pynvml.NVML_CLOCK_MEM
    NVML_TEMPERATURE_GPU = pynvml.NVML_TEMPERATURE_GPU
    NVML_FI_DEV_POWER_INSTANT = pynvml.NVML_FI_DEV_POWER_INSTANT

    def __init__(self, gpus, *, enough=12, lacks=(), mig=False):
        self.gpus = gpus
        self.lacks = lacks
        self.mig = mig
        self.open = 0
        self.taken = 0
        self.enough = enough
        self.seen_enough = threading.Event()
        self.millijoules = itertools.count(5_000_000, 3_000)

    def _may(self, name, code=pynvml.NVML_ERROR_NOT_SUPPORTED):
        if name in self.lacks:
            raise pynvml.NVMLError(code)

    def _now(self, handle, key):
        said = self.gpus[handle][min(self.taken, len(self.gpus[handle]) - 1)]
        if isinstance(said, Exception):
            self.seen_enough.set()
            raise said
        return said[key]

    def nvmlInit(self):
        self._may("library", pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)
        self.open += 1

    def nvmlShutdown(self):
        self.open -= 1

    def nvmlDeviceGetHandleByUUID(self, uuid):
        if uuid not in self.gpus:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return uuid

    def nvmlDeviceGetMigMode(self, handle):
        self._may("mig")
        return [int(self.mig), int(self.mig)]

    def nvmlDeviceGetClockInfo(self, handle, kind):
        return self._now(handle, "sm" if kind == self.NVML_CLOCK_SM else "mem")

    def nvmlDeviceGetCurrentClocksEventReasons(self, handle):
        self._may("events", pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)
        return self._now(handle, "reasons")

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle):
        return self._now(handle, "reasons")

    def nvmlDeviceGetFieldValues(self, handle, fields):
        assert fields == [self.NVML_FI_DEV_POWER_INSTANT]
        if "instant" in self.lacks:
            return [SimpleNamespace(nvmlReturn=pynvml.NVML_ERROR_NOT_SUPPORTED)]
        value = SimpleNamespace(uiVal=self._now(handle, "power"))
        return [SimpleNamespace(nvmlReturn=pynvml.NVML_SUCCESS, value=value)]

    def nvmlDeviceGetPowerUsage(self, handle):
        self._may("power")
        return self._now(handle, "power") + 1000

    def nvmlDeviceGetTemperature(self, handle, sensor):
        degrees = self._now(handle, "temperature")
        self.taken += 1  # the last sensor of a reading
        if self.taken >= self.enough:
            self.seen_enough.set()
        return degrees

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):
        self._may("energy")
        return next(self.millijoules)

    def nvmlDeviceGetComputeRunningProcesses(self, handle):
        self._may("processes")
        return [SimpleNamespace(pid=pid) for pid in self._now(handle, "pids")]

    def nvmlDeviceGetMemoryInfo(self, handle):
        return SimpleNamespace(free=100)


class QuietHost:
    """A host of four cores on which others keep a told number busy."""

    busy = 0.0

    def __init__(self, threads=None):
        pass

    def start(self):
        pass

    stop = restart = start

    def others(self):
        return self.busy, 4


@pytest.fixture
def watch(monkeypatch):
    """Watch the H200 of a told NVML until it has been read often enough."""
    monkeypatch.setattr(telemetry, "INTERVAL", 0.001)
    monkeypatch.setattr(telemetry, "HostWatcher", QuietHost)
    monkeypatch.setattr(telemetry, "COUNTER_SECONDS", 0.0)
    monkeypatch.setattr(telemetry, "other_processes", lambda pids: len(pids) - 1)

    def run(told, images=None, uuid=H200):
        monkeypatch.setattr(nvml, "_library", lambda: told)
        with watching(Device(kind="cuda", name="NVIDIA H200", index=0, uuid=uuid)) as watcher:
            if told.open:
                assert told.seen_enough.wait(10)
        assert told.open == 0  # the library was given back
        return watcher.telemetry(images)

    return run


def told(*readings, **settings):
    return ToldNvml({f"GPU-{H200}": [sensors(**r) if isinstance(r, dict) else r for r in readings]},
                    **settings)  # fmt: skip


def test_the_names_of_the_reasons_are_those_of_the_header():
    header = {
        getattr(pynvml, f"nvmlClocksThrottleReason{name}")
        for name in ("SwPowerCap", "HwSlowdown", "SyncBoost", "SwThermalSlowdown", "BoardLimit",
                     "HwThermalSlowdown", "HwPowerBrakeSlowdown", "DisplayClockSetting",
                     "Reliability")
    }  # fmt: skip
    assert set(REASONS) == header
    assert REASONS[pynvml.nvmlClocksThrottleReasonSwPowerCap] == "sw_power_cap"
    assert REASONS[pynvml.nvmlClocksThrottleReasonHwThermalSlowdown] == "hw_thermal_slowdown"
    assert REASONS[pynvml.nvmlClocksThrottleReasonHwPowerBrakeSlowdown] == "hw_power_brake_slowdown"
    assert pynvml.nvmlClocksThrottleReasonGpuIdle == nvml.IDLE
    assert pynvml.nvmlClocksThrottleReasonApplicationsClocksSetting == nvml.USER_SET


def test_a_gpu_that_nothing_held_down_is_clean(watch):
    seen = watch(told({"pids": (1,)}), images=None)
    assert (seen.verdict, seen.why, seen.throttle_reasons) == ("clean", (), ())
    assert seen.samples >= 12
    assert (seen.sm_clock_mhz, seen.sm_clock_low_mhz, seen.sm_clock_high_mhz) == (1980, 1980, 1980)
    assert (seen.memory_clock_mhz, seen.power_w, seen.temperature_c) == (3201, 400, 55)
    assert (seen.other_processes, seen.cpu_load) == (0, 0.0)
    assert (seen.energy_per_image_j, seen.energy_source) == (None, None)


def test_idle_readings_are_left_out_and_clocks_set_by_the_user_are_no_throttling(watch):
    idle = {"sm": 210, "power": 80_000, "reasons": nvml.IDLE, "pids": (1,)}
    seen = watch(told(idle, idle, {"reasons": nvml.USER_SET, "pids": (1,)}, enough=8))
    assert (seen.verdict, seen.sm_clock_low_mhz, seen.power_w) == ("clean", 1980, 400)


def test_a_power_cap_is_named_and_its_share_said(watch):
    seen = watch(told({}, {"sm": 1700, "reasons": 0x4}, {}, enough=12))
    assert seen.verdict == "throttled"
    assert seen.throttle_reasons == ("sw_power_cap",)
    assert (
        seen.why[0]
        == f"The clock was lowered in 1 of {seen.samples} readings; the reason: power cap."
    )
    assert (seen.sm_clock_low_mhz, seen.sm_clock_high_mhz) == (1700, 1980)
    assert "The clock moved between 1700 and 1980 MHz." in seen.why


def test_heat_and_a_reason_that_nobody_knows_are_throttling(watch):
    seen = watch(told({"reasons": 0x20 | 0x40 | nvml.USER_SET | 0x1000}))
    assert seen.verdict == "throttled"
    assert seen.throttle_reasons == ("sw_thermal_slowdown", "hw_thermal_slowdown", "reason_0x1000")


def test_other_processes_on_the_gpu_are_counted(watch):
    seen = watch(told({"pids": (1, 2, 3)}))
    assert (seen.verdict, seen.other_processes) == ("throttled", 2)
    assert seen.why == ("2 other processes use the GPU.",)
    unseen = watch(told({}, lacks=("processes",)))
    assert (unseen.verdict, unseen.other_processes) == ("clean", None)
    assert unseen.why == ("Other processes on the GPU cannot be seen from here.",)


def test_a_host_without_a_free_core_is_said(watch, monkeypatch):
    monkeypatch.setattr(QuietHost, "busy", 3.4)
    seen = watch(told({"pids": (1,)}))
    assert (seen.verdict, seen.cpu_load) == ("throttled", 3.4)
    assert seen.why == ("Other processes kept 3.4 of the host's 4 cores busy.",)


@pytest.mark.parametrize(
    ("readings", "settings", "why"),
    [
        ([{}, {}, {}, {}, pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)], {}, "GPU is lost"),
        (
            [{}, {}, {}, {}, ValueError("no such sensor")],
            {},
            "Telemetry stopped with an error: no such sensor.",
        ),
        (
            [{"reasons": nvml.IDLE}],
            {},
            "Only 0 readings were taken while the GPU was busy; 3 are needed",
        ),
        ([{}], {"lacks": ("library",)}, "NVML cannot be used: NVML Shared Library Not Found."),
        ([{}], {"mig": True}, "The device is a part of a GPU"),
    ],
    ids=["lost", "raises", "idle", "no library", "MIG"],
)
def test_a_watcher_that_failed_never_says_clean(watch, readings, settings, why):
    seen = watch(told(*readings, **settings))
    assert seen.verdict == "unwatched"
    assert any(why in sentence for sentence in seen.why)


def test_what_was_seen_before_the_watcher_died_still_counts(watch):
    lost = pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
    seen = watch(told({"reasons": 0x40}, {"reasons": 0x40}, lost))
    assert (seen.verdict, seen.throttle_reasons) == ("throttled", ("hw_thermal_slowdown",))
    assert seen.why[-1] == "Telemetry stopped with an error: GPU is lost."


def test_a_part_of_a_gpu_is_unwatched_by_its_own_number_too(watch):
    seen = watch(ToldNvml({f"MIG-{H200}": [sensors()]}))
    assert (seen.verdict, seen.samples) == ("unwatched", 0)
    assert seen.why == (
        "The device is a part of a GPU (MIG), and the sensors measure the whole GPU.",
    )


def test_the_gpu_is_found_by_its_uuid_in_whatever_order_nvml_lists_them(watch):
    both = ToldNvml({f"GPU-{OTHER}": [sensors(sm=300, reasons=0x40)],
                     f"GPU-{H200}": [sensors(pids=(1,))]})  # fmt: skip
    assert watch(both).sm_clock_mhz == 1980
    alone = ToldNvml({f"GPU-{OTHER}": [sensors()]})
    assert watch(alone).why == (f"NVML does not know the GPU {H200}: Not Found.",)
    assert watch(told({}), uuid=None).verdict == "unwatched"


def test_an_older_driver_names_reasons_and_power_otherwise(watch):
    older = told({"reasons": 0x8, "pids": (1,)}, lacks=("events", "instant", "mig"))
    seen = watch(older)
    assert (seen.throttle_reasons, seen.power_w) == (("hw_slowdown",), 401)  # the mean's sensor
    without = watch(told({"pids": (1,)}, lacks=("instant", "power")))
    assert (without.verdict, without.power_w) == ("clean", None)


def test_the_energy_counter_is_shared_out_among_the_images(watch):
    # The counter grows by 3 J with every question: one at the start, one at the end.
    seen = watch(told({"pids": (1,)}), images=600)
    assert (seen.energy_per_image_j, seen.energy_source) == (3 / 600, "counter")


def test_what_was_seen_before_a_restart_is_forgotten(watch, monkeypatch):
    slow = told({"sm": 300, "reasons": 0x40}, enough=4)
    monkeypatch.setattr(nvml, "_library", lambda: slow)
    with watching(Device(kind="cuda", name="NVIDIA H200", index=0, uuid=H200)) as watcher:
        assert slow.seen_enough.wait(10)
        slow.gpus[f"GPU-{H200}"] = [sensors(pids=(1,))]
        slow.enough = slow.taken + 12
        slow.seen_enough.clear()
        last = slow.taken
        while slow.taken < last + 2:  # the reading that was begun before is over
            pass
        watcher.restart()
        assert slow.seen_enough.wait(10)
    seen = watcher.telemetry(images=3)
    assert (seen.verdict, seen.sm_clock_low_mhz) == ("clean", 1980)
    assert seen.energy_per_image_j == 3 / 3  # from the restart to the end, 3 J by the counter


def test_a_host_watcher_starts_afresh(monkeypatch):
    moments = iter([usage(0), usage(10, busy=9), usage(12, busy=9)])
    monkeypatch.setattr(host, "usage_now", lambda cores: next(moments))
    monkeypatch.setattr(host.processor, "clock_mhz", lambda cores: None)
    watcher = host.HostWatcher(threads=1)
    watcher.start()
    watcher.restart()
    watcher.stop()
    assert watcher.telemetry().cpu_load == 0.0


def test_a_system_that_hides_its_counters_is_unwatched_and_stops_nothing(monkeypatch):
    def hidden(cores):
        raise PermissionError(13, "Permission denied", "/proc/stat")

    monkeypatch.setattr(host, "usage_now", hidden)
    with watching(Device(kind="cpu", name="any")) as watcher:
        pass
    seen = watcher.telemetry()
    assert seen.verdict == "unwatched"
    assert seen.why[0].startswith("The system's processor times cannot be read: [Errno 13]")
    assert watcher.others()[0] is None


def _readings(*pairs):
    return [Reading(at=at, reasons=0, power_w=power) for at, power in pairs]


def test_without_a_counter_power_is_integrated_over_five_seconds_or_not_at_all():
    first, last = End(at=0), End(at=10)
    # From 0 s to 8 s: 4 · (100 + 300) / 2 + 4 · (300 + 300) / 2 = 2000 J; for 10 s, 2000 · 10 / 8.
    rising = _readings((0, 100), (4, 300), (8, 300))
    assert energy_used(rising, first, last) == (2500, "power")
    assert energy_used(_readings((0, 100), (4.9, 100)), first, last) == (None, None)
    assert energy_used(_readings((0, 100), (4, None), (8, 100)), first, last) == (None, None)
    assert energy_used([], first, last) == (None, None)


def test_the_counter_is_not_asked_for_less_than_a_second():
    ends = End(at=0, energy_j=50), End(at=2, energy_j=650)
    assert energy_used([], *ends) == (600, "counter")
    assert energy_used([], ends[0], End(at=0.9, energy_j=300)) == (None, None)
    assert energy_used([], ends[1], End(at=9, energy_j=650)) == (None, None)  # it stands still


def test_a_watcher_that_stalled_is_unwatched():
    steady = [Reading(at=at / 10, reasons=0, sm_clock_mhz=1000) for at in range(1, 20)]
    assert judged(steady, (End(at=0), End(at=2)), others=0).verdict == "clean"
    late = judged(steady, (End(at=0), End(at=5)), others=0)
    assert (late.verdict, late.why[0]) == ("unwatched", "Telemetry gap of 3.1 s.")
    assert judged(steady[:2], (End(at=0), End(at=0.3)), others=0).verdict == "unwatched"


def test_whose_processes_they_are(monkeypatch):
    import os

    own = os.getpid()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert nvml.other_processes([own, child.pid, 1]) == 1
        monkeypatch.setattr(nvml, "_sees_the_machine", lambda: True)
        assert nvml.other_processes([1, 4_190_000]) == 2
        # In a container our own number is not among them: one is taken for ours.
        monkeypatch.setattr(nvml, "_sees_the_machine", lambda: False)
        assert nvml.other_processes([4_190_000, 4_190_001]) == 1
        assert nvml.other_processes([]) is None
    finally:
        child.communicate(b"\n", timeout=30)


def usage(at, *, busy=0.0, own=0.0, steal=0.0, times=0, held=0.0, overheated=0):
    return Usage(at=at, busy=busy, own=own, steal=steal, held=Held(times=times, seconds=held),
                 overheated=overheated)  # fmt: skip


START = usage(100, busy=50, own=10, steal=1, times=4, held=1.0, overheated=7)


@pytest.mark.parametrize(
    ("change", "threads", "why"),
    [
        # (70 − 50 − (27.4 − 10)) / 2 s = 1.3 cores
        ({"busy": 70, "own": 27.4}, 8, "Other processes kept 1.3 cores busy; the workload uses 8"),
        ({"steal": 3.2}, 8, "The host of this virtual machine took 1.1 cores away (steal)."),
        (
            {"times": 9, "held": 1.5},
            8,
            "The container's quota stopped the workload 5 times, for 0.5 s",
        ),
        ({"overheated": 10}, 8, "The processor slowed down 3 times because of heat."),
    ],
    ids=["load", "steal", "quota", "heat"],
)
def test_what_disturbs_the_processor_is_said(change, threads, why):
    known = {"busy": 66, "own": 26, "steal": 1, "times": 4, "held": 1.0, "overheated": 7}
    seen = host.judged(START, usage(102, **known | change), (2600.0,), threads=threads)
    assert (seen.verdict, len(seen.why)) == ("throttled", 1)
    assert seen.why[0].startswith(why)


def test_a_quiet_processor_is_clean_and_little_load_is_borne():
    quiet = usage(102, busy=66, own=26, steal=1, times=4, held=1.0, overheated=7)
    seen = host.judged(START, quiet, (2600.0, 2500.0, 2800.0), threads=8)
    assert (seen.verdict, seen.why, seen.cpu_load) == ("clean", (), 0.0)
    assert (seen.cpu_clock_mhz, seen.samples) == (2600, 5)
    # 0.75 of a core beside eight threads is borne, since a tenth of them is 0.8; beside one, not.
    little = usage(102, busy=67.5, own=26, steal=1, times=4, held=1.0, overheated=7)
    assert host.judged(START, little, (1.0,), threads=8).verdict == "clean"
    assert host.judged(START, little, (1.0,), threads=1).verdict == "throttled"
    assert (host.tolerated(1), host.tolerated(8)) == (0.25, 0.8)


def test_what_threads_waited_for_a_core_is_said_beside_what_others_took():
    first, last = usage(100, busy=0), usage(102, busy=4, own=2.4)
    first = msgspec.structs.replace(first, waited={"1": 2.0, "ended": 9.0})
    waited = msgspec.structs.replace(last, waited={"1": 3.0, "begun": 0.6})
    seen = host.judged(first, waited, (1.0,), threads=2)
    assert seen.cpu_wait == 0.4  # 1.6 s of the 4 s that its threads wanted
    assert seen.why[0].endswith("the workload uses 2 cores and waited for one 40% of the time.")
    assert seen.interrupted
    alone = host.judged(first, msgspec.structs.replace(waited, busy=2.4), (1.0,), threads=2)
    assert (alone.verdict, alone.interrupted) == ("clean", False)  # its own threads were too many


def test_heat_beside_threads_that_wait_for_each_other_is_no_interruption():
    hot = msgspec.structs.replace(usage(102, busy=4, own=4, overheated=1), waited={"1": 6.0})
    seen = host.judged(usage(100), hot, (1.0,), threads=8)
    assert (seen.verdict, seen.cpu_wait, seen.interrupted) == ("throttled", 0.6, False)


def test_waiting_is_read_of_every_thread(tmp_path):
    tasks = tmp_path / "proc/5/task"
    for thread, line in (("7", "100 2000000000 3"), ("8", "5 500000000 1"), ("9", "")):
        (tasks / thread).mkdir(parents=True)
        (tasks / thread / "schedstat").write_text(line)
    (tasks / "10").mkdir()  # ended while we looked
    assert host._waited(tmp_path, 5) == {str(tasks / "7"): 2.0, str(tasks / "8"): 0.5}
    assert host._waited(tmp_path, 6) == {}


def test_a_clock_that_cannot_be_read_is_said_and_no_verdict():
    seen = host.judged(START, usage(102, busy=66, own=26, steal=1, times=4, overheated=7),
                       threads=8)  # fmt: skip
    assert (seen.verdict, seen.cpu_clock_mhz) == ("clean", None)
    assert seen.why == ("The clock of the processor cannot be read here.",)


@pytest.mark.parametrize(
    ("last", "trouble", "why"),
    [
        (
            usage(100.1, busy=50, own=10),
            None,
            "The device was watched for only 0.10 s; 0.25 s are needed.",
        ),
        (usage(102, busy=50, own=14), None, "The system's processor times do not change"),
        (
            usage(102, busy=66, own=26),
            Disturbance(Kind.CLOCK_WATCHER_DIED, {"error": "x"}),
            "Telemetry of the",
        ),
    ],
    ids=["short", "stuck counters", "dead thread"],
)
def test_a_processor_that_nobody_saw_is_unwatched(last, trouble, why):
    seen = host.judged(START, last, (), threads=8, trouble=trouble)
    assert (seen.verdict, seen.cpu_load, seen.samples) == ("unwatched", None, 0)
    assert seen.why[0].startswith(why)


def test_the_clock_thread_reads_and_its_death_is_told(monkeypatch):
    said = iter([2500_000.0, 2500.0, 2700.0])
    done = threading.Event()

    def clock(cores):
        try:
            return next(said)
        except StopIteration:
            done.set()
            raise RuntimeError("no more") from None

    monkeypatch.setattr(host.processor, "clock_mhz", clock)
    watcher = host.HostWatcher(interval=0.001)
    assert watcher.telemetry().verdict == "unwatched"  # not started
    watcher.start()
    assert done.wait(10)
    watcher.stop()
    assert watcher._clocks == [2500.0, 2700.0]
    assert watcher.telemetry().why == ("Telemetry of the clock stopped with an error: no more.",)


def test_this_processor_can_be_watched_and_the_work_of_a_child_is_ours():
    cores = host.processor.allowed_cores()
    with watching(Device(kind="cpu", name="any")) as watcher:
        before = usage_now(cores)
        spin = "import time\nwhile time.process_time() < 0.5: pass"
        subprocess.run([sys.executable, "-c", spin], check=True)
        after = usage_now(cores)
    assert after.own - before.own > 0.4  # user and system time, each cut to hundredths, twice
    assert watcher.telemetry().cpu_load is not None


def test_missing_python_library_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(Unwatched, match="nvidia-ml-py is not installed"):
        open_gpu(H200)
    assert nvml.driver_version() is None
