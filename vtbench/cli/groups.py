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
    """Options that belong together: a field is one, annotated as typer takes it, or a group."""

    @classmethod
    def parameters(cls) -> list[inspect.Parameter]:
        """The options as parameters of a command."""
        hints = get_type_hints(cls, include_extras=True)
        found: list[inspect.Parameter] = []
        for field in msgspec.structs.fields(cls):
            hint = hints[field.name]
            own = [parameter(field.name, hint, field.default)]
            found += hint.parameters() if is_group(hint) else own
        return found

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Group:
        """The group from the values of its parameters."""
        hints = get_type_hints(cls)
        return cls(**{name: read_as(hints[name], name, given) for name in cls.__struct_fields__})


def is_group(kind: Any) -> bool:
    """Whether a type stands for the options of a group."""
    return isinstance(kind, type) and issubclass(kind, Group)


def read_as(kind: Any, name: str, given: Mapping[str, Any]) -> Any:
    """A group from its options, or the value of one option."""
    if not is_group(kind):
        return given[name]
    return kind.read({each.name: given[each.name] for each in kind.parameters()})


def parameter(name: str, hint: Any, default: Any) -> inspect.Parameter:
    """One parameter of a command; names that end in ``_`` avoid words of Python."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)


def command(function: Command) -> Callable[..., None]:
    """A function of groups and options as typer takes it; what it returns is the exit status."""
    own = inspect.signature(function, eval_str=True)
    kinds = {each.name: each.annotation for each in own.parameters.values()}
    parameters: list[inspect.Parameter] = []
    for each in own.parameters.values():
        alone = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY)]
        parameters += each.annotation.parameters() if is_group(each.annotation) else alone

    @functools.wraps(function)
    def call(**given: Any) -> None:
        read = {name: read_as(kind, name, given) for name, kind in kinds.items()}
        raise typer.Exit(function(**read) or 0)

    call.__signature__ = own.replace(parameters=parameters, return_annotation=None)  # type: ignore[attr-defined]  # what inspect.signature and typer read
    call.__annotations__ = {each.name: each.annotation for each in parameters}
    return call
