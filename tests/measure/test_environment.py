"""What a record says of the machine, and ``vtbench env`` that shows it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import msgspec
import pytest

from vtbench import __version__
from vtbench.data.disturbance import Disturbance, Kind
from vtbench.data.machine import Machine
from vtbench.data.measurement import Device, Environment, Telemetry
from vtbench.measure.machine import environment as room
from vtbench.measure.machine import this_machine as machine
from vtbench.measure.machine.environment import environment, revision
from vtbench.measure.machine.nvml import Unwatched
from vtbench.report import Rendering
from vtbench.report.environment import machine_document

CONTRACT = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")
GPU = Device(kind="cuda", name="NVIDIA H200", index=0, uuid="u", memory=150_754_820_096, cores=132)


def test_the_environment_is_one_flat_object(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    import torch

    known = environment()
    assert msgspec.convert(known, Environment) == known
    assert (known["vtbench"], known["torch"]) == (__version__, torch.__version__)
    assert (known["timm"], known["numpy"]) == (version("timm"), version("numpy"))
    assert known["cuda"] == torch.version.cuda
    assert known["torch_threads"] == torch.get_num_threads()
    assert known["OMP_NUM_THREADS"] == "3"
    assert isinstance(known["memory"], int)
    assert known["cores"] >= 1


def test_the_environment_imports_no_library_for_its_version(monkeypatch):
    for name in ("torchvision", "timm", "transformers", "triton"):
        monkeypatch.setitem(sys.modules, name, None)  # whoever imports it gets an ImportError
    assert environment()["torchvision"] == version("torchvision")


def test_the_host_is_told_apart_and_not_named(monkeypatch):
    monkeypatch.setattr(room.platform, "node", lambda: "secret-host")
    # The first eight letters of sha256("secret-host").
    assert environment()["host"] == "5de42956"
    assert "secret" not in json.dumps(environment())


def test_variables_that_alter_speed_are_kept_and_places_are_not(monkeypatch):
    for name in list(room.os.environ):
        if room.VARIABLES.match(name):
            monkeypatch.delenv(name)
    given = {
        "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
        "CUDA_VISIBLE_DEVICES": "1",
        "NVIDIA_TF32_OVERRIDE": "0",
        "MKL_NUM_THREADS": "4",
        "LD_PRELOAD": "/home/someone/lib/libjemalloc.so.2:/usr/lib/libother.so",
        "CUDA_HOME": "/opt/cuda",
        "TORCHINDUCTOR_CACHE_DIR": "/home/someone/cache",
        "HOME": "/home/someone",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert room._variables() == {
        "CUDA_VISIBLE_DEVICES": "1",
        "LD_PRELOAD": "libjemalloc.so.2:libother.so",
        "MKL_NUM_THREADS": "4",
        "NVIDIA_TF32_OVERRIDE": "0",
        "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
    }


def test_containers_and_huge_pages_give_themselves_away(tmp_path, monkeypatch):
    for name in ("KUBERNETES_SERVICE_HOST", "container"):
        monkeypatch.delenv(name, raising=False)
    assert (room._container(tmp_path), room._huge_pages(tmp_path)) == (None, None)
    (tmp_path / "run").mkdir()
    (tmp_path / "run/.containerenv").touch()
    assert room._container(tmp_path) == "podman"
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert room._container(tmp_path) == "kubernetes"
    folder = tmp_path / "sys/kernel/mm/transparent_hugepage"
    folder.mkdir(parents=True)
    (folder / "enabled").write_text("always [madvise] never\n")
    assert room._huge_pages(tmp_path) == "madvise"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with one commit."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)

    def git(*arguments):
        named = ("-c", "user.name=A", "-c", "user.email=a@b.c", "-C", str(tmp_path))
        done = subprocess.run(
            [shutil.which("git"), *named, *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-q", "-m", "one")
    git("tag", "v1.0")
    return tmp_path, git("rev-parse", "HEAD")


def test_the_revision_is_a_commit_and_says_when_files_differ(repository):
    folder, commit = repository
    assert revision(folder) == commit[:12]
    (folder / "file").write_text("two")
    assert revision(folder) == f"{commit[:12]}+changes"
    below = folder / "below"
    below.mkdir()
    assert revision(below) == f"{commit[:12]}+changes"


def test_without_a_repository_or_without_git_there_is_no_revision(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert revision(tmp_path) is None
    assert revision(tmp_path / "absent") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert revision(Path.cwd()) is None


def slow(*arguments, **options):
    raise subprocess.TimeoutExpired("git", 5)


def test_a_slow_repository_has_no_revision(monkeypatch):
    monkeypatch.setattr(room.subprocess, "run", slow)
    assert revision(Path.cwd()) is None


def made(**changes):
    known = {
        "devices": (Device(kind="cpu", name="AMD EPYC", cores=2, memory=25_300_000_000), GPU),
        "no_gpu": None,
        "environment": {
            "vtbench": "1", "torch": "2.9.0", "driver": None, "cpu": "AMD EPYC", "virtual": True,
            "memory_limit": 4_000_000_000, "OMP_NUM_THREADS": "1",
        },
        "commit": "abc+changes",
        "disturbances": (Disturbance(Kind.MACHINE_BUSY, {"load": 1.5, "cores": 2}),),
    }  # fmt: skip
    return Machine(**known | changes)


def test_the_page_groups_what_it_shows():
    assert machine_document(made(), Rendering()) == (
        "Devices\n"
        "Device  Name         Cores    Memory\n"
        "────────────────────────────────────\n"
        "cpu     AMD EPYC         2   25.3 GB\n"
        "cuda:0  NVIDIA H200    132  150.8 GB\n"
        "\n"
        "Software\n"
        "vtbench        1\n"
        "commit         abc+changes\n"
        "torch          2.9.0\n"
        "NVIDIA driver  —\n"
        "\n"
        "Machine\n"
        "processor               AMD EPYC\n"
        "virtual machine         yes\n"
        "limit of the container  4.0 GB\n"
        "\n"
        "Variables that may change the speed\n"
        "OMP_NUM_THREADS  1\n"
        "\n"
        "Before you measure\n"
        "Other processes keep 1.5 of 2 cores busy. Measure when the machine is quiet.\n"
    )
    text = machine_document(made(no_gpu="No GPU.", disturbances=()), Rendering())
    assert "\n\nNo GPU.\n" in text
    assert text.endswith("Nothing was found that would distort timings.\n")


def test_every_key_of_the_json_is_in_the_contract():
    section = CONTRACT.partition("## `vtbench env")[2].partition("\n## ")[0]
    section += CONTRACT.partition("\n## ")[0]  # what every document has
    data = json.loads(machine_document(made(), Rendering(format="json")))
    keys = {*data, *data["results"][0], *(key for key in environment() if not key.isupper())}
    assert sorted(key for key in keys if f"`{key}`" not in section) == []
    assert data["results"][1]["name"] == "NVIDIA H200"
    assert data["warnings"] == [
        "Other processes keep 1.5 of 2 cores busy. Measure when the machine is quiet."
    ]


class Seen:
    """A watcher of the processor that saw so many cores busy with others' work."""

    def __init__(self, load, *seen):
        self.seen = Telemetry(verdict="clean", disturbances=seen, cpu_load=load)

    def start(self):
        pass

    stop = start

    def telemetry(self):
        return self.seen


@pytest.fixture
def quiet(monkeypatch):
    """A bare machine at rest, with one GPU that can be watched."""
    monkeypatch.setattr(machine, "LOOK_SECONDS", 0)
    monkeypatch.setattr(machine.host, "HostWatcher", lambda: Seen(0.0))
    monkeypatch.setattr(machine.processor, "usable_cores", lambda: 8)
    monkeypatch.setattr(machine.processor, "allowed_cores", lambda: tuple(range(8)))
    monkeypatch.setattr(machine.processor, "governor", lambda: "performance")
    monkeypatch.setattr(machine.processor, "clock_mhz", lambda cores: 3000.0)
    monkeypatch.setattr(machine.processor, "virtual", lambda: False)
    monkeypatch.setattr(machine.limits, "cpu_quota", lambda: None)
    for name in machine.SLOWING:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(machine, "gpus", lambda: (GPU,))
    monkeypatch.setattr(machine, "why_no_gpu", lambda: None)
    gpu = type("Idle", (), {"processes": lambda self: (), "close": lambda self: None})
    monkeypatch.setattr(machine, "open_gpu", lambda uuid: gpu())
    monkeypatch.setattr(machine, "other_processes", len)
    return monkeypatch


def warnings():
    return [each.sentence for each in machine.machine().disturbances]


def test_a_quiet_machine_has_no_warnings(quiet):
    found = machine.machine()
    assert found.disturbances == ()
    assert [device.kind for device in found.devices] == ["cpu", "cuda"]


def test_each_disturbance_is_a_warning(quiet):
    quiet.setattr(machine.host, "HostWatcher", lambda: Seen(1.25))
    assert warnings() == ["Other processes keep 1.2 of 8 cores busy."]
    quiet.setattr(machine.host, "HostWatcher", lambda: Seen(None, Disturbance(Kind.COUNTERS_STUCK)))
    (unseen,) = warnings()
    assert unseen.startswith("cpu: The system's processor times do not change")
    quiet.setattr(machine.host, "HostWatcher", lambda: Seen(0.8))  # a tenth of eight is borne
    quiet.setattr(machine.processor, "governor", lambda: "powersave")
    quiet.setattr(machine.processor, "clock_mhz", lambda cores: None)
    quiet.setattr(machine.limits, "cpu_quota", lambda: 1.5)
    quiet.setattr(machine.processor, "virtual", lambda: True)
    quiet.setenv("CUDA_LAUNCH_BLOCKING", "1")
    starts = ("The processor's governor is powersave", "The clock of the processor cannot be read",
              "This container gets the time of 1.5 cores", "This is a virtual machine",
              "CUDA_LAUNCH_BLOCKING is set")  # fmt: skip
    for sentence, start in zip(warnings(), starts, strict=True):
        assert sentence.startswith(start)


def test_a_gpu_in_use_or_unwatched_is_a_warning(quiet):
    gpu = type("Used", (), {"processes": lambda self: (7, 8), "close": lambda self: None})
    quiet.setattr(machine, "open_gpu", lambda uuid: gpu())
    assert warnings() == ["cuda:0: 2 other processes use the GPU."]

    def refuse(uuid):
        raise Unwatched(Disturbance(Kind.NVML_UNUSABLE, {"error": "Driver Not Loaded"}))

    quiet.setattr(machine, "open_gpu", refuse)
    assert warnings() == ["cuda:0: NVML cannot be used: Driver Not Loaded."]


def test_env_shows_this_machine(vtbench, tmp_path):
    ended = vtbench("env")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("Devices\n")
    assert "\nBefore you measure\n" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80
    target = tmp_path / "machine.json"
    assert vtbench("env", "--output", str(target)).out == ""
    written = json.loads(target.read_text())
    assert written["results"][0]["kind"] == "cpu"
    assert written["environment"]["vtbench"] == __version__
    assert vtbench("env", "--format", "markdown").out.startswith("### Devices\n")


def test_env_help_needs_no_torch(process):
    code = (
        "import sys\nfrom vtbench.cli import main\n"
        "try: main(['env', '--help'])\nexcept SystemExit: pass\n"
        "print('torch' in sys.modules)"
    )
    assert process("-c", code).out.endswith("False\n")
