"""What a tensor is made of: most have memory of their own, others are made of tensors that have."""

from __future__ import annotations

from collections.abc import Iterator

import torch


def inner_tensors(tensor: torch.Tensor) -> Iterator[torch.Tensor]:
    """The tensors that one holds: the parts of a subclass, of a sparse or of a nested one."""
    if hasattr(tensor, "__tensor_flatten__"):
        yield from (getattr(tensor, name) for name in tensor.__tensor_flatten__()[0])
    elif is_wrapper(tensor):
        yield from (each for each in vars(tensor).values() if isinstance(each, torch.Tensor))
    elif tensor.is_nested:
        yield tensor.values()
    elif tensor.layout == torch.sparse_coo:
        yield from (tensor._indices(), tensor._values())
    elif tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        yield from (tensor.crow_indices(), tensor.col_indices(), tensor.values())
    elif tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        yield from (tensor.ccol_indices(), tensor.row_indices(), tensor.values())


def has_memory(tensor: torch.Tensor) -> bool:
    """Whether a tensor has memory of its own, which it says where it is."""
    plain = tensor.layout == torch.strided and not tensor.is_nested
    return plain and not is_wrapper(tensor)


def is_wrapper(tensor: torch.Tensor) -> bool:
    """Whether a tensor only says its shape, and keeps its numbers in other tensors."""
    if type(tensor) in (torch.Tensor, torch.nn.Parameter):
        return False
    return hasattr(tensor, "__tensor_flatten__") or (
        type(tensor).__torch_dispatch__ is not torch.Tensor.__torch_dispatch__
        and any(isinstance(each, torch.Tensor) for each in vars(tensor).values())
    )


def parts_with_memory(tensor: torch.Tensor) -> Iterator[torch.Tensor]:
    """The tensor itself, or the tensors that it is made of in the end."""
    if has_memory(tensor):
        yield tensor
    else:
        for inner in inner_tensors(tensor):
            yield from parts_with_memory(inner)
