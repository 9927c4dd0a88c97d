"""What a cost model of fewer tokens knows beside its terms: the tokens of every block."""

from __future__ import annotations

import msgspec


class BlockTokens(msgspec.Struct, frozen=True, kw_only=True):
    """One block: the tokens at five places of it, and what it costs."""

    block: int
    queries: int
    keys: int
    values: int
    attended: int
    """Tokens that leave attention."""
    mlp: int
    left: int
    """Tokens that the block hands on."""
    macs: int
    """Multiply-accumulates of the block with those that the method adds there."""
    added: int
    """Those that the method adds."""


class Reduced(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens of a network at values of its symbols."""

    blocks: tuple[BlockTokens, ...]
    patches: int
    """Patch tokens of the image."""
    left: int
    """Patch tokens after the last block."""
    dense: int
    """MACs of the host alone."""
    distances: int = 0
    """MACs of pairwise distances, which are in no total."""
    parameters: int | None = 0
    """Learned parameters that the method adds; None if they are not settled."""
    bound: bool = False
    """Whether the cost depends on the image, and this is the most that it can be."""
