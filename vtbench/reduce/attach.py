"""A method on a network: applied, looked at, and undone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

import torch
from timm.models.vision_transformer import Attention, Block
from torch import nn

from vtbench.errors import ModelError
from vtbench.reduce.block import ReducedAttention, ReducedBlock
from vtbench.reduce.host import Host, host_of
from vtbench.reduce.intermediates import guard, unguard
from vtbench.reduce.listed import Method, method_named
from vtbench.reduce.pooling import pool_as_before, pool_by_size
from vtbench.reduce.run import Run
from vtbench.reduce.selecting import restored
from vtbench.reduce.settings import checked, met
from vtbench.reduce.step import Step

_ADDED = ("run", "host", "first", "last", "grid")


class Reduction:
    """A method that works in a network, until `undo`; a ``with`` block undoes it at its end."""

    def __init__(
        self, model: nn.Module, host: Host, method: str, settings: Mapping[str, Any]
    ) -> None:
        self.model = model
        self.method = method
        self.settings = dict(settings)
        """Every option, and its value."""
        self.run = Run(host.prefix)
        self.host = host
        self._there = True

    def __enter__(self) -> nn.Module:
        """The model with the method in it."""
        return self.model

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the method out again."""
        self.undo()

    def __repr__(self) -> str:
        """The method, its options and what is left."""
        options = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"<{self.method}({options}) on {type(self.model).__name__}: {self.lengths}>"

    @property
    def lengths(self) -> list[int]:
        """Patch tokens after each block, of an image of the network's own size."""
        return lengths([block.reduction for block in self.host.blocks], self.host.patches)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """A token for each patch, (B, P, C), as heads for dense outputs need it.

        Tokens after the last block and its norm are copied to the patches that they stand for.
        """
        self.run.traced = True
        try:
            tokens = self.host.model.forward_features(images)  # type: ignore[operator]
            if self.run.place is None:
                raise ModelError(f"{self.method} does not follow the patches.")
            return restored(tokens, self.run.place)
        finally:
            _unfollow(self.run)

    def undo(self) -> nn.Module:
        """The network as it was, bit for bit; once is enough."""
        if self._there:
            for block in self.host.blocks:
                _restore(block)
            pool_as_before(self.host.model)
            unguard(self.host.model)
            self._there = False
        return self.model


def lengths(steps: Sequence[Step], patches: int) -> list[int]:
    """Patch tokens after each step if so many come in."""
    found: list[int] = []
    for step in steps:
        found.append(step.left(found[-1] if found else patches, patches))
    return found


def apply(method: Method, model: nn.Module, options: Mapping[str, Any]) -> Reduction:
    """A method in a model's vision transformer; the model is unchanged if it is refused."""
    host = host_of(model)
    settings = checked(method, options)
    settings = met(method, host, settings, lambda each: lengths(each, host.patches)[-1])
    steps = method.steps(host, **settings)
    reduction = Reduction(model, host, method.name, settings)
    for index, (block, step) in enumerate(zip(host.blocks, steps, strict=True)):
        _patch(block, step, reduction.run)
        block.host = (host.model,)
        block.first, block.last = index == 0, index == host.depth - 1
        block.grid = host.grid
    pool_by_size(host.model, reduction.run)
    guard(host.model)
    return reduction


def applied_by(name: str) -> Callable[..., Reduction]:
    """The function that applies a method: ``tome(model, r=13)``."""
    method = method_named(name)

    def function(model: nn.Module, **options: Any) -> Reduction:
        return apply(method, model, options)

    first = inspect.Parameter("model", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    function.__name__ = function.__qualname__ = name
    function.__module__ = "vtbench.reduce"
    function.__doc__ = method.document
    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [first, *method.options.values()], return_annotation=Reduction
    )
    return function


def _patch(block: Any, step: Step, run: Run) -> None:
    """Change the class of a block and of its attention; the weights are not touched."""
    like = next(block.parameters(), None)
    if like is not None:
        step.to(device=like.device, dtype=like.dtype)
    step.train(block.training)
    block.__class__, block.attn.__class__ = ReducedBlock, ReducedAttention
    block.run = block.attn.run = run
    block.reduction = step
    block.attn.step = (step,)


def _restore(block: Any) -> None:
    for name in _ADDED:
        delattr(block, name)
    del block.reduction, block.attn.run, block.attn.step
    block.__class__, block.attn.__class__ = Block, Attention


@torch.no_grad()
def places(reduction: Reduction, image: torch.Tensor) -> list[torch.Tensor | None]:
    """Where each patch of an image batch is after each block, class token and others included.

    Each is (B, P) for P patches: the index of the token that a patch is in, -1 if it was dropped.
    """
    run = reduction.run
    run.traced = True
    try:
        reduction.model(image)
        return run.places
    finally:
        _unfollow(run)


def _unfollow(run: Run) -> None:
    """Let go of the patches that were followed."""
    run.traced = False
    run.forget()
    run.place, run.places = None, []
