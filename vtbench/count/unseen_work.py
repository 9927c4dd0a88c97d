"""Work that the dispatcher cannot see: it is unknown, not zero.

Signs give it away. A buffer from ``empty`` that an operator reads, or that the model returns,
before any operator wrote to it was filled by something else (a compiled kernel, a raw launch,
numpy), and so was one from ``zeros`` that does not hold zeros any more. A tensor of real numbers
that is handed to numpy, or by address to foreign code, may be worked on there. A script that was
optimised for inference runs operators that no dispatcher sees. And torch's dispatch modes belong
to one thread: what that thread starts or submits is watched while a count runs, and an operator
that multiplies there is filed under the module that gave the work away. Foreign code that gets its
data and its memory by other ways than torch's is not seen at all, nor is work that reaches another
thread in other ways, such as a queue that it reads.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves

from vtbench.count.operators.rules import Special
from vtbench.count.operators.table import Rule
from vtbench.count.read_values import SHAPE_ONLY
from vtbench.count.uncompiled import uncompiled

if TYPE_CHECKING:
    from vtbench.count.counter import Counter

File = Callable[[str, torch.Tensor], None]
"""How work that was not seen is filed: what gave it away, and the tensor."""

_EMPTY = frozenset(
    ("empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided")
)
_FILLED_WITH = MappingProxyType(
    {
        **dict.fromkeys(("zeros", "zeros_like", "new_zeros"), 0),
        **dict.fromkeys(("ones", "ones_like", "new_ones"), 1),
    }
)
_FILLED_BY_ARGUMENT = MappingProxyType({"full": 1, "full_like": 1, "new_full": 2})
"""Operators that fill new memory with one number: the number, or the place of the argument."""
_COPIES = frozenset(("to", "_to_copy", "clone", "contiguous"))
"""A copy of an unwritten buffer is as unwritten as it was."""


class OutsideWork:
    """Follows buffers that were made but not yet written by any operator."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._unwritten: dict[int, torch.Tensor] = {}
        self._filled: dict[int, Any] = {}
        """The number that fills an unwritten buffer, if one does."""

    @property
    def waiting(self) -> bool:
        """Whether any buffer is still unwritten."""
        return bool(self._unwritten)

    @staticmethod
    def makes_empty(func: Any) -> bool:
        """Whether an operator returns memory that nothing was written to."""
        overload = isinstance(func, torch._ops.OpOverload)
        return overload and func.overloadpacket.__name__ in _EMPTY

    @staticmethod
    def copies(func: Any) -> bool:
        """Whether an operator's result is as written, or not, as its first argument."""
        overload = isinstance(func, torch._ops.OpOverload)
        return overload and func.overloadpacket.__name__ in _COPIES

    def is_unwritten(self, value: Any) -> bool:
        """Whether a value is a buffer that nothing has written to."""
        plain = isinstance(value, torch.Tensor) and value.layout == torch.strided
        if not plain or value.is_nested:
            return False
        return value.untyped_storage()._cdata in self._unwritten

    def is_empty(self, value: Any) -> bool:
        """Whether a value is such a buffer, and does not even hold one number everywhere."""
        return self.is_unwritten(value) and value.untyped_storage()._cdata not in self._filled

    def about_to_run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Look at what an operator is about to read and write."""
        for position, value in enumerate(args):
            self._look(func, position, value)
        for name, value in kwargs.items():
            self._look(func, name, value)

    def _look(self, func: Any, place: int | str, value: Any) -> None:
        for tensor in value if isinstance(value, list | tuple) else (value,):
            if not self.is_unwritten(tensor) or _only_looks(func):
                continue
            self._settle(tensor, written=_writes(func, place))

    def _settle(self, tensor: torch.Tensor, *, written: bool = False) -> None:
        """A buffer is used: whoever filled it has done so by now."""
        key = tensor.untyped_storage()._cdata
        whole = self._unwritten.pop(key)
        number = self._filled.pop(key, None)
        if number is not None and (
            whole.is_meta or torch.equal(whole, torch.full_like(whole, number))
        ):
            return  # it holds what it was made with
        if number is not None or not written:
            self._file("unseen_write", tensor)

    def returned(self, out: Any) -> None:
        """The model returns something: what is in it was filled by somebody."""
        with _disable_current_modes():  # looking is no part of the count
            for tensor in tree_leaves(out):
                if self.is_unwritten(tensor) and not tensor.is_meta:
                    self._settle(tensor)

    def made_full(self, func: Any, args: tuple[Any, ...], out: Any) -> None:
        """Remember a new buffer that holds one number everywhere, and which."""
        place = _FILLED_BY_ARGUMENT.get(func.overloadpacket.__name__)
        number = _FILLED_WITH[func.overloadpacket.__name__] if place is None else args[place]
        strided = isinstance(out, torch.Tensor) and out.layout == torch.strided
        # a number that is not equal to itself says nothing when it is compared
        if strided and not out.is_meta and isinstance(number, int | float) and number == number:  # noqa: PLR0124
            self.made(out)
            self._filled[out.untyped_storage()._cdata] = number

    @staticmethod
    def makes_full(func: Any) -> bool:
        """Whether an operator returns memory that holds one number everywhere."""
        overload = isinstance(func, torch._ops.OpOverload)
        name = func.overloadpacket.__name__ if overload else ""
        return name in _FILLED_WITH or name in _FILLED_BY_ARGUMENT

    def made(self, buffer: torch.Tensor) -> None:
        """Remember a new buffer that nothing has written to."""
        if buffer.layout == torch.strided and buffer.numel():
            # held, so that the address of a dead storage cannot be taken for this one
            self._unwritten[buffer.untyped_storage()._cdata] = buffer


_OPTIMISED = re.compile(r"prim::((?:mkldnn|MKLDNN)\w*|\w*FusionGroup\w*|TensorExprGroup\w*)")


def optimised_operators(module: Any) -> list[str]:
    """Operators in the graph of a scripted module that run unseen."""
    try:
        graph = str(module.inlined_graph)
    except (AttributeError, RuntimeError):  # a module that has no graph for forward
        return []
    return _OPTIMISED.findall(graph)


def forget_fused(module: Any) -> None:
    """Let a script forget the plans that it made for earlier runs; the next run makes new ones.

    A plan may have fused operators, which a dispatcher does not see.
    """
    try:
        names = module._c._method_names()
        for name in names:
            module._c._get_method(name)._debug_flush_compilation_cache()
    except (AttributeError, RuntimeError):  # a script that has no methods, or an older torch
        return


def _writes(func: Any, place: int | str) -> bool:
    if not isinstance(func, torch._ops.OpOverload):
        return False
    arguments = func._schema.arguments
    found = (
        arguments[place]
        if isinstance(place, int)
        else next((a for a in arguments if a.name == place), None)
    )
    return found is not None and found.alias_info is not None and found.alias_info.is_write


def _only_looks(func: Any) -> bool:
    overload = isinstance(func, torch._ops.OpOverload)
    return overload and (func.is_view or func.overloadpacket.__name__ in SHAPE_ONLY)


class LeavingTorch(TorchFunctionMode):
    """Files every tensor of real numbers that a model hands to numpy or to foreign code.

    ``read`` is told of every tensor whose values Python gets without an operator.
    """

    WAYS = MappingProxyType(
        {
            torch.Tensor.numpy: "numpy",
            torch.Tensor.__array__: "numpy",
            torch.Tensor.__dlpack__: "dlpack",
            torch.Tensor.data_ptr: "data_ptr",
        }
    )

    READS = MappingProxyType(
        {
            torch.Tensor.tolist: "Tensor.tolist",
            torch.Tensor.numpy: "Tensor.numpy",
            torch.Tensor.__array__: "Tensor.numpy",
        }
    )

    def __init__(self, counter: Counter) -> None:
        super().__init__()
        self._counter = counter

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Note the call if it leaves torch, and make it."""
        asked = getattr(func, "__wrapped__", func)  # errors of the ways may be noted
        way, read = self.WAYS.get(asked), self.READS.get(asked)
        if (way or read) and not self._counter.importing:
            self._note(way, read, args[0])
        return func(*args, **(kwargs or {}))

    def _note(self, way: str | None, read: str | None, tensor: torch.Tensor) -> None:
        counter, path = self._counter, self._counter.stack.current
        foreign = way if tensor.numel() > 1 and _holds_reals(tensor) else None

        def file() -> None:
            if foreign is not None:
                counter.file_outside(foreign, tensor, path=path)
            if read is not None:
                counter.values.left(read, tensor)

        if read is None:  # an address, which foreign code works at whatever comes next
            file()
        else:
            inside = counter.stack.inside_a_call
            counter.handed.over(tensor, file, shared=way is not None, in_a_module=inside)


def _holds_reals(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


@uncompiled
class _Elsewhere(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own
    """Files what multiplies, or might, in the thread that it is entered in."""

    def __init__(self, counter: Counter) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own
        self._counter = counter

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run one operator; a composite one by its parts."""
        kwargs = kwargs or {}
        rule = self._counter.rule(func)
        if rule is Special.COMPOSITE:
            with self:
                return func.decompose(*args, **kwargs)
        out = func(*args, **kwargs)
        if self._counter.ended:  # a thread may outlive the count
            return out
        results = out if isinstance(out, list | tuple) else (out,)
        first = next((each for each in results if isinstance(each, torch.Tensor)), None)
        if first is not None and (not isinstance(rule, Rule) or rule.cost is not None):
            cost = rule.cost if isinstance(rule, Rule) else None
            self._counter.file_outside(
                "thread", first, cost(args, kwargs, out).macs if cost is not None else 0
            )
        return out


@contextmanager
def other_threads_watched(counter: Counter) -> Iterator[None]:
    """Watch what this thread starts, or submits to a pool, until the block ends."""
    here = threading.get_ident()
    submitting = False
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit

    def watched(work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            with _Elsewhere(counter):
                return work(*args, **kwargs)

        return run

    def start_watched(thread: threading.Thread) -> None:
        if threading.get_ident() == here and not submitting:
            thread.run = watched(thread.run)  # type: ignore[method-assign]  # of this one thread
        start(thread)

    def submit_watched(pool: Any, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        nonlocal submitting
        if threading.get_ident() != here:
            return submit(pool, work, *args, **kwargs)
        submitting = True  # the pool may start a thread of its own, which outlives the work
        try:
            return submit(pool, watched(work), *args, **kwargs)
        finally:
            submitting = False

    with (
        mock.patch.object(threading.Thread, "start", start_watched),
        mock.patch.object(ThreadPoolExecutor, "submit", submit_watched),
    ):
        yield
