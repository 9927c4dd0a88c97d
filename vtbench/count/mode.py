"""Evaluation and training mode of a module that its caller holds: asked for, taken, taken back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Literal, get_args

from torch import fx, nn

from vtbench.count.lending import lent
from vtbench.errors import UsageError

OwnMode = Literal["eval", "train"]
Mode = Literal["eval", "train", "as-is"]
"""``as-is`` leaves every submodule in the mode that it is in."""
MODES: tuple[Mode, ...] = get_args(Mode)


def mode_under(module: object, asked: Mode) -> OwnMode:
    """The mode in which a module runs if a mode is asked for; an exported program keeps its own."""
    if asked not in MODES:
        raise UsageError(f"mode: expected one of {', '.join(MODES)}, got {asked!r}.")
    if asked != "as-is" and _can_change(module):
        return asked
    # a frozen script has no mode any more: it is in evaluation for good
    return "train" if getattr(module, "training", False) else "eval"


def _can_change(module: object) -> bool:
    """Whether a mode can be set; a program that was exported refuses it on the object itself."""
    exported = isinstance(module, fx.GraphModule) and "train" in vars(module)
    return hasattr(module, "training") and not exported


def put_in_mode(module: nn.Module, mode: OwnMode) -> None:
    """Set the mode as a user does, by the module's own ``train`` and ``eval``."""
    if not _is_in_mode(module, mode) and _can_change(module):
        module.eval() if mode == "eval" else module.train()


def _is_in_mode(module: nn.Module, mode: OwnMode) -> bool:
    """Whether there is nothing to switch."""
    wanted = mode == "train"
    return all(getattr(part, "training", wanted) == wanted for part in module.modules())


@contextmanager
def in_mode(module: nn.Module, asked: Mode) -> Iterator[None]:
    """The module in a mode; afterwards each submodule is in the one that it was in.

    A class with a ``train`` of its own may change more than the mode, such as merge weights, so
    such a module is lent.
    """
    mode = mode_under(module, asked)
    if asked == "as-is" or _is_in_mode(module, mode):
        yield
        return
    before = [(part, part.training) for part in module.modules() if hasattr(part, "training")]
    own = any(_has_its_own(type(part)) for part, _ in before)
    with lent(module) if own else nullcontext():
        put_in_mode(module, mode)
        try:
            yield
        finally:
            for part, training in before:
                with contextlib.suppress(AttributeError, RuntimeError):  # a script's constant
                    part.training = training


def _has_its_own(kind: type) -> bool:
    plain = issubclass(kind, nn.Module) and kind.train is nn.Module.train
    return not (plain and kind.eval is nn.Module.eval)  # type: ignore[attr-defined]  # of a module
