"""CUDA graphs: a step captured once and replayed without the host's part of it."""

from __future__ import annotations

from collections.abc import Callable

import torch

WARM_STEPS = 3
"""Steps on a side stream before the capture, so that libraries have their workspaces."""


def replaying(step: Callable[[], object], device: torch.device) -> Callable[[], object]:
    """A step that replays what the given one launches; its inputs stay those of the capture."""
    side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch's own
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        for _ in range(WARM_STEPS):
            step()
    torch.cuda.current_stream(device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        outputs = step()

    def replay() -> object:
        graph.replay()
        return outputs

    return replay
