"""A micro-case: a few operators whose multiply-accumulates can be written down by hand.

What a row of a table of cases is, and the words in which its module and inputs are made.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

import torch
from torch import nn

Given = tuple[nn.Module, tuple[Any, ...], dict[str, Any]]

N, D, H = 196, 384, 6
"""Tokens, width and heads of a small vision transformer: 14 × 14 patches, 6 heads of 64."""


class Case(NamedTuple):
    """What runs, and what it costs."""

    name: str
    """At most 24 characters, so that the table of all counters fits a page."""
    truth: int | None
    """Multiply-accumulates, written out as arithmetic; None if nothing can be known."""
    make: Callable[[], Given]
    """A module with its inputs; its random numbers are seeded by `given`."""
    ops: Callable[[], Mapping[Any, Callable[..., int]]] = dict
    """Formulas of the user's, by operator."""
    needs_values: bool = False
    """Whether it cannot run on shapes alone: its lengths, branches or data are values."""


def given(case: Case) -> Given:
    """The module in evaluation mode and its inputs, the same every time."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of what is tried here is deprecated, and still used
        torch.manual_seed(0)
        module, args, kwargs = case.make()
    return module.eval(), args, kwargs


class Does(nn.Module):
    """A module whose forward pass is a function of its parts and its inputs."""

    def __init__(self, function: Callable[..., Any], **parts: Any) -> None:
        super().__init__()
        self.function = function
        # several counters take the device of a model from its first parameter
        self.unused = nn.Parameter(torch.zeros(1))
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: Any, y: Any = None, z: Any = None, mask: Any = None) -> Any:
        """The function on the inputs that are there, with the module in front."""
        return self.function(self, *(each for each in (x, y, z, mask) if each is not None))


def does(function: Callable[..., Any], *inputs: Any, **parts: Any) -> Given:
    """A function of a module with some parts, and of the inputs."""
    return Does(function, **parts), inputs, {}


def applied(function: Callable[..., Any], *inputs: Any) -> Given:
    """A function of the inputs alone."""
    return does(lambda _, *args: function(*args), *inputs)


def called(name: str, *inputs: Any) -> Given:
    """A function of torch by its name, looked up when it runs, as a model's code would."""

    def look_up_and_call(*args: Any) -> Any:
        return attrgetter(name)(torch)(*args)

    return applied(look_up_and_call, *inputs)


def layer(module: nn.Module, *inputs: Any, **keywords: Any) -> Given:
    """A module on its inputs."""
    return module, inputs, keywords


def weight(*shape: int) -> nn.Parameter:
    """A parameter of a shape."""
    return nn.Parameter(torch.randn(*shape) / shape[-1] ** 0.5)


def tokens(batch: int = 1, count: int = N, width: int = D) -> torch.Tensor:
    """Patch tokens."""
    return torch.randn(batch, count, width)


def image(*shape: int) -> torch.Tensor:
    """A feature map, or anything else of a shape."""
    return torch.randn(*shape)
