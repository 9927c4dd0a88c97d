"""What a network whose tokens are reduced cannot do: maps of tokens, and checkpoints of blocks."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import torch

from vtbench.errors import ModelError

_ASKED = "forward_intermediates"


def guard(model: Any) -> None:
    """Let timm's ``forward_intermediates`` refuse what it would lay out wrongly."""
    if hasattr(type(model), _ASKED):
        setattr(model, _ASKED, functools.partial(intermediates, model))


def unguard(model: Any) -> None:
    """Undo it."""
    vars(model).pop(_ASKED, None)


def intermediates(model: Any, *args: Any, **more: Any) -> Any:
    """Tokens after some blocks, as lists; ModelError if they are wanted as maps (B, C, H, W)."""
    asked = getattr(type(model), _ASKED)
    given = inspect.signature(asked).bind(model, *args, **more)
    given.apply_defaults()
    if given.arguments.get("output_fmt") == "NCHW":
        raise ModelError(
            "Tokens that are reduced lie on no grid, so there are no maps of them (reshape=True, "
            "output_fmt='NCHW'). Ask for lists of tokens (reshape=False, output_fmt='NLC')."
        )
    return asked(*given.args, **given.kwargs)


def refuse_checkpoints(model: Any) -> None:
    """Refuse to train with blocks that are computed again, each by itself, for their gradients."""
    if torch.is_grad_enabled() and getattr(model, "grad_checkpointing", False):
        raise ModelError(
            "With gradient checkpointing blocks are computed again one by one, and blocks whose "
            "tokens are reduced depend on those before them. Switch it off: "
            "model.set_grad_checkpointing(False)."
        )
