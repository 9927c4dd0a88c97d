"""Weights from a file, read without running its content, and compared with a model's names."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from vtbench.errors import BadInput

Tensors = dict[str, Tensor]

# Under which of these a training script kept the weights, beside its optimiser and the like.
_NESTS = ("model", "state_dict", "model_state_dict", "module")
_WRAPPER = "module."
_SHOWN = 3
"""Tensors of other sizes that are named: two networks of different widths differ in all."""


@runtime_checkable
class KnowsOtherNames(Protocol):
    """A model whose published checkpoints have other names than its own."""

    def translated(self, tensors: Tensors) -> Tensors:
        """The tensors under the model's names; those that it does not know keep theirs."""


def load(module: nn.Module, path: Path, model: str) -> None:
    """Give a module the weights of a file; a module without values is only compared with it."""
    tensors = read(path)
    if isinstance(module, KnowsOtherNames):
        tensors = module.translated(tensors)
    wanted = module.state_dict()
    mistakes = [*_mistakes(tensors, wanted)]
    if mistakes:
        raise BadInput(f"The weights {str(path)!r} do not fit {model}: {'; '.join(mistakes)}.")
    if not any(tensor.is_meta for tensor in wanted.values()):
        module.load_state_dict(tensors)


def _mistakes(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Iterable[str]:
    """What does not fit: every key by name, and some of those whose sizes differ."""
    missing = [name for name in wanted if name not in tensors]
    foreign = [name for name in tensors if name not in wanted]
    shapes = [
        f"{name} ({_size(tensors[name])}, not {_size(wanted[name])})"
        for name in wanted
        if name in tensors and tensors[name].shape != wanted[name].shape
    ]
    if len(shapes) > _SHOWN:
        shapes = [*shapes[:_SHOWN], f"{len(shapes) - _SHOWN} more"]
    for what, names in (("missing", missing), ("foreign", foreign), ("of another size", shapes)):
        if names:
            yield f"{what} {'is' if len(names) == 1 else 'are'} {', '.join(names)}"


def _size(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "one number"


def read(path: Path) -> Tensors:
    """The tensors of a checkpoint by name, from torch's format or safetensors."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles that torch would not write
            held = (
                load_file(path)
                if path.suffix == ".safetensors"
                else torch.load(path, map_location="cpu", weights_only=True)
            )
    except pickle.UnpicklingError as error:
        raise BadInput(
            f"The weights {str(path)!r} hold more than tensors, or are not a checkpoint; "
            "nothing in them was run. Save a state_dict alone, or use safetensors."
        ) from error
    except Exception as error:  # torch's reader raises anything on what is not a checkpoint
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BadInput(f"The weights {str(path)!r} cannot be read: {first.rstrip('.')}.") from error
    return _unwrapped(_nested(held), path)


def _nested(held: Any) -> Any:
    """The part of a training script's checkpoint that is the model's."""
    while isinstance(held, dict):
        nest = next((name for name in _NESTS if isinstance(held.get(name), dict)), None)
        if nest is None:
            break
        held = held[nest]
    return held


def _unwrapped(held: Any, path: Path) -> Tensors:
    """Tensors by name, less what wrapping a model in another puts before every name."""
    if (
        not isinstance(held, dict)
        or not held
        or not all(isinstance(name, str) for name in held)
        or not all(isinstance(tensor, Tensor) for tensor in held.values())
    ):
        raise BadInput(
            f"The weights {str(path)!r} are not a state_dict, which holds tensors by name."
        )
    if all(name.startswith(_WRAPPER) for name in held):
        return {name.removeprefix(_WRAPPER): tensor for name, tensor in held.items()}
    return dict(held)
