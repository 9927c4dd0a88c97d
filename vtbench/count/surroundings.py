"""What a process shares with the model that it runs: lent with a known seed, and taken back.

A model may draw from, and a model's code may change, what belongs to the whole process. A count
gives the same random numbers every time, so that equal workloads give equal counts, and leaves
everything as it was for whatever runs next.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

SEED = 0


@contextmanager
def surroundings_lent() -> Iterator[None]:
    """Seed the random generators for the block; restore them, and the defaults of torch."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 - what models draw from
    cuda = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]  # torch's own
    devices = torch.cuda.get_rng_state_all() if cuda else []
    dtype, device, threads = torch.get_default_dtype(), _default_device(), torch.get_num_threads()
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002 - the generator that models draw from
    torch.default_generator.manual_seed(SEED)
    if devices:
        torch.cuda.manual_seed_all(SEED)
    try:
        yield
    finally:
        if _default_device() != device:
            torch.set_default_device(device)
        if torch.get_default_dtype() != dtype:
            torch.set_default_dtype(dtype)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002 - the same
        torch.set_rng_state(states[2])
        if devices:
            torch.cuda.set_rng_state_all(devices)


def _default_device() -> Any:
    """The device that was set as default; None where none was, which no public function tells."""
    context = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    return None if context is None else context.device
