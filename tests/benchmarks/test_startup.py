"""How soon a command that needs no model answers, beside the time that importing torch takes."""

import subprocess
import sys
import time


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
