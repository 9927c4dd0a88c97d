"""How soon a command answers, beside the time that importing torch takes."""

import resource
import subprocess
import sys
import time

import pytest


def seconds(*arguments):
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        times.append(time.perf_counter() - begin)
    return min(times)


def test_help_and_models_take_less_than_a_fifth_of_importing_torch(benchmark):
    bare = seconds("-c", "")
    torch = seconds("-c", "import torch") - bare
    shares = {
        name: (seconds("-m", "vtbench", name) - bare) / torch for name in ("--help", "models")
    }
    benchmark.pedantic(seconds, ("-m", "vtbench", "--help"), rounds=1)
    benchmark.extra_info.update(shares)
    print({name: round(share, 3) for name, share in shares.items()})
    assert max(shares.values()) < 1 / 5


def processor_seconds(*arguments):
    """Of a process, the least of five; other work on the machine lengthens them less."""
    times = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


@pytest.mark.parametrize(
    ("model", "libraries", "most"), [("vt_r34", "torch", 1.4), ("deit_s", "torch, timm", 1.1)]
)
def test_a_count_takes_little_longer_than_importing_its_libraries(
    benchmark, model, libraries, most
):
    bare = processor_seconds("-c", f"import {libraries}")
    ratio = processor_seconds("-m", "vtbench", "macs", model) / bare
    benchmark.pedantic(seconds, ("-m", "vtbench", "macs", model), rounds=1)
    benchmark.extra_info.update({"ratio": ratio})
    print(f"macs {model}: {ratio:.2f} times `import {libraries}`")
    assert ratio < most
