"""Commands that are cut off: interrupted, without a reader, without space, without a home."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tampered import LONG

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
SAID = "vtbench: The command was interrupted.\n"
CUT = """
import signal, sys
at = int(sys.argv[1])
sys.argv = ["vtbench", *sys.argv[2:]]
seen = 0
def trace(frame, event, _):
    global seen
    seen += 1
    if seen == at:
        sys.setprofile(None)
        signal.raise_signal(signal.SIGINT)
from vtbench.cli import main
sys.setprofile(trace)
main()
"""

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and devices of POSIX")


def shell(command: str, **options) -> subprocess.CompletedProcess[str]:
    vtbench = f"{sys.executable} -m vtbench"
    return subprocess.run(
        ["/bin/bash", "-c", "set -o pipefail; " + re.sub(r"\bvtbench ", f"{vtbench} ", command)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**ENVIRONMENT, **options.pop("env", {})},
        **options,
    )


@posix
@pytest.mark.parametrize("at", range(5, 400_000, 400) if LONG else (5, 300, 20_000, 90_000))
def test_an_interrupt_at_any_call_is_one_sentence(at):
    """At the so-many-th call of a function: while modules are imported, or in the work itself."""
    ended = subprocess.run(
        [sys.executable, "-c", CUT, str(at), "suites"],
        capture_output=True, text=True, check=False, timeout=120, env=ENVIRONMENT,
    )  # fmt: skip
    if ended.returncode == 0:  # it was done before
        assert ended.stdout.startswith("Suites")
        return
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", SAID)


@posix
def test_an_interrupt_while_a_model_is_counted_is_one_sentence(tmp_path):
    ready = tmp_path / "ready"
    (tmp_path / "slow_net.py").write_text(
        "import pathlib, time\n"
        f"def make():\n    pathlib.Path({str(ready)!r}).touch()\n    time.sleep(60)\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-m", "vtbench", "macs", "slow_net:make"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=tmp_path,
    )  # fmt: skip
    while not ready.exists():
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err) == (130, "", SAID)


@posix
@pytest.mark.parametrize(
    "command", ["suites", "suites --format json", "--help", "macs --help", "--version", ""]
)
def test_a_reader_that_goes_ends_a_command_quietly(command):
    ended = shell(f"vtbench {command} | true")
    assert (ended.returncode, ended.stderr) == (0, "")
    first = shell(f"vtbench {command} | head -1")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.count("\n") == 1


@posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("command", ["suites", "--help", "macs --help", "--version", ""])
def test_a_full_disk_is_a_sentence(command):
    ended = shell(f"vtbench {command} > /dev/full")
    said = "vtbench: Standard output cannot be written: no space left on device.\n"
    assert (ended.returncode, ended.stderr) == (2, said)


@posix
@pytest.mark.parametrize("where", ["2>/dev/full", "2>&-"])
def test_messages_that_nobody_can_read_change_no_status(where):
    assert shell(f"vtbench suites {where}").returncode == 0
    ended = shell(f"vtbench suites --format nonsense {where}")
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", "")


@posix
def test_results_on_a_full_disk_are_a_sentence(tmp_path):
    (tmp_path / "full.jsonl").symlink_to("/dev/full")
    ended = shell("vtbench macs vt_transformer --output full.txt", cwd=tmp_path)
    assert ended.returncode == 0
    ended = shell("vtbench sweep vt_transformer --tokens 8 --save full.jsonl", cwd=tmp_path)
    assert ended.returncode == 2
    assert re.search(r"The records 'full\.jsonl' cannot be (written|read)", ended.stderr)
    assert "Traceback" not in ended.stderr


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only_is_a_sentence(tmp_path):
    tmp_path.chmod(0o555)
    for option in ("--output a.csv", "--save a.jsonl"):
        ended = shell(f"vtbench sweep vt_transformer --tokens 8 {option}", cwd=tmp_path)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "permission denied" in ended.stderr


@posix
def test_without_a_home_everything_works(tmp_path):
    for home in ("unset HOME", "export HOME=/nonexistent/home", "export HOME="):
        ended = shell(f"{home}; unset XDG_CACHE_HOME VTBENCH_CACHE; vtbench suites", cwd=tmp_path)
        assert (ended.returncode, ended.stderr) == (0, "")
