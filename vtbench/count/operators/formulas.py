"""Multiply-accumulates of operators as functions of shapes.

One fused multiply-add is one. Every function takes plain shapes (tuples of integers, or of
symbolic integers) and knows nothing of tensors, so each can be tested with tuples.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import NamedTuple

Shape = Sequence[int]


class Cost(NamedTuple):
    """What one call of a counted operator costs."""

    macs: int
    """Multiply-accumulates, dense by shape."""
    effective: int
    """Multiply-accumulates that a causal mask leaves."""
    written: int
    """Activations: elements that the products write."""
    softmax: int = 0
    """Scores that pass through the softmax inside a fused attention."""


def dense(macs: int, written: int) -> Cost:
    """A cost without a mask."""
    return Cost(macs, macs, written)


# [..., k] x [k, ...] -> out: every output element is a sum over k products
def product(out: Shape, k: int) -> Cost:
    """A matrix product of any rank that contracts an axis of length k."""
    written = prod(out)
    return dense(written * k, written)


# [m, k] x [k, n] -> [m, n]
def mm(a: Shape, b: Shape) -> Cost:
    """Matrix times matrix."""
    return dense(a[0] * a[1] * b[1], a[0] * b[1])


# [b, m, k] x [b, k, n] -> [b, m, n]
def bmm(a: Shape, b: Shape) -> Cost:
    """A batch of matrix products."""
    return dense(a[0] * a[1] * a[2] * b[2], a[0] * a[1] * b[2])


# sum over b of [b, m, k] x [b, k, n] -> [m, n]
def addbmm(a: Shape, b: Shape) -> Cost:
    """A batch of matrix products that is summed over the batch."""
    return dense(a[0] * a[1] * a[2] * b[2], a[1] * b[2])


# [m, k] x [k] -> [m]
def mv(a: Shape, _: Shape) -> Cost:
    """Matrix times vector."""
    return dense(a[0] * a[1], a[0])


# [k] x [k] -> []
def dot(x: Shape, _: Shape) -> Cost:
    """Scalar product of two vectors."""
    return dense(x[0], 1)


# [..., k] x [n, k] -> [..., n], or [..., k] x [k] -> [...]
def linear(x: Shape, weight: Shape) -> Cost:
    """A linear layer over the last axis."""
    n = weight[0] if len(weight) == 2 else 1
    positions = prod(x[:-1])
    return dense(positions * x[-1] * n, positions * n)


# x [B, Ci, ...], w [Co, Ci/g, k...] -> [B, Co, ...]; unbatched inputs lack B
# transposed: x [B, Ci, ...], w [Ci, Co/g, k...]
def convolution(x: Shape, weight: Shape, out: Shape, transposed: bool = False) -> Cost:
    """A convolution: weights per output position; transposed, weights per input position."""
    positions = prod(x) if transposed else prod(out)
    return dense(positions * weight[1] * prod(weight[2:]), prod(out))


def convolution_backward(
    grad: Shape, x: Shape, weight: Shape, transposed: bool, wanted: Sequence[bool]
) -> Cost:
    """Each wanted gradient (input, weight) costs as much as the forward pass."""
    forward = convolution(x, weight, grad, transposed).macs
    written = (prod(x) if wanted[0] else 0) + (prod(weight) if wanted[1] else 0)
    return dense(forward * (bool(wanted[0]) + bool(wanted[1])), written)


def causal_pairs(queries: int, keys: int) -> int:
    """Query-key pairs that a causal mask from the top left corner leaves."""
    if queries <= keys:
        return queries * (queries + 1) // 2
    return keys * (keys + 1) // 2 + (queries - keys) * keys


# q [..., Hq, L, E], k [..., Hk, S, E], v [..., Hk, S, Ev]; Hk divides Hq (grouped heads)
def attention(q: Shape, k: Shape, v: Shape, causal: bool = False) -> Cost:
    """Scores q·kᵀ and their product with v, for every query head."""
    heads, queries, keys = prod(q[:-2]), q[-2], k[-2]
    widths = q[-1] + v[-1]
    macs = heads * queries * keys * widths
    effective = heads * causal_pairs(queries, keys) * widths if causal else macs
    scores = heads * queries * keys
    return Cost(macs, effective, scores + heads * queries * v[-1], scores)


# dO·vᵀ, Pᵀ·dO, dS·k, dSᵀ·q; the scores that flash kernels compute again are a kernel's own affair
def attention_backward(q: Shape, k: Shape, v: Shape) -> Cost:
    """Gradients of fused attention: twice the forward pass, as for the two products by hand."""
    heads, queries, keys = prod(q[:-2]), q[-2], k[-2]
    written = prod(q) + prod(k) + prod(v)
    return dense(heads * queries * keys * 2 * (q[-1] + v[-1]), written)


def jagged_attention(
    lengths: Iterable[tuple[int, int]], heads: int, widths: tuple[int, int], causal: bool = False
) -> Cost:
    """Attention over sequences of unequal length: the sum over the sequences."""
    macs = effective = written = scores = 0
    for queries, keys in lengths:
        one = attention((heads, queries, widths[0]), (heads, keys, widths[0]),
                        (heads, keys, widths[1]), causal)  # fmt: skip
        macs, effective = macs + one.macs, effective + one.effective
        written, scores = written + one.written, scores + one.softmax
    return Cost(macs, effective, written, scores)


# x [B, L, D]; qkv [3D, D]; projection [D, D]; h heads of D/h
def self_attention_layer(x: Shape, width: int, heads: int) -> Cost:
    """The fused multi-head self-attention of torch: projections in and out, and attention."""
    positions, head = prod(x[:-1]), width // heads
    one = (prod(x[:-2]) * heads, x[-2], head)
    inner = attention(one, one, one)
    projections = positions * x[-1] * 3 * width + positions * width * width
    macs = inner.macs + projections
    return Cost(macs, macs, inner.written + 4 * positions * width, inner.softmax)


# every gate weight [G·h, in] or [G·h, h] is applied once per step and sequence
def recurrent(steps: int, weights: Iterable[Shape], hidden: int) -> Cost:
    """Layers of RNN, LSTM or GRU: each weight matrix once per step."""
    matrices = [w for w in weights if len(w) == 2]
    return dense(steps * sum(prod(w) for w in matrices), steps * hidden)


# x1 [n, i], w [o, i, j], x2 [n, j]: first x1·w over i, then over j
def trilinear(products: int, second: int, out: Shape) -> Cost:
    """Two chained contractions of three operands."""
    return dense(products + second, prod(out))


# squared distances as one product of [..., n, m + 2] and [..., m + 2, r]
def euclidean_distance(a: Shape, out: Shape) -> Cost:
    """Pairwise distances by a matrix product over the coordinates and two norms."""
    return product(out, a[-1] + 2)


# a [M, K], b [G, K, N] -> [M, N];  a [G, M, K], b [K, N] -> [M, N];
# a [G, M, K], b [G, K, N] -> [G, M, N];  a [M, K], b [K, N] -> [G, M, N], groups partition K
def grouped_mm(a: Shape, b: Shape, out: Shape) -> Cost:
    """Products of the groups of a mixture of experts: each row, column or term has one group."""
    groups = a[0] if len(a) == len(b) == 3 else 1
    return dense(groups * a[-2] * a[-1] * b[-1], prod(out))


# A [..., n, n] triangular, B [..., n, k] or, from the right, [..., k, n]: row i of the solution
# takes the i rows before it off, each by a product
def solve_triangular(n: int, out: Shape) -> Cost:
    """Substitution in a triangular system; the n divisions of a column are not counted."""
    return dense(prod(out) * (n - 1) // 2, prod(out))


# layer l of d directions: G·h rows of [in_l + h], in_0 = the input's width, then d·h
def packed_recurrent(
    steps: int, widths: tuple[int, int], gates: int, layers: tuple[int, int]
) -> Cost:
    """Layers of LSTM or GRU whose weights are packed: each weight matrix once per step."""
    (width, hidden), (depth, directions) = widths, layers
    inputs = [width] + [directions * hidden] * (depth - 1)
    weights = sum(directions * gates * hidden * (size + hidden) for size in inputs)
    return dense(steps * weights, steps * directions * hidden)
