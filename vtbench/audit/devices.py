"""Dense peaks of named GPUs: what no program on one of them can exceed.

Figures are tera-operations per second (a multiply-add is two) without sparsity, from NVIDIA's
datasheets. Where several boards share a name, the fastest counts, so that a bound stays a bound.
"""

from __future__ import annotations

import re
from types import MappingProxyType

import msgspec


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One GPU."""

    name: str
    fp32: float
    """TFLOPS of the CUDA cores; TF32 tensor cores are under ``tensor``."""
    tensor: float
    """TFLOPS of dense 16-bit arithmetic, on tensor cores where it has them."""
    eight_bit: float
    """TOPS of dense 8-bit arithmetic; the 16-bit figure where it has none of its own."""
    headroom: float = 1.0
    """How far boards run above the clock that the figures are for: consumer cards do."""


_CONSUMER = 1.2

DEVICES = MappingProxyType(
    {
        # "NVIDIA Tesla P100" datasheet, SXM2 board
        "p100": Device(name="P100", fp32=10.6, tensor=21.2, eight_bit=21.2),
        # "NVIDIA V100 Tensor Core GPU" datasheet, V100S board
        "v100": Device(name="V100", fp32=16.4, tensor=130, eight_bit=130),
        # "NVIDIA T4" datasheet
        "t4": Device(name="T4", fp32=8.1, tensor=65, eight_bit=130),
        # "NVIDIA A100 Tensor Core GPU" datasheet, without the figures marked "with sparsity"
        "a100": Device(name="A100", fp32=19.5, tensor=312, eight_bit=624),
        # "NVIDIA A10" datasheet, as above
        "a10": Device(name="A10", fp32=31.2, tensor=125, eight_bit=250),
        # "NVIDIA A30" datasheet, as above
        "a30": Device(name="A30", fp32=10.3, tensor=165, eight_bit=330),
        # "NVIDIA A40" datasheet, as above
        "a40": Device(name="A40", fp32=37.4, tensor=149.7, eight_bit=299.3),
        # "NVIDIA RTX A6000" datasheet; tensor figure halved, as it is given with sparsity
        "a6000": Device(name="RTX A6000", fp32=38.7, tensor=154.9, eight_bit=309.7),
        # "NVIDIA L4" datasheet; tensor figures halved, as they are given with sparsity
        "l4": Device(name="L4", fp32=30.3, tensor=121, eight_bit=242.5),
        # "NVIDIA L40S" datasheet
        "l40s": Device(name="L40S", fp32=91.6, tensor=362.05, eight_bit=733),
        # "NVIDIA H100 Tensor Core GPU" datasheet, SXM board; halved, as given with sparsity
        "h100": Device(name="H100", fp32=67, tensor=989.5, eight_bit=1979),
        # "NVIDIA H200 Tensor Core GPU" datasheet; halved, as given with sparsity
        "h200": Device(name="H200", fp32=67, tensor=989.5, eight_bit=1979),
        # "NVIDIA Turing GPU Architecture" whitepaper, Founders Edition, FP16 accumulation
        "2080 ti": Device(
            name="RTX 2080 Ti", fp32=14.2, tensor=113.8, eight_bit=227.7, headroom=_CONSUMER
        ),
        # "NVIDIA Ampere GA102 GPU Architecture" whitepaper, FP16 accumulation, without sparsity
        "3090": Device(name="RTX 3090", fp32=35.6, tensor=142, eight_bit=284, headroom=_CONSUMER),
        # "NVIDIA Ada GPU Architecture" whitepaper, FP16 accumulation, without sparsity
        "4090": Device(
            name="RTX 4090", fp32=82.6, tensor=330.3, eight_bit=660.6, headroom=_CONSUMER
        ),
    }
)


def device_in(text: str) -> tuple[Device, int] | None:
    """The one GPU that a text names, and how many of it; None for none or for several kinds."""
    low = re.sub(r"[-_]", " ", text.lower())
    before, after = r"(?<![a-z0-9])(?:\d+\s?[x×*]\s?)?", r"(?![0-9]|\s?ti\b)"
    found = [key for key in DEVICES if re.search(before + key + after, low)]
    if len(found) != 1:
        return None
    many = re.search(rf"(\d+)\s?[x×*]?\s?(?:nvidia |tesla |geforce |rtx )*{found[0]}", low)
    gpus = re.search(r"\b(\d+) gpus\b", low)
    count = max([1, *(int(match[1]) for match in (many, gpus) if match)])
    return DEVICES[found[0]], count
