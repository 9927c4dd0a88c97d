"""STViT: what it costs, and how semantic tokens are made."""

from __future__ import annotations

import pytest
import timm
import torch
from counts_by_name import counted

from vtbench import reduce
from vtbench.count.count_workload import count_workload
from vtbench.data.workload import Workload
from vtbench.errors import BadOption, ModelError
from vtbench.reduce.methods import stvit

WIDTHS = {"t": 192, "s": 384, "b": 768}
# base blocks, blocks that make semantic tokens -> G of DeiT-S as its paper's tables have them
PRINTED = {(4, 2): 1.91, (4, 3): 1.97, (4, 4): 2.03, (3, 2): 1.56, (8, 2): 3.30}


def macs_of(C: int, plain: int, making: int, s: int = 16) -> int:
    """A DeiT without class token: all patches, then s queries on 196 + s keys, then s tokens."""
    total = 3 * 16 * 16 * 196 * C + C * 1000
    total += plain * (12 * 196 * C * C + 2 * 196 * 196 * C)
    total += making * (C * C * (s + 2 * (196 + s) + s + 8 * s) + 2 * s * (196 + s) * C)
    return total + (12 - plain - making) * (12 * s * C * C + 2 * s * s * C)


@pytest.mark.parametrize("size", WIDTHS)
def test_as_many_as_the_rule_says(size):
    assert counted(f"stvit_deit_{size}").macs == macs_of(WIDTHS[size], 4, 2)


@pytest.mark.parametrize(("layers", "printed"), PRINTED.items())
def test_the_figures_of_its_tables(layers, printed):
    plain, making = layers
    macs = counted("stvit_deit_s", base_layers=plain, stgm_layers=making).macs
    assert macs == macs_of(384, plain, making)
    assert round(macs / 1e9, 2) == printed


def test_the_network_has_no_class_token_and_pools():
    record = count_workload(Workload(model="stvit_deit_s", options=(("semantic", 9),)))
    assert record.macs == macs_of(384, 4, 2, 9)
    whole = timm.create_model("deit_small_patch16_224", class_token=False, global_pool="avg")
    learned = sum(each.numel() for each in whole.parameters()) + 9 * 384
    assert record.parameters.total == learned


def test_a_class_token_is_kept():
    model = timm.create_model("vit_tiny_patch16_224", img_size=64, depth=4).eval()
    seen = []
    model.blocks[3].register_forward_hook(lambda _, __, x: seen.append(x.shape))
    reduction = reduce.stvit(model, semantic=4)
    model(torch.randn(2, 3, 64, 64))
    assert (seen, reduction.lengths) == ([(2, 5, 192)], [16, 4, 4, 4])


@pytest.mark.parametrize(
    ("semantic", "shape"), [(16, (4, 4)), (9, (3, 3)), (8, (2, 4)), (7, (1, 7))]
)
def test_cells_are_as_square_as_they_divide(semantic, shape):
    assert stvit.cells(semantic) == shape


def test_semantic_tokens_start_as_means_of_cells():
    """2 rows of 4 patches, 0 to 7, in two cells."""
    patches = torch.arange(8.0).reshape(1, 8, 1)
    assert stvit.pooled(patches, (2, 4), 2).flatten().tolist() == [2.5, 4.5]
    assert stvit.cell_of((2, 4), 2).tolist() == [0, 0, 1, 1, 0, 0, 1, 1]


def test_the_queries_are_semantic_tokens_and_the_keys_both():
    torch.manual_seed(0)
    model = timm.create_model("vit_tiny_patch16_224", img_size=32, depth=1).eval().double()
    attention = model.blocks[0].attn
    both = torch.randn(2, 7, 192, dtype=torch.float64)
    expected = attention(both)[:, :3]
    with reduce.stvit(model, semantic=2, base_layers=0, stgm_layers=1):
        found = stvit.crossed(attention, both[:, :3], both[:, 3:])
    assert torch.allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"semantic": 0}, "whole number from 1"),
        ({"semantic": 197}, "196 patches"),
        ({"base_layers": 11}, "12 blocks in all"),
        ({"stgm_layers": 0}, "whole number from 1"),
    ],
)
def test_what_it_refuses(options, said):
    model = timm.create_model("deit_tiny_patch16_224")
    with pytest.raises(BadOption, match=said):
        reduce.stvit(model, **options)
    assert type(model.blocks[0]) is timm.models.vision_transformer.Block


def test_another_host_is_left_as_it_is_or_refused():
    with pytest.raises(ModelError, match="not a vision transformer"):
        counted("reduce:stvit:timm:resnet18")
    assert counted("reduce:stvit:timm:vit_base_patch16_siglip_224").macs > macs_of(768, 4, 2)
