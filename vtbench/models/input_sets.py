"""Many inputs for one model: drawn under seeds, or read from a source that a user named."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils._pytree import tree_leaves, tree_map_only

from vtbench.data.distribution import InputSet
from vtbench.data.model_names import place_and_path
from vtbench.errors import BadInput
from vtbench.models.built import Built
from vtbench.models.from_callable import users_code
from vtbench.models.image_files import image_in, standardised
from vtbench.models.input_sources import (
    MANY,
    array_of,
    images_of,
)
from vtbench.models.inputs import tensor
from vtbench.models.third_party import first_line
from vtbench.models.users_modules import imported_from

Inputs = tuple[tuple[Any, ...], dict[str, Any]]

_COLOURS = 3
_END = object()


def input_sets(built: Built, asked: InputSet) -> Iterator[Inputs]:
    """The inputs that were asked for, each of the shapes of the model's own; at least one.

    They are made one by one: a folder may hold more than memory does.
    """
    own: Inputs = (built.args, built.kwargs)
    if asked.source is not None:
        return of_source(asked.source, own, built.workload.model)
    whole_numbers = not built.own_inputs
    return (drawn(own, seed, whole_numbers=whole_numbers) for seed in range(asked.seeds or 1))


def of_source(source: str, own: Inputs, model: str) -> Iterator[Inputs]:
    """The inputs of a folder, an array or a function; ``own`` says which shapes they have."""
    if Path(source).is_dir():
        return _of_folder(Path(source), own, model)
    if source.endswith(".npy"):
        return _of_array(Path(source), own, model)
    return of_items(_called(source), own, source, model)


def drawn(given: Inputs, seed: int, *, whole_numbers: bool = False) -> Inputs:
    """Inputs of the same shapes with random real numbers, and whole ones if they are drawn too.

    Seed 0 gives the inputs that a model by name has by itself.
    """
    leaves = [each for each in tree_leaves(given) if isinstance(each, torch.Tensor)]
    if not any(whole_numbers or _holds_reals(each) for each in leaves):
        raise BadInput(
            "--seeds draws real numbers, and these inputs hold none; name a source with --inputs."
        )

    def redrawn(old: torch.Tensor) -> torch.Tensor:
        if not (whole_numbers or _holds_reals(old)):
            return old
        return tensor(old.shape, old.dtype, real=True, seed=seed)

    made: Inputs = tree_map_only(torch.Tensor, redrawn, given)
    return made


def _holds_reals(each: torch.Tensor) -> bool:
    return each.dtype.is_floating_point or each.dtype.is_complex


def _of_folder(folder: Path, given: Inputs, model: str) -> Iterator[Inputs]:
    slots = [each for each in tree_leaves(given) if _is_image(each)]
    if len(slots) != 1:
        raise BadInput(
            f"--inputs: {model} does not take one image, so images cannot be its inputs; give a "
            ".npy file or a function."
        )
    (slot,) = slots
    size = tuple(slot.shape[-2:])
    for batch in _batches(images_of(folder), len(slot), str(folder)):
        yield _filled(
            given,
            slot,
            torch.stack([standardised(image_in(path, size, "--inputs")) for path in batch]),
        )


def _is_image(each: Any) -> bool:
    plain = isinstance(each, torch.Tensor) and each.ndim == 4  # noqa: PLR2004 - B, C, H, W
    return plain and each.shape[1] == _COLOURS and _holds_reals(each)


def _of_array(path: Path, given: Inputs, model: str) -> Iterator[Inputs]:
    array = array_of(path)
    tensors = [each for each in tree_leaves(given) if isinstance(each, torch.Tensor)]
    if len(tensors) != 1:
        raise BadInput(
            f"--inputs: {model} takes {len(tensors)} tensors, and an array gives one; give a "
            "function."
        )
    (slot,) = tensors
    if array.shape[1:] != tuple(slot.shape[1:]):
        wanted = "×".join(["N", *map(str, slot.shape[1:])])
        raise BadInput(
            f"--inputs: expected an array of {wanted} for {model} in {str(path)!r}, got "
            f"{_sides(array.shape)}."
        )
    if array.dtype.kind in "fc" and not _holds_reals(slot):
        raise BadInput(
            f"--inputs: {model} takes whole numbers, and {str(path)!r} holds {array.dtype}."
        )
    native = array.dtype.newbyteorder("=")
    for batch in _batches(array, len(slot), str(path)):
        yield _filled(given, slot, torch.from_numpy(batch.astype(native)))


def _batches(entries: Any, size: int, source: str) -> Iterator[Any]:
    """Entries in parts of as many as the batch has."""
    if len(entries) % size:
        raise BadInput(
            f"--inputs: the {len(entries)} entries of {source!r} do not fill batches of {size}; "
            "give another --batch-size."
        )
    for first in range(0, len(entries), size):
        yield entries[first : first + size]


def _filled(given: Inputs, slot: torch.Tensor, value: torch.Tensor) -> Inputs:
    """The model's own inputs with one of them replaced; what else it takes is drawn."""

    def filled(old: torch.Tensor) -> torch.Tensor:
        if old is slot:
            return value.to(old.dtype)
        return tensor(old.shape, old.dtype, real=True) if old.is_meta else old

    made: Inputs = tree_map_only(torch.Tensor, filled, given)
    return made


def _called(source: str) -> Iterator[Any]:
    """What a function of the user's yields; between two inputs nothing of the process is lent."""
    with users_code(source):
        function = _function(source)
        items = iter(_yielded(source, _run(source, function)))
    while True:
        with users_code(source):
            each = _run(source, lambda: next(items, _END))
        if each is _END:
            return
        yield each


def _run(source: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:
        raise BadInput(f"--inputs: {source} raised {first_line(error)}.") from error


def of_items(items: Iterable[Any], own: Inputs | None, source: str, model: str) -> Iterator[Inputs]:
    """Tensors, tuples and dicts as inputs, each of the shapes of ``own``, or else of the first."""
    wanted = None if own is None else _shapes(own)
    place = 0
    for place, each in enumerate(items, 1):
        if place > MANY:
            raise BadInput(f"--inputs: {source} yields more than {MANY:,} inputs.")
        inputs = _as_inputs(source, place, each)
        shapes = _shapes(inputs)
        wanted = shapes if wanted is None else wanted
        if shapes != wanted:  # other shapes have other counts, whatever their values
            raise BadInput(
                f"--inputs: expected the shape {', '.join(wanted) or 'of no tensor'} for {model}, "
                f"and input {place} of {source} has {', '.join(shapes) or 'no tensor'}."
            )
        detached: Inputs = tree_map_only(torch.Tensor, torch.Tensor.detach, inputs)
        yield detached
    if not place:
        raise BadInput(f"--inputs: {source} yields no input; expected at least one.")


def _function(source: str) -> Any:
    place, name = place_and_path(source)
    try:
        module = imported_from(place)
    except (Exception, SystemExit) as error:
        raise BadInput(f"--inputs: {source} could not be imported: {first_line(error)}.") from error
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise BadInput(f"--inputs: {place} has no function {name!r}.")
    return found


def _yielded(source: str, made: Any) -> Iterable[Any]:
    if isinstance(made, torch.Tensor | dict | str) or not isinstance(made, Iterable):
        raise BadInput(
            f"--inputs: {source} returned a value of type {type(made).__name__}; expected it to "
            "yield inputs, or to return a list of them."
        )
    return made


def _as_inputs(source: str, place: int, each: Any) -> Inputs:
    """A tensor, a tuple of inputs, or a dict of them by name."""
    if isinstance(each, dict):
        return (), each
    if isinstance(each, tuple | list):
        return tuple(each), {}
    if isinstance(each, torch.Tensor):
        return (each,), {}
    raise BadInput(
        f"--inputs: input {place} of {source} is a value of type {type(each).__name__}; expected "
        "a tensor, a tuple of inputs, or a dict of them by name."
    )


def _shapes(inputs: Inputs) -> list[str]:
    leaves = tree_leaves(inputs)
    return [_sides(each.shape) for each in leaves if isinstance(each, torch.Tensor)]


def _sides(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape)) if math.prod(shape) or shape else "scalar"
