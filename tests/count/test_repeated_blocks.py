"""The blocks of a network, found by its structure; their figures sum to the whole."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import vtbench
from vtbench.data.stages import blocks_of
from vtbench.report import breakdown

TOKENS, WIDTH = 5, 8


class Mixer(nn.Module):
    def __init__(self, width=WIDTH, hidden=WIDTH):
        super().__init__()
        self.first, self.second = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return x + self.second(torch.relu(self.first(x)))


class Stage(nn.Module):
    def __init__(self, width, depth):
        super().__init__()
        self.reduction = nn.Linear(width // 2, width)
        self.blocks = nn.Sequential(*(Mixer(width) for _ in range(depth)))

    def forward(self, x):
        return self.blocks(self.reduction(x))


class Heads(nn.Module):
    """A block with a list of equal parts of its own, which are not the blocks of the model."""

    def __init__(self):
        super().__init__()
        self.heads = nn.ModuleList(Mixer(hidden=2) for _ in range(2))
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        return self.out(sum(head(x) for head in self.heads))


class Pair(nn.Module):
    """Blocks that are attributes."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.end = Mixer(), Mixer(), nn.Linear(WIDTH, 2)

    def forward(self, x):
        return self.end(self.two(self.one(x)))


def counted(model, width=WIDTH):
    return vtbench.count(model, torch.zeros(1, TOKENS, width)).record


def paths(record, depth=None):
    return [block.path for block in blocks_of(record, depth)]


def test_a_list_of_blocks_with_the_macs_and_bytes_of_each():
    record = counted(nn.Sequential(nn.Linear(WIDTH, WIDTH), Mixer(), Mixer(), Mixer()))
    first, *_, outside = parts = breakdown(record, "block")
    assert [part.name for part in parts] == ["1", "2", "3", "(other)"]
    assert first.macs == 2 * TOKENS * WIDTH * WIDTH
    assert first.params == 2 * (WIDTH * WIDTH + WIDTH)
    assert first.weight_bytes == 4 * first.params
    # two linear layers, relu and the sum
    assert first.written_bytes == 4 * 4 * TOKENS * WIDTH
    assert outside.macs == TOKENS * WIDTH * WIDTH


def test_blocks_in_stages_are_shown_in_the_place_of_the_stages():
    record = counted(nn.Sequential(Stage(16, 1), Stage(32, 2)))
    assert paths(record) == ["0", "0.blocks.0", "1", "1.blocks.0", "1.blocks.1"]
    assert paths(record, depth=1) == ["0", "1"]
    rows = {part.name: part.macs for part in breakdown(record, "block")}
    assert rows == {
        "0 (own)": TOKENS * 8 * 16,
        "0.blocks.0": 2 * TOKENS * 16 * WIDTH,
        "1 (own)": TOKENS * 16 * 32,
        "1.blocks.0": 2 * TOKENS * 32 * WIDTH,
        "1.blocks.1": 2 * TOKENS * 32 * WIDTH,
    }


def test_equal_parts_of_a_block_are_not_the_blocks():
    record = counted(nn.Sequential(Heads(), Heads()))
    assert paths(record) == ["0", "1"]
    assert paths(record, depth=2) == ["0", "0.heads.0", "0.heads.1", "1", "1.heads.0", "1.heads.1"]


def test_blocks_that_are_attributes():
    record = counted(Pair())
    assert paths(record) == ["one", "two"]


def test_layers_alone_are_no_blocks():
    record = counted(nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH)))
    assert paths(record) == []
    (outside,) = [part for part in breakdown(record, "block") if part.macs]
    assert (outside.name, outside.macs) == ("(other)", 2 * TOKENS * WIDTH * WIDTH)


def test_a_block_that_runs_several_times_is_one():
    shared = Mixer()
    record = counted(nn.Sequential(shared, shared, shared))
    assert paths(record) == ["0"]
    assert breakdown(record, "block")[0].macs == 3 * 2 * TOKENS * WIDTH * WIDTH


@pytest.mark.parametrize(
    ("model", "number", "first"),
    [
        ("timm:vit_tiny_patch16_224", 12, "blocks.0"),
        ("timm:swin_tiny_patch4_window7_224", 12, "layers.0.blocks.0"),
        ("torchvision:swin_t", 12, "features.1.0"),
        ("torchvision:resnet50", 16, "layer1.0"),
        ("torchvision:mobilenet_v2", 17, "features.1"),
        ("timm:regnety_004", 16, "s1.b1"),
        ("transformers:ViTModel", 12, "layers.0"),
    ],
)
def test_libraries_are_divided_into_their_blocks(model, number, first):
    if model.startswith("transformers:"):
        pytest.importorskip("transformers")
    record = vtbench.count(model).record
    found = [block for block in blocks_of(record) if block.path.startswith(first[:1])]
    blocks = [block for block in found if block.class_name == _class_of(found, first)]
    assert len(blocks) == number
    parts = breakdown(record, "block")
    assert sum(part.macs for part in parts) == record.macs
    assert sum(part.params for part in parts) == record.parameters.total
    assert sum(part.weight_bytes for part in parts) == record.memory.weights


def _class_of(blocks, path):
    return next(block.class_name for block in blocks if block.path == path)
