"""The counters that hang hooks on modules and replace torch's functions: ptflops and calflops.

Both delete what they counted for single modules before they return. They print it first, so
that is when we look.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import re
from collections.abc import Callable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any
from unittest import mock

from vtbench.count.peers.tally import Crashed, Line, ModelCall, Tally, Unsuitable, walk

if TYPE_CHECKING:
    from torch import nn

    from vtbench.count.attribution import ModuleStack


class WhenPrinted(io.StringIO):
    """A stream that takes a look whenever something is printed to it, and keeps the text."""

    def __init__(self, look: Callable[[], None]) -> None:
        super().__init__()
        self._look = look

    def write(self, text: str) -> int:
        """Look, and write."""
        self._look()
        return super().write(text)


def run_ptflops(call: ModelCall) -> Tally:
    """The own backend of ptflops; its averages over the batch are multiplied back."""
    from ptflops import get_model_complexity_info, pytorch_ops

    model, counts = call.module, _Counts()

    def look() -> None:
        counts.modules = list(_ptflops_modules(model, pytorch_ops.MODULES_MAPPING))
        counts.batch = max(1, getattr(model, "__batch_counter__", 1))

    functions = (pytorch_ops.FUNCTIONAL_MAPPING, pytorch_ops.TENSOR_OPS_MAPPING)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), _noting(model, functions, counts.functions):
        total, _ = get_model_complexity_info(
            model,
            (1,),
            as_strings=False,
            ost=WhenPrinted(look),
            input_constructor=lambda _: _one_input(call),
        )
    if total is None:
        raise Crashed(_exception_in(said.getvalue()))
    in_modules = sum(line.macs for line in counts.modules)
    total = int(total) - in_modules // counts.batch + in_modules
    return Tally(total, (*counts.modules, *counts.functions))


def _stack_of(model: nn.Module) -> ModuleStack:
    from vtbench.count.attribution import ModuleStack
    from vtbench.count.model_parts import parts_of

    return ModuleStack(parts_of(model).modules)


class _Counts:
    """What ptflops holds while it prints, and what its functions counted before."""

    def __init__(self) -> None:
        self.modules: list[Line] = []
        self.functions: list[Line] = []
        self.batch = 1


def _one_input(call: ModelCall) -> Any:
    """What its input constructor may return: one input, or all of them by name."""
    if len(call.args) == 1 and not call.kwargs:
        return call.args[0]
    given = inspect.signature(call.module.forward).bind(*call.args, **call.kwargs)
    named = given.arguments
    kinds = {name: given.signature.parameters[name].kind for name in named}
    if any(kind is inspect.Parameter.VAR_POSITIONAL for kind in kinds.values()):
        raise Unsuitable("It takes one input or inputs by name, and the model takes a list.")
    spread = next((n for n, kind in kinds.items() if kind is inspect.Parameter.VAR_KEYWORD), None)
    extra = named.pop(spread) if spread is not None else {}
    return {**named, **extra}


def _exception_in(said: str) -> str:
    """The exception that ptflops printed instead of raising it."""
    printed = said.partition("following exception:")[2].strip()
    named = re.match(r"<class '(?:.*\.)?(\w+)'>: *(.*)", printed)
    return f"It raised {named[1]}: {named[2] or 'no message'}" if named else "It raised something."


def _ptflops_modules(model: nn.Module, known: dict[Any, Any], path: str = "") -> Iterator[Line]:
    """Its sum over modules: one that it knows stands for everything below it."""
    if type(model) in known:
        macs = int(getattr(model, "__flops__", 0))
        below = any(True for _ in model.children())
        if macs or below:
            yield Line(path, None, macs, whole=below, module_class=type(model).__name__)
        return
    for name, child in model.named_children():
        yield from _ptflops_modules(child, known, f"{path}.{name}" if path else name)


@contextlib.contextmanager
def _noting(
    model: nn.Module, handlers: tuple[dict[Any, Any], ...], to: list[Line]
) -> Iterator[None]:
    """Its handlers of functions say what they counted, and in which module."""
    stack = _stack_of(model)

    def noted(function: Any, handler: Any) -> Any:
        @wraps(handler)
        def count(*args: Any, **kwargs: Any) -> Any:
            macs = handler(*args, **kwargs)
            to.append(Line(stack.current, function.__name__, int(macs), 1))
            return macs

        return count

    with contextlib.ExitStack() as patched:
        for table in handlers:
            replaced = {function: noted(function, handler) for function, handler in table.items()}
            patched.enter_context(mock.patch.dict(table, replaced))
        patched.enter_context(stack.watching())
        yield


def run_calflops(call: ModelCall) -> Tally:
    """The MACs of calflops, which stand beside its FLOPs."""
    from calflops import calculate_flops, calculate_pipline, pytorch_ops

    model = call.module
    modules: list[Line] = []
    functions: list[Line] = []

    def look() -> None:
        modules[:] = [
            Line(path, None, int(macs), module_class=type(module).__name__)
            for path, module in walk(model)
            if (macs := getattr(module, "__macs__", 0))
        ]

    try:
        with (
            contextlib.redirect_stdout(WhenPrinted(look)),
            mock.patch.object(
                pytorch_ops, "wrapFunc", _noting_wrapper(model, pytorch_ops.wrapFunc, functions)
            ) as wrapper,
            wrapper.stack.watching(),
        ):
            _, total, _ = calculate_flops(
                model,
                args=list(call.args),
                kwargs=dict(call.kwargs),
                print_detailed=False,
                output_as_string=False,
            )
    finally:  # what a model that raised has left there would be added to the next one
        calculate_pipline.module_flop_count.clear()
        calculate_pipline.module_mac_count.clear()
    return Tally(int(total), tuple(_by_operator(modules, functions)))


def _noting_wrapper(model: nn.Module, wrap: Any, to: list[Line]) -> Any:
    """Its wrapper of functions, which also says what was counted, and in which module."""
    stack = _stack_of(model)

    def wrapper(function: Any, count: Any, *rest: Any) -> Any:
        def noted(*args: Any, **kwargs: Any) -> Any:
            flops, macs = count(*args, **kwargs)
            if macs:
                to.append(Line(stack.current, function.__name__, int(macs), 1))
            return flops, macs

        return wrap(function, noted, *rest)

    wrapper.stack = stack  # type: ignore[attr-defined]  # the caller watches the modules with it
    return wrapper


def _by_operator(modules: list[Line], functions: list[Line]) -> Iterator[Line]:
    """Each module's count divided by function, if the functions come to it."""
    for line in modules:
        inside = [each for each in functions if each.module == line.module]
        if sum(each.macs for each in inside) == line.macs:
            yield from inside
        else:
            yield line
