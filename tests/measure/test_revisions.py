"""Two revisions of a small repository: whose files are run, who takes turns, and what is left."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import stdev

import msgspec
import pytest

from vtbench.data.measurement import Device, Measurement, Telemetry
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.workload import Workload
from vtbench.errors import BadInput, BadOption, ModelError, UsageError
from vtbench.measure.revisions import Asked, compare_launches, measure_revisions
from vtbench.measure.revisions.launches import over_launches
from vtbench.measure.revisions.messages import Prepare, Refused, answer_in
from vtbench.measure.revisions.remote import Remote, resident
from vtbench.measure.revisions.session import _Enough
from vtbench.measure.revisions.trees import PREFIX, commit_of, extracted, repository, working_tree
from vtbench.measure.revisions.worker import check_origin, turned
from vtbench.measure.session.interleaved_arms import Arm
from vtbench.stats import Gate
from vtbench.stats.ratio import LogRatio

NETS = """
import torch
from torch import nn
from toy import width

def make(depth={depth}):
    layers = [nn.Linear(width.WIDTH, width.WIDTH) for _ in range(depth)]
    return nn.Sequential(*layers), torch.zeros(8, width.WIDTH)
"""
BROKEN = """
from torch import nn, zeros

class Net(nn.Module):
    def forward(self, x):
        raise ValueError("no way")

def make():
    return Net(), zeros(1)
"""


@pytest.fixture
def git(tmp_path, monkeypatch):
    """A repository with a package, one commit, and a command that runs git in it."""
    root = tmp_path / "repo"
    (root / "toy").mkdir(parents=True)
    for name, value in {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}.items():
        monkeypatch.setenv(name, value)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "somebody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "somebody@example.org")
    monkeypatch.chdir(root)

    def run(*arguments):
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607  # whichever git is on the PATH
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    run("init", "--quiet")
    write(root, depth=1)
    run("add", ".")
    run("commit", "--quiet", "-m", "one")
    return run


def write(root, text=NETS, depth=1):
    (root / "toy" / "__init__.py").touch()
    (root / "toy" / "width.py").write_text("WIDTH = 256\n")
    (root / "toy" / "nets.py").write_text(text.replace("{depth}", str(depth)))


def left_behind():
    return set(Path(tempfile.gettempdir()).glob(f"{PREFIX}*"))


# The files of a revision


def test_a_revision_is_written_beside_the_repository_which_stays_as_it_is(git, tmp_path):
    root = repository(Path.cwd())
    (root / ".gitattributes").write_text("toy/width.py export-ignore\n")
    git("add", ".")
    git("commit", "--quiet", "-m", "two")
    write(root, depth=9)
    (root / "unknown.py").touch()
    git("add", "toy")
    before = (git("status", "--porcelain"), (root / ".git" / "index").read_bytes())
    with extracted(root, "HEAD") as tree:
        assert (tree.root / "toy" / "nets.py").read_text() == NETS.replace("{depth}", "1")
        assert (tree.root / "toy" / "width.py").exists()  # attributes of archives do not matter
        assert not (tree.root / "unknown.py").exists()
        assert tree.commit == commit_of(root, "HEAD")[:12]
        assert tree.label == "HEAD"
        scratch = tree.scratch
    assert not scratch.exists()
    assert (git("status", "--porcelain"), (root / ".git" / "index").read_bytes()) == before
    assert git("worktree", "list").count("\n") == 1


def test_the_folder_goes_whatever_ends_the_block(git):
    root = repository(Path.cwd())
    with pytest.raises(KeyboardInterrupt), extracted(root, "HEAD") as tree:
        raise KeyboardInterrupt
    assert not tree.scratch.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to end with")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_folder_goes_when_the_process_is_told_to_end(git, number):
    code = (
        "import signal, sys, time; from pathlib import Path\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup would have it ignored\n"
        "from vtbench.measure.revisions.trees import extracted, repository\n"
        "with extracted(repository(Path.cwd()), 'HEAD') as tree:\n"
        "    print(tree.scratch, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        scratch = Path(process.stdout.readline().strip())
        assert scratch.is_dir()
        process.send_signal(number)
        assert process.wait(timeout=30) == 128 + number
    assert not scratch.exists()


def test_the_working_tree_says_that_it_has_changes(git):
    root = repository(Path.cwd())
    commit = commit_of(root, "HEAD")[:12]
    assert working_tree(root).commit == commit
    write(root, depth=2)
    tree = working_tree(root)
    assert (tree.commit, tree.root, tree.label) == (f"{commit}+changes", root, "working tree")


@pytest.mark.parametrize("revision", ["nowhere", "--all", "HEAD:toy", ""])
def test_a_revision_that_is_none_is_refused(git, revision):
    with pytest.raises(UsageError, match="There is no revision"):
        commit_of(repository(Path.cwd()), revision)


def test_outside_of_a_repository_there_are_no_revisions(tmp_path):
    with pytest.raises(UsageError, match="is not in the working tree of a git repository"):
        repository(tmp_path)


def test_git_itself_must_be_there(git, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match=r"git cannot be started .* needs it on the PATH"):
        repository(Path.cwd())


def test_a_hook_s_variables_are_not_taken_for_ours(git, monkeypatch):
    root = repository(Path.cwd())
    monkeypatch.setenv("GIT_INDEX_FILE", str(root / "other-index"))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    with extracted(root, "HEAD") as tree:
        assert (tree.root / "toy" / "nets.py").exists()
    assert not (root / "other-index").exists()


# Whose modules are imported


def test_what_leads_to_the_repository_leads_to_the_tree(tmp_path):
    origin, tree = tmp_path / "repo", tmp_path / "tree"
    for folder in (origin / "src", origin / ".venv" / "lib", tree / "src"):
        folder.mkdir(parents=True)
    paths = ["", str(origin), str(origin / "src"), str(origin / ".venv" / "lib"), "/usr/lib"]
    assert turned(paths, origin, tree) == [
        "",
        str(tree),
        str(tree / "src"),
        str(origin / ".venv" / "lib"),  # an environment belongs to no revision
        "/usr/lib",
    ]
    assert turned(paths, origin, origin) == paths


def _prepare(model, root, origin):
    return Prepare(
        workload=Workload(model=model),
        protocol="throughput",
        index=None,
        root=str(root),
        origin=str(origin),
    )


def test_a_module_from_elsewhere_is_refused_by_name(tmp_path, monkeypatch):
    origin, tree = tmp_path / "repo", tmp_path / "tree"
    for root in (origin, tree):
        root.mkdir()
        (root / "side_by_side.py").touch()
    monkeypatch.syspath_prepend(str(origin))
    import side_by_side  # noqa: F401  # made above

    monkeypatch.setitem(sys.modules, "side_by_side", sys.modules["side_by_side"])
    check_origin(_prepare("side_by_side:make", origin, origin))
    with pytest.raises(ModelError, match="The module side_by_side was imported from"):
        check_origin(_prepare("side_by_side:make", tree, origin))
    with pytest.raises(ModelError, match="The module side_by_side was imported from"):
        check_origin(_prepare("another:make", tree, origin))  # it need not be the one named
    (tree / "side_by_side.py").unlink()
    check_origin(_prepare("another:make", tree, origin))  # that revision has no such file


# From samples to an answer


def made(seconds, samples=40, session="s", **fields) -> Measurement:
    taken = tuple(seconds * (1 + (k % 3 - 1) / 1000) for k in range(samples))
    known = {
        "workload": Workload(model="toy.nets:make"),
        "protocol": PROTOCOLS["throughput"].id,
        "device": Device(kind="cpu", name="EPYC"),
        "samples": taken,
        "median": seconds,
        "macs": 1000,
        "session": session,
        "telemetry": Telemetry(verdict="clean"),
    }
    return Measurement(**known | fields)


def launches(*ratios):
    """Launches whose head takes so many times as long as their base."""
    return [
        (made(0.01, session=f"s{k}", commit="a"), made(0.01 * r, session=f"s{k}", commit="b"))
        for k, r in enumerate(ratios)
    ]


def test_the_mean_of_launches_has_the_error_between_them():
    steps = [0.01, 0.03, 0.05]
    known = over_launches([LogRatio(step, 0.001, 10, 40) for step in steps], 0.95)
    assert known.middle == pytest.approx(0.03)
    assert known.error == pytest.approx(stdev(steps) / math.sqrt(3))  # 0.02 / sqrt(3)
    assert known.dof == 2
    assert known.pairs == 120


def test_launches_that_agree_by_chance_have_the_error_within_them():
    known = over_launches([LogRatio(0.01, 0.003, 10, 40)] * 4, 0.95)
    assert known.error == pytest.approx(math.sqrt(4 * 0.003**2) / 4)
    assert known.dof == 40
    assert over_launches([LogRatio(0.01, 0.003, 10, 40)], 0.95).error == 0.003


def test_a_difference_that_comes_and_goes_with_processes_is_none():
    assert compare_launches(launches(1.12), Gate()).verdict == "slower"  # one launch is not enough
    found = compare_launches(launches(1.12, 0.9, 1.01), Gate())
    assert found.verdict == "cannot tell"
    assert found.low < 1 < found.high


def _simulated(order, change, number=3):
    """Launches whose processes land 5 % apart, by luck; samples scatter by 2 %."""
    pairs = []
    for k in range(number):
        landed = 0.01 * math.exp(change + order.gauss(0, 0.05))
        base, head = (
            [seconds * math.exp(order.gauss(0, 0.02)) for _ in range(20)]
            for seconds in (0.01, landed)
        )
        pairs.append((made(0.01, session=f"s{k}"), made(landed, session=f"s{k}")))
        pairs[-1] = tuple(
            msgspec.structs.replace(record, samples=tuple(taken))
            for record, taken in zip(pairs[-1], (base, head), strict=True)
        )
    return compare_launches(pairs, Gate()).verdict


def test_how_often_the_same_code_is_called_slower():
    """Half of 5 % at most, however processes land; one launch says so in a fifth of cases."""
    order = random.Random(7)  # noqa: S311  # luck that repeats, no secret
    verdicts = [_simulated(order, 0.0) for _ in range(200)]
    assert verdicts.count("slower") <= 0.04 * len(verdicts)
    assert verdicts.count("faster") <= 0.04 * len(verdicts)
    alone = [_simulated(order, 0.0, number=1) for _ in range(100)]
    assert alone.count("slower") >= 20
    twice = [_simulated(order, math.log(2)) for _ in range(100)]
    assert twice.count("slower") >= 90


def test_a_difference_that_stays_is_told():
    found = compare_launches(launches(1.10, 1.11, 1.12), Gate())
    assert found.verdict == "slower"
    assert found.ratio == pytest.approx(1 / 1.11, rel=1e-3)
    assert found.differs == {"commit": ("a", "b")}
    assert found.across == ("commit",)
    assert (found.base_macs, found.new_macs) == (1000, 1000)
    assert compare_launches(launches(1.001, 0.999, 1.0), Gate()).verdict == "same"
    assert compare_launches(launches(0.8, 0.8, 0.8), Gate()).verdict == "faster"


def test_launches_that_others_interrupted_are_not_the_same():
    same = launches(1.001, 0.999, 1.0)
    base, head = same[1]
    waited = Telemetry(verdict="throttled", cpu_load=1.0, cpu_wait=0.2)
    disturbed = (base, msgspec.structs.replace(head, telemetry=waited))
    found = compare_launches([same[0], disturbed, same[2]], Gate())
    assert found.verdict == "cannot tell"
    assert "20% of the time" in found.reason
    apart = [LogRatio(0.0, 0.0001, 10, 40, share) for share in (0.0, 0.3, 0.0)]
    assert Gate().judge(over_launches(apart, 0.95)).verdict == "cannot tell"


def test_a_launch_with_few_samples_is_refused_with_what_to_do():
    few = made(0.01, samples=5, session="s")
    with pytest.raises(
        BadInput, match=r"gave 5 samples of a revision, but at least 6 are needed; .*--max-time"
    ):
        compare_launches([*launches(1.0), (few, few)], Gate())


def test_samples_without_a_partner_do_not_count():
    pairs = launches(1.10, 1.11, 1.12)
    base, head = pairs[0]
    early = msgspec.structs.replace(head, samples=head.samples[:12])
    kept = msgspec.structs.replace(base, samples=base.samples[:12])
    found = compare_launches([(base, early), *pairs[1:]], Gate())
    assert found == compare_launches([(kept, early), *pairs[1:]], Gate())
    assert found.verdict == "slower"
    alone = compare_launches([(base, early)], Gate())
    assert alone == compare_launches([(kept, early)], Gate())
    few = msgspec.structs.replace(head, samples=head.samples[:5])
    with pytest.raises(BadInput, match="gave 5 samples of a revision, but at least 6 are needed"):
        compare_launches([(base, few), *pairs[1:]], Gate())


def test_a_head_that_cannot_run_fails_whatever_was_measured_before():
    pairs = launches(1.0)
    base, head = launches(1.0)[0]
    broken = Measurement(
        workload=head.workload, protocol=head.protocol, device=head.device, error="No."
    )
    found = compare_launches([*pairs, (base, broken)], Gate())
    assert (found.verdict, found.ratio) == ("fails", None)
    with pytest.raises(BadInput, match="--launches: expected at least 1"):
        compare_launches([], Gate())


def _arms(samples, ratio, scatter):
    def arm(name, factor):
        found = Arm(name, lambda: None, None)
        found.samples = [0.05 * factor * (1 + scatter * (k * 7 % 5 - 2)) for k in range(samples)]
        return found

    return [arm("base", 1.0), arm("head", ratio)]


def test_a_session_ends_when_the_ratio_is_narrow_and_not_before():
    assert not _Enough(0.01)(_arms(10, 1.0, 0.0))  # too few pairs
    assert _Enough(0.01)(_arms(30, 1.0, 0.0))
    enough = _Enough(0.01)
    assert enough(_arms(30, 1.3, 0.0))
    assert enough.reached
    shuffled = _arms(30, 1.0, 0.1)
    shuffled[1].samples.reverse()
    assert not _Enough(0.001)(shuffled)


def test_an_arm_that_failed_ends_the_session():
    enough = _Enough(0.01)
    assert enough(_arms(5, 1.0, 0.0)[:1])
    assert not enough.reached


# What is asked


@pytest.mark.parametrize("model", ["resnet18", "timm:resnet18", "torchvision:resnet50"])
def test_only_code_of_ones_own_has_revisions(git, model):
    with pytest.raises(BadInput, match="--base compares revisions of your own code"):
        measure_revisions(Asked(base="HEAD", workload=Workload(model=model)), Path.cwd())


@pytest.mark.parametrize("protocol", ["macs", "graph"])
def test_the_protocol_has_to_time_something_on_the_device(git, protocol):
    asked = Asked(base="HEAD", workload=Workload(model="toy.nets:make"), protocol=protocol)
    with pytest.raises(BadOption, match="does not measure time on a CPU"):
        measure_revisions(asked, Path.cwd())


def test_the_folder_has_to_be_in_both_revisions(git):
    root = repository(Path.cwd())
    (root / "new").mkdir()
    with extracted(root, "HEAD") as tree, pytest.raises(UsageError, match="does not exist in HEAD"):
        Remote(tree, root / "new")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--base", "HEAD"), "No model was named"),
        (("toy.nets:make",), "Missing option '--base'"),
        (("--base", "nowhere", "toy.nets:make"), "There is no revision 'nowhere'"),
        (("--base", "HEAD", "resnet18"), "--base compares revisions of your own code"),
        (
            ("--base", "HEAD", "toy.nets:make", "--launches", "0"),
            "--launches: expected a positive integer, got 0.",
        ),
        (("--base", "HEAD", "toy.nets:make", "--batch-size", "1:2000"), "2,000 combinations"),
        (("--base", "HEAD", "toy.nets:make", "--protocol", "speed"), "There is no protocol"),
        (("--base", "HEAD", "toy.nets:make", "--dtype", "tf32"), "--dtype tf32 needs a GPU"),
    ],
)
def test_what_cannot_be_carried_out_is_said(git, vtbench, arguments, said):
    ended = vtbench("regress", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err


# With processes


QUICK = ("--threads", "1", "--max-time", "0.6", "--format", "json")


def test_more_work_is_slower_and_each_side_runs_its_own_files(git, vtbench, monkeypatch):
    """What the named module imports is the revision's too, wherever PYTHONPATH leads."""
    root = repository(Path.cwd())
    write(root, depth=12)
    (root / "toy" / "width.py").write_text("WIDTH = 320\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(root), os.getenv("PYTHONPATH", "")]))
    before = left_behind()
    ended = vtbench("regress", "--base", "HEAD", "toy.nets:make", *QUICK, "--launches", "1")
    assert ended.status == 1, ended.err
    (found,) = json.loads(ended.out)["results"]
    assert found["verdict"] == "slower"
    assert found["ratio"] < 1
    # a batch of 8 through one layer of 256·256 before, through twelve of 320·320 now
    assert (found["base_macs"], found["new_macs"]) == (8 * 256 * 256, 12 * 8 * 320 * 320)
    base, new = found["differs"]["commit"]
    assert new == f"{base}+changes"
    assert left_behind() == before


def test_several_functions_and_values_are_compared_one_after_the_other(git, vtbench):
    """A file is each revision's own; what one revision lacks is said, and the rest is compared."""
    root = repository(Path.cwd())
    (root / "toy" / "width.py").write_text("WIDTH = 320\n")
    names = ("./toy/nets.py:make", "toy.nets:absent", "-o", "./toy/nets.py:make:depth=1,3")
    ended = vtbench("regress", "--base", "HEAD", *names, *QUICK, "--launches", "1")
    assert ended.status == 1, ended.err
    assert "has no 'absent'" in ended.err
    found = json.loads(ended.out)["results"]
    assert [each["workload"]["model"] for each in found] == ["./toy/nets.py:make"] * 2
    assert [dict(each["workload"]["options"]) for each in found] == [{"depth": 1}, {"depth": 3}]
    macs = [(each["base_macs"], each["new_macs"]) for each in found]
    assert macs == [(d * 8 * 256 * 256, d * 8 * 320 * 320) for d in (1, 3)]


def test_the_same_code_is_never_slower(git, vtbench):
    """Two revisions of one text; 50 % is more than a busy machine makes of it in one launch."""
    git("commit", "--quiet", "--allow-empty", "-m", "two")
    sides = ("--base", "HEAD~1", "--head", "HEAD", "toy.nets:make")
    ended = vtbench("regress", *sides, *QUICK, "--launches", "1", "--smallest", "50%")
    assert ended.status == 0, ended.out
    (found,) = json.loads(ended.out)["results"]
    assert found["verdict"] in ("same", "cannot tell", "faster")
    assert found["counts"] == {}


def test_a_function_that_one_revision_does_not_have_is_said_with_its_name(git, vtbench):
    root = repository(Path.cwd())
    write(root, NETS.replace("def make", "def build"), depth=1)
    ended = vtbench("regress", "--base", "HEAD", "toy.nets:build", *QUICK)
    assert (ended.status, ended.out) == (2, "")
    assert "In HEAD: The module 'toy.nets' has no 'build'." in ended.err


def test_a_head_that_no_longer_runs_fails(git, vtbench):
    write(repository(Path.cwd()), BROKEN)
    ended = vtbench("regress", "--base", "HEAD", "toy.nets:make", *QUICK)
    assert ended.status == 1, ended.err
    (found,) = json.loads(ended.out)["results"]
    assert found["verdict"] == "fails"
    assert "no way" in found["reason"]


def test_a_process_that_dies_is_an_answer_too(git):
    root = repository(Path.cwd())
    write(root, "import os\nos._exit(7)\n")
    with resident(working_tree(root), root) as remote:
        remote.prepare(_prepare("toy.nets:make", root, root))
        with pytest.raises(
            ModelError, match=r"In working tree: the process died \(exit status 7\)"
        ):
            remote.ready()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_where_the_one_that_compares_is_killed_nothing_is_left(git, tmp_path):
    code = (
        "import time; from pathlib import Path\n"
        "from vtbench.measure.revisions.messages import Prepare\n"
        "from vtbench.measure.revisions.remote import resident\n"
        "from vtbench.measure.revisions.trees import extracted, repository\n"
        "from vtbench.data.workload import Workload\n"
        "root = repository(Path.cwd())\n"
        "with extracted(root, 'HEAD') as tree, resident(tree, root) as remote:\n"
        "    remote.prepare(Prepare(workload=Workload(model='toy.nets:make'), index=None,\n"
        "        protocol='latency', root=str(tree.root), origin=str(root),\n"
        "        scratch=str(tree.scratch)))\n"
        "    remote.ready()\n"
        "    print(tree.scratch, remote._process.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        scratch, worker = process.stdout.readline().split()
        assert Path(scratch).is_dir()
        process.kill()
        process.wait(timeout=30)
    for _ in range(300):
        if not Path(scratch).exists() and not Path(f"/proc/{worker}").exists():
            break
        time.sleep(0.1)
    assert not Path(scratch).exists()


@pytest.mark.parametrize(
    "line",
    [
        b"{}\n", b"\n", b"hello\n", b"[" * 5_000, b'{"type":"Taken","seconds":0}\n',
        b'{"type":"Taken","seconds":1e-320}\n', b'{"type":"Taken","seconds":true}\n', b"\xff\n",
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_a_refusal(line):
    answer = answer_in(line)
    assert isinstance(answer, Refused)
    assert answer.error.startswith("The process: this is not a known answer")
