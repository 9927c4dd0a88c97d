"""Counting one module on given inputs: which road, which pass, and what comes out."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
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
from vtbench.count.known_values import any_known, is_known
from vtbench.count.ledger import head_of, rows_of
from vtbench.count.lending import lent, to_meta, with_own_lazy_tensors, without_values
from vtbench.count.lifetimes import INPUT
from vtbench.count.meta_execution import missing_values_noted, without_address
from vtbench.count.mode import OwnMode, put_in_mode
from vtbench.count.model_parts import (
    is_lazy,
    module_parameters,
    module_weights,
    never_ran,
    own_tensors,
    parameters_of,
    parts_of,
)
from vtbench.count.module_shapes import shapes_noted
from vtbench.count.operators.rules import UserFormula, user_rules
from vtbench.count.plain_shapes import plain_shapes
from vtbench.count.repeated_blocks import repeated_blocks
from vtbench.count.uncompiled import spare_compiler_on_shapes
from vtbench.count.unseen_work import LeavingTorch, forget_fused, other_threads_watched
from vtbench.data.record import Block, Memory, ModuleMemory, ModuleShapes, Parameters, Row
from vtbench.errors import ModelError, VtbenchError
from vtbench.models.numbers_kept import NumbersKept

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
    road: Literal["auto", "meta", "known", "real"] = "auto"
    """Shapes alone, inputs with values and weights without, or values; or each of these in turn, if
    a model needs more than the one before it."""
    mode: OwnMode | None = None
    """Training or evaluation mode; None leaves the model's own."""
    head: tuple[str, ...] = ()
    """Paths of the classifier head."""
    disposable: bool = False
    """The model is thrown away after the count, so nothing needs to be taken back."""
    why: str = "asked for"
    """If the road is not meta, the reason that the result states."""
    shapes: bool = False
    """Note what goes into each module and comes out of it."""
    seed: int = SEED
    """Of the random numbers that the model draws as it runs."""


@dataclass(frozen=True)
class Counted:
    """What counting a module gives."""

    rows: tuple[Row, ...]
    parameters: Parameters
    module_parameters: dict[str, int]
    module_weights: dict[str, int]
    never_ran: dict[str, int]
    shapes: dict[str, ModuleShapes]
    memory: Memory
    module_memory: dict[str, ModuleMemory]
    blocks: tuple[Block, ...]
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
    """The count of the first road that a model can take; of each next, the reason is why it is."""
    errors: list[Exception] = []
    reason = settings.why
    for road in _roads(model, inputs, settings):
        try:
            return road(model, inputs, settings, reason)
        except VtbenchError:  # noqa: PERF203 - a handful of roads
            raise  # a sentence already, and values would not change it
        except Exception as error:  # noqa: BLE001 - a foreign model may raise anything
            if not errors:
                reason = f"{type(error).__name__} on meta: {_first_line(error)}"
            errors.append(error)
    # weights may come from elsewhere as they are needed; if none come, the error before says more
    said = errors[-2] if len(errors) > 1 and _is_meta(model) else errors[-1]
    raise ModelError(_sentence(model, said)) from said


def _roads(
    model: nn.Module, inputs: Inputs, settings: CountSettings
) -> Iterator[Callable[..., Counted]]:
    if settings.road != "auto":
        roads: dict[str, Callable[..., Counted]]
        roads = {"meta": on_meta, "known": on_known_values, "real": on_real_values}
        yield roads[settings.road]
        return
    yield on_meta
    if any_known((inputs, list(model.buffers()))):
        yield on_known_values
    yield on_real_values


def asks_for_values(error: BaseException) -> bool:
    """Whether an error says that a shape has no values, and nothing of the model itself."""
    return isinstance(error, NotImplementedError | CaughtOnMeta) or "meta" in str(error)


def _sentence(model: nn.Module, error: Exception) -> str:
    return f"{type(model).__name__} raised {type(error).__name__} when run: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else "(no message)"


def _is_meta(model: nn.Module) -> bool:
    return any(p.is_meta for p in model.parameters())


def on_meta(model: nn.Module, inputs: Inputs, settings: CountSettings, _: str = "") -> Counted:
    """Count on shapes alone: no weights are read and no memory is used."""
    with _without_values(model, inputs, settings):
        given = tree_map_only(torch.Tensor, lambda t: _as_input(t, to_meta(t.detach())), inputs)
        return _run(model, given, settings, "meta")


def on_known_values(model: nn.Module, inputs: Inputs, settings: CountSettings, why: str) -> Counted:
    """Count on the values of inputs and constants, and on weights that are shapes."""

    def taken(tensor: torch.Tensor) -> torch.Tensor:
        own = tensor.detach()
        return _as_input(tensor, own.clone() if is_known(tensor) else to_meta(own))

    with _without_values(model, inputs, settings, constants_known=True), NumbersKept():
        given = tree_map_only(torch.Tensor, taken, inputs)
        return _run(model, given, settings, f"known ({why})")


@contextmanager
def _without_values(
    model: nn.Module, inputs: Inputs, settings: CountSettings, *, constants_known: bool = False
) -> Iterator[None]:
    """A lent model with tensors on meta in the place of its own."""
    parts = parts_of(model)
    tensors = (*parts.parameters, *parts.buffers)
    bare = all(tensor.is_meta for tensor in tensors)
    spare_compiler_on_shapes()
    with ExitStack() as stack:
        stack.enter_context(plain_shapes())
        stack.enter_context(seeded_and_restored(settings.seed))
        if not (bare and settings.disposable):
            stack.enter_context(lent(model, inputs, weights_written=False))
        if bare:
            for tensor in tensors:
                without_address(tensor)
        else:
            without_values(model, constants_known=constants_known)
        yield


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
    way = road.partition(" ")[0]
    with counter_for(
        model,
        settings,
        on_meta=way != "real",
        keeps_known=way == "known",
        inputs=inputs,
    ) as counter:
        with _passes(settings), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            out = model(*inputs[0], **inputs[1])
        if counter.caught is not None:
            raise CaughtOnMeta(_first_line(counter.caught))
        counter.outside.returned(out)
        counter.handed.returned(out)
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
    model: nn.Module,
    settings: CountSettings,
    *,
    on_meta: bool,
    keeps_known: bool = False,
    inputs: Inputs = ((), {}),
) -> Iterator[Counter]:
    """A running counter with attribution and lifetimes; stopped when the block ends."""
    parts = parts_of(model)
    for _, module in parts.modules:
        if isinstance(module, torch.jit.ScriptModule):
            forget_fused(module)
    stack = ModuleStack(parts.modules)
    counter = Counter(stack, user_rules(settings.ops), on_meta=on_meta, keeps_known=keeps_known)
    counter.weight_bytes = {
        path: counter.lifetimes.exclude(tensors) for path, tensors in own_tensors(parts).items()
    }
    given = [each for each in tree_leaves(inputs) if isinstance(each, torch.Tensor)]
    counter.values.tell((*parts.parameters, *given), varies=True)
    counter.values.tell(parts.buffers, varies=False)
    for tensor in given:
        if tensor.layout == torch.strided:
            counter.lifetimes.born(tensor, "", INPUT)
    leaving = LeavingTorch(counter) if keeps_known or not on_meta else nullcontext()
    misses = missing_values_noted(counter) if on_meta else nullcontext()
    try:
        watching = stack.watching(nodes=settings.backward or settings.grad)
        threads, imports = other_threads_watched(counter), imports_uncounted(counter)
        noted = shapes_noted(stack, counter.shapes) if settings.shapes else nullcontext()
        with (
            watching,
            noted,
            compiled_code_as_written(),
            threads,
            imports,
            leaving,
            misses,
            counter,
        ):
            yield counter
    finally:
        counter.handed.ended()
        counter.note_scripts(parts.modules)
        counter.ended = True
        counter.lifetimes.close()


def summary(model: nn.Module, counter: Counter, settings: CountSettings, road: str) -> Counted:
    """The ledger and the totals of a counter that has run."""
    lifetimes, parts = counter.lifetimes, parts_of(model)
    path, op = lifetimes.peak_at
    rows = rows_of(counter, parts.modules, settings.head or head_of(model))
    held = module_parameters(parts)
    return Counted(
        rows=rows,
        parameters=parameters_of(parts),
        module_parameters=held,
        module_weights=module_weights(parts),
        shapes={path: counter.shapes[path] for path, _ in parts.modules if path in counter.shapes},
        never_ran=never_ran(parts, counter.stack.entered, counter.touched),
        memory=Memory(
            weights=sum(counter.weight_bytes.values()),
            activations_peak=lifetimes.peak,
            peak_at=f"{path or type(model).__name__} ({op})",
        ),
        module_memory=_module_memory(counter),
        blocks=repeated_blocks(model, _macs_of(rows), held),
        stages=tuple(name for name, _ in model.named_children()),
        road=road,
        readers=tuple(counter.values.readers),
    )


def _module_memory(counter: Counter) -> dict[str, ModuleMemory]:
    weights, written = counter.weight_bytes, counter.lifetimes.written
    return {
        path: ModuleMemory(weights=weights.get(path, 0), written=written.get(path, 0))
        for path in dict.fromkeys((*weights, *written))
    }


def _macs_of(rows: Iterable[Row]) -> dict[str, int]:
    """Module path -> MACs of the module alone."""
    found: dict[str, int] = {}
    for row in rows:
        found[row.module] = found.get(row.module, 0) + row.macs
    return found
