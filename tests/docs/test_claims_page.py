"""docs/claims.md holds: its suite reads, its commands print what it shows, its words exist."""

import re
import shlex
from pathlib import Path
from typing import get_args

import pytest
from made_measurements import H200, lines, made

from vtbench.claims.suite import read_suite
from vtbench.claims.suite.interval import SCALES
from vtbench.claims.suite.schema import Cell, Column, RowHead, Single, SuiteFile, Unprinted
from vtbench.claims.suite.types import CONVENTIONS, ClaimKind, Metric, Unknown

PAGE = (Path(__file__).parents[2] / "docs" / "claims.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"`(\w+\.toml)`:\n\n```toml\n(.*?)```", PAGE, re.DOTALL))
SUITE = FILES["convnext.toml"]
EXPECTED, *SNIPPETS = (
    text for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if text not in FILES.values()
)
CONSOLE = re.findall(r"```console\n\$ (.+)\n((?:.*\n)*?)```", PAGE)
RUN = [(command, shown) for command, shown in CONSOLE if "--measure " not in command]
STATUS = {"convnext.toml": 1, "swin.toml": 1, "speeds.toml": 0, "explain": 0}
SECONDS = {
    "resnet50": 0.0125,
    "timm:deit_small_patch16_224": 0.012,
    "timm:swin_tiny_patch4_window7_224": 0.02,
    "sparseformer_t": 0.0128,
}
"""Time of a step of 64 images in the file of measurements that the page speaks of."""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A directory with the page's suites in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    records = [made(model, seconds=time, device=H200, session="page")
               for model, time in SECONDS.items()]  # fmt: skip
    (tmp_path / "h200.jsonl").write_text(lines(records), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("command", "shown"), RUN, ids=[c for c, _ in RUN])
def test_commands_print_what_the_page_shows(vtbench, here, command, shown):
    name, *arguments = shlex.split(command)
    ended = vtbench(*arguments)
    status = STATUS.get(arguments[1], STATUS.get(arguments[0]))
    assert (name, ended.status) == ("vtbench", status), ended.err
    assert ended.out == shown


def test_the_expectation_that_the_page_writes_down_comes_true(vtbench, here):
    """With it the figure is no surprise any more; the two others still are."""
    plain = 'params = "28"\nflops = "4.5"\n'
    text = SUITE.replace(plain, f'flops = "4.5"\n{EXPECTED}')
    (here / "convnext.toml").write_text(text, encoding="utf-8")
    ended = vtbench("check", "convnext.toml")
    surprises = re.findall(r"^! (\S+):", ended.out, re.MULTILINE)
    assert surprises == ["convnext.in1k.base_384.flops", "convnext.in22k.base_384.flops"]


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_the_other_pieces_of_the_page_can_stand_in_a_suite(here, snippet):
    path = here / "convnext.toml"
    path.write_text(SUITE + "\n" + snippet, encoding="utf-8")
    assert read_suite(path)


def test_every_key_and_word_of_a_suite_is_on_the_page():
    words = set(re.findall(r"[\w/-]+|%", " ".join(re.findall(r"`([^`\n]+)`", PAGE))))
    keys = {key for kind in (SuiteFile, Column, Cell, RowHead, Unprinted, Single)
            for key in kind.__struct_fields__}  # fmt: skip
    values = {*get_args(ClaimKind), *get_args(Metric), *get_args(Unknown), *SCALES}
    unwritten = {"reference", "none", ""}  # made of `needs`, and of no metric or no unit
    assert (keys | values - unwritten) - words == set()
    assert set(CONVENTIONS["params"]) <= words
