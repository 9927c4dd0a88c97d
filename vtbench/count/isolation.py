"""The process is lent to a count, and is afterwards as it was before it.

A model may draw from, and its code may change, what belongs to the whole process. A count gives
the same random numbers every time, so that equal workloads give equal counts, and takes back
whatever was set of the process meanwhile. ``lending`` does the same for the model itself.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import torch

from vtbench.models.imports import imports_within

if TYPE_CHECKING:
    from vtbench.count.counter import Counter

SEED = 0
_FLEX = "torch.nn.attention.flex_attention"
_FLEX_UNCOMPILED = "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG"


@contextmanager
def seeded_and_restored(seed: int = SEED) -> Iterator[None]:
    """Seed the random generators for the block; restore them, and the defaults of torch."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 - what models draw from
    cuda = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]  # torch's own
    devices = torch.cuda.get_rng_state_all() if cuda else []
    dtype, device, threads = torch.get_default_dtype(), _default_device(), torch.get_num_threads()
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the generator that models draw from
    torch.default_generator.manual_seed(seed)
    if devices:
        torch.cuda.manual_seed_all(seed)
    try:
        yield
    finally:
        if _default_device() != device:
            torch.set_default_device(device)
        if device is None:  # as it was before any was set; torch 2.6 stumbles over a None
            vars(torch._GLOBAL_DEVICE_CONTEXT).pop("device_context", None)
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
    """The device that was set as default; None if none was, which no public function tells."""
    context = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    return None if context is None else context.device


@contextmanager
def compiled_code_as_written() -> Iterator[None]:
    """Run what ``torch.compile`` wraps as plain Python, for the length of the block.

    Otherwise a model that was compiled with ``fullgraph=True`` raises under a dispatch mode, and
    so does flex attention, which compiles itself. The compiler is slow to import: where nobody
    has imported it, nothing is compiled, and it is left alone.
    """
    flex = sys.modules.get(_FLEX)
    with ExitStack() as stack:
        # a script is run as it is written too: operators that it fuses are not seen
        stack.enter_context(torch.jit.optimized_execution(False))  # type: ignore[attr-defined]  # torch's
        if flex is not None and hasattr(flex, _FLEX_UNCOMPILED):
            stack.enter_context(mock.patch.object(flex, _FLEX_UNCOMPILED, new=True))
            flex = None
        if flex is not None or "torch._dynamo" in sys.modules:
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        yield


@contextmanager
def imports_uncounted(counter: Counter) -> Iterator[None]:
    """What a file computes while a module's call imports it is not counted in the block.

    It happens once in a process and is no part of the call. Torch 2.6 imports its compiler at the
    first ``vmap``, and tries products out meanwhile.
    """

    @contextmanager
    def uncounted() -> Iterator[None]:
        inside = counter.stack.inside_a_call
        counter.importing += inside
        try:
            yield
        finally:
            counter.importing -= inside

    with imports_within(uncounted):
        yield
