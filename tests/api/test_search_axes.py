"""A suite without a search: what it could vary is said at each claim that nothing explains."""

from __future__ import annotations

from pathlib import Path

import pytest

import vtbench

NET = """
from torch import nn

def make(width: int = 8, depths=(2, 2), *, bias: bool = True, scale=0.5, act="relu", img_size=32):
    return nn.Sequential(*(nn.Conv2d(3, 3, 1) for _ in range(sum(depths))))
"""
SUITE = """
[suite]
title = "A"
source = "a test"
{search}
[[claim]]
id = "c"
where = "README"
metric = "macs"
unit = "K"
printed = "{printed}"
workload = {{ model = "axes_net:make", resolution = 32 }}
"""


@pytest.fixture
def reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The reason for the verdict on the only claim."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "axes_net.py").write_text(NET)

    def call(printed: str, search: str = "") -> str:
        (tmp_path / "a.toml").write_text(SUITE.format(printed=printed, search=search))
        (verdict,) = vtbench.check("a.toml", allow_imports=True).verdicts
        return verdict.reason

    return call


def test_axes_are_the_resolution_and_the_options_that_are_sizes(reason) -> None:
    assert reason("500").endswith(
        "The suite has no [search], so only conventions were tried; its axes could be resolution, "
        "width, depths."
    )


def test_nothing_is_suggested_if_a_claim_holds_or_a_search_was_made(reason) -> None:
    assert "[search]" not in reason("36.9")  # 4 layers of 3·3 at 32·32 pixels
    assert "[search]" not in reason("500", "[search]\nwidth = [8, 16]")
