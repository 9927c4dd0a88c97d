"""Counting one module on given inputs: which road, which pass, and what comes out."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import nn
from torch.utils._pytree import tree_leaves, tree_map_only

from vtbench.count.attribution import ModuleStack
from vtbench.count.counter import Counter
from vtbench.count.isolation import (
    SEED,
    compiled_code_as_written,
    imports_uncounted,
    seeded_and_restored,
)
from vtbench.count.ledger import head_of, rows_of
from vtbench.count.lending import lent, to_meta, with_own_lazy_tensors, without_values
from vtbench.count.meta_execution import missing_values_noted, without_address
from vtbench.count.mode import OwnMode, put_in_mode
from vtbench.count.model_parts import (
    is_lazy,
    module_parameters,
    module_weights,
    parameters_of,
    parts_of,
)
from vtbench.count.operators.rules import UserFormula, user_rules
from vtbench.count.unseen_work import LeavingTorch, forget_fused, other_threads_watched
from vtbench.data.record import Memory, Parameters, Row
from vtbench.errors import ModelError, VtbenchError

Inputs = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True)
class CountSettings:
    """How to count."""

    ops: Mapping[Any, UserFormula] = field(default_factory=dict)
    """Formulas for operators, by operator; they get shapes and return MACs."""
    backward: bool = False
    """Count the backward pass too."""
    grad: bool = False
    """Record gradients during the forward pass; the count does not depend on it."""
    road: Literal["auto", "meta", "real"] = "auto"
    """Shapes alone, seeded real values, or shapes first and values if a model needs them."""
    mode: OwnMode | None = None
    """Training or evaluation mode; None leaves the model's own."""
    head: tuple[str, ...] = ()
    """Paths of the classifier head."""
    disposable: bool = False
    """The model is thrown away after the count, so nothing needs to be taken back."""
    why_real: str = "asked for"
    """Where the road is real, the reason that the result states."""
    seed: int = SEED
    """Of the random numbers that the model draws as it runs."""


@dataclass(frozen=True)
class Counted:
    """What counting a module gives."""

    rows: tuple[Row, ...]
    parameters: Parameters
    module_parameters: dict[str, int]
    module_weights: dict[str, int]
    memory: Memory
    stages: tuple[str, ...]
    road: str
    readers: tuple[str, ...] = ()
    """Operators that read values on which the count can depend, in the order of their calls."""


class CaughtOnMeta(RuntimeError):
    """A model caught an error that only shapes alone gave rise to, and went another way."""

    def __init__(self, said: str) -> None:
        super().__init__(f"The model caught an error that values would not raise: {said}")


def count_module(model: nn.Module, inputs: Inputs, settings: CountSettings) -> Counted:
    """Count one call of a module; the module and its inputs are left as they were.

    Without gradients first, which is quickest; a model that takes gradients inside its own
    forward pass is run again with them.
    """
    try:
        return _by_road(model, inputs, settings)
    except ModelError as error:
        if settings.grad or not _asks_for_gradients(error.__cause__):
            raise
    return _by_road(model, inputs, replace(settings, grad=True))


def _asks_for_gradients(error: BaseException | None) -> bool:
    # "aten." begins what a nested tensor of torch 2.6 says of an operator that it takes by its
    # parts alone, as gradients show it
    return isinstance(error, RuntimeError) and bool(re.search(r"grad|nference|^aten\.", str(error)))


def _by_road(model: nn.Module, inputs: Inputs, settings: CountSettings) -> Counted:
    if settings.road != "real":
        try:
            return on_meta(model, inputs, settings)
        except VtbenchError:
            raise  # a sentence already, and values would not change it
        except Exception as error:  # a foreign model may raise anything
            if settings.road == "meta":
                raise ModelError(_sentence(model, error)) from error
            first, reason = error, f"{type(error).__name__} on meta: {_first_line(error)}"
    else:
        first, reason = None, settings.why_real
    try:
        return on_real_values(model, inputs, settings, reason)
    except VtbenchError:
        raise
    except Exception as error:  # noqa: BLE001 - a foreign model may raise anything
        # weights may come from elsewhere as they are needed; if none come, the first error says so
        said = first if first is not None and _is_meta(model) else error
        raise ModelError(_sentence(model, said)) from said


def _sentence(model: nn.Module, error: Exception) -> str:
    return f"{type(model).__name__} raised {type(error).__name__} when run: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else "(no message)"


def _is_meta(model: nn.Module) -> bool:
    return any(p.is_meta for p in model.parameters())


def on_meta(model: nn.Module, inputs: Inputs, settings: CountSettings) -> Counted:
    """Count on shapes alone: no weights are read and no memory is used."""
    parts = parts_of(model)
    tensors = (*parts.parameters, *parts.buffers)
    bare = all(tensor.is_meta for tensor in tensors)
    with ExitStack() as stack:
        stack.enter_context(seeded_and_restored(settings.seed))
        if not (bare and settings.disposable):
            stack.enter_context(lent(model, inputs, weights_written=False))
        if bare:
            for tensor in tensors:
                without_address(tensor)
        else:
            without_values(model)
        given = tree_map_only(torch.Tensor, lambda t: _as_input(t, to_meta(t.detach())), inputs)
        return _run(model, given, settings, "meta")


def on_real_values(model: nn.Module, inputs: Inputs, settings: CountSettings, why: str) -> Counted:
    """Count on values: inputs are copies, and random numbers are seeded."""
    with (
        seeded_and_restored(settings.seed),
        lent(model, inputs, disposable=settings.disposable),
    ):
        with_own_lazy_tensors(model)
        given = tree_map_only(torch.Tensor, lambda t: _as_input(t, t.detach().clone()), inputs)
        return _run(model, given, settings, f"real ({why})")


def _as_input(given: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """A tensor that takes another's place, and asks for a gradient if that one does."""
    return other.requires_grad_(given.requires_grad)


def _run(model: nn.Module, inputs: Inputs, settings: CountSettings, road: str) -> Counted:
    if settings.mode is not None:
        put_in_mode(model, settings.mode)
    if any(is_lazy(tensor) for tensor in (*model.parameters(), *model.buffers())):
        with torch.no_grad():  # lazy layers take their shapes, and initialise, at a first call
            model(*inputs[0], **inputs[1])
    on_shapes = road == "meta"
    with counter_for(model, settings, on_meta=on_shapes, inputs=inputs) as counter:
        with _passes(settings), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            out = model(*inputs[0], **inputs[1])
        if counter.caught is not None:
            raise CaughtOnMeta(_first_line(counter.caught))
        counter.outside.returned(out)
        if settings.backward:
            _backward(out)
        del out
    return summary(model, counter, settings, road)


def _passes(settings: CountSettings) -> Any:
    if settings.grad or settings.backward:
        return torch.enable_grad()
    return torch.inference_mode()


def _backward(out: Any) -> None:
    roots = [t for t in tree_leaves(out) if isinstance(t, torch.Tensor) and t.requires_grad]
    if not roots:
        raise ModelError("The backward pass needs an output that depends on a parameter.")
    torch.autograd.backward(roots, [torch.empty_like(t).fill_(1.0) for t in roots])


@contextmanager
def counter_for(
    model: nn.Module, settings: CountSettings, *, on_meta: bool, inputs: Inputs = ((), {})
) -> Iterator[Counter]:
    """A running counter with attribution and lifetimes; stopped when the block ends."""
    parts = parts_of(model)
    for _, module in parts.modules:
        if isinstance(module, torch.jit.ScriptModule):
            forget_fused(module)
    stack = ModuleStack(parts.modules)
    counter = Counter(stack, user_rules(settings.ops), on_meta=on_meta)
    counter.weight_bytes = counter.lifetimes.exclude((*parts.parameters, *parts.buffers))
    given = [each for each in tree_leaves(inputs) if isinstance(each, torch.Tensor)]
    counter.values.tell((*parts.parameters, *given), varies=True)
    counter.values.tell(parts.buffers, varies=False)
    for tensor in given:
        if tensor.layout == torch.strided:
            counter.lifetimes.born(tensor, "", "input")
    leaving = nullcontext() if on_meta else LeavingTorch(counter)
    misses = missing_values_noted(counter) if on_meta else nullcontext()
    try:
        watching = stack.watching(nodes=settings.backward or settings.grad)
        threads, imports = other_threads_watched(counter), imports_uncounted(counter)
        with watching, compiled_code_as_written(), threads, imports, leaving, misses, counter:
            yield counter
    finally:
        counter.note_scripts(parts.modules)
        counter.ended = True
        counter.lifetimes.close()


def summary(model: nn.Module, counter: Counter, settings: CountSettings, road: str) -> Counted:
    """The ledger and the totals of a counter that has run."""
    lifetimes, parts = counter.lifetimes, parts_of(model)
    path, op = lifetimes.peak_at
    return Counted(
        rows=rows_of(counter, parts.modules, settings.head or head_of(model)),
        parameters=parameters_of(parts),
        module_parameters=module_parameters(parts),
        module_weights=module_weights(parts),
        memory=Memory(
            weights=counter.weight_bytes,
            activations_peak=lifetimes.peak,
            peak_at=f"{path or type(model).__name__} ({op})",
        ),
        stages=tuple(name for name, _ in model.named_children()),
        road=road,
        readers=tuple(counter.values.readers),
    )
