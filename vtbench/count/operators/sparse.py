"""Products with operands in sparse layouts: what is stored multiplies, and nothing else.

A stored element takes part in as many multiply-accumulates as the other operand has elements to
meet it: its columns, if the sparse matrix stands on the left. How many are stored is a matter of
values, which shapes alone do not have.
"""

from __future__ import annotations

from typing import Any

import torch

from vtbench.count.operators.formulas import Cost, dense

_COMPRESSED = (torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc)


def is_sparse(value: Any) -> bool:
    """Whether a value is a tensor in a sparse layout."""
    return isinstance(value, torch.Tensor) and (
        value.layout == torch.sparse_coo or value.layout in _COMPRESSED
    )


def stored(tensor: torch.Tensor) -> int:
    """Elements that a sparse tensor stores; blocks are stored whole."""
    if tensor.is_meta:
        raise NotImplementedError("A sparse tensor has no elements on the meta device.")
    values = tensor._values() if tensor.layout == torch.sparse_coo else tensor.values()
    return values.numel()


# s [m, k] with e elements x d [k, n] -> e * n;  d [..., m] x s [m, n] -> e * prod(...)
# batches [b, m, k] x [b, k, n] -> e * n
def product_of_stored(one: torch.Tensor, two: torch.Tensor) -> Cost:
    """A product of two matrices, vectors or batches, of which one at least is sparse."""
    if is_sparse(one) and is_sparse(two):
        return _of_two(one, two)
    left = is_sparse(one)
    sparse, other = (one, two) if left else (two, one)
    if left:
        contracted = other.shape[-2] if other.dim() > 1 else other.shape[0]
    else:
        contracted = other.shape[-1]
    batch = other.shape[0] if sparse.dim() == other.dim() == 3 else 1
    meets = other.numel() // (contracted * batch) if contracted * batch else 0
    return dense(stored(sparse) * meets, sparse.shape[-2 if left else -1] * meets * batch)


def _of_two(one: torch.Tensor, two: torch.Tensor) -> Cost:
    # sum over k of the elements in column k of the one times those in row k of the other
    stored(one), stored(two)
    columns = one.to_sparse().coalesce().indices()[-1]
    rows = two.to_sparse().coalesce().indices()[-2]
    width = one.shape[-1]
    pairs = torch.bincount(columns, minlength=width) * torch.bincount(rows, minlength=width)
    return dense(int(pairs.sum()), one.shape[-2] * two.shape[-1])


def sampled(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    """A dense product of which only the elements that the result stores are worked out."""
    # self (sparse), a [m, k], b [k, n]
    return dense(stored(out) * args[1].shape[-1], stored(out))


def linear_of_stored(x: torch.Tensor, weight: torch.Tensor) -> Cost:
    """A linear layer with a sparse weight [n, k], or a sparse input."""
    if is_sparse(weight) and not is_sparse(x):
        positions = x.numel() // x.shape[-1] if x.shape[-1] else 0
        return dense(stored(weight) * positions, positions * weight.shape[0])
    return product_of_stored(x, weight.t())
