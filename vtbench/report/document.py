"""A result as a document: data for programs, tables for readers, in any format that it has."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, get_args

import msgspec

from vtbench.data.version import VERSION
from vtbench.data.visible import escaped_in_json, visible
from vtbench.errors import BadOption
from vtbench.report.latex import Paper
from vtbench.report.render import COLUMN, render
from vtbench.report.table import Table

PlainFormat = Literal["table", "json", "csv", "markdown", "latex"]
SpecialFormat = Literal["junit", "github", "github-action-benchmark", "bencher", "timm-csv"]
Format = Literal[PlainFormat, SpecialFormat]
"""Every format that some document has."""
PLAIN: tuple[PlainFormat, ...] = get_args(PlainFormat)

DocumentKind = Literal[
    "macs", "formula", "cost", "cost-models", "conformance", "models", "suites",
    "audit", "check", "explain", "compare", "measurements", "pareto", "plan", "env", "panels",
]  # fmt: skip
_SPECIAL: Mapping[str, tuple[SpecialFormat, ...]] = MappingProxyType(
    {
        "check": ("junit", "github"),
        "measurements": ("github-action-benchmark", "bencher", "timm-csv"),
    }
)
_WITHOUT_CSV = ("env", "explain", "panels")
"""Documents of several unlike tables, which no one table of values holds."""


class Rendering(msgspec.Struct, frozen=True, kw_only=True):
    """How a document is to look."""

    format: Format | Literal["html"] = "table"
    """HTML is what notebooks show; every document has it, and no command writes it."""
    width: int = 80
    """Cells of the terminal."""
    color: bool = False
    paper: Paper = COLUMN
    """How a table is set in LaTeX."""
    command: str = "vtbench"
    """What the user typed, for the sentence that refuses a format."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What a result has to show; each part is made only if a format asks for it."""

    kind: DocumentKind
    results: Callable[[], Sequence[Any]]
    """The list of the JSON object."""
    more: Callable[[], Mapping[str, Any]] = dict
    """What else stands at the top level of the JSON object."""
    tables: Callable[[], Sequence[Table]]
    """For readers."""
    values: Callable[[], Sequence[Table]] | None = None
    """For CSV, with figures in full; None is the tables for readers."""
    special: Mapping[str, Callable[[], str]] = MappingProxyType({})
    """Formats of other tools, by name."""
    finish: Callable[[str], str] = str
    """What is done to the text for readers at last."""


def formats_of(kind: DocumentKind) -> tuple[Format, ...]:
    """The formats that a document has."""
    plain = (each for each in PLAIN if each != "csv" or kind not in _WITHOUT_CSV)
    return (*plain, *_SPECIAL.get(kind, ()))


def refuse_format(kind: DocumentKind, rendering: Rendering) -> None:
    """Refuse a format that a document lacks; for commands, before any work is done."""
    known = formats_of(kind)
    if rendering.format not in (*known, "html"):
        raise BadOption(
            f"`{rendering.command}` has no format {rendering.format}; it has {', '.join(known)}."
        )


def written(document: Document, rendering: Rendering) -> str:
    """The whole document, ending in a line break."""
    refuse_format(document.kind, rendering)
    if rendering.format in document.special:
        text = visible(document.special[rendering.format]())
    elif rendering.format == "json":
        text = json_text(json_object(document.kind, document.results(), document.more()))
    elif rendering.format == "csv":
        text = render((document.values or document.tables)(), "csv")
    else:
        page = {
            "width": rendering.width,
            "color": rendering.color,
            "paper": rendering.paper,
        }
        text = document.finish(render(document.tables(), rendering.format, **page))  # type: ignore[arg-type]  # what is left are styles of tables
    return text.rstrip("\n") + "\n"


def json_object(
    kind: DocumentKind, results: Sequence[Any], more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The object that every JSON document is: its schema, the version, the results, and more."""
    head = {"schema": f"vtbench.{kind}/1", "vtbench": VERSION, "results": list(results)}
    return {**head, **(more or {})}


def json_text(value: Any) -> str:
    """A value as JSON; integers stay exact at any size."""
    return escaped_in_json(json.dumps(value, indent=2, ensure_ascii=False))
