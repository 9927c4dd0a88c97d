"""What the user typed, read once: option types that commands share, and the workloads they mean."""

from __future__ import annotations

import ast
import fnmatch
import re
import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from vtbench.cli.weights import ForModels, every_file_has_its_model, weights_for
from vtbench.data.workload import InputSpec, Workload, freeze_options
from vtbench.errors import BadInput, BadOption, BadResolution, UsageError, VtbenchError
from vtbench.report import PlainFormat

DTYPES = (
    "float32", "float64", "float16", "bfloat16", "complex64", "complex128",
    "int64", "int32", "int16", "int8", "uint8", "bool",
)  # fmt: skip

Models = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MODEL",
        help="Short names, timm names, timm:NAME, torchvision:NAME, transformers:CLASS, "
        "package.module:function, or quoted patterns such as 'timm:vit_small*'.",
        show_default=False,
    ),
]
MoreModels = Annotated[
    list[str] | None,
    typer.Option("--models", metavar="A,B", help="More models, separated by commas."),
]
ModelList = Annotated[
    str | None,
    typer.Option(
        "--model-list",
        metavar="FILE",
        help="A file with one model per line; # begins a comment, - is standard input.",
    ),
]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "-o",
        "--option",
        metavar="[MODEL:]KEY=VALUE",
        help="A constructor option, for every model or for one. Repeatable.",
    ),
]
Resolution = Annotated[
    str | None,
    typer.Option(
        "--resolution",
        "--img-size",
        metavar="N|HxW",
        help="Image size; each model's own where it is not given.",
    ),
]
BatchSize = Annotated[
    str | None,
    typer.Option("--batch-size", metavar="N", help="Images per step; 1 without."),
]
Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="NAME=SHAPE[:DTYPE]",
        help="An input by the name of its parameter, such as input_ids=1x128:int64. Repeatable.",
    ),
]
Backward = Annotated[bool, typer.Option("--backward", help="Count the backward pass too.")]
Train = Annotated[bool, typer.Option("--train/--eval", help="The mode that the model runs in.")]
FormatOption = Annotated[
    PlainFormat | None,
    typer.Option(
        "--format", help="Shape of the document; a table, or what the name of --output ends in."
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", help="Write the document to a file, whole."),
]
AllowImports = Annotated[
    bool,
    typer.Option(
        "--allow-imports", help="Let a suite name package.module:function, which is then run."
    ),
]
Traceback = Annotated[bool, typer.Option("--traceback", help="Show where an error was raised.")]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs", metavar="N", help="Worker processes; one per core from 21 models onwards."
    ),
]


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """Everything but the model: what the options of one command say of every workload."""

    options: tuple[tuple[str | None, str, Any], ...] = ()
    """Model or None for all, key, value."""
    resolution: tuple[int, int] | None = None
    batch_size: int = 1
    inputs: tuple[InputSpec, ...] = ()
    train: bool = False
    backward: bool = False
    weights: ForModels = ()


def asked_models(
    arguments: Sequence[str] | None, more: Sequence[str] | None, model_list: str | None
) -> list[str]:
    """Every model that was named, in order; patterns are still patterns."""
    names = [*(arguments or ())]
    names += [name.strip() for given in more or () for name in given.split(",")]
    names += _listed(model_list) if model_list is not None else []
    names = [name for name in names if name]
    if not names:
        raise UsageError(
            "No model was named; name one, such as resnet50. `vtbench models` lists short names."
        )
    return list(dict.fromkeys(names))


def _listed(source: str) -> list[str]:
    """The models that a file names."""
    if source == "-" and sys.stdin is None:
        raise BadInput("The model list is to come from standard input, which is closed.")
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise BadInput(f"The model list {source!r} cannot be read: {reason}.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"The model list {source!r} is not a text file in UTF-8.") from error
    return [line.partition("#")[0].strip() for line in text.splitlines()]


def workloads(
    names: Iterable[str], conditions: Conditions, base: str | None = None
) -> list[tuple[Workload, str | None]]:
    """A workload for every model that a name stands for, and the sentence why it cannot be.

    ``base`` is a model that has to be there; it comes first where it was not asked for anyway.
    """
    found = found_models(names, base)
    every_option_fits(conditions, found)
    return [(workload_of(model, conditions), error) for model, error in found.items()]


def found_models(names: Iterable[str], base: str | None = None) -> dict[str, str | None]:
    """Every model that a name stands for, ``base`` among them, and why it cannot be."""
    from vtbench.models import expand, resolve

    found: dict[str, str | None] = {}
    for name in names:
        try:
            expanded = expand([name])
        except VtbenchError as error:
            found[name] = str(error)
            continue
        for model in expanded:
            found.setdefault(model, None)
            try:
                resolve(model)
            except VtbenchError as error:
                found[model] = str(error)
    if base is not None and base not in found:
        resolve(base)
        found = {base: None, **found}
    return found


def workload_of(model: str, conditions: Conditions) -> Workload:
    """One model under the conditions of a command, with the options that are for it."""
    options = {
        key: value
        for only, key, value in conditions.options
        if only is None or fnmatch.fnmatchcase(model, only)
    }
    return Workload(
        model=model,
        resolution=conditions.resolution,
        batch_size=conditions.batch_size,
        options=freeze_options(options),
        inputs=conditions.inputs,
        mode="train" if conditions.train else "eval",
        backward=conditions.backward,
        weights=weights_for(model, conditions.weights),
    )


def every_option_fits(conditions: Conditions, models: Collection[str]) -> None:
    """Refuse an option, or a file of weights, for a model that is not there."""
    for only, key, _ in conditions.options:
        if only is not None and not any(fnmatch.fnmatchcase(name, only) for name in models):
            raise BadOption(
                f"The option {key!r} is for the model {only!r}, which is not among those asked for."
            )
    every_file_has_its_model(conditions.weights, models)


def parse_options(given: Sequence[str] | None) -> tuple[tuple[str | None, str, Any], ...]:
    """``key=value`` and ``model:key=value``; those for one model come last and win."""
    read = []
    for text in given or ():
        left, equals, value = text.partition("=")
        only, _, key = left.strip().rpartition(":")
        if not equals or not key.isidentifier():
            raise BadOption(f"The option {text!r} is not of the form key=value or model:key=value.")
        read.append((only or None, key, _literal(key, value.strip())))
    return tuple(sorted(read, key=lambda option: option[0] is not None))


def _literal(key: str, text: str) -> Any:
    """A Python literal, or a bare word as a string; nothing is ever computed."""
    words = {"true": True, "false": False, "none": None, "null": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        if not re.fullmatch(r"[A-Za-z_./~][^\s()\[\]{}'\"*]*|", text):
            raise BadOption(
                f"The value {text!r} of option {key!r} is neither a Python literal nor a word."
            ) from None
        return text
    parts = value if isinstance(value, (tuple, list)) else (value,)
    if not all(part is None or isinstance(part, (bool, int, float, str)) for part in parts):
        raise BadOption(
            f"The value {text!r} of option {key!r} is not a number, a word, None, or a flat list."
        )
    return value


def parse_resolution(text: str | None) -> tuple[int, int] | None:
    """``224`` or ``192x320``, height first."""
    if text is None:
        return None
    if "," in text:
        raise BadResolution(
            f"{text!r} is no one resolution; write HEIGHTxWIDTH, and several of them to "
            "`vtbench sweep`."
        )
    sides = _integers(text)
    if sides is None or len(sides) not in (1, 2):
        raise BadResolution(f"The resolution {text!r} is neither a number nor HEIGHTxWIDTH.")
    if min(sides) < 1:
        raise BadResolution(f"The resolution {text!r} is not positive.")
    return sides[0], sides[-1]


def parse_inputs(given: Sequence[str] | None) -> tuple[InputSpec, ...]:
    """``name=1x3x224x224`` with ``:dtype`` where it is not float32."""
    specs = {}
    for text in given or ():
        name, equals, rest = (part.strip() for part in text.partition("="))
        sizes, _, dtype = rest.partition(":")
        shape = _integers(sizes)
        if not equals or not name.isidentifier() or shape is None:
            raise BadInput(
                f"The input {text!r} is not of the form NAME=SHAPE[:DTYPE], "
                "such as input_ids=1x128:int64."
            )
        if min(shape) < 1:
            raise BadInput(f"The input {text!r} has a size that is not positive.")
        if dtype and dtype not in DTYPES:
            raise BadInput(
                f"The input {text!r} has no type that is known; there are {', '.join(DTYPES)}."
            )
        if name in specs:
            raise BadInput(f"The input {name!r} is given twice.")
        specs[name] = InputSpec(name=name, shape=shape, dtype=dtype or "float32")
    return tuple(specs.values())


def parse_counters(text: str | None) -> tuple[str, ...]:
    """``all``, or names separated by commas; packages that are missing are named at once."""
    if text is None:
        return ()
    from vtbench.count.peers.counters import chosen, parse

    names = parse(text)
    chosen(names)
    return names


def parse_jobs(number: int | None) -> int | None:
    """At least one process, where a number is given."""
    if number is not None and number < 1:
        raise BadOption(f"{number} jobs cannot count anything; give 1 or more.")
    return number


def _integers(text: str) -> tuple[int, ...] | None:
    """Whole numbers between x or commas; None where the text is anything else."""
    parts = re.split(r"[x×X,]", text.strip())
    if not all(re.fullmatch(r"-?[0-9]{1,9}", part) for part in parts):
        return None
    return tuple(int(part) for part in parts)
