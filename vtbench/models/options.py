"""Options compared with a signature: which exist, which is meant, and of which type they are."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Collection, Mapping
from typing import Any

from vtbench.data.model_names import SIZE_NAMES
from vtbench.data.spelling import closest
from vtbench.errors import BadOption

Parameters = Mapping[str, inspect.Parameter]

_SEQUENCES = {"Sequence", "Iterable", "Collection", "MutableSequence"}
_PLURALS = {int: "whole numbers", float: "numbers", str: "names", bool: "True or False"}
_VARIADIC = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


def parameters_of(made_by: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters of a function or of a class's constructor, annotations evaluated.

    If a constructor hands on ``**kwargs``, those of the classes it derives from count too, or as
    many of them as the annotation ``Unpack`` names, and those of the dataclass that is its
    configuration (``cfg``).
    """
    if not inspect.isclass(made_by):
        return _parameters(made_by)
    found: dict[str, inspect.Parameter] = {}
    named: Collection[str] | None = None
    for cls in made_by.__mro__:
        constructor = vars(cls).get("__init__")
        if constructor is None:
            continue
        own = _parameters(constructor)
        own.pop("self", None)
        found = {**{name: own[name] for name in own if named is None or name in named}, **found}
        if not _handed_on(constructor):
            break
        named = _unpacked(constructor) if named is None else named
        found = {**_fields(own.get("cfg")), **found}
    return found


def defaults_of(made_by: Callable[..., Any]) -> dict[str, Any]:
    """The defaults of the parameters that have one which can be typed."""
    found = {name: each.default for name, each in parameters_of(made_by).items()}
    return {name: value for name, value in found.items() if can_be_typed(value)}


def can_be_typed(value: Any) -> bool:
    """Whether a value is a number, a name, None, or several of them."""
    if isinstance(value, tuple | list):
        return all(map(can_be_typed, value))
    return value is None or type(value) in (bool, int, float, str)


def takes_anything(function: Callable[..., Any]) -> bool:
    """Whether a function or constructor takes options that it does not name."""
    return _handed_on(function) is not None and _unpacked(function) is None


def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    hints = _hints(function)
    return {
        parameter.name: parameter.replace(annotation=hints.get(parameter.name, parameter.empty))
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind not in _VARIADIC
    }


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function)
    except (NameError, TypeError, AttributeError):
        return {}  # an annotation that cannot be evaluated is one that cannot be checked


def _handed_on(function: Callable[..., Any]) -> str | None:
    """The name of a function's ``**kwargs``."""
    parameters = inspect.signature(function).parameters.values()
    return next((each.name for each in parameters if each.kind is each.VAR_KEYWORD), None)


def _unpacked(function: Callable[..., Any]) -> Collection[str] | None:
    """What ``**kwargs: Unpack[...]`` may hold; None if it may hold anything."""
    hints = _hints(function.__init__ if inspect.isclass(function) else function)
    kinds = typing.get_args(hints.get(_handed_on(function) or ""))
    return kinds[0].__annotations__ if kinds and typing.is_typeddict(kinds[0]) else None


def _fields(configuration: inspect.Parameter | None) -> dict[str, inspect.Parameter]:
    """The fields of the dataclass that annotates a parameter, as parameters."""
    cls = configuration.annotation if configuration is not None else None
    if not (inspect.isclass(cls) and dataclasses.is_dataclass(cls)):
        return {}
    return {
        field.name: inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY)
        for field in dataclasses.fields(cls)
    }


def check(model: str, options: Mapping[str, Any], parameters: Parameters) -> None:
    """Refuse an option that a model does not have, or a value of the wrong type."""
    for name, value in options.items():
        if name not in parameters:
            raise unknown_option(model, name, parameters)
        parameter = parameters[name]
        expected = _expected(parameter)
        if expected is not None and not fits(value, expected):
            default = (
                ""
                if parameter.default is parameter.empty
                else (f" (the default is {parameter.default!r})")
            )
            hint = _as_a_list(name, value, parameter) if _takes_list(expected) else ""
            raise BadOption(
                f"The option {name} of {model} takes {_in_words(expected)}{default}, not "
                f"{value!r}.{hint}"
            )


def _takes_list(expected: Any) -> bool:
    """Whether a type, or one of several, is that of a list or a tuple."""
    kinds = typing.get_args(expected) if _is_union(expected) else (expected,)
    origins = [typing.get_origin(kind) or kind for kind in kinds]
    return any(origin in (list, tuple) or _is_sequence(origin) for origin in origins)


def _is_union(expected: Any) -> bool:
    return typing.get_origin(expected) in (typing.Union, types.UnionType)


def _as_a_list(name: str, value: Any, parameter: inspect.Parameter) -> str:
    """How to write a list, which commas alone cut into several values."""
    shown = parameter.default if isinstance(parameter.default, tuple | list) else (value, value)
    written = ",".join(map(str, shown))
    return f" A list stands in brackets, and in quotes for the shell: -o '{name}=[{written}]'."


def lists_cut_apart(options: Mapping[str, Any], parameters: Parameters) -> str:
    """A sentence on options whose defaults are lists and that were given one value; "" if none."""
    cut = [
        name
        for name, value in options.items()
        if name in parameters
        and isinstance(parameters[name].default, tuple | list)
        and not isinstance(value, tuple | list)
    ]
    return "".join(
        f" The default of {name} is the list {parameters[name].default!r}, and it was given "
        f"{options[name]!r}.{_as_a_list(name, options[name], parameters[name])}"
        for name in cut
    )


def refuse_missing(model: str, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Refuse to call a function without what it needs, by the names of its parameters."""
    needed = [
        each
        for each in inspect.signature(function).parameters.values()
        if each.default is each.empty and each.kind not in _VARIADIC and each.name not in options
    ]
    unnamed = next((each for each in needed if each.kind is each.POSITIONAL_ONLY), None)
    if unnamed is not None:
        raise BadOption(
            f"{model}() takes `{unnamed.name}` by its position alone, and options are given by "
            "name; wrap it in a function whose parameters have names."
        )
    if not needed:
        return
    names = " and ".join(f"`{each.name}`" for each in needed)
    lack = "which have no defaults" if len(needed) > 1 else "which has no default"
    sized = [each.name for each in needed if each.name in SIZE_NAMES]
    ways = [f"-o {each.name}=VALUE" for each in needed if each.name not in sized]
    ways = ["--resolution N"] * bool(sized) + ways
    raise BadOption(f"{model}() needs {names}, {lack}: give {' and '.join(ways)}.")


def as_typed(options: Mapping[str, Any], parameters: Parameters) -> dict[str, Any]:
    """The options as a function expects them: a list if its annotation or default is one."""
    return {
        name: list(value) if isinstance(value, tuple) and _is_list(parameters[name]) else value
        for name, value in options.items()
    }


def _is_list(parameter: inspect.Parameter) -> bool:
    hint = parameter.annotation
    return isinstance(parameter.default, list) or list in (hint, typing.get_origin(hint))


def unknown_option(model: str, name: str, known: Collection[str]) -> BadOption:
    """The error for an option that does not exist: the nearest one, and all there are."""
    if not known:
        return BadOption(f"{model} has no option {name!r}; it takes none.")
    near = closest(name, known, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return BadOption(f"{model} has no option {name!r}.{hint} It takes: {', '.join(sorted(known))}.")


def _expected(parameter: inspect.Parameter) -> Any:
    """The type a value must have, from the annotation or else from the default; None is any."""
    if parameter.annotation is not parameter.empty:
        return parameter.annotation
    default = parameter.default
    if isinstance(default, bool | str):
        return type(default)
    if isinstance(default, int | float):
        return float
    return None


def fits(value: Any, expected: Any) -> bool:  # noqa: PLR0911 - one return per kind of annotation
    """Whether a literal may stand where a type is annotated; True if it cannot be told."""
    origin = typing.get_origin(expected)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, each) for each in typing.get_args(expected))
    if origin is typing.Literal:
        return value in typing.get_args(expected)
    if expected in (Any, inspect.Parameter.empty) or isinstance(expected, typing.TypeVar):
        return True
    if expected is None or expected is type(None):
        return value is None
    if expected is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if expected is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if origin in (list, tuple) or expected in (list, tuple):
        return isinstance(value, tuple | list) and _items_fit(value, typing.get_args(expected))
    if _is_sequence(origin or expected):
        return isinstance(value, tuple | list)
    if inspect.isclass(expected) and expected in (bool, str, dict):
        return isinstance(value, expected)
    # A class, a callable or a protocol: no literal is one, but constructors accept names for them.
    return not isinstance(value, bool | int | float)


def _items_fit(values: Collection[Any], types_of_items: tuple[Any, ...]) -> bool:
    if not types_of_items:
        return True
    if len(types_of_items) == 1 or types_of_items[-1] is Ellipsis:
        return all(fits(value, types_of_items[0]) for value in values)
    return len(values) == len(types_of_items) and all(
        fits(value, each) for value, each in zip(values, types_of_items, strict=True)
    )


def _is_sequence(annotation: Any) -> bool:
    return getattr(annotation, "__name__", "") in _SEQUENCES


def _in_words(expected: Any) -> str:
    words = {bool: "True or False", int: "a whole number", float: "a number", str: "a name"}
    if expected in words:
        return words[expected]
    origin = typing.get_origin(expected)
    if origin in (list, tuple) or expected in (list, tuple) or _is_sequence(origin or expected):
        item = next(iter(typing.get_args(expected)), None)
        return f"a list of {_PLURALS[item]}" if item in _PLURALS else "a list"
    if origin in (typing.Union, types.UnionType):
        kinds = [_in_words(each) for each in typing.get_args(expected)]
        return " or ".join(dict.fromkeys(kinds))
    if origin is typing.Literal:
        return " or ".join(repr(each) for each in typing.get_args(expected))
    if expected is type(None):
        return "None"
    return str(getattr(expected, "__name__", expected)).replace("typing.", "")
