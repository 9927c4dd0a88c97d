"""The counter: a dispatch mode that sees every operator a model runs, and files each in a ledger.

Under ``torch.inference_mode`` the dispatcher shows composite operators whole (``linear``,
``conv2d``, ``scaled_dot_product_attention``): they are counted as they stand. With gradients it
shows their parts, which come to the same. On the meta device the result of an operator depends
on shapes alone, so within one count a call that repeats an earlier one is not run again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from vtbench.count.attribution import ModuleStack
from vtbench.count.handed_to_python import HandedToPython
from vtbench.count.known_values import KnownValues
from vtbench.count.lifetimes import Lifetimes, with_temporaries
from vtbench.count.meta_execution import (
    SHAPE_KEEPING,
    Repeats,
    attention_as_on_cpu,
    on_one_device,
    recurrent_on_meta,
    same_layout,
    without_address,
)
from vtbench.count.operators.rules import CONTROL, Special, hand_higher_order_to, qualified, rule_of
from vtbench.count.operators.table import Rule
from vtbench.count.precision import precision_of
from vtbench.count.read_values import ReadValues
from vtbench.count.uncompiled import uncompiled
from vtbench.count.unseen_work import OutsideWork, optimised_operators
from vtbench.data.record import ModuleShapes
from vtbench.models.sizes import something_left

Tensor = torch.Tensor


@dataclass(slots=True)
class LedgerEntry:
    """One row of the ledger while it is being filled."""

    calls: int = 0
    macs: int = 0
    effective: int = 0
    written: int = 0
    elements_in: int = 0
    elements_out: int = 0
    estimated: int = 0
    softmax: int = 0
    biased: int = 0
    parameter: bool = False
    precision: dict[str, list[int]] = field(default_factory=dict)
    """Dtypes of the operands -> calls and MACs."""


class Known(NamedTuple):
    """What the counter needs to know of an operator at every call."""

    rule: Rule | Special
    is_view: bool
    repeatable: bool
    """Its result is new, or its first argument, and depends on the arguments' shapes alone."""
    name: str
    makes_empty: bool
    makes_full: bool
    copies: bool


_STEPPING = frozenset(
    ("aten.lstm.input", "aten.gru.input", "aten.rnn_tanh.input", "aten.rnn_relu.input")
)

Key = tuple[str, str, str]
"""Module path, operator, phase."""


@uncompiled
class Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own
    """Counts what runs inside it; ``ledger`` holds a row for each module, operator and phase."""

    supports_higher_order_operators = True

    def __init__(
        self,
        stack: ModuleStack,
        users: Mapping[str, Rule],
        *,
        on_meta: bool,
        keeps_known: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own
        hand_higher_order_to(Counter)
        self.stack = stack
        self.lifetimes = Lifetimes()
        self.weight_bytes: dict[str, int] = {}
        """Module path -> bytes of its parameters and buffers, each storage at its first place."""
        self.outside = OutsideWork(self.file_outside)
        self.values = ReadValues()
        self.handed = HandedToPython(self.lifetimes.knows)
        self.shapes: dict[str, ModuleShapes] = {}
        """Module path -> its shapes, if they are noted."""
        self.ledger: dict[Key, LedgerEntry] = {}
        self.rules: dict[str, Rule | Special] = {}
        self.on_meta = on_meta
        self.known = KnownValues(keeps=keeps_known) if on_meta else None
        """On meta, the tensors that have values all the same."""
        self._every_value = keeps_known or not on_meta
        self.touched: set[int] = set()
        """What operators were given, by identity; those of parameters, which live on, are sure."""
        self._users = users
        self._known: dict[Any, Known] = {}
        self._repeats = Repeats()
        self._beside = 0
        self.importing = 0
        """How many files are being imported, each by the one before it: none of it is counted."""
        self.caught: Exception | None = None
        """An error that an operator raised on shapes alone; a model may have caught it."""
        self.ended = False
        """Whether the count is over; work that still goes on is not part of it."""

    @classmethod
    def is_infra_mode(cls) -> bool:
        """Let compiled code run as compiled; its operators are still seen."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run one operator and file it."""
        kwargs = kwargs or {}
        if self.importing:
            return func(*args, **kwargs)
        known = self._known.get(func) or self._learn(func)
        self._touch(args)
        if known.rule is Special.COMPOSITE:
            with self:
                return func.decompose(*args, **kwargs)
        if known.rule is Special.CONTROL:
            with self:
                return CONTROL[qualified(func)](*args, **kwargs)
        if self.handed and (_computes(known.rule) or self.handed.comes_back((args, kwargs))):
            self.handed.went_on()
        if self.outside.waiting and not (known.copies and self.outside.is_empty(args[0])):
            self.outside.about_to_run(func, args, kwargs)
        out = self._execute(func, known, args, kwargs)
        if known.makes_empty or (known.copies and self.outside.is_empty(args[0])):
            self.outside.made(out)
        elif known.makes_full:
            self.outside.made_full(func, args, out)
        if self._every_value or _has_values(out):
            self.values.ran(func, args, kwargs, out)
        self._file(known, args, kwargs, out)
        return out

    def _touch(self, args: tuple[Any, ...]) -> None:
        self.touched.update(map(id, args))
        for each in args:
            if type(each) is list or type(each) is tuple:
                self.touched.update(map(id, each))

    def rule(self, func: Any) -> Rule | Special:
        """What an operator is."""
        return (self._known.get(func) or self._learn(func)).rule

    def _learn(self, func: Any) -> Known:
        rule = rule_of(func, self._users)
        name = str(func)
        overload = isinstance(func, torch._ops.OpOverload)
        repeatable = (
            overload
            and (_makes_new(func._schema) or _writes_first(func._schema))
            and isinstance(rule, Rule)
            and not rule.user
            and rule.kind not in ("none", "reduction", "fourier")
        )
        view = overload and func.is_view and not func._can_decompose()
        known = self._known[func] = Known(
            rule,
            view,
            repeatable,
            name,
            OutsideWork.makes_empty(func),
            OutsideWork.makes_full(func) and not self.on_meta,
            OutsideWork.copies(func),
        )
        self.rules[name] = rule
        return known

    def _execute(self, func: Any, known: Known, args: tuple[Any, ...], kwargs: Any) -> Any:
        self._beside = 0
        if not self.on_meta:
            return func(*args, **kwargs)
        key = self._repeats.key(func, args, kwargs) if known.repeatable else None
        if key is None:
            return self._noting(func, known, args, kwargs)
        again = self._repeats.replay(key, args)
        if again is not None:
            self._beside = self._repeats.beside(key)
            return again
        out = self._noting(func, known, args, kwargs)
        if out is args[0]:
            self._repeats.remember_in_place(key)
        else:
            self._repeats.remember(key, out, self._beside)
        return out

    def _noting(self, func: Any, known: Known, args: tuple[Any, ...], kwargs: Any) -> Any:
        try:
            if self.known is not None:
                return self.known.run(func, args, kwargs, partial(self._on_meta, known))
            return self._on_meta(known, func, args, kwargs)
        except Exception as error:
            self.caught = error
            raise

    def _on_meta(self, known: Known, func: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        if known.name == "aten.scaled_dot_product_attention.default":
            return attention_as_on_cpu(func, args, kwargs)
        if known.name in SHAPE_KEEPING:
            return same_layout(func, args, kwargs)
        if known.name in _STEPPING:
            return recurrent_on_meta(func, args, kwargs)
        if _may_copy(known.name, args):
            # a product copies operands that it cannot fold: memory, though no work
            out, self._beside = with_temporaries(func, args, kwargs)
            return out
        out = on_one_device(func, args, kwargs)
        if isinstance(known.rule, Rule) and known.rule.kind == "conv" and isinstance(out, Tensor):
            something_left(args, out)
        return out

    def _file(self, known: Known, args: tuple[Any, ...], kwargs: Any, out: Any) -> None:
        path, phase = self.stack.current, "forward"
        if torch._C._current_autograd_node() is not None:
            path, phase = self.stack.owner_of_node(), "backward"
        entry = self.ledger.get((path, known.name, phase))
        if entry is None:
            entry = self.ledger[path, known.name, phase] = LedgerEntry()
        entry.calls += 1
        if known.is_view:
            return
        outputs = out if isinstance(out, list | tuple) else (out,)
        self._watch(outputs, path, known.name)
        rule = known.rule
        if not isinstance(rule, Rule):
            _add_elements(entry, args, outputs)
            entry.estimated += estimate(args, outputs)
        elif rule.kind != "none":
            _add_elements(entry, args, outputs)
            if rule.cost is not None:
                cost = rule.cost(args, kwargs, out)
                entry.macs += cost.macs
                if cost.macs:
                    products = entry.precision.setdefault(
                        precision_of(known.name, rule, args), [0, 0]
                    )
                    products[0] += 1
                    products[1] += cost.macs
                entry.effective += cost.effective
                entry.written += cost.written
                entry.softmax += cost.softmax
                entry.biased += _biased(rule.kind, args, outputs)
                entry.parameter = entry.parameter or self._has_parameter(args)

    def _watch(self, outputs: Sequence[Any], path: str, op: str) -> None:
        for tensor in outputs:
            if isinstance(tensor, Tensor) and _has_storage(tensor):
                if self.on_meta:
                    without_address(tensor)
                self.lifetimes.born(tensor, path, op, self._beside)

    def _has_parameter(self, args: tuple[Any, ...]) -> bool:
        tensors = (tensor for arg in args for tensor in _tensors(arg))
        return any(map(self.lifetimes.is_weight, tensors))

    def note_scripts(self, modules: Sequence[tuple[str, Any]]) -> None:
        """File what scripts that were optimised for inference run unseen, under each of them."""
        for path, module in modules:
            if isinstance(module, torch.jit.ScriptModule):
                for name in optimised_operators(module):
                    self.file_unknown(path, f"outside.{name}")

    def file_unknown(self, path: str, name: str) -> LedgerEntry:
        """One call of an operator that nobody knows, in a module."""
        self.rules[name] = Special.UNKNOWN
        entry = self.ledger.setdefault((path, name, "forward"), LedgerEntry())
        entry.calls += 1
        return entry

    def file_outside(
        self, what: str, tensor: Tensor, macs: int = 0, *, path: str | None = None
    ) -> None:
        """Work that the dispatcher did not see is an unknown operator of the current module.

        ``macs`` is what it probably costs, where anything can be said.
        """
        entry = self.file_unknown(self.stack.current if path is None else path, f"outside.{what}")
        entry.elements_out += tensor.numel()
        entry.estimated += macs or tensor.numel() * (tensor.shape[-1] if tensor.dim() else 1)


def _computes(rule: Rule | Special) -> bool:
    return not isinstance(rule, Rule) or rule.kind != "none"


def _has_values(out: Any) -> bool:
    """Whether a result on the meta road has values all the same: constants, and numbers drawn."""
    if isinstance(out, Tensor):
        return not out.is_meta
    return not isinstance(out, list | tuple) or any(map(_has_values, out))


def _makes_new(schema: Any) -> bool:
    return not any(value.alias_info for value in (*schema.arguments, *schema.returns))


def _writes_first(schema: Any) -> bool:
    """An in-place operator: writes its first argument, returns it, and aliases nothing else."""
    arguments, returns = schema.arguments, schema.returns
    if len(returns) != 1 or not arguments or arguments[0].alias_info is None:
        return False
    others = [argument.alias_info for argument in arguments[1:]]
    return arguments[0].alias_info.is_write and not any(others)


def _may_copy(name: str, args: tuple[Any, ...]) -> bool:
    if name not in ("aten.matmul.default", "aten.linear.default"):
        return False
    on_meta = bool(args[0].is_meta and args[1].is_meta)
    return on_meta and (name == "aten.matmul.default" or not args[0].is_contiguous())


def _biased(kind: str, args: tuple[Any, ...], outputs: Any) -> int:
    """Elements to which a convolution, a linear layer or an addmm adds a bias vector."""
    position = {"conv": 2, "linear": 2, "matmul": 0}.get(kind)
    if position is None or len(args) <= position:
        return 0
    bias = args[position]
    if not isinstance(bias, Tensor) or bias.dim() != 1 or (kind == "matmul" and len(args) < 3):
        return 0
    return int(outputs[0].numel())


def estimate(args: tuple[Any, ...], outputs: Any) -> int:
    """A guess for ranking: as if every output element were a sum over the longest last axis."""
    widths = [t.shape[-1] for a in args for t in _tensors(a) if t.dim()]
    written = sum(t.numel() for t in outputs if isinstance(t, Tensor))
    return written * max(widths, default=1)


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, list | tuple):
        return [t for t in value if isinstance(t, Tensor)]
    return []


def _has_storage(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and not tensor.is_nested


def _add_elements(entry: LedgerEntry, args: tuple[Any, ...], outputs: Any) -> None:
    first = args[0] if args else None
    if isinstance(first, list | tuple) and first:
        first = first[0]
    if isinstance(first, Tensor):
        entry.elements_in += first.numel()
    for tensor in outputs:
        if isinstance(tensor, Tensor):
            entry.elements_out += tensor.numel()
