"""Sparsifiner: what runs is counted, and who attends to whom."""

from __future__ import annotations

import pytest
import timm
import torch
from counts_by_name import counted

from vtbench import reduce
from vtbench.errors import BadOption, ModelError
from vtbench.reduce.methods import sparsifiner

WIDTHS = {"t": 192, "s": 384, "b": 768}


def macs_of(C: int, kept: int, entries: int) -> int:
    """A DeiT: ``kept`` keys of a query are multiplied, and ``entries`` of a row with the basis.

    Heads of 64 channels, 32 narrow ones; 197 tokens, 32 of low rank.
    """
    n, d, c, rank, heads = 197, 64, 32, 32, C // 64
    foresee = heads * (2 * n * d * c + 2 * c * n * rank + n * entries * n)
    block = 12 * n * C * C + 2 * n * kept * C + foresee
    return 3 * 16 * 16 * 196 * C + C * 1000 + 12 * block


@pytest.mark.parametrize("size", WIDTHS)
def test_a_mask_saves_no_product(size):
    assert counted(f"sparsifiner_deit_{size}").macs == macs_of(WIDTHS[size], 197, 32)


@pytest.mark.parametrize(("keep_rate", "kept"), [(0.25, 49), (0.05, 9)])
def test_products_are_saved_if_keys_are_gathered(keep_rate, kept):
    options = {"keep_rate": keep_rate, "gathered": True}
    assert counted("sparsifiner_deit_s", **options).macs == macs_of(384, kept, 8)


def test_largest_entries_times_the_basis():
    low = torch.tensor([[[[0.1, 0.6, 0.3]]]])
    basis = torch.tensor([[9.0, 9.0], [1.0, 2.0], [3.0, 0.0]])
    for gathered in (False, True):
        found = sparsifiner.of_largest(low, basis, 2, gathered=gathered)
        assert torch.allclose(found, torch.tensor([[[[1.5, 1.2]]]]))


def test_both_ways_attend_to_the_same():
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 3, 7, 8, dtype=torch.float64)
    foreseen = torch.rand(2, 3, 7, 7, dtype=torch.float64)
    kept = foreseen.topk(3, dim=-1).indices
    one = sparsifiner.masked(q, k, v, foreseen, kept)
    assert torch.allclose(one, sparsifiner.gathered(q, k, v, foreseen, kept), atol=1e-14)
    scores = (q[1, 2, 4] @ k[1, 2, kept[1, 2, 4]].T / 8**0.5).softmax(-1)
    assert torch.allclose(one[1, 2, 4], scores @ v[1, 2, kept[1, 2, 4]])


@pytest.mark.parametrize("gathered", [False, True])
def test_who_attends_to_all_is_the_network_itself(gathered):
    torch.manual_seed(0)
    model = timm.create_model("vit_tiny_patch16_224", img_size=64, depth=2).eval().double()
    image = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    before = model(image)
    with reduce.sparsifiner(model, keep_rate=1, gathered=gathered):
        assert (model(image) - before).abs().max() < 1e-10
    with reduce.sparsifiner(model, gathered=gathered):
        assert (model(image) - before).abs().max() > 1e-6


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"keep_rate": 0}, "above 0 and at most 1"),
        ({"keep_rate": [0.5]}, "above 0 and at most 1"),
        ({"reduce_n": 0}, "from 1 to 197"),
        ({"reduce_c": 65}, "from 1 to 64"),
        ({"top": 0}, "from 1 to 197"),
    ],
)
def test_what_it_refuses(options, said):
    model = timm.create_model("deit_tiny_patch16_224")
    with pytest.raises(BadOption, match=said):
        reduce.sparsifiner(model, **options)
    assert type(model.blocks[0]) is timm.models.vision_transformer.Block


def test_another_size_of_image_is_refused():
    model = timm.create_model("vit_tiny_patch16_224", depth=1, dynamic_img_size=True).eval()
    with reduce.sparsifiner(model), pytest.raises(ModelError, match="made for 196 patches"):
        model(torch.randn(1, 3, 64, 64))
