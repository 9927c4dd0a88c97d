"""What a field says of itself: the option that sets it, and what the option means.

A field of a struct is written down once, with its type, its default and this; the command line,
the page of options and the documents read it from there.
"""

from __future__ import annotations

import functools
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """The option of a field."""

    help: str
    """One sentence, with its default if that does not show."""
    flag: str | None = None
    """How it is typed if not by the field's name, such as ``--train/--eval``."""
    also: tuple[str, ...] = ()
    """Further spellings."""
    metavar: str | None = None
    """What stands for its value; None makes it from the type."""
    executed: bool = False
    """Whether it says how a workload is executed, which no count depends on."""
    on: Literal["cpu", "cuda"] | None = None
    """The one kind of device that it applies to; elsewhere the field keeps its default."""
    shared: bool = True
    """Whether all workloads of one session have the same value."""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A field with its option."""

    name: str
    type: Any
    default: Any
    option: Option

    @property
    def flag(self) -> str:
        """How the option is typed."""
        return self.option.flag or f"--{self.name.rstrip('_').replace('_', '-')}"

    @property
    def choices(self) -> tuple[Any, ...]:
        """The words that it takes; empty if they are not listed."""
        return next((get_args(part) for part in self.parts if get_origin(part) is Literal), ())

    @property
    def parts(self) -> tuple[Any, ...]:
        """The members of its type."""
        return (
            (self.type,)
            if get_origin(self.type) is Literal
            else get_args(self.type) or (self.type,)
        )

    @property
    def optional(self) -> bool:
        """Whether None is one of its values."""
        return type(None) in self.parts

    @property
    def metavar(self) -> str | None:
        """What stands for its value in the help."""
        if self.option.metavar is not None or bool in self.parts:
            return self.option.metavar
        if self.choices:
            return "|".join(map(str, self.choices))
        return "N" if int in self.parts else "SECONDS" if float in self.parts else "TEXT"


@functools.cache
def fields_of(struct: type[msgspec.Struct]) -> dict[str, Field]:
    """The fields of a struct that have an option, in their order."""
    hints, plain = get_type_hints(struct, include_extras=True), get_type_hints(struct)
    found = {}
    for field in msgspec.structs.fields(struct):
        option = next(
            (
                each
                for each in getattr(hints[field.name], "__metadata__", ())
                if isinstance(each, Option)
            ),
            None,
        )
        if option is not None:
            found[field.name] = Field(
                name=field.name,
                type=plain[field.name],
                default=None if field.default is msgspec.NODEFAULT else field.default,
                option=option,
            )
    return found
