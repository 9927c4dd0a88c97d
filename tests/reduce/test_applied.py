"""A method on a network: it counts as its rule says, leaves the weights alone, and is undone."""

from __future__ import annotations

import copy

import pytest
import timm
import torch
from reduced_hosts import small

from vtbench import reduce
from vtbench.count.count_workload import count_workload
from vtbench.data.workload import Workload
from vtbench.errors import BadOption, ModelError, UnknownModel
from vtbench.models import resolve

C, P = 384, 196


def macs_of(lengths: list[int]) -> int:
    """DeiT-S of these tokens before each block's MLP, class token included; the stem and the head.

    A block projects n tokens four times, multiplies n·n·C twice, and feeds m forward.
    """
    total, n = 3 * 16 * 16 * P * C + C * 1000, P + 1
    for m in lengths:
        total += 4 * n * C * C + 2 * n * n * C + 8 * m * C * C
        n = m
    return total


def test_evit_counts_as_its_tokens_say():
    # 138 of 196 kept + class + fused, then 98 of 139, then 70 of 99
    tokens = [197] * 3 + [140] * 3 + [100] * 3 + [72] * 3
    record = count_workload(Workload(model="evit_deit_s", options=(("keep_rate", 0.7),)))
    assert record.macs == macs_of(tokens) == 3_029_280_768


def test_tome_counts_as_its_tokens_say():
    tokens = [197 - 13 * block for block in range(1, 13)]
    matching = sum(-(-n // 2) * (n // 2) * 64 for n in (197, *tokens[:-1]))
    record = count_workload(Workload(model="tome_deit_s"))
    assert record.macs == macs_of(tokens) + matching == 2_706_111_680


@pytest.mark.parametrize("method", ["evit", "tome"])
def test_it_is_undone_bit_for_bit(method):
    model, image = small(), torch.randn(2, 3, 64, 64)
    before, names = model(image), list(model.state_dict())
    with getattr(reduce, method)(model) as reduced:
        assert list(reduced.state_dict()) == names
        assert not torch.equal(reduced(image), before)
        assert torch.equal(copy.deepcopy(reduced)(image), reduced(image))
    assert torch.equal(model(image), before)
    assert type(model.blocks[0]) is timm.models.vision_transformer.Block


@pytest.mark.parametrize(("method", "options"), [("evit", {"keep_rate": 1.0}), ("tome", {"r": 0})])
def test_what_keeps_all_is_the_network_itself(method, options):
    model, image = small().double(), torch.randn(2, 3, 64, 64, dtype=torch.float64)
    before = model(image)
    with getattr(reduce, method)(model, **options) as reduced:
        assert (reduced(image) - before).abs().max() < 1e-10


def test_tokens_are_met_by_the_nearest_setting():
    model = timm.create_model("deit_small_patch16_224")
    assert reduce.tome(model, tokens=98).lengths[-1] == 196 - 12 * 8
    with pytest.raises(ModelError, match="reduced already"):
        reduce.evit(model)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"keep_rate": 0}, "above 0 and at most 1"),
        ({"keep_rate": 1.5}, "above 0 and at most 1"),
        ({"keep_rate": [0.5, 0.5]}, "2 rates for 3 stages"),
        ({"blocks": [3, 12]}, "from 0 to 11"),
        ({"keeprate": 0.5}, "Did you mean keep_rate"),
        ({"tokens": 500}, "from 1 to 196"),
        ({"tokens": 98, "keep_rate": 0.5}, "give one of them"),
    ],
)
def test_what_it_refuses_leaves_the_network_as_it_is(options, said):
    model = timm.create_model("deit_tiny_patch16_224")
    with pytest.raises(BadOption, match=said):
        reduce.evit(model, **options)
    assert type(model.blocks[0]) is timm.models.vision_transformer.Block


def test_what_is_no_host_is_refused():
    with pytest.raises(ModelError, match="not a vision transformer"):
        reduce.tome(timm.create_model("resnet18"))
    with pytest.raises(UnknownModel, match="Did you mean timm:deit_small"):
        count_workload(Workload(model="reduce:tome:timm:deit_smal_patch16_224"))


def test_the_record_says_by_what_tokens_were_met():
    record = count_workload(Workload(model="tome_deit_s", options=(("tokens", 98),)))
    assert record.settled == {"r": 8, "tokens_left": 100}
    assert record.macs == 3_421_097_984


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("reduce:tom:timm:vit_base_patch16_224", "Did you mean reduce:tome:timm:vit_base_pat"),
        ("reduce:tome", "Name a host too"),
        ("tome_deit_q", "Did you mean tome_deit_s"),
    ],
)
def test_a_misspelt_method_or_host_is_named(name, said):
    with pytest.raises(UnknownModel, match=said):
        resolve(name)
