"""Dense peaks and memory bandwidths of named GPUs: what no program on one of them can exceed.

Figures are tera-operations per second (a multiply-add is two) and never those with sparsity. Each
board says where it is printed. Arithmetic in 16 bits is that with sums in 32 bits, which is what
torch uses unless told otherwise; GeForce boards are twice as fast with sums in 16 bits.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

import msgspec

Precision = Literal["fp32", "tf32", "bf16", "fp16", "int8"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One board of one kind of GPU."""

    kind: str
    """What papers call it; several boards may share that."""
    board: str = ""
    """What tells this board from the others of its kind."""
    driver: str
    """A pattern of the name that the driver gives it, in lower case and without the maker."""
    fp32: float
    """TFLOPS of the CUDA cores."""
    tf32: float | None
    """TFLOPS of matrix products whose operands are cut to TF32; None if it has no such cores."""
    bf16: float | None
    """TFLOPS in bfloat16; None if it has no such arithmetic."""
    fp16: float
    """TFLOPS in float16, on tensor cores if it has them."""
    int8: float | None
    """TOPS in 8-bit integers; None if it has no tensor cores for them."""
    bandwidth: float
    """GB (10^9 bytes) per second to and from its own memory."""
    headroom: float = 1.0
    """How far boards run above the clock that the figures are for: consumer cards do."""
    source: str
    """Where the figures are printed."""
    derived: tuple[Precision, ...] = ()
    """Figures that are not printed there; a comment says how they follow from those that are."""

    @property
    def name(self) -> str:
        """The kind, and the board where the kind has several."""
        return f"{self.kind} {self.board}".strip()

    def peak(self, precision: Precision) -> float | None:
        """Dense operations per second in a precision; None if it has no such arithmetic."""
        tera = {
            "fp32": self.fp32,
            "tf32": self.tf32,
            "bf16": self.bf16,
            "fp16": self.fp16,
            "int8": self.int8,
        }[precision]
        return None if tera is None else tera * 1e12

    @property
    def limit(self) -> float:
        """Tera-operations per second that nothing on it exceeds, whatever the precision."""
        return max(filter(None, (self.fp32, self.fp16, self.int8))) * self.headroom


_CONSUMER = 1.2

_VOLTA = "NVIDIA V100 Tensor Core GPU datasheet (1165301)"
_A100 = "NVIDIA A100 Tensor Core GPU datasheet (1758950)"
_H100 = "NVIDIA H100 Tensor Core GPU datasheet; figures with sparsity, halved"

DEVICES: tuple[Device, ...] = (
    Device(
        kind="P100", driver=r"p100-sxm2-16gb", fp32=10.6, tf32=None, bf16=None, fp16=21.2,
        int8=None, bandwidth=732, source="NVIDIA Tesla P100 datasheet, SXM2 board",
    ),
    Device(
        kind="V100", board="SXM2", driver=r"v100-sxm2-\d+gb", fp32=15.7, tf32=None, bf16=None,
        fp16=125, int8=None, bandwidth=900, source=_VOLTA,
    ),
    Device(
        kind="V100", board="PCIe", driver=r"v100-pcie-\d+gb", fp32=14, tf32=None, bf16=None,
        fp16=112, int8=None, bandwidth=900, source=_VOLTA,
    ),
    Device(
        kind="V100", board="PCIe (V100S)", driver=r"v100s-pcie-32gb", fp32=16.4, tf32=None,
        bf16=None, fp16=130, int8=None, bandwidth=1134, source=_VOLTA,
    ),
    Device(
        kind="T4", driver=r"t4", fp32=8.1, tf32=None, bf16=None, fp16=65, int8=130,
        bandwidth=320, source="NVIDIA T4 Tensor Core GPU datasheet (951643)",
    ),
    Device(
        kind="RTX 2080 Ti", driver=r"rtx 2080 ti", fp32=14.2, tf32=None, bf16=None,
        # 544 tensor cores x 64 multiply-adds x 2 x 1.635 GHz = 113.9 T with sums in 16 bits,
        # half of it with sums in 32 bits, twice of it in 8 bits
        fp16=56.9, int8=227.7, bandwidth=616, headroom=_CONSUMER, derived=("fp16", "int8"),
        source="NVIDIA Turing GPU Architecture whitepaper, Founders Edition",
    ),
    Device(
        kind="A100", board="40GB", driver=r"a100-(sxm4|pcie)-40gb", fp32=19.5, tf32=156, bf16=312,
        fp16=312, int8=624, bandwidth=1555, source=_A100,
    ),
    Device(
        kind="A100", board="80GB PCIe", driver=r"a100 80gb pcie", fp32=19.5, tf32=156, bf16=312,
        fp16=312, int8=624, bandwidth=1935, source=_A100,
    ),
    Device(
        kind="A100", board="80GB SXM", driver=r"a100-sxm4-80gb", fp32=19.5, tf32=156, bf16=312,
        fp16=312, int8=624, bandwidth=2039, source=_A100,
    ),
    Device(
        kind="A10", driver=r"a10", fp32=31.2, tf32=62.5, bf16=125, fp16=125, int8=250,
        bandwidth=600, source="NVIDIA A10 Tensor Core GPU datasheet",
    ),
    Device(
        kind="A40", driver=r"a40", fp32=37.4, tf32=74.8, bf16=149.7, fp16=149.7, int8=299.3,
        bandwidth=696, source="NVIDIA A40 datasheet",
    ),
    Device(
        # TF32 at half of BF16 and 8 bits at twice, as the A40 prints them for the same chip
        kind="RTX A6000", driver=r"rtx a6000", fp32=38.7, tf32=77.4, bf16=154.8, fp16=154.8,
        int8=309.7, bandwidth=768, derived=("tf32", "int8"),
        source="NVIDIA Ampere GA102 GPU Architecture whitepaper, appendix C",
    ),
    Device(
        # TF32 at half of BF16, BF16 at the rate of FP16 with sums in 32 bits, 8 bits at twice
        # FP16 with sums in 16 bits, which is 142
        kind="RTX 3090", driver=r"rtx 3090", fp32=35.6, tf32=35.6, bf16=71, fp16=71, int8=284,
        bandwidth=936, headroom=_CONSUMER, derived=("tf32", "bf16", "int8"),
        source="NVIDIA Ampere GA102 GPU Architecture whitepaper, appendix A",
    ),
    Device(
        kind="RTX 4090", driver=r"rtx 4090", fp32=82.6, tf32=82.6, bf16=165.2, fp16=165.2,
        int8=660.6, bandwidth=1008, headroom=_CONSUMER,
        source="NVIDIA Ada GPU Architecture whitepaper, appendix A",
    ),
    Device(
        kind="L4", driver=r"l4", fp32=30.3, tf32=60, bf16=121, fp16=121, int8=242.5,
        bandwidth=300, source="NVIDIA L4 datasheet; figures with sparsity, halved",
    ),
    Device(
        kind="L40S", driver=r"l40s", fp32=91.6, tf32=183, bf16=362.05, fp16=362.05, int8=733,
        bandwidth=864, source="NVIDIA L40S datasheet",
    ),
    Device(
        kind="H100", board="SXM", driver=r"h100 80gb hbm3", fp32=67, tf32=494.5, bf16=989.5,
        fp16=989.5, int8=1979, bandwidth=3350, source=_H100,
    ),
    Device(
        kind="H100", board="PCIe", driver=r"h100 pcie", fp32=51, tf32=378, bf16=756.5,
        fp16=756.5, int8=1513, bandwidth=2000, source=_H100,
    ),
    Device(
        kind="H200", driver=r"h200", fp32=67, tf32=494.5, bf16=989.5, fp16=989.5, int8=1979,
        bandwidth=4800, source="NVIDIA H200 Tensor Core GPU datasheet, SXM board; halved as H100",
    ),
    Device(
        kind="B200", driver=r"b200", fp32=80, tf32=1100, bf16=2250, fp16=2250, int8=4500,
        bandwidth=8000,
        source="NVIDIA Blackwell Architecture Technical Brief, HGX B200 at 1000 W",
    ),
)  # fmt: skip

KINDS: tuple[str, ...] = tuple(dict.fromkeys(device.kind for device in DEVICES))
"""What papers call them, from the oldest on."""


def device_of(driver_name: str) -> Device | None:
    """The board whose name the driver gave, such as ``NVIDIA A100-SXM4-80GB``; None if unknown.

    A name that is near is not enough: a laptop's 4090 is another chip.
    """
    name = re.sub(r"^(nvidia|tesla|geforce)\s+", "", driver_name.strip().lower())
    name = re.sub(r"^geforce\s+", "", name)
    found = [device for device in DEVICES if re.fullmatch(device.driver, name)]
    return found[0] if len(found) == 1 else None


def boards_in(text: str) -> tuple[tuple[Device, ...], int] | None:
    """Every board of the one kind that a text names, and how many GPUs; None for none or several.

    Papers seldom say which board: a bound that is to hold takes the fastest of them.
    """
    low = re.sub(r"[-_]", " ", text.lower())
    found = [kind for kind in KINDS if re.search(_spelling(kind), low)]
    if len(found) != 1:
        return None
    many = re.search(r"(\d+)\s?[x×*]?\s?(?:nvidia |tesla |geforce |rtx )*" + _short(found[0]), low)
    gpus = re.search(r"\b(\d+) gpus\b", low)
    count = max([1, *(int(match[1]) for match in (many, gpus) if match)])
    return tuple(device for device in DEVICES if device.kind == found[0]), count


def _short(kind: str) -> str:
    return kind.lower().removeprefix("rtx ")


def _spelling(kind: str) -> str:
    """A pattern: the kind by itself, counted or in the plural, and no longer name that holds it."""
    plural = "" if kind.endswith("S") else "s?"
    return rf"(?<![a-z0-9])(?:\d+\s?[x×*]\s?)?{_short(kind)}{plural}(?![a-z0-9]|\s?ti\b)"
