"""What a model makes of an image: panels as data, and a figure."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import vtbench as package


@pytest.fixture
def picture(tmp_path):
    """An image with a bright and a dark half."""
    pixels = np.zeros((64, 96, 3), dtype=np.uint8)
    pixels[:, 48:] = 200
    path = tmp_path / "half.png"
    Image.fromarray(pixels).save(path)
    return path


def test_a_method_shows_which_patches_are_in_one_token(vtbench, picture, tmp_path):
    drawn = tmp_path / "t.svg"
    ended = vtbench("show", "tome_deit_t", "-o", "r=13", "--image", str(picture), "--plot",
                    str(drawn), "--format", "json")  # fmt: skip
    assert ended.status == 0, ended.err
    panels = json.loads(ended.out)["results"]
    assert [panel["title"] for panel in panels] == [f"block {index}" for index in range(12)]
    for index, panel in enumerate(panels):
        tokens = {token for row in panel["groups"] for token in row}
        assert len(tokens) == 196 - 13 * (index + 1)
        assert -1 not in tokens
    assert drawn.read_text(encoding="utf-8").startswith("<?xml")
    assert f"wrote {drawn}" in ended.err


def test_what_is_dropped_is_said(vtbench, picture, tmp_path):
    asked = ("show", "evit_deit_t", "-o", "fused_token=false", "-o", "keep_rate=0.5", "--image",
             str(picture), "--plot", str(tmp_path / "e.png"))  # fmt: skip
    ended = vtbench(*asked)
    assert ended.status == 0, ended.err
    # half of 196, of 98 and of 49, rounded up
    assert "block 3  98 of 196 tokens, 98 dropped" in ended.out
    assert "block 9  25 of 196 tokens, 171 dropped" in ended.out
    assert (tmp_path / "e.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("model", "panels", "said"),
    [("sparseformer_t", 5, "49 regions, 36 points in each"), ("vt_r18", 8 + 4, "of it from one")],
)
def test_other_networks_show_what_their_tokens_see(model, panels, said, picture):
    found = package.show(model, picture)
    assert len(found.found.panels) == panels
    assert said in found.table()
    assert found.plot()._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("resnet18", "--image", "{picture}"), "shows nothing of what it makes of an image"),
        (("evit_deit_t", "--image", "nowhere.png"), "there is no file 'nowhere.png'"),
        (("evit_deit_t", "--image", "{folder}/text.png"), "cannot be read as an image"),
        (("evit_deit_t", "tome_deit_t", "--image", "{picture}"), "name one"),
        (("evit_deit_t", "--image", "{picture}", "--plot", "x.txt"), "ends in .pdf, .png or .svg"),
        (("evit_deit_t",), "Missing option '--image'"),
    ],
)
def test_what_cannot_be_shown_is_refused(asked, said, vtbench, picture, tmp_path):
    (tmp_path / "text.png").write_text("no image", encoding="utf-8")
    words = [word.format(picture=picture, folder=tmp_path) for word in asked]
    ended = vtbench("show", *words)
    assert ended.status == 2
    assert said in ended.err
    assert ended.out == ""
