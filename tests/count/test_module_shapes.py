"""Shapes of modules on request: what goes in and out, at the first call, and the kernel."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from vtbench.count.count_module import CountSettings, count_module


class Net(nn.Module):
    """A list that is not called, a module that is called twice, and inputs by name."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.LazyLinear(2)
        self.layers = nn.ModuleList(
            [nn.Conv2d(3, 6, (3, 5), stride=(2, 1), padding=1, groups=3), nn.MaxPool2d(2)]
        )
        self.twice = nn.Identity()
        self.pair = nn.Bilinear(2, 2, 3)
        self.idle = nn.Linear(2, 2)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            image = layer(self.twice(image))
        out = self.last(image.flatten(1))
        return self.pair(input1=out, input2=out)


@pytest.mark.parametrize("road", ["meta", "real"])
def test_shapes_are_those_of_the_first_call_in_the_order_of_registration(road: str) -> None:
    settings = CountSettings(road=road, shapes=True)  # type: ignore[arg-type]
    found = count_module(Net(), ((torch.zeros(4, 3, 9, 9),), {}), settings).shapes
    # (9 + 2 - 3) / 2 + 1 = 5 rows, 9 + 2 - 5 + 1 = 7 columns, halved 2 by 3
    assert {path: (each.given, each.made) for path, each in found.items()} == {
        "": (((4, 3, 9, 9),), ((4, 3),)),
        "last": (((4, 36),), ((4, 2),)),
        "layers.0": (((4, 3, 9, 9),), ((4, 6, 5, 7),)),
        "layers.1": (((4, 6, 5, 7),), ((4, 6, 2, 3),)),
        "twice": (((4, 3, 9, 9),), ((4, 3, 9, 9),)),
        "pair": (((4, 2), (4, 2)), ((4, 3),)),
    }
    assert list(found)[1:3] == ["last", "layers.0"]
    assert found["twice"].others == 1
    assert found["layers.0"].kernel == "3×5, stride 2×1, padding 1, groups 3"
    assert found["layers.1"].kernel == "2×2, stride 2"
    assert found["pair"].kernel == ""


def test_nothing_is_noted_unless_it_is_asked_for() -> None:
    found = count_module(nn.Linear(2, 2), ((torch.zeros(1, 2),), {}), CountSettings())
    assert found.shapes == {}


def test_the_command_shows_them_below_the_tree_and_in_json(vtbench) -> None:
    ended = vtbench("macs", "resnet18", "--shapes", "--resolution", "64")
    assert ended.status == 0
    rows = [line.split() for line in ended.out.partition("shapes, depth 1")[2].splitlines()]
    assert ["conv1", "1×3×64×64", "1×64×32×32", "7×7,", "stride", "2,", "padding", "3"] in rows
    assert ["fc", "1×512", "1×1000", "—"] in rows
    assert max(map(len, ended.out.splitlines())) <= 80
    ended = vtbench("macs", "resnet18", "--shapes", "--resolution", "64", "--format", "json")
    (found,) = json.loads(ended.out)["results"]
    assert found["shapes"]["fc"] == {
        "given": [[1, 512]], "made": [[1, 1000]], "kernel": "", "others": 0,
    }  # fmt: skip
    assert found["by"][0]["name"] == "conv1"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--by", "op"), "--shapes is for --by module, not for --by op"),
        (("--save", "counts.jsonl"), "leave out --from and --save"),
        (("--format", "csv"), "give --format json"),
    ],
)
def test_what_has_no_shapes_is_refused(vtbench, tmp_path, monkeypatch, arguments, said) -> None:
    monkeypatch.chdir(tmp_path)
    ended = vtbench("macs", "resnet18", "--shapes", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
