"""The options of a method: checked, completed, and met where a number of tokens is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

import torch

from vtbench.data.spelling import closest
from vtbench.errors import BadOption, VtbenchError
from vtbench.models.options import unknown_option
from vtbench.reduce.host import Host
from vtbench.reduce.listed import Method


def checked(method: Method, options: Mapping[str, Any]) -> dict[str, Any]:
    """Every option with its value; BadOption if one does not exist, or has no such value."""
    known = method.options
    for name in options:
        if name not in known:
            raise unknown_option(method.name, name, known)
    found = {name: options.get(name, each.default) for name, each in known.items()}
    for name, value in found.items():
        words = get_args(known[name].annotation)
        if get_origin(known[name].annotation) is Literal and value not in words:
            near = closest(str(value), words, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise BadOption(f"{name}={value!r}: it is one of {', '.join(words)}.{hint}")
    return found


def met(
    method: Method,
    host: Host,
    settings: Mapping[str, Any],
    left: Callable[[Sequence[Any]], int],
) -> dict[str, Any]:
    """The settings with ``tokens`` turned into the nearest value of the method's dial."""
    given = dict(settings)
    tokens = given.pop("tokens", None)
    dial = method.dial
    if tokens is None or dial is None:
        return given
    default = method.options[dial.option].default
    if given[dial.option] != default:
        raise BadOption(
            f"{method.name} was given both tokens={tokens} and "
            f"{dial.option}={given[dial.option]!r}; give one of them."
        )
    if not 1 <= tokens <= host.patches:
        raise BadOption(
            f"tokens={tokens} of {method.name}: the image has {host.patches} patches, so it takes "
            f"a whole number from 1 to {host.patches}."
        )

    def left_with(value: Any) -> int:
        with torch.device("meta"):
            try:
                return left(method.steps(host, **{**given, dial.option: value}))
            except VtbenchError:
                return 0  # a value that the method refuses removes too much

    given[dial.option] = dial.nearest(tokens, host.patches, left_with)
    return given
