"""Options in groups: a command names the groups that it takes, and receives them as objects.

A parameter of a command whose type is a ``Group`` stands for all options of the group. The
signature that typer reads is made here, so that an option is written down once and belongs to every
command that takes its group.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

import msgspec
import typer

Command = Callable[..., "int | None"]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Options that belong together; each field is one, annotated as typer takes it."""

    @classmethod
    def parameters(cls) -> list[inspect.Parameter]:
        """The options as parameters of a command."""
        hints = get_type_hints(cls, include_extras=True)
        return [
            parameter(field.name, hints[field.name], field.default)
            for field in msgspec.structs.fields(cls)
        ]

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Group:
        """The group from the values of its parameters."""
        return cls(**given)


def parameter(name: str, hint: Any, default: Any) -> inspect.Parameter:
    """One parameter of a command; names that end in ``_`` avoid words of Python."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)


def command(function: Command) -> Callable[..., None]:
    """A function of groups and options as typer takes it; what it returns is the exit status."""
    own = inspect.signature(function, eval_str=True)
    groups: dict[str, tuple[type[Group], list[str]]] = {}
    parameters: list[inspect.Parameter] = []
    for each in own.parameters.values():
        kind = each.annotation
        if isinstance(kind, type) and issubclass(kind, Group):
            options = kind.parameters()
            groups[each.name] = (kind, [option.name for option in options])
            parameters += options
        else:
            parameters.append(each.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    @functools.wraps(function)
    def call(**given: Any) -> None:
        read = {
            name: kind.read({option: given.pop(option) for option in options})
            for name, (kind, options) in groups.items()
        }
        raise typer.Exit(function(**read, **given) or 0)

    call.__signature__ = own.replace(parameters=parameters, return_annotation=None)  # type: ignore[attr-defined]  # what inspect.signature and typer read
    call.__annotations__ = {each.name: each.annotation for each in parameters}
    return call
