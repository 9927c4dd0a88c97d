"""Weights from a file, read without running its content, and compared with a model's names."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from vtbench.data.notice import Notice
from vtbench.errors import BadInput
from vtbench.models.placeholders import placeholders

Tensors = dict[str, Tensor]

# Under which of these a training script kept the weights, beside its optimiser and the like;
# averaged ones come first, because such scripts evaluate them.
_NESTS = ("model_ema", "state_dict_ema", "model", "state_dict", "model_state_dict", "module")
_WRAPPER = "module."
_SHOWN = 3
"""Tensors of other sizes that are named: two networks of different widths differ in all."""
_LISTED = 12
"""Of what is ignored, so many names are shown."""
_DEEPEST = 4
"""Of dictionaries in dictionaries; a file may hold one that is in itself."""
_told: set[str] = set()
"""Notices that were given, so that each is given once."""


@runtime_checkable
class KnowsOtherNames(Protocol):
    """A model whose published checkpoints have other names than its own."""

    def translated(self, tensors: Tensors) -> Tensors:
        """The tensors under the model's names; those that it does not know keep theirs."""


class Checkpoint(NamedTuple):
    """What a file of weights holds."""

    tensors: Tensors
    """By name."""
    taken: tuple[str, ...] = ()
    """The keys that led to them, outermost first; none in a state_dict."""
    ignored: tuple[str, ...] = ()
    """The keys beside them that hold something."""
    unmade: tuple[str, ...] = ()
    """Classes of objects that were not made."""

    def notice(self, path: Path) -> str | None:
        """What the user should know of it; None if nothing was left out."""
        said = [f"Of {str(path)!r}, {'.'.join(self.taken) or 'all'} is read"]
        if self.ignored:
            said.append(f"ignored {_is_or_are(self.ignored)} {_listed(self.ignored)}")
        if self.unmade:
            said.append(f"no code of {_listed(self.unmade)} was run")
        return f"{'; '.join(said)}." if len(said) > 1 else None


def load(module: nn.Module, path: Path, model: str) -> None:
    """Give a module the weights of a file; a module without values is only compared with it."""
    checkpoint = read(path)
    tensors = checkpoint.tensors
    if isinstance(module, KnowsOtherNames):
        tensors = module.translated(tensors)
    wanted = module.state_dict()
    mistakes = [*_mistakes(tensors, wanted)]
    if mistakes:
        raise BadInput(f"The weights {str(path)!r} do not fit {model}: {'; '.join(mistakes)}.")
    if not any(tensor.is_meta for tensor in wanted.values()):
        module.load_state_dict(tensors)
    notice = checkpoint.notice(path)
    if notice is not None and notice not in _told:
        _told.add(notice)
        warnings.warn_explicit(notice, Notice, "vtbench", 1)


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
            yield f"{what} {_is_or_are(names)} {', '.join(map(_shown, names))}"


def _size(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "one number"


def read(path: Path) -> Checkpoint:
    """The tensors of a checkpoint by name, from torch's format or safetensors."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles that torch would not write
            found = (
                Checkpoint(load_file(path)) if path.suffix == ".safetensors" else _unpickled(path)
            )
    except BadInput:
        raise
    except Exception as error:  # torch's reader raises anything on what is not a checkpoint
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BadInput(f"The weights {str(path)!r} cannot be read: {first.rstrip('.')}.") from error
    return _unwrapped(found, path)


def _unpickled(path: Path) -> Checkpoint:
    """What torch's reader of weights makes of a file, of which nothing is run."""
    with placeholders(path) as met:
        try:
            held = torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            asked = f" (a call of {_shown(met.called[0])})" if met.called else ""
            raise BadInput(
                f"The weights {str(path)!r} hold more than tensors{asked}, or are not a "
                "checkpoint; nothing in them was run. Save a state_dict alone, or use safetensors."
            ) from error
    return _nested(held)._replace(unmade=tuple(sorted(set(met.made))))


def _nested(held: Any) -> Checkpoint:
    """The part of a training script's checkpoint that is the model's."""
    taken: list[str] = []
    ignored: list[str] = []
    while isinstance(held, dict) and len(taken) < _DEEPEST:
        nests = [name for name in _NESTS if isinstance(held.get(name), dict) and held[name]]
        if not nests:
            break
        taken.append(nests[0])
        ignored += [
            str(key) for key, value in held.items() if key != nests[0] and value is not None
        ]
        held = held[nests[0]]
    return Checkpoint(held, tuple(taken), tuple(ignored))


def _unwrapped(checkpoint: Checkpoint, path: Path) -> Checkpoint:
    """Tensors by name, less what wrapping a model in another puts before every name."""
    held = checkpoint.tensors
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
        held = {name.removeprefix(_WRAPPER): tensor for name, tensor in held.items()}
    return checkpoint._replace(tensors=dict(held))


def _listed(names: Sequence[str]) -> str:
    """The first of some names."""
    shown = [_shown(name) for name in names[:_LISTED]]
    if len(names) > _LISTED:
        shown.append(f"{len(names) - _LISTED} more")
    return ", ".join(shown)


def _shown(name: str) -> str:
    """A name as a file has it, less what a terminal would obey."""
    return name if name.isprintable() else ascii(name)[1:-1]


def _is_or_are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
