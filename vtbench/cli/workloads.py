"""From what was typed to workloads: every model under every value of every option."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from vtbench.cli.options import Building, Execution, Models
from vtbench.cli.values import integers, positives, spelled, split_values, spread
from vtbench.data.model_names import SIZE_NAMES
from vtbench.data.workload import DeviceKind, InputSpec, OptionValue
from vtbench.errors import BadInput, BadOption, UsageError, VtbenchError
from vtbench.sweep.asked import Asked, asked_of
from vtbench.sweep.axes import (
    MANY,
    Grid,
    OptionAxis,
    every_option_fits,
    size_of,
)

_SIDES = 2
DTYPES = (
    "float32", "float64", "float16", "bfloat16", "complex64", "complex128",
    "int64", "int32", "int16", "int8", "uint8", "bool",
)  # fmt: skip


def grid_of(
    building: Building,
    execution: Execution | None = None,
    *,
    protocols: Sequence[str] = ("macs",),
    kind: DeviceKind = "cpu",
) -> Grid:
    """The grid that the options span, less its models."""
    executed = {} if execution is None else execution.axes()
    fields = {**executed, **building.axes(), "inputs": (parse_inputs(building.inputs),)}
    grid = Grid(
        models=(),
        protocols=tuple(protocols),
        options=option_axes(building.option, building.tokens),
        fields=fields,
        weights=parse_weights(building.weights),
        device=kind,
    )
    _refuse_contradictions(grid)
    return grid


def asked(models: Models, grid: Grid, base: str | None = None) -> Asked:
    """A cell for every model and every point of the grid; what cannot be resolved is one too.

    ``base`` is a model that has to be there; it comes first unless it was asked for anyway.
    """
    found = found_models(named(models), base)
    every_option_fits(grid, found)
    most = max(size_of(grid, model) for model in found)
    if most > MANY:
        raise UsageError(
            f"The options have {most:,} combinations, and this command takes at most "
            f"{MANY:,}; use `vtbench sweep` for more."
        )
    return asked_of(grid, found)


def named(models: Models) -> list[str]:
    """Every model that was named, in order; patterns are still patterns."""
    names = [*(models.models or ())]
    names += [name.strip() for given in models.more_models or () for name in given.split(",")]
    names += _listed(models.model_list) if models.model_list is not None else []
    names = [name for name in names if name]
    if not names:
        raise UsageError(
            "No model was named; name one, such as resnet50. `vtbench models` lists short names."
        )
    return list(dict.fromkeys(names))


def _listed(source: str) -> list[str]:
    """The models that a file names."""
    if source == "-" and sys.stdin is None:
        raise BadInput("--model-list: standard input is closed; name a file.")
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise BadInput(f"--model-list: {source!r} cannot be read: {reason}.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"--model-list: expected a text file in UTF-8, got {source!r}.") from error
    return [line.partition("#")[0].strip() for line in text.splitlines()]


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


def option_axes(given: Sequence[str] | None, tokens: str | None) -> tuple[OptionAxis, ...]:
    """``key=0.5,0.7``, ``model:key=8:16:4``; brackets make a tuple, which is one value."""
    found = []
    for text in given or ():
        left, equals, values = text.partition("=")
        only, _, key = left.strip().rpartition(":")
        if not equals or not key.isidentifier():
            raise BadOption(f"-o: expected key=value or model:key=value, got {text!r}.")
        _refuse_cut_lists(key, values)
        read = [_literal(key, word.strip()) for word in spread(values)]
        each_once = {repr(value): value for value in read}
        if len(set(each_once.values())) < len(each_once):
            raise BadOption(f"-o {text} has values that are equal, such as 1 and true; choose one.")
        found.append(OptionAxis(only or None, key, tuple(each_once.values())))
    if tokens is not None:
        found.append(OptionAxis(None, "tokens", positives(tokens, "--tokens")))
    return tuple(found)


def _refuse_cut_lists(key: str, values: str) -> None:
    """Refuse a list that commas cut into values, or that the shell cut at its blanks."""
    how = "A list stands in brackets, and in quotes for the shell"
    try:
        parts = [part.strip() for part in split_values(values)]
    except BadInput as error:
        raise BadOption(f"-o {key}: {error} {how}: -o '{key}=[2, 2, 6, 2]'.") from None
    twice = next((part for part in parts if parts.count(part) > 1), None)
    if twice is not None:
        raise BadOption(
            f"-o {key}: the value {twice} stands twice in {values!r}, whose commas separate values "
            f"that are each counted alone. {how}: -o '{key}=[{values}]'."
        )
    stray = next((part for part in parts if part[-1:] and part[-1:] in ")]}"), None)
    if stray is not None and not _closes(stray):
        raise BadOption(
            f"-o {key}: {stray!r} closes a bracket that was not opened. {how}: "
            f"-o '{key}=[2, 2, 6, 2]'."
        )


def _closes(text: str) -> bool:
    return any(mark in text for mark in "([{")


def _literal(key: str, text: str) -> OptionValue:
    """A Python literal, or a bare word as a string; nothing is ever computed."""
    sides = integers(text) if key in SIZE_NAMES and not text.isdigit() else None
    if sides is not None and len(sides) == _SIDES:
        return sides
    words = {"true": True, "false": False, "none": None, "null": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        value: Any = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        if not re.fullmatch(r"[A-Za-z_./~][^\s()\[\]{}'\"*]*|", text):
            raise BadOption(
                f"-o {key}: expected a Python literal or a word, got {text!r}."
            ) from None
        return text
    parts = value if isinstance(value, (tuple, list)) else (value,)
    if not all(part is None or isinstance(part, (bool, int, float, str)) for part in parts):
        raise BadOption(f"-o {key}: expected a number, a word, None or a flat list, got {text!r}.")
    return tuple(value) if isinstance(value, list) else value


def parse_weights(
    given: Sequence[str] | None,
) -> tuple[tuple[str | None, tuple[str, ...]], ...]:
    """``A,B`` and ``MODEL=A,B``: files, each with its digest; a name that exists is one file."""
    from vtbench.models.weight_files import identified

    read: list[tuple[str | None, tuple[str, ...]]] = []
    for text in given or ():
        only, equals, rest = text.partition("=")
        one = bool(equals) and not Path(text).exists()
        files = rest if one else text
        each = [files] if Path(files).exists() else spelled(files, "--weights")
        read.append((only if one else None, tuple(dict.fromkeys(map(identified, each)))))
    return tuple(read)


def parse_inputs(given: Sequence[str] | None) -> tuple[InputSpec, ...]:
    """``name=1x3x224x224``, followed by ``:dtype`` if that is not float32."""
    specs = {}
    for text in given or ():
        name, equals, rest = (part.strip() for part in text.partition("="))
        sizes, _, dtype = rest.partition(":")
        shape = integers(sizes.replace(",", "x"))
        if not equals or not name.isidentifier() or shape is None:
            raise BadInput(
                "--input: expected NAME=SHAPE[:DTYPE], such as input_ids=1x128:int64, got "
                f"{text!r}."
            )
        if min(shape) < 1:
            raise BadInput(f"--input: expected sizes of at least 1, got {text!r}.")
        if dtype and dtype not in DTYPES:
            raise BadInput(f"--input: expected a type among {', '.join(DTYPES)}, got {text!r}.")
        if name in specs:
            raise BadInput(f"--input: {name!r} is given twice.")
        specs[name] = InputSpec(name=name, shape=shape, dtype=dtype or "float32")
    return tuple(specs.values())


def _refuse_contradictions(grid: Grid) -> None:
    """Options that cannot hold together, before any work is done for them."""
    kind, dtypes = grid.device, grid.values("dtype")
    if kind == "cpu" and "tf32" in dtypes:
        raise BadOption("--dtype tf32 needs a GPU; give --gpu, or another --dtype on a CPU.")
    if kind == "cuda" and "bf32" in dtypes:
        raise BadOption("--dtype bf32 is for CPUs; leave out --gpu, or give another --dtype.")
    if True in grid.values("autocast"):
        wrong = next((each for each in dtypes if each not in ("bf16", "fp16")), None)
        if wrong is not None:
            raise BadOption(f"--autocast needs --dtype bf16 or fp16, got {wrong}.")
    if kind == "cuda" and any(each is not None for each in grid.values("threads")):
        raise BadOption("--threads is for CPUs, and the device is a GPU; leave it out.")
