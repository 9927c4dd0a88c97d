"""What may differ between comparable measurements: versions, driver, processor, settings."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from vtbench.data.measurement import Environment, EnvironmentValue
from vtbench.data.version import VERSION
from vtbench.measure.machine import kernel_files, limits, processor
from vtbench.measure.machine.nvml import driver_version

PACKAGES = ("torchvision", "timm", "transformers", "triton", "numpy")
"""Versions of these are told without importing them."""
VARIABLES = re.compile(
    r"(OMP|GOMP|KMP|MKL|OPENBLAS|ONEDNN|DNNL|CUBLAS|CUDNN|TORCH|PYTORCH|TORCHINDUCTOR|ATEN|MALLOC)_"
    r"|CUDA_|NVIDIA_TF32_OVERRIDE$|TF32_|NCCL_|LD_PRELOAD$|PYTHONMALLOC$"
)
"""Variables that may alter speed, by how their names begin ..."""
PLACES = re.compile(r"(DIR|PATH|HOME|FILE|LOG|LOGS|ROOT)$|VERSION|ARCH_LIST$|^TORCH_LOGS")
"""... except those that say where something lies."""
GIT_SECONDS = 5
"""A repository that takes longer has no revision to tell."""


def environment() -> Environment:
    """One flat object; a value that cannot be known here is None, a package that is absent too."""
    return {
        "vtbench": VERSION,
        "python": platform.python_version(),
        **_torch(),
        **{name: _version(name) for name in PACKAGES},
        **_system(),
        **_processor(),
        **_variables(),
    }


def revision(folder: Path) -> str | None:
    """The commit of the repository that holds a folder, ``+changes`` if files differ from it.

    None outside of a repository and without git. Files that git does not track are not changes.
    """
    asked = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), "describe", "--always"]
    asked += ["--exclude=*", "--abbrev=12", "--dirty=+changes"]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command; the folder is an argument of it
            asked,
            capture_output=True,
            text=True,
            check=False,
            timeout=GIT_SECONDS,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def _torch() -> Environment:
    import torch

    backends: Any = torch.backends  # which has no types
    return {
        "torch": str(torch.__version__),
        "torch_commit": str(torch.version.git_version or "")[:12] or None,
        "torch_threads": torch.get_num_threads(),
        "torch_interop_threads": torch.get_num_interop_threads(),
        "cuda": torch.version.cuda,
        "cudnn": backends.cudnn.version() if backends.cuda.is_built() else None,
        "driver": driver_version(),
        "cpu_capability": backends.cpu.get_cpu_capability(),
        "mkl": backends.mkl.is_available(),
        "mkldnn": backends.mkldnn.is_available(),
        "openmp": backends.openmp.is_available(),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _system() -> Environment:
    return {
        "os": _os_name(),
        "kernel": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "host": host(),
        "container": _container(),
        "virtual": processor.virtual(),
    }


def _processor() -> Environment:
    return {
        "cpu": processor.cpu_name(),
        "cores": processor.usable_cores(),
        "cores_physical": psutil.cpu_count(logical=False),
        "cpu_quota": limits.cpu_quota(),
        "governor": processor.governor(),
        "turbo": processor.turbo(),
        "memory": int(psutil.virtual_memory().total),
        "memory_limit": limits.memory_limit(),
        "swap": _swap(),
        "huge_pages": _huge_pages(),
    }


def _variables() -> Environment:
    """The variables that may alter speed, each under its own name."""
    names = sorted(name for name in os.environ if VARIABLES.match(name) and not PLACES.search(name))
    return {name: _without_folders(os.environ[name]) for name in names}


def _without_folders(value: str) -> EnvironmentValue:
    """A library by its file's name: where it lies is nobody's business in a record."""
    return re.sub(r"[^\s:;,=]*/", "", value)


def host() -> str:
    """Eight letters that tell hosts apart without giving their names away: records are shared."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _os_name() -> str:
    """The distribution, or the system if it has no such name."""
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.platform(terse=True)


def _container(root: Path = Path("/")) -> str | None:
    """What kind of container this is, as far as it gives itself away."""
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "kubernetes"
    for name, sign in (("docker", ".dockerenv"), ("podman", "run/.containerenv")):
        if (root / sign).exists():
            return name
    return os.environ.get("container")  # noqa: SIM112 - systemd and podman spell it so


def _swap() -> int | None:
    """Bytes of swap space; with it, a model that does not fit is slow instead of refused."""
    try:
        return int(psutil.swap_memory().total)
    except (OSError, RuntimeError):  # some containers hide it
        return None


def _huge_pages(root: Path = Path("/")) -> str | None:
    """The choice between ``always``, ``madvise`` and ``never``."""
    chosen = kernel_files.text(root / "sys/kernel/mm/transparent_hugepage/enabled") or ""
    match = re.search(r"\[(\w+)\]", chosen)
    return match.group(1) if match else None
