"""From an operator to its rule: counted by a formula, free, made of others, or unknown."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache, partial
from numbers import Integral
from types import MappingProxyType
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from vtbench.count.operators.formulas import Cost, dense
from vtbench.count.operators.free import free_class
from vtbench.count.operators.fused import ATTENTION, RECURRENT
from vtbench.count.operators.table import CONVOLUTIONS, PRODUCTS, Rule
from vtbench.errors import UsageError

TABLE: dict[str, Rule] = {**PRODUCTS, **CONVOLUTIONS, **ATTENTION, **RECURRENT}


class Special(Enum):
    """What an operator is, if it has no row of its own."""

    COMPOSITE = "made of other operators, which are counted in its place"
    CONTROL = "control flow, whose parts are counted in its place"
    UNKNOWN = "no formula says what it costs"


# Control flow that torch sees as one operator runs as written, and its parts are counted.


def _cond(predicate: Any, yes: Callable[..., Any], no: Callable[..., Any], operands: Any) -> Any:
    return (yes if bool(predicate) else no)(*operands)


def _while_loop(
    condition: Callable[..., Any], body: Callable[..., Any], carried: Any, constants: Any = ()
) -> Any:
    state = tuple(carried)
    while bool(condition(*state, *constants)):
        state = tuple(body(*state, *constants))
    return state


def _map(body: Callable[..., Any], over: Any, constants: Any = (), **_: Any) -> Any:
    results = [body(*(x[i] for x in over), *constants) for i in range(len(over[0]))]
    return tuple(torch.stack(each) for each in zip(*results, strict=True))


def _scan(step: Callable[..., Any], first: Any, over: Any, constants: Any = ()) -> Any:
    carried, results = list(first), []
    for i in range(len(over[0])):
        made = step(*carried, *(x[i] for x in over), *constants)
        carried = list(made[: len(carried)])
        results.append(made[len(carried) :])
    return (*carried, *(torch.stack(each) for each in zip(*results, strict=True)))


def _out_dtype(operator: Any, dtype: torch.dtype, *args: Any) -> Any:
    # a product of small integers, whose sums need more digits: the product itself is counted
    wide = tree_map_only(torch.Tensor, lambda tensor: tensor.to(dtype), args)
    return operator(*wide)


CONTROL: MappingProxyType[str, Callable[..., Any]] = MappingProxyType(
    {
        "higher_order::cond": _cond,
        "higher_order::while_loop": _while_loop,
        "higher_order::map_impl": _map,
        "higher_order::scan": _scan,
        "higher_order::out_dtype": _out_dtype,
    }
)
"""Qualified name -> the same control flow in plain Python."""


def hand_higher_order_to(mode: type[TorchDispatchMode]) -> None:
    """Let a mode see operators of higher order; before torch 2.9 each has to be told of it."""
    if hasattr(TorchDispatchMode, "supports_higher_order_operators"):
        return
    for operator in torch._ops._higher_order_ops.values():
        if mode not in operator.python_key_table:
            operator.py_impl(mode)(partial(_handed_over, operator))


def _handed_over(operator: Any, mode: TorchDispatchMode, *args: Any, **kwargs: Any) -> Any:
    return mode.__torch_dispatch__(operator, (), args, kwargs)  # type: ignore[no-untyped-call]  # torch's


class Shape(tuple[Any, ...]):
    """The shape that a user's formula gets in place of a tensor; ``x.shape`` is ``x`` itself."""

    __slots__ = ()

    @property
    def shape(self) -> Shape:
        """The shape, for formulas that are written as if they got the tensor."""
        return self

    def numel(self) -> int:
        """How many elements there are."""
        total = 1
        for size in self:
            total *= size
        return total


UserFormula = Callable[..., int]
UserOps = Mapping[Any, UserFormula]


def qualified(operator: Any) -> str:
    """``aten::mm`` of an overload, a packet, a custom or a higher-order operator."""
    packet = getattr(operator, "_qualified_op_name", None) or getattr(operator, "_qualname", None)
    if isinstance(packet, str):
        return packet
    if isinstance(operator, torch._ops.OpOverload):
        return str(operator.name()).split(".")[0]  # type: ignore[no-untyped-call]  # torch's
    if isinstance(operator, torch._ops.HigherOrderOperator):
        return f"higher_order::{operator.name()}"  # type: ignore[no-untyped-call]  # torch's
    raise UsageError(
        "Expected an operator as torch.ops.NAMESPACE.NAME, with or without its "
        f"overload, got {operator!r}."
    )


def user_rules(ops: UserOps) -> dict[str, Rule]:
    """Rules from a user's formulas, which get shapes in place of tensors and return MACs.

    A key with an overload (``torch.ops.my.scan.default``) stands for every overload.
    """
    return {
        qualified(operator): _user_rule(qualified(operator), formula)
        for operator, formula in ops.items()
    }


def _user_rule(operator: str, formula: UserFormula) -> Rule:
    wants_out = "out_shape" in inspect.signature(formula).parameters

    def cost(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
        shaped_args, shaped_kwargs, shaped_out = tree_map_only(
            torch.Tensor, lambda t: Shape(t.shape), (args, kwargs, out)
        )
        if wants_out:
            shaped_kwargs = {**shaped_kwargs, "out_shape": shaped_out}
        try:
            macs: Any = formula(*shaped_args, **shaped_kwargs)
        except Exception as error:  # a user's formula may raise anything
            said = f"{type(error).__name__}: {error}"
            raise UsageError(f"The formula for {operator} raised {said}.") from error
        if not isinstance(macs, Integral) or macs < 0:
            raise UsageError(
                f"The formula for {operator} gave {macs!r}; MACs are a whole number, 0 or more."
            )
        return dense(int(macs), _elements(out))

    return Rule("user", cost, user=True)


def _elements(out: Any) -> int:
    tensors = out if isinstance(out, list | tuple) else (out,)
    return sum(t.numel() for t in tensors if isinstance(t, torch.Tensor))


_FLOP_COUNTER = "torch.utils.flop_counter"


def registered_with_torch(operator: Any) -> Rule | None:
    """A formula that a user registered with torch's own decorator; it counts 2 per MAC."""
    flop_counter = sys.modules.get(_FLOP_COUNTER)
    if flop_counter is None:  # whoever registers a formula has imported it; it imports triton
        return None
    formula = flop_counter.flop_registry.get(getattr(operator, "overloadpacket", operator))
    if formula is None or formula.__module__ == _FLOP_COUNTER:
        return None

    def cost(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
        return dense(int(formula(*args, **kwargs, out_val=out)) // 2, _elements(out))

    return Rule("user", cost, user=True)


@cache
def built_in(operator: Any) -> Rule | Special:
    """The rule of an operator by our own table and torch's tags alone."""
    name = qualified(operator)
    kind = free_class(name)
    if name in TABLE:
        return TABLE[name]
    if kind is not None:
        return Rule(kind)
    if name in CONTROL:
        return Special.CONTROL
    return _by_nature(operator) if isinstance(operator, torch._ops.OpOverload) else Special.UNKNOWN


def _by_nature(operator: torch._ops.OpOverload[Any, Any]) -> Rule | Special:
    """What torch itself says of an operator that stands in neither table."""
    ours = operator.namespace in ("aten", "prims", "prim")
    if ours and operator.is_view:
        return Rule("none")
    if operator._can_decompose():
        return Special.COMPOSITE
    kind = _class_by_tags(operator) if ours else None
    return Rule(kind) if kind is not None else Special.UNKNOWN


def _tags(operator: torch._ops.OpOverload[Any, Any]) -> list[torch.Tag]:
    """An operator's tags; an in-place variant has those of its functional twin too."""
    tags = list(operator.tags)
    name = operator.overloadpacket.__name__
    if name.endswith("_") and not name.endswith("__"):
        twin = getattr(getattr(torch.ops, operator.namespace), name[:-1], None)
        overload = getattr(twin, operator._overloadname, None)
        tags += overload.tags if overload is not None else []
    return tags


def _class_by_tags(operator: torch._ops.OpOverload[Any, Any]) -> str | None:
    tags = _tags(operator)
    if torch.Tag.pointwise in tags:
        return "elementwise"
    reduction = getattr(torch.Tag, "reduction", None)  # newer than the oldest torch we support
    if reduction is not None and reduction in tags:
        return "reduction"
    if torch.Tag.view_copy in tags or torch.Tag.inplace_view in tags:
        return "none"
    return None


def rule_of(operator: Any, users: Mapping[str, Rule]) -> Rule | Special:
    """The rule that holds for an operator: the user's, one registered with torch, or ours."""
    user = users.get(qualified(operator)) or registered_with_torch(operator)
    return user or built_in(operator)
