"""Other counters beside ours: each is run on a model of its own, and its difference explained.

This package imports neither torch nor any counter until `compare` is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from vtbench.count.peers.names import ALIASES, ALL, NAMES, chosen, parse
from vtbench.data.record import PeerCount, Record

__all__ = ["ALIASES", "ALL", "NAMES", "chosen", "compare", "parse"]


def compare(
    build: Callable[[bool], Any], record: Record, names: Iterable[str]
) -> dict[str, PeerCount]:
    """What each counter says of a workload; ``build(real)`` makes its model and inputs."""
    from vtbench.count.peers.side_by_side import compare as run

    return run(build, record, names)
