"""DCT: at every block, the patches are written as waves, and only the slowest go on.

He et al., Fourier Transformer, Findings of ACL 2023; on vision transformers, Tran et al., 2024.

Modifications of the host: after each block, the cosine transform along the sequence of patches is
cut to its lowest frequencies and turned back into as many tokens, so that the mean of the patches
stays. Fast Fourier transforms are not multiply-accumulates of the counting convention.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vtbench.errors import BadOption
from vtbench.reduce.clusters import behind
from vtbench.reduce.dial import rate
from vtbench.reduce.host import Host
from vtbench.reduce.per_block import PerBlock, per_block
from vtbench.reduce.run import Run
from vtbench.reduce.stages import Rates
from vtbench.reduce.step import Step

DIAL = rate("ratio")
_RATIO = 0.9


def cosine_transform(x: Tensor) -> Tensor:
    """Frequencies (B, T, C) of x (B, T, C): the k-th is 2 Σ x_t cos(πk(2t + 1) / 2T)."""
    length = x.shape[1]
    ordered = torch.cat((x[:, ::2], x[:, 1::2].flip(1)), dim=1)
    waves = torch.fft.rfft(ordered, dim=1) * _turns(length, -1, x)
    # Re of the k-th is that of frequency k, -Im that of T - k
    rest = waves[:, 1 : (length + 1) // 2].imag.flip(1)
    return 2 * torch.cat((waves.real, -rest), dim=1)


def cosine_inverse(frequencies: Tensor) -> Tensor:
    """The x whose transform is (B, T, C)."""
    length = frequencies.shape[1]
    mirrored = torch.cat((torch.zeros_like(frequencies[:, :1]), frequencies[:, 1:].flip(1)), dim=1)
    half = length // 2 + 1
    waves = torch.complex(frequencies[:, :half], -mirrored[:, :half]) / 2
    ordered = torch.fft.irfft(waves * _turns(length, 1, frequencies), n=length, dim=1)
    middle = (length + 1) // 2
    x = torch.empty_like(frequencies)
    x[:, ::2], x[:, 1::2] = ordered[:, :middle], ordered[:, middle:].flip(1)
    return x


def slowest(x: Tensor, kept: int) -> Tensor:
    """Patches (B, T, C) to as many tokens (B, K, C) of the K lowest frequencies, their mean kept.

    In at least single precision, for which there are transforms.
    """
    whole = x.to(torch.promote_types(x.dtype, torch.float32))
    frequencies = cosine_transform(whole)[:, :kept]
    return cosine_inverse(frequencies * (kept / x.shape[1])).to(x.dtype)


def _turns(length: int, sign: int, like: Tensor) -> Tensor:
    """exp(sign·iπk / 2T) for k up to half of T: (T/2 + 1, 1)."""
    k = torch.arange(length // 2 + 1, device=like.device, dtype=like.dtype)
    angles = k * (sign * math.pi / (2 * length))
    return torch.complex(angles.cos(), angles.sin())[:, None]


class Slow(Step):
    """One block: by a ratio of the patches present, or by a number of them that go."""

    where = "after_block"

    def __init__(self, ratio: float, r: int) -> None:
        super().__init__()
        self.ratio = ratio
        self.r = r

    def left(self, tokens: int, whole: int) -> int:  # noqa: ARG002
        """A share, rounded up, or all but r; at least one."""
        return max(math.ceil(tokens * self.ratio) - self.r, 1)

    def forward(self, x: Tensor, run: Run) -> Tensor:
        """Tokens (B, N, C) to (B, prefix + K, C)."""
        first, patches = x[:, : run.prefix], x[:, run.prefix :]
        present = patches.shape[1]
        kept = self.left(present, run.whole)
        run.moved(lambda: behind(_resampled(present, kept, x), run.prefix))
        return torch.cat((first, slowest(patches, kept)), dim=1)


def _resampled(present: int, kept: int, x: Tensor) -> Tensor:
    """Where each patch (B, P) is along the shorter sequence, for a picture."""
    places = torch.arange(present, device=x.device)
    return (places * kept // present).expand(len(x), -1)


def steps(host: Host, *, ratio: Rates = _RATIO, r: PerBlock | None = None) -> list[Step]:
    """Apply it with the share of the patches that each block keeps, rounded up.

    ``r``: a number that goes at each block instead.
    """
    if r is None:
        return [Slow(each, 0) for each in _ratios(host, ratio)]
    if ratio != _RATIO:
        raise BadOption(f"dct was given both r={r} and ratio={ratio}; give one of them.")
    gone = per_block("r", r, host)
    if sum(gone) >= host.patches:
        raise BadOption(
            f"r={r}: {sum(gone)} of {host.patches} patches would go, and one has to be left."
        )
    return [Slow(1.0, each) for each in gone]


def _ratios(host: Host, ratio: Rates) -> list[float]:
    """A ratio for each block."""
    several = [ratio] * host.depth if isinstance(ratio, int | float) else list(ratio)
    if len(several) != host.depth:
        raise BadOption(
            f"ratio={several} has {len(several)} numbers, and the network {host.depth} blocks."
        )
    for each in several:
        if isinstance(each, bool) or not isinstance(each, int | float) or not 0 < each <= 1:
            raise BadOption(f"ratio={each!r}: a ratio is above 0 and at most 1.")
    return [float(each) for each in several]
