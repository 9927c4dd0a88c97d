"""Models whose memory is known to the byte, for worker processes that build them by name."""

from __future__ import annotations

import torch
from torch import nn

MB = 1_000_000


class Holds(nn.Module):
    """100 MB of weights; a step writes 200 MB and holds them while it adds them up."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(25 * MB))

    def forward(self, x):
        large = torch.ones(50 * MB, dtype=x.dtype, device=x.device)
        return large.sum() + x.sum() + self.weight[0]


def holds():
    return Holds(), (torch.zeros(1, 1000),)


class Greedy(nn.Module):
    """Asks for more than any machine has, though little when it is only counted."""

    def forward(self, x):
        return x.new_empty(1 << 44).sum() if x.device.type == "cpu" else x.sum()


def greedy():
    return Greedy(), (torch.zeros(1, 3),)


class Dies(nn.Module):
    """Is killed, as the system does when memory runs out."""

    def forward(self, x):
        import os
        import signal

        if x.device.type == "cpu":
            os.kill(os.getpid(), signal.SIGKILL)
        return x.sum()


def dies():
    return Dies(), (torch.zeros(1, 3),)
