"""Running out of memory is told from every other failure."""

from __future__ import annotations

import errno

import pytest
import torch

from vtbench.errors import ModelError
from vtbench.measure.memory.out_of_memory import out_of_memory


def test_an_allocation_that_no_machine_can_serve():
    with pytest.raises(RuntimeError) as raised:
        torch.empty(1 << 46)  # 256 TiB, beyond the addresses that a process has
    assert out_of_memory(raised.value)


def test_python_itself():
    with pytest.raises(MemoryError) as raised:
        bytearray(1 << 60)
    assert out_of_memory(raised.value)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronous"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_what_libraries_say(error):
    assert out_of_memory(error)


def test_an_error_that_was_raised_from_one():
    wrapped = ModelError("Net raised OutOfMemoryError when run")
    wrapped.__cause__ = torch.OutOfMemoryError("CUDA out of memory.")
    assert out_of_memory(wrapped)
    wrapped.__cause__ = ValueError("wrong shape")
    wrapped.__cause__.__cause__ = wrapped  # a ring ends too
    assert not out_of_memory(wrapped)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        ValueError("out of memory, says a model of its own accord"),
        OSError(errno.ENOENT, "No such file"),
    ],
)
def test_other_errors(error):
    assert not out_of_memory(error)
