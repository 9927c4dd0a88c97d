"""The parts of two counts side by side: by name, and modules of other names by what they run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

import msgspec

from vtbench.data.record import Record
from vtbench.report.breakdown import OWN, Part, View, breakdown

DEEPEST = 1_000
"""Levels of modules, more than any model has: every module is a part."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A part of one count and the same part of another; one of them may be missing."""

    before: Part | None = None
    after: Part | None = None

    @property
    def difference(self) -> int:
        """MACs that the part has more in the second count; a part that is missing has none."""
        return (self.after.macs if self.after else 0) - (self.before.macs if self.before else 0)

    @property
    def names(self) -> tuple[str | None, str | None]:
        """The names of both."""
        before, after = self.before, self.after
        return before.name if before else None, after.name if after else None


def aligned(before: Record, after: Record, view: View, depth: int | None) -> list[Pair]:
    """Pairs of the parts of two counts, whose differences sum to that of the counts exactly.

    Parts of one name are the same part. Modules and blocks that are left over of both are aligned
    in order by what they multiply.
    """
    depth = DEEPEST if view == "module" and depth is None else depth
    old = {part.name: part for part in breakdown(before, view, depth)}
    new = {part.name: part for part in breakdown(after, view, depth)}
    partners = {name: name for name in old if name in new}
    if view in ("module", "block"):
        gone = [part for part in old.values() if part.name not in new]
        come = [part for part in new.values() if part.name not in old]
        partners |= _by_work(_works(before, gone), _works(after, come))
    taken = set(partners.values())
    pairs = [
        Pair(before=part, after=new[partners[name]] if name in partners else None)
        for name, part in old.items()
    ]
    return [*pairs, *(Pair(after=part) for name, part in new.items() if name not in taken)]


Work = tuple[tuple[str, ...], int]
"""The operators that a module itself multiplies by, and its MACs."""


def _works(record: Record, parts: Sequence[Part]) -> dict[str, Work]:
    """Module -> its work, for the modules that multiply."""
    operators: dict[str, list[str]] = {}
    for row in record.rows:
        if row.macs:
            operators.setdefault(row.module, []).append(row.op)
    return {
        part.name: (tuple(sorted(operators.get(_path(part.name), ()))), part.macs)
        for part in parts
        if part.macs
    }


def _path(name: str) -> str:
    return name.removesuffix(OWN).rstrip()


def _by_work(old: Mapping[str, Work], new: Mapping[str, Work]) -> dict[str, str]:
    """Partners in order: of the same operators and MACs, and between those of the same operators.

    What lies between two pairs is aligned only if both have the same operators one by one there,
    because a guess would name modules that have nothing to do with each other.
    """
    names, others = list(old), list(new)
    works, theirs = list(old.values()), list(new.values())
    partners: dict[str, str] = {}
    matcher = SequenceMatcher(None, works, theirs, autojunk=False)
    for kind, start, end, first, last in matcher.get_opcodes():
        operators = [work[0] for work in works[start:end]]
        alike = operators == [work[0] for work in theirs[first:last]] and all(operators)
        if kind == "equal" or alike:
            partners |= dict(zip(names[start:end], others[first:last], strict=True))
    return partners
