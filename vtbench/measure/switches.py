"""What torch holds for the whole process, lent to a measurement and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from vtbench.errors import BadOption
from vtbench.workload import Workload

_PRECISIONS = ("cuda.matmul", "cudnn.conv", "cudnn.rnn", "mkldnn.matmul", "mkldnn.conv")
_ATTENTION = {
    "math": "MATH",
    "flash": "FLASH_ATTENTION",
    "efficient": "EFFICIENT_ATTENTION",
    "cudnn": "CUDNN_ATTENTION",
}


@contextmanager
def switches_lent(workload: Workload) -> Iterator[None]:
    """Threads, the precision of fp32 products, cuDNN's search and the attention kernel."""
    with ExitStack() as lent:
        lent.enter_context(_threads(workload.threads))
        lent.enter_context(_set(torch.backends.cudnn, "benchmark", workload.cudnn_benchmark))
        for name in _PRECISIONS:
            lent.enter_context(_precision(name, workload))
        if workload.attention is not None:
            lent.enter_context(_attention(workload.attention))
        yield


@contextmanager
def _threads(number: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _precision(name: str, workload: Workload) -> Any:
    """A product's precision for fp32 operands: ``ieee`` unless the workload says otherwise."""
    library, _, kind = name.partition(".")
    owner = getattr(getattr(torch.backends, library), kind, None)
    wanted = "ieee"
    if library == "mkldnn" and workload.dtype == "bf32":
        wanted = "bf16"
    if library != "mkldnn" and workload.dtype == "tf32":
        wanted = "tf32"
    if hasattr(owner, "fp32_precision"):
        return _set(owner, "fp32_precision", wanted)
    if wanted == "bf16":
        raise BadOption("This torch has no bf32; use torch 2.9 or newer, or another --dtype.")
    if name == "cuda.matmul":
        return _set(torch.backends.cuda.matmul, "allow_tf32", wanted == "tf32")
    if name == "cudnn.conv":
        return _set(torch.backends.cudnn, "allow_tf32", wanted == "tf32")
    return ExitStack()  # nothing to set in this version


@contextmanager
def _set(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def _attention(kernel: str) -> Any:
    """Fused attention held to one kernel; what that kernel cannot do raises."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    return sdpa_kernel(getattr(SDPBackend, _ATTENTION[kernel]))
