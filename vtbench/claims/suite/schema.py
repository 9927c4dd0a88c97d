"""The JSON Schema of a suite file, made from the types that read it, for editors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from vtbench.claims.suite.interval import SCALES
from vtbench.claims.suite.shape import Cell, RowHead, SuiteFile
from vtbench.claims.suite.types import SWEPT

_ROW = "A row of the table: what it speaks of, and for each column the figure as printed."
_DERIVED = ("ratio", "difference", "bound", "arithmetic")


def suite_schema() -> dict[str, Any]:
    """A schema that completes and checks the keys of a suite as it is written.

    The rows of a table have a key for each of its columns, which no type can name beforehand;
    what is left open there is a printed figure, plain or with its own expectations.
    """
    (_, row, cell), parts = msgspec.json.schema_components(
        (SuiteFile, RowHead, Cell), ref_template="#/$defs/{name}"
    )
    parts["RowHead"]["additionalProperties"] = {
        "anyOf": [{"type": "string", "description": "The digits as printed."}, cell]
    }
    parts["RowHead"]["description"] = _ROW
    parts["TableHead"]["properties"]["row"]["items"] = row
    for name in ("Column", "Single"):
        parts[name]["properties"]["unit"]["enum"] = list(SCALES)
    parts["Single"]["allOf"] = [
        _if_kind(_DERIVED, required=["of"]),
        _if_kind(SWEPT, required=["workload", "sweep"]),
    ]
    for part in parts.values():
        if "description" in part:
            part["description"] = " ".join(part["description"].split())
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **parts.pop("SuiteFile"),
        "title": "A vtbench suite: the figures that a paper printed",
        "$defs": dict(sorted(parts.items())),
    }
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(schema))  # tuples as lists
    return plain


def _if_kind(kinds: Sequence[str], *, required: list[str]) -> dict[str, Any]:
    """What claims of some kinds need beside what every claim needs."""
    return {
        "if": {"properties": {"kind": {"enum": list(kinds)}}, "required": ["kind"]},
        "then": {"required": required},
    }
