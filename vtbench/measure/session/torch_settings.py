"""What torch holds for the whole process, lent to a measurement and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from vtbench.data.workload import Workload
from vtbench.errors import BadOption

_PRECISIONS = ("cuda.matmul", "cudnn.conv", "cudnn.rnn", "mkldnn.matmul", "mkldnn.conv")
"""Products whose precision for fp32 operands newer versions of torch take one by one ..."""
_TF32 = ("cuda.matmul", "cudnn")
"""... and libraries whose TF32 older ones switch on or off. Where both are known both are set: what
reads an older switch, as torch.compile does, is refused where the two contradict each other."""
_ATTENTION = {
    "math": "MATH",
    "flash": "FLASH_ATTENTION",
    "efficient": "EFFICIENT_ATTENTION",
    "cudnn": "CUDNN_ATTENTION",
}


@contextmanager
def torch_set_for(workload: Workload) -> Iterator[None]:
    """Threads, the precision of fp32 products, cuDNN's search and the attention kernel."""
    with ExitStack() as lent:
        lent.enter_context(_threads(workload.threads))
        lent.enter_context(_set(torch.backends.cudnn, "benchmark", workload.cudnn_benchmark))
        lent.enter_context(_precisions(workload))
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


@contextmanager
def _precisions(workload: Workload) -> Iterator[None]:
    """The precision of products of fp32 operands: ``ieee`` unless the workload says otherwise."""
    products = {name: _owner(name) for name in _PRECISIONS}
    newer = {name: owner for name, owner in products.items() if hasattr(owner, "fp32_precision")}
    if workload.dtype == "bf32" and "mkldnn.matmul" not in newer:
        raise BadOption("This torch has no bf32; use torch 2.9 or newer, or another --dtype.")
    before = {name: owner.fp32_precision for name, owner in newer.items()}
    older = {name: _allowed(name) for name in _TF32}
    try:
        for name in _TF32:
            _owner(name).allow_tf32 = workload.dtype == "tf32"
        for name, owner in newer.items():
            owner.fp32_precision = _wanted(name, workload)
        yield
    finally:  # the newer ones last, as setting an older one sets them too
        for name, allowed in older.items():
            if allowed is not None:
                _owner(name).allow_tf32 = allowed
        for name, owner in newer.items():
            owner.fp32_precision = before[name]


def _owner(name: str) -> Any:
    """What has a switch, such as ``torch.backends.cuda.matmul``; None if torch has no such."""
    library, _, kind = name.partition(".")
    found = getattr(torch.backends, library)
    return getattr(found, kind, None) if kind else found


def _allowed(name: str) -> bool | None:
    """An older switch; None if newer ones were set beside it, so that torch will not say."""
    try:
        return bool(_owner(name).allow_tf32)
    except RuntimeError:
        return None


def _wanted(name: str, workload: Workload) -> str:
    if name.startswith("mkldnn"):
        return "bf16" if workload.dtype == "bf32" else "ieee"
    return "tf32" if workload.dtype == "tf32" else "ieee"


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
