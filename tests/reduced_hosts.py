"""Hosts of token reductions, and an independent count of what a method costs on them."""

from __future__ import annotations

import functools
from typing import Any

import timm
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from vtbench import reduce

_DEITS = {"T": "deit_tiny_patch16_224", "S": "deit_small_patch16_224", "B": "deit_base_patch16_224"}


@functools.cache
def deit(size: str) -> nn.Module:
    """DeiT-T, S or B without weights, for counting."""
    with torch.device("meta"):
        return timm.create_model(_DEITS[size]).eval()


def macs(method: str, size: str, **options: Any) -> int:
    """Multiply-accumulates of a method on a DeiT at 224 pixels, by the counter of torch."""
    with torch.device("meta"):
        image = torch.empty(1, 3, 224, 224)
        reduction = getattr(reduce, method)(deit(size), **options)
    with reduction as model, FlopCounterMode(display=False) as counter, torch.no_grad():
        model(image)
    return counter.get_total_flops() // 2


def small(name: str = "vit_tiny_patch16_224", **options: Any) -> nn.Module:
    """A small host of 16 patches and 4 blocks with weights that are no identity."""
    torch.manual_seed(0)
    options = {"img_size": 64, "depth": 4, "num_classes": 10, **options}
    return timm.create_model(name, **options).eval()


def alike(model: nn.Module) -> torch.Tensor:
    """Images whose patches are all the same, for a model that is made not to tell their places."""
    for name, parameter in model.named_parameters():
        if name == "pos_embed":
            parameter.data.zero_()
    torch.manual_seed(1)
    like = next(model.parameters())
    return torch.randn(2, 3, 16, 16, dtype=like.dtype).repeat(1, 1, 4, 4)
