"""GTP: what it costs, and what is handed on to whom."""

from __future__ import annotations

import pytest
import timm
import torch
from counts_by_name import counted

from vtbench import reduce
from vtbench.errors import BadOption, ModelError
from vtbench.reduce.methods import gtp

SIZES = {"t": 192, "s": 384, "b": 768}
STAGES = {
    (147, 37, 9): 1_731_605_114,
    (98, 49, 25): 2_312_245_309,
    (59, 41, 29): 3_015_547_658,
    (20, 18, 16): 3_992_722_492,
}
"""Patches that go before the MLP of blocks 3, 6 and 9, with a scale, and MACs on DeiT-S."""


def macs_of(C: int, gone: list[int], more: int) -> int:
    """A DeiT of width C; ``more`` channels of a token beside its own are handed on too."""
    total, n = 3 * 16 * 16 * 196 * C + C * 1000 + 196 * 196 * C + 2 * 196**3, 197
    for r in gone:
        m = n - r
        total += 4 * n * C * C + 2 * n * n * C + 8 * m * C * C + r * (m - 1) * (C + more)
        n = m
    return total


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("r", [1, 11, 16])
def test_as_many_as_the_rule_says(size, r):
    scaled = r != 11
    expected = macs_of(SIZES[size], [r] * 12, int(scaled))
    assert counted(f"gtp_deit_{size}", r=r, token_scale=scaled).macs == expected


def test_the_figures_of_its_authors_code():
    assert counted("gtp_deit_s").macs == macs_of(384, [8] * 12, 0) == 3_451_576_448
    assert (
        counted("gtp_deit_s", token_scale=True).macs == macs_of(384, [8] * 12, 1) == 3_451_590_272
    )


@pytest.mark.parametrize(("gone", "macs"), STAGES.items())
def test_at_three_blocks_alone(gone, macs):
    r = [0, 0, 0, gone[0], 0, 0, gone[1], 0, 0, gone[2], 0, 0]
    assert counted("gtp_deit_s", r=r, token_scale=True).macs == macs_of(384, r, 1) == macs


def test_a_graph_normalised_edge_by_edge_saves_its_products():
    expected = macs_of(384, [8] * 12, 0) - 2 * 196**3
    assert counted("gtp_deit_s", products=False).macs == expected
    # nothing is looked for in a graph of the grid alone
    expected -= 196 * 196 * 384
    assert counted("gtp_deit_s", products=False, graph="spatial").macs == expected


def test_neighbours_on_the_grid():
    """Of 2 rows and 3 columns: patch 0 touches 1, 3 and 4; patch 1 all others."""
    near = gtp.spatial(2, 3)
    assert near[0].tolist() == [0, 1, 0, 1, 1, 0]
    assert near[1].tolist() == [1, 0, 1, 1, 1, 1]
    assert torch.equal(near, near.T)


def test_neighbours_by_likeness():
    """Angles 0, 30 and 90 degrees: the nearest of each, and nothing if it is at a right angle."""
    patches = torch.tensor([[[1.0, 0.0], [3**0.5, 1.0], [0.0, 2.0]]])
    near = gtp.semantic(patches, 1)[0]
    expected = torch.tensor([[0, 3**0.5 / 2, 0], [3**0.5 / 2, 0, 0], [0, 0.5, 0]])
    assert torch.allclose(near, expected, atol=1e-6)
    two = gtp.semantic(patches, 9)[0]
    assert torch.allclose(two[0], torch.tensor([0, 3**0.5 / 2, 0]), atol=1e-6)


def test_both_ways_to_normalise_are_the_same():
    graph = torch.rand(2, 5, 5, dtype=torch.float64)
    graph[0, 0] = 0
    one = gtp.normalised(graph, products=True)
    assert torch.allclose(one, gtp.normalised(graph, products=False), atol=1e-14)
    degrees = graph.sum(-1)
    assert torch.isclose(one[1, 2, 3], graph[1, 2, 3] / (degrees[1, 2] * degrees[1, 3]).sqrt())


def test_importance_is_what_a_patch_is_of_itself_times_what_others_take():
    """One head; the first token is a class token. 0.5·(0.2 + 0.3) and 0.6·(0.4 + 0.1)."""
    attention = torch.tensor([[[[0.4, 0.2, 0.4], [0.4, 0.5, 0.1], [0.1, 0.3, 0.6]]]])
    assert torch.allclose(gtp.importance(attention, 1), torch.tensor([[0.25, 0.3]]))


def test_the_largest_scores_of_a_row_are_kept():
    scores = torch.tensor([[[[1.0, 4.0, 2.0, 3.0]]]])
    kept = gtp.densest(scores, 0.5).softmax(-1)
    assert (kept > 0).tolist() == [[[[False, True, False, True]]]]


def test_what_goes_is_added_along_the_edges():
    """A graph of the grid, by hand: the last block hands on what its attention ranks last."""
    torch.manual_seed(0)
    model = timm.create_model("vit_tiny_patch16_224", img_size=32, depth=1).eval().double()
    image = torch.randn(1, 3, 32, 32, dtype=torch.float64)
    block, x = model.blocks[0], model._pos_embed(model.patch_embed(image))
    n = block.norm1(x)
    q, k, v = block.attn.qkv(n).reshape(1, 5, 3, 3, 64).permute(2, 0, 3, 1, 4)
    attention = (q @ k.transpose(2, 3) / 8).softmax(-1)
    x = x + block.attn.proj((attention @ v).transpose(1, 2).reshape(1, 5, 192))
    score = gtp.importance(attention, 1)[0]
    gone = int(score.argmin())
    x[0, 1:] += 0.5 * x[0, 1 + gone] / 3  # all four touch: each degree is 3
    x = torch.cat((x[:, :1], x[:, [1 + each for each in range(4) if each != gone]]), dim=1)
    x = model.norm(x + block.mlp(block.norm2(x)))
    with reduce.gtp(model, r=1, alpha=0.5, graph="spatial") as reduced:
        assert torch.allclose(reduced(image), model.head(x[:, 0]), atol=1e-12)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"r": 17}, "takes 204 patches in all"),
        ({"r": -1}, "whole numbers from 0"),
        ({"graph": "both"}, "mixed, semantic, spatial"),
        ({"neighbours": 0}, "whole number from 1"),
        ({"sparsity": 0}, "above 0 and at most 1"),
    ],
)
def test_what_it_refuses(options, said):
    model = timm.create_model("deit_tiny_patch16_224")
    with pytest.raises(BadOption, match=said):
        reduce.gtp(model, **options)
    assert type(model.blocks[0]) is timm.models.vision_transformer.Block


def test_another_size_of_image_has_another_grid():
    model = timm.create_model("vit_tiny_patch16_224", depth=2, dynamic_img_size=True).eval()
    with reduce.gtp(model, r=2), pytest.raises(ModelError, match="196 patches touch"):
        model(torch.randn(1, 3, 64, 96))
    with reduce.gtp(model, r=2, graph="semantic"):
        assert model(torch.randn(1, 3, 64, 96)).shape == (1, 1000)
