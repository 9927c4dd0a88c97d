"""What makes a function public: its signature and help with every option; errors that name them.

Options of a workload's fields are written down once, in ``vtbench.data.workload``; here they
become parameters and lines of a docstring, as they become flags of the commands.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from vtbench.data.option import fields_of
from vtbench.data.spelling import closest
from vtbench.data.workload import Workload
from vtbench.errors import UsageError

Public = TypeVar("Public", bound=Callable[..., Any])

_FLAG = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")
_WIDTH = 92
_HEAD = "Options of models by name; a list, or a range, is several values, and a tuple is one:"


def public(*options: type) -> Callable[[Public], Public]:
    """Make a function public; ``options`` are the typed dicts behind its ``**`` parameter.

    They stand in the signature one by one, and in the docstring with what they mean.
    """

    def made(function: Public) -> Public:
        signature = _signature(function, options)
        named = [each.name for each in signature.parameters.values() if each.kind in _BY_NAME]
        takes_all = any(each.kind is each.VAR_KEYWORD for each in signature.parameters.values())

        @functools.wraps(function)
        def call(*given: Any, **keywords: Any) -> Any:
            if not takes_all:
                refuse_unknown(f"vtbench.{function.__name__}", keywords, named)
            with speaking_of_keywords():
                return function(*given, **keywords)

        call.__signature__ = signature  # type: ignore[attr-defined]  # what help and editors read
        call.__doc__ = _documented(function, options)
        return cast("Public", call)

    return made


_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def refuse_unknown(place: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse keywords that there are not in a place; the error names those that there are."""
    known = list(known)
    for name in given:
        if name not in known:
            near = closest(name, known, 1, likeness=0.6)
            meant = f" Did you mean {near[0]}?" if near else ""
            raise UsageError(
                f"{name}: there is no such keyword of {place}.{meant} It takes {', '.join(known)}."
            )


@contextmanager
def speaking_of_keywords() -> Iterator[None]:
    """Errors that speak of options speak of keywords; what stands between backticks is typed."""
    try:
        yield
    except UsageError as error:
        parts = re.split(r"(`[^`]*`)", str(error))
        error.args = ("".join(p if p.startswith("`") else _as_keyword(p) for p in parts),)
        raise


def _as_keyword(text: str) -> str:
    return _FLAG.sub(lambda match: _KEYWORDS.get(match[1], match[1].replace("-", "_")), text)


_KEYWORDS = {"from": "from_", "input": "inputs"}
"""Flags whose keyword is another word."""


def _signature(function: Callable[..., Any], options: Iterable[type]) -> inspect.Signature:
    """The function's own parameters, and one for each option."""
    own = inspect.signature(function)
    space = vars(sys.modules[function.__module__])
    parameters = [
        each.replace(annotation=_of_one(_evaluated(each.annotation, space)))
        for each in own.parameters.values()
    ]
    *_, last = parameters
    if options:
        assert last.kind is last.VAR_KEYWORD  # noqa: S101  # they are passed on through it
        parameters.pop()
        parameters += [each for kind in options for each in _parameters(kind)]
    returns = _evaluated(own.return_annotation, space)
    return own.replace(parameters=parameters, return_annotation=returns)


def _evaluated(annotation: Any, space: dict[str, Any]) -> Any:
    """A type instead of its text; the text if it names what is imported for readers only."""
    try:
        return eval(annotation, space) if isinstance(annotation, str) else annotation  # noqa: S307  # our own source
    except (NameError, AttributeError):
        return annotation


def _parameters(options: type) -> Iterable[inspect.Parameter]:
    for name, kind in _kinds(options).items():
        yield inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_default(name),
            annotation=_of_one(kind),
        )


def _of_one(kind: Any) -> Any:
    """The type of one value of an option that takes several, without its help."""
    kind = get_args(kind)[0] if _help_of(kind) else kind
    parts = [each for each in get_args(kind) if get_origin(each) is not Sequence]
    if get_origin(kind) is Union and len(parts) < len(get_args(kind)):
        return Union[tuple(parts)]  # noqa: UP007  # they are known as the program runs
    return kind


def _kinds(options: type) -> dict[str, Any]:
    """Option -> its type, with its help if it is no field of a workload."""
    return get_type_hints(options, include_extras=True)


def _help_of(kind: Any) -> str | None:
    return next(iter(getattr(kind, "__metadata__", ())), None)


def _default(name: str) -> Any:
    """The default of the field; None is one that depends on what is measured."""
    field = fields_of(Workload).get(name)
    return None if field is None or name == "batch_size" else field.default


def _documented(function: Callable[..., Any], options: Iterable[type]) -> str:
    """The docstring with a line for each option."""
    own = inspect.getdoc(function) or ""
    lines = [_line(name, kind) for each in options for name, kind in _kinds(each).items()]
    return "\n".join([own, "", _HEAD, *lines]) if lines else own


def _line(name: str, kind: Any) -> str:
    said = _help_of(kind) or fields_of(Workload)[name].option.help
    return textwrap.fill(
        f"{name}: {_as_keyword(said)}", _WIDTH, initial_indent="  ", subsequent_indent="      "
    )
