"""Work that a counter cannot know, unless somebody says what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from vtbench.count.cases.micro_case import Case, D, Given, N, does, image, weight


@torch.library.custom_op("vtbench_cases::scan", mutates_args=())
def scan(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """A product that no counter has heard of; numpy, so that none sees into it."""
    return torch.from_numpy(x.detach().numpy() @ w.detach().numpy())


@scan.register_fake
def _(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return x.new_empty(*x.shape[:-1], w.shape[-1])


def scan_macs(x: Any, w: Any) -> int:
    """One product of a row and a column for each output element."""
    rows, width = x
    return int(rows * width * w[-1])


def _formula() -> Mapping[Any, Callable[..., int]]:
    return {torch.ops.vtbench_cases.scan.default: scan_macs}


def _scanned() -> Given:
    return does(lambda self, x: scan(x, self.w), image(N, D), w=weight(D, D))


def _in_numpy(self: Any, x: torch.Tensor) -> torch.Tensor:
    product = x.detach().numpy() @ self.w.detach().numpy()
    return torch.from_numpy(product)


def _filled_by_numpy(self: Any, x: torch.Tensor) -> torch.Tensor:
    result = torch.empty(N, D)
    np.matmul(np.asarray(x.detach()), np.asarray(self.w.detach()), out=np.asarray(result))
    return result * 2


UNSEEN_CASES = (
    Case("unknown operator", None, _scanned),
    Case("operator with formula", N * D * D, _scanned, _formula),
    Case("numpy", None, lambda: does(_in_numpy, image(N, D), w=weight(D, D)), needs_values=True),
    Case(
        "buffer filled by numpy",
        None,
        lambda: does(_filled_by_numpy, image(N, D), w=weight(D, D)),
        needs_values=True,
    ),
)
