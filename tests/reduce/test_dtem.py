"""DTEM merges by an embedding of its own, and costs what was measured of its code."""

from __future__ import annotations

import pytest
import torch
from reduced_hosts import macs, small

from vtbench import reduce
from vtbench.errors import BadOption

COUNTS = [
    (0, None, 1_282_732_032, 4_656_979_968, 17_680_023_552),
    (8, None, 951_554_048, 3_466_219_520, 13_198_807_040),
    (11, None, 831_247_424, 3_029_981_504, 11_541_472_064),
    (12, None, 791_954_688, 2_886_155_520, 10_992_168_192),
    (13, None, 753_066_944, 2_743_123_136, 10_444_435_136),
    (16, None, 640_601_600, 2_325_863_936, 8_838_970_880),
    (20, None, 525_920_128, 1_898_233_984, 7_189_131_904),
    (16, 128, 659_540_992, 2_360_876_032, 8_906_128_384),
]


@pytest.mark.parametrize(("r", "width", "counts"), [(r, w, each) for r, w, *each in COUNTS])
def test_it_costs_what_was_measured(r, width, counts):
    assert [macs("dtem", size, r=r, feature_dim=width) for size in "TSB"] == counts


def staged(*numbers: int) -> list[int]:
    """So many go at blocks 3, 6 and 9 of 12."""
    r = [0] * 12
    r[3], r[6], r[9] = numbers
    return r


@pytest.mark.parametrize(
    ("r", "count"),
    [
        (staged(147, 37, 9), 2_514_534_720),
        (staged(98, 49, 25), 2_314_825_536),
        (staged(59, 41, 29), 3_021_471_936),
        (staged(20, 18, 16), 4_012_280_704),
        # 100 in all, falling
        ([10, 12, 11, 10, 10, 9, 8, 7, 7, 6, 5, 5], 3_238_110_208),
    ],
)
def test_a_list_costs_what_was_measured(r, count):
    assert macs("dtem", "S", r=r) == count


def test_an_embedding_by_the_keys_is_tome():
    model = small().double()
    image = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    with reduce.tome(model, r=3):
        expected = model(image)
    with reduce.dtem(model, r=3):
        for block in model.blocks:
            heads, width = block.attn.num_heads, block.attn.head_dim
            channels = heads * width
            keys = block.attn.qkv.weight.data[channels : 2 * channels]
            block.reduction.embedding.weight.data = keys.reshape(heads, width, channels).mean(0)
            block.reduction.embedding.bias.data.zero_()
        assert (model(image) - expected).abs().max() < 1e-10


@pytest.mark.parametrize(("name", "width"), [("deit_small", 64), ("vit_large", 128)])
def test_its_parameters_are_one_embedding_in_each_block(name, width):
    model = small(f"{name}_patch16_224")
    channels = model.embed_dim
    before = sum(each.numel() for each in model.parameters())
    reduce.dtem(model, r=2)
    after = sum(each.numel() for each in model.parameters())
    assert after - before == 4 * (channels * width + width)


@pytest.mark.parametrize("width", [0, -64, 1.5, True])
def test_it_refuses_a_width(width):
    with pytest.raises(BadOption, match="whole number of channels from 1"):
        reduce.dtem(small(), feature_dim=width)
