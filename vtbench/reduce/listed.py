"""The methods that there are: the modules of ``vtbench.reduce.methods``, found by listing."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

from vtbench.data.reduction_methods import ROOM, methods_there
from vtbench.data.spelling import closest
from vtbench.errors import UnknownModel
from vtbench.reduce.dial import Dial


class Method(NamedTuple):
    """One method, as its module says it."""

    name: str
    steps: Callable[..., Sequence[Any]]
    """``steps(host, **options)``: a step for each block of a host."""
    dial: Dial | None
    """The option that decides how many tokens are left."""
    document: str
    host: Mapping[str, Any]
    """What the networks of its name change of a host that has a class token."""

    @property
    def options(self) -> dict[str, inspect.Parameter]:
        """The options: the parameters of its steps, and ``tokens`` if it has a dial."""
        found = dict(inspect.signature(self.steps, eval_str=True).parameters)
        found.pop("host")
        if self.dial is not None:
            found["tokens"] = inspect.Parameter(
                "tokens", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=int | None
            )
        return found


def method_named(name: str) -> Method:
    """A method by its name; UnknownModel with the nearest names if there is none."""
    there = methods_there()
    if name not in there:
        near = closest(name, there, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UnknownModel(
            f"There is no method of token reduction {name!r}.{hint} There are: {', '.join(there)}."
        )
    module: ModuleType = importlib.import_module(f"{ROOM}.{name}")
    return Method(
        name,
        module.steps,
        getattr(module, "DIAL", None),
        inspect.cleandoc(module.__doc__ or "") + "\n\n" + inspect.cleandoc(module.steps.__doc__),
        getattr(module, "HOST", {}),
    )
