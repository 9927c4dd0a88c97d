"""What every method comes down to: the tokens at five places of each block, and what it adds.

    MACs of a block = C² (q + k + v + o) + C (q k + o v) + 2 C hidden m

of q, k and v tokens that are projected to queries, keys and values, o tokens that leave attention
and m tokens through the MLP. Norms, softmax, sorting and elementwise products multiply nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from vtbench.reduce.schedules.body import Body


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """One block of the host."""

    q: int
    k: int
    v: int
    o: int
    m: int
    left: int
    """Tokens that the block hands on, the prefix among them."""
    products: int | None = None
    """MACs of the attention map and of its use, if not all of them are formed."""

    def macs(self, body: Body) -> int:
        """Multiply-accumulates of the block."""
        width = body.width
        formed = width * (self.q * self.k + self.o * self.v)
        return (
            width**2 * (self.q + self.k + self.v + self.o)
            + (formed if self.products is None else self.products)
            + 2 * width * body.hidden * self.m
        )


def whole(tokens: int) -> Layer:
    """A block that leaves its tokens alone."""
    return same(tokens, tokens)


def same(tokens: int, left: int) -> Layer:
    """A plain block on some tokens, which hands on another number of them."""
    return Layer(q=tokens, k=tokens, v=tokens, o=tokens, m=tokens, left=left)


def cut(tokens: int, left: int) -> Layer:
    """Attention on all tokens, and the MLP on those that are left."""
    return Layer(q=tokens, k=tokens, v=tokens, o=tokens, m=left, left=left)


class Overhead(msgspec.Struct, frozen=True, kw_only=True):
    """Products that a method adds to the host."""

    name: str
    macs: int
    weights: int = 0
    """Weights of linear layers and convolutions that take part; learned queries are none."""
    block: int | None = None
    """The block at which it happens; None if it belongs to no block."""


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A method on a host, with its settings put in."""

    body: Body
    layers: tuple[Layer, ...]
    overheads: tuple[Overhead, ...] = ()
    distances: tuple[Overhead, ...] = ()
    """Pairwise distances, which most counters take for nothing; they are in no total."""
    parameters: int | None = 0
    """Learned parameters that the method adds; None if its publication does not settle them."""
    bound: bool = False
    """Whether the count depends on the image, and this is the largest that it can be."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the host and of the method, without distances."""
        return (
            self.body.stem[0]
            + sum(layer.macs(self.body) for layer in self.layers)
            + total(self.overheads)
            + self.body.head
        )

    @property
    def macs_with_distances(self) -> int:
        """The same with pairwise distances."""
        return self.macs + total(self.distances)

    @property
    def tokens_left(self) -> int:
        """Patch tokens after the last block; a fused token is one of them."""
        return self.layers[-1].left - self.body.prefix

    @property
    def tokens(self) -> tuple[int, ...]:
        """Tokens that each block hands on, the prefix among them."""
        return tuple(layer.left for layer in self.layers)


def total(overheads: Iterable[Overhead]) -> int:
    """MACs of all."""
    return sum(each.macs for each in overheads)
