"""docs/claims.md holds: its pieces can stand in a suite, and every word of a suite is on it."""

import re
from typing import get_args

import pytest
from pages import NAMED, ROOT, blocks_of

from vtbench.claims.suite import read_suite
from vtbench.claims.suite.interval import SCALES
from vtbench.claims.suite.schema import Cell, Column, RowHead, Single, SuiteFile, Unprinted
from vtbench.claims.suite.types import CONVENTIONS, ClaimKind, Metric, Unknown

PAGE = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
TOML = [block.text for block in blocks_of(PAGE) if block.language == "toml"]
FILES = {named[1]: text for text in TOML if (named := NAMED.match(text))}
SUITE = FILES["convnext.toml"]
EXPECTED, *SNIPPETS = (text for text in TOML if text not in FILES.values())


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A directory with the page's suites in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


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
