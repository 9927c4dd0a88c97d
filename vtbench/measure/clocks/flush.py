"""Emptying the last cache before a step that is to be cold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

_SYSTEM = Path("/sys/devices/system/cpu/cpu0/cache")
_UNKNOWN_CACHE = 64 * 2**20
"""Bytes taken for the last cache of a processor that does not say how large it is."""


def flushing(device: torch.device) -> Callable[[], object]:
    """Writes twice as many bytes as the device's last cache holds."""
    size = _cuda_cache(device) if device.type == "cuda" else _host_cache()
    buffer = torch.ones(2 * size // 4, dtype=torch.float32, device=device)
    return buffer.neg_


def _cuda_cache(device: torch.device) -> int:
    return int(torch.cuda.get_device_properties(device).L2_cache_size)


def _host_cache() -> int:
    """Bytes of the processor's largest cache."""
    units = {"K": 2**10, "M": 2**20, "G": 2**30}
    sizes = [_UNKNOWN_CACHE] if not _SYSTEM.is_dir() else []
    for path in _SYSTEM.glob("index*/size"):
        text = path.read_text(encoding="ascii").strip()
        if text[:-1].isdigit() and text[-1] in units:
            sizes.append(int(text[:-1]) * units[text[-1]])
    return max(sizes, default=_UNKNOWN_CACHE)
