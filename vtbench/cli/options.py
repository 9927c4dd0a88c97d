"""Every option that commands share, defined once, in the groups that commands take.

An option of a workload's field is written at the field, in ``vtbench.data.workload``.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vtbench.cli.groups import Group, parameter
from vtbench.cli.values import values_of
from vtbench.cli.written import Written
from vtbench.data.option import Field, fields_of
from vtbench.data.workload import Workload
from vtbench.errors import BadOption
from vtbench.report.document import DocumentKind, Format

if TYPE_CHECKING:
    from vtbench.data.distribution import InputSet


LAUNCHES_HELP = (
    "Start what is timed in N new processes, in rounds; intervals come from how they differ "
    "(default: 5 in sweep, 3 in regress)."
)


class Models(Group, frozen=True, kw_only=True):
    """Which models."""

    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL",
            help="Names of models: a short name, a timm name, timm:NAME, torchvision:NAME, "
            "transformers:CLASS, package.module:function, or a quoted pattern such as "
            "'timm:vit_small*'.",
            show_default=False,
        ),
    ] = None
    more_models: Annotated[
        list[str] | None,
        typer.Option("--models", metavar="A,B", help="Add these models, separated by commas."),
    ] = None
    model_list: Annotated[
        str | None,
        typer.Option(
            "--model-list",
            metavar="FILE",
            help="Add the models in FILE, one per line; # begins a comment, and - is standard "
            "input.",
        ),
    ] = None


class OfFields(Group, frozen=True, kw_only=True):
    """Options of fields of a workload: what was typed for each."""

    typed: Mapping[str, Any] = MappingProxyType({})
    """Field -> what was typed, for the fields that were given."""

    @classmethod
    def fields(cls) -> list[Field]:
        """The fields of a workload whose options these are."""
        raise NotImplementedError

    @classmethod
    def parameters(cls) -> list[inspect.Parameter]:
        """Options of the fields, and those that the group has beside them."""
        beside = [each for each in super().parameters() if each.name != "typed"]
        return [*(of_field(field) for field in cls.fields()), *beside]

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Group:
        """The values that were typed, by field."""
        names = {field.name for field in cls.fields()}
        typed = {name: given[name] for name in names if given[name] is not None}
        beside = {name: value for name, value in given.items() if name not in names}
        return cls(typed=typed, **beside)

    def axes(self) -> dict[str, tuple[Any, ...]]:
        """Field -> its values, for every field of the group."""
        return {field.name: self._values(field) for field in self.fields()}

    def _values(self, field: Field) -> tuple[Any, ...]:
        if field.name not in self.typed:
            return (None if field.name == "batch_size" else field.default,)
        typed = self.typed[field.name]
        if isinstance(typed, bool):
            return (typed if bool in field.parts else field.choices[0 if not typed else 1],)
        return values_of(field, typed)


def of_field(field: Field) -> inspect.Parameter:
    """The option of a field: a flag, or a text that may hold several values."""
    flag = field.option.flag or field.flag
    is_flag = bool in field.parts or "/" in flag
    option = typer.Option(
        flag,
        *field.option.also,
        metavar=None if is_flag else field.metavar,
        help=field.option.help,
        show_default=False,
    )
    kind = bool | None if is_flag else str | None
    return parameter(field.name, Annotated[kind, option], None)


class Building(OfFields, frozen=True, kw_only=True):
    """How models are built, and on which inputs they run."""

    option: Annotated[
        list[str] | None,
        typer.Option(
            "-o",
            "--option",
            metavar="[MODEL:]KEY=VALUE",
            help="Set a constructor option, for every model or for one. Repeatable.",
        ),
    ] = None
    tokens: Annotated[
        str | None,
        typer.Option(
            "--tokens", metavar="N", help="Set the number of tokens; the same as -o tokens=N."
        ),
    ] = None
    weights: Annotated[
        list[str] | None,
        typer.Option(
            "--weights",
            metavar="[MODEL=]FILE",
            help="Load weights from a checkpoint, for every model or for one; code in the file "
            "is not run. Repeatable.",
        ),
    ] = None
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="NAME=SHAPE[:DTYPE]",
            help="Give an input by the name of its parameter, such as input_ids=1x128:int64. "
            "Repeatable.",
        ),
    ] = None

    @classmethod
    def fields(cls) -> list[Field]:
        """Those on which a count depends."""
        return [field for field in fields_of(Workload).values() if not field.option.executed]


class Device(Group, frozen=True, kw_only=True):
    """Where to run."""

    gpu: Annotated[
        str | None,
        typer.Option(
            "--gpu",
            metavar="N|N,M|auto",
            help="Run on this GPU, or on several; auto takes the least busy one (default: the "
            "CPU).",
        ),
    ] = None
    device: Annotated[
        str | None,
        typer.Option("--device", metavar="DEVICE", help="PyTorch device, e.g. cpu or cuda:1."),
    ] = None


class Execution(OfFields, frozen=True, kw_only=True):
    """How models are executed."""

    @classmethod
    def fields(cls) -> list[Field]:
        """Those on which no count depends."""
        return [field for field in fields_of(Workload).values() if field.option.executed]


class Session(Group, frozen=True, kw_only=True):
    """How long to measure."""

    max_time: Annotated[
        float | None,
        typer.Option(
            "--max-time",
            metavar="SECONDS",
            help="Spend at most this many seconds on each model: on samples (default: 15), or "
            "on the symbolic runs of `formula` (default: 30).",
        ),
    ] = None

    def seconds(self, default: float = 15.0) -> float:
        """A positive, finite time."""
        seconds = default if self.max_time is None else self.max_time
        if not (seconds > 0 and math.isfinite(seconds)):
            raise BadOption(f"--max-time: expected a positive number of seconds, got {seconds:g}.")
        return seconds


class Save(Group, frozen=True, kw_only=True):
    """Where results are kept."""

    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            metavar="FILE",
            help="Append every result to FILE as it is made; results that FILE already holds "
            "are not made again.",
        ),
    ] = None


class From(Group, frozen=True, kw_only=True):
    """Results that were kept."""

    from_: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Use the results saved in FILE instead of making them again. Repeatable.",
        ),
    ] = None


class OverInputs(Group, frozen=True, kw_only=True):
    """Inputs over which figures are a distribution."""

    input_set: Annotated[
        str | None,
        typer.Option(
            "--inputs",
            metavar="SOURCE",
            help="Give the mean and the spread over many inputs: a folder of images, a .npy file "
            "(an input per entry), or package.module:function or ./file.py:function, which yields "
            "inputs.",
        ),
    ] = None
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds",
            metavar="N",
            help="Give the mean and the spread over N random inputs, of the seeds 0 to N-1.",
        ),
    ] = None

    def asked(self) -> InputSet | None:
        """The inputs, once it is sure that they can be had; None if none were asked for."""
        from vtbench.models.input_sources import input_set

        return input_set(self.input_set, self.seeds)


class Jobs(Group, frozen=True, kw_only=True):
    """How many processes work at a time."""

    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            metavar="N",
            help="Number of worker processes (default: 1 for up to 20 models, one per core for "
            "more).",
        ),
    ] = None

    @property
    def number(self) -> int | None:
        """At least one process if a number is given."""
        if self.jobs is not None and self.jobs < 1:
            raise BadOption(f"--jobs: expected a positive integer, got {self.jobs}.")
        return self.jobs


class Output(Group, frozen=True, kw_only=True):
    """Which document is written, and to which file."""

    format_: Annotated[
        Format | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="Format of the document: table, json, csv, markdown or latex; `check` also has "
            "junit and github, and measurements also have github-action-benchmark, bencher "
            "and timm-csv (default: the ending of --output decides; otherwise table).",
        ),
    ] = None
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="FILE",
            help="Write the document to FILE (default: -, which is standard output).",
        ),
    ] = None
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show the Python traceback of every error.")
    ] = False

    def written(self, command: str, kind: DocumentKind) -> Written:
        """Where the document goes, and in which format, once it is sure that it can."""
        return Written.checked(command, kind, self.format_, self.output)


FailOnUnknown = Annotated[
    bool,
    typer.Option("--fail-on-unknown", help="End with exit status 1 if anything stays unknown."),
]
RelativeTo = Annotated[
    str | None,
    typer.Option("--relative-to", metavar="MODEL", help="Show ratios to this model."),
]
Across = Annotated[
    str | None,
    typer.Option(
        "--across",
        metavar="AXIS",
        help="Put the values of this axis in columns: resolution, batch_size, tokens, ...; "
        "`rows` gives one row per result (default: the longest axis).",
    ),
]
Depth = Annotated[
    int | None,
    typer.Option("--depth", metavar="N", help="Show N levels of the tree."),
]
At = Annotated[
    list[str] | None,
    typer.Option(
        "--at",
        metavar="[NAME:]SYMBOL=VALUE,...",
        help="Give values to symbols, such as L=16 or H=192:512:32,W=224; W equals H unless "
        "it is given. Cost models also take rates and lists: keep_rate=0.5:0.9:0.1, "
        "'blocks=[3,6,9]'. Repeatable.",
    ),
]
Counters = Annotated[
    str | None,
    typer.Option(
        "--counters",
        metavar="all|A,B",
        help="Run other counters too: fvcore, thop, torch; and ptflops, calflops, "
        "torchinfo, torchprofile if vtbench[counters] is installed.",
    ),
]
AllowImports = Annotated[
    bool,
    typer.Option(
        "--allow-imports",
        help="Allow suites to name functions of yours, which vtbench then imports.",
    ),
]
