"""The action's comment on a pull request, against a server like GitHub's: written, then updated."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml
from pages import ROOT

SCRIPT = ROOT / "scripts" / "comment_on_pull_request.py"
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
COMMENTS = re.compile(
    r"/repos/o/r/issues/(?:7/comments|comments/(\d+))(?:\?per_page=(\d+)&page=(\d+))?"
)


class GitHub(ThreadingHTTPServer):
    """Comments of pull request 7 of o/r, in memory."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.comments = {}
        self.locked = set()
        """Numbers of comments that nobody may change."""
        self.refused = None
        """A status for every request that would write."""
        self.asked = []

    def add(self, body):
        number = 1000 + len(self.comments)
        self.comments[number] = body
        return number


class Handler(BaseHTTPRequestHandler):
    def do(self):
        place = COMMENTS.fullmatch(self.path)
        self.server.asked.append(self.command)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "null")
        if self.headers["Authorization"] != "Bearer secret" or place is None:
            return self.answer(401, {})
        number = place[1] and int(place[1])
        if self.command == "GET":
            size, page = int(place[2]), int(place[3])
            every = [{"id": n, "body": b} for n, b in self.server.comments.items()]
            return self.answer(200, every[size * (page - 1) : size * page])
        if self.server.refused or number in self.server.locked:
            return self.answer(self.server.refused or 403, {})
        if self.command == "PATCH":
            self.server.comments[number] = body["body"]
            return self.answer(200, {})
        return self.answer(201, {"id": self.server.add(body["body"])})

    do_GET = do_POST = do_PATCH = do

    def answer(self, status, data):
        said = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *args):
        pass


@pytest.fixture
def github():
    server = GitHub()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def environment(github, tmp_path):
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    return {
        **os.environ,
        "no_proxy": "127.0.0.1",
        "GITHUB_API_URL": f"http://127.0.0.1:{github.server_port}",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_RUN_ID": "12",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_TOKEN": "secret",
    }


@pytest.fixture
def comment(environment, tmp_path):
    """Run the script as the action does; what it prints."""

    def call(document="| a | b |", name="vtbench check", **changed):
        file = tmp_path / "check.md"
        file.write_text(document)
        done = subprocess.run(
            [sys.executable, "-I", str(SCRIPT), str(file), name],
            capture_output=True, text=True, check=False, env={**environment, **changed},
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return call


def test_it_is_written_once_and_then_updated(github, comment):
    assert comment("first") == "The comment 'vtbench check' was written.\n"
    assert comment("second") == "The comment 'vtbench check' was updated.\n"
    (body,) = github.comments.values()
    assert body == (
        "<!-- vtbench: vtbench check -->\n## vtbench check\n\nsecond\n\n"
        "[Details of this run](https://github.com/o/r/actions/runs/12)\n"
    )


def test_two_names_are_two_comments(github, comment):
    comment("one", "models/a")
    comment("two", "models/b")
    comment("three", "models/a")
    assert [body.split("\n")[3] for body in github.comments.values()] == ["three", "two"]


def test_it_is_found_among_many_and_quoted_by_nobody(github, comment):
    """On the third page; a reply that quotes it is not it."""
    for _ in range(250):
        github.add("a remark")
    github.add("> <!-- vtbench: vtbench check -->\n> first")
    own = github.add("<!-- vtbench: vtbench check -->\nfirst")
    assert "updated" in comment("second")
    assert len(github.comments) == 252
    assert "second" in github.comments[own]


def test_a_comment_of_somebody_else_with_the_marker_is_passed_over(github, comment):
    foreign = github.add("<!-- vtbench: vtbench check -->\nmine")
    github.locked.add(foreign)
    assert "written" in comment("first")
    assert "updated" in comment("second")
    assert github.comments[foreign].endswith("mine")
    assert len(github.comments) == 2


def test_a_token_that_only_reads_is_a_warning_and_the_job_goes_on(github, comment):
    """As a pull request from a fork has it."""
    github.refused = 403
    said = comment()
    assert said.startswith("::warning title=vtbench check::The comment could not be written. ")
    assert "pull-requests: write" in said
    assert "fork" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"GITHUB_TOKEN": "wrong"}, "GitHub answered 401"),
        ({"GITHUB_API_URL": "http://127.0.0.1:1"}, "URLError"),
        ({"GITHUB_EVENT_PATH": "/none"}, "FileNotFoundError"),
        ({"GITHUB_API_URL": "nonsense"}, "ValueError"),
    ],
)
def test_whatever_goes_wrong_is_a_warning(github, comment, changed, said):
    warning = comment(**changed)
    assert warning.startswith("::warning")
    assert said in warning
    assert github.comments == {}


def test_a_push_has_no_comment(github, comment, tmp_path):
    event = tmp_path / "push.json"
    event.write_text(json.dumps({"ref": "refs/heads/main"}))
    assert comment(GITHUB_EVENT_PATH=str(event)).startswith("::notice::")
    assert github.asked == []


def test_a_document_that_is_too_long_is_cut_at_a_line(github, comment):
    comment("| a | b |\n" * 10_000)
    (body,) = github.comments.values()
    assert len(body) <= 65_536
    assert "| a | b |\n\nThe rest is too long for a comment" in body
    assert body.endswith("actions/runs/12)\n")


def test_a_name_cannot_end_the_marker(github, comment):
    comment(name="a --> <b> $(touch owned)")
    assert "updated" in comment(name="a --> <b> $(touch owned)")
    (body,) = github.comments.values()
    assert body.split("\n")[0] == "<!-- vtbench: a - b touch owned -->"


@pytest.mark.parametrize("there", [True, False])
def test_the_step_of_the_action_writes_the_document_of_the_check(
    github, environment, tmp_path, there
):
    """If the check wrote none, it says that nothing could be judged."""
    (step,) = (step for step in ACTION["runs"]["steps"] if step["name"] == "Comment")
    assert step["if"] == "always() && inputs.comment == 'true'"
    assert ACTION["inputs"]["comment"]["default"] == "false"
    if there:
        (tmp_path / "vtbench").mkdir()
        (tmp_path / "vtbench" / "check.md").write_text("### the tables\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    environment |= {
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_ACTION_PATH": str(ROOT),
        "VTBENCH_COMMENT_NAME": "cost; touch owned",
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        [shutil.which("bash") or "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c",
         step["run"]],
        capture_output=True, text=True, check=False, env=environment, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (body,) = github.comments.values()
    assert ("### the tables" if there else "Nothing could be judged") in body
    assert not (tmp_path / "owned").exists()
