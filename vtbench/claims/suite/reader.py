"""A suite file while it is read: where things stand in it, and every mistake at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

from vtbench.claims.suite.schema import Header
from vtbench.claims.suite.types import Claim, Quantity

T = TypeVar("T")


@dataclass
class SuiteReader:
    """One file while it is being read; mistakes are collected, not raised."""

    path: Path
    name: str
    lines: Lines
    header: Header = field(default_factory=lambda: Header(title="", source=""))
    mistakes: list[str] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    quantities: dict[str, Quantity] = field(default_factory=dict)
    """By the name that arithmetic uses."""
    ids: list[str] = field(default_factory=list)
    """The ids of everything in the file, of which a set may name some by a pattern."""

    def mistake(self, line: int, sentence: str) -> None:
        """Something is wrong on this line."""
        self.mistakes.append(f"{self.path}:{line}: {sentence}")

    def taken(self, name: str) -> bool:
        """Whether a claim or a quantity of that full id was read before."""
        return self.lines.knows(name)

    def convert(self, data: Any, kind: type[T], line: int) -> T | None:
        """Data as a struct; or None, and a mistake for each field that is wrong."""
        try:
            return msgspec.convert(data, kind)
        except msgspec.ValidationError:
            for key, sentence in _wrong_fields(data, kind):
                self.mistake(self.lines.of_key(line, key), sentence)
            return None

    def tables(self, data: dict[str, Any], key: str, line: int = 1) -> list[dict[str, Any]]:
        """The ``[[key]]`` of a table; a mistake if it is not a list of tables."""
        found = data.get(key, [])
        if isinstance(found, list) and all(isinstance(each, dict) for each in found):
            return found
        self.mistake(self.lines.of_key(line, key), f"{key}: expected [[{key}]] tables.")
        return []


def _wrong_fields(data: Any, kind: Any) -> Iterator[tuple[str, str]]:
    """Each wrong field with its sentence."""
    if not isinstance(data, dict):
        yield "", f"expected a table with keys, found {data!r}."
        return
    known = {each.encode_name: each for each in msgspec.structs.fields(kind)}
    for key in data:
        if key not in known:
            yield key, f"{key}: there is no such field; use one of {', '.join(known)}."
    for key, each in known.items():
        if key not in data:
            if each.required:
                yield "", f"{key}: this field is missing."
            continue
        for name, value, expected in _parts(key, data[key], each.type):
            said = _refusal(value, expected)
            if said is not None:
                yield key, _sentence(name, said, expected)


def _refusal(value: Any, expected: Any) -> str | None:
    """The message of msgspec on a value that is not of a type; None if it is."""
    try:
        msgspec.convert(value, expected)
    except msgspec.ValidationError as error:
        return str(error)
    return None


def _parts(key: str, value: Any, expected: Any) -> Iterator[tuple[str, Any, Any]]:
    """A field, or each entry of one that maps names to tables, so that messages name the entry."""
    arguments = get_args(expected)
    if get_origin(expected) is dict and isinstance(value, dict) and isinstance(arguments[1], type):
        for name, entry in value.items():
            yield f"{key}.{name}", entry, arguments[1]
    else:
        yield key, value, expected


def _sentence(key: str, text: str, expected: Any) -> str:
    """Msgspec's account of a wrong value, with the field in front of it and what there is."""
    what, _, path = text.partition(" - at `$")
    inner = re.sub(r"\[\.\.\.\]", "", path.rstrip("`"))
    if what.startswith("Invalid enum value"):
        words = _words(expected) if not inner else ()
        known = f"; use one of {', '.join(words)}" if words else ""
        return f"{key}{inner}: there is no {what.removeprefix('Invalid enum value ')}{known}."
    return f"{key}{inner}: {what[:1].lower()}{what[1:].replace('`', '')}."


def _words(expected: Any) -> tuple[str, ...]:
    """The words that a field may hold, of which it may also hold none."""
    if get_origin(expected) is Literal:
        return tuple(str(each) for each in get_args(expected))
    return tuple(word for part in get_args(expected) for word in _words(part))


class Lines:
    """The lines of a file, and the line on which each claim was found."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        lines = enumerate(self._lines, 1)
        self._headers = [(n, line) for n, line in lines if line.lstrip().startswith("[")]
        self._claims: dict[str, int] = {}

    def remember(self, claim: str, line: int) -> None:
        """A claim stands on this line."""
        self._claims.setdefault(claim, line)

    def knows(self, claim: str) -> bool:
        """Whether a claim of that id was found."""
        return claim in self._claims

    def of_claim(self, claim: str) -> int:
        """The line of a claim, 1 if it is not known."""
        return self._claims.get(claim, 1)

    def of_header(self, name: str, index: int = 0) -> int:
        """The line of the index-th ``[name]`` or ``[[name]]``."""
        pattern = re.compile(rf"\s*\[\[?\s*{re.escape(name)}\s*\]\]?\s*(#.*)?$")
        found = [n for n, line in self._headers if pattern.match(line)]
        return found[index] if index < len(found) else 1

    def of_row(self, table_line: int, index: int) -> int:
        """The line of the index-th ``[[table.row]]`` after its table's header."""
        pattern = re.compile(r"\s*\[\[\s*table\s*\.\s*row\s*\]\]")
        found = [n for n, line in self._headers if n > table_line and pattern.match(line)]
        return found[index] if index < len(found) else table_line

    def of_key(self, start: int, key: str) -> int:
        """The line of ``key = ...`` or of the sub-table ``[....key]`` in a table, else its own."""
        if not key:
            return start
        assignment = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*[=.]""")
        subtable = re.compile(rf"""\s*\[[^\[].*\.\s*["']?{re.escape(key)}["']?\s*\]""")
        inside = False
        for number, line in enumerate(self._lines[start - 1 :], start):
            header = number > start and line.lstrip().startswith("[")
            if header and (line.lstrip().startswith("[[") or "." not in line):
                break
            inside = inside or header
            if subtable.match(line) or (not inside and assignment.match(line)):
                return number
        return start
