"""Why another counter differs from ours: both ledgers are matched, and what is left has names.

Entries are matched within a module first, then over the whole model: the same operator with the
same count, any operators with the same count, groups of operators that come to the same. What
nobody matches is work that one side misses; what is matched only nearly is one operator that
both count, each in its own way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from vtbench.count.peers.tally import Line, Tally
from vtbench.data.record import Explained, PeerCount, Record, Row

NEAR = 0.5
"""Two counts of one thing differ by less than this part of ours; beyond it they are two things."""
REST = "(rest)"
"""What a total holds beyond its lines."""
MOST_COMBINED = 8
"""Entries of a group of which every combination is tried."""


class OpCount(NamedTuple):
    """One operator of one side in one group."""

    op: str
    macs: int
    calls: int


def compared(tally: Tally, record: Record) -> PeerCount:
    """The counter's total beside ours; explained and unexplained sum to the difference."""
    rest = Line(
        None, None, tally.macs - sum(line.macs for line in tally.lines), whole=True,
        module_class=REST,
    )  # fmt: skip
    explained = tuple(
        each
        for each in explanations((*tally.lines, rest), record.rows)
        if each.op != REST  # it has no name: whatever of it has no counterpart is unexplained
    )
    difference = tally.macs - record.macs
    return PeerCount(
        macs=tally.macs,
        difference=difference,
        explained_by=explained,
        unexplained=difference - sum(each.macs for each in explained),
    )


def explanations(lines: Sequence[Line], rows: Sequence[Row]) -> tuple[Explained, ...]:
    """The operators that the two sides count differently, the largest difference first."""
    names = _Names(rows)
    covers = _covers(lines, rows)
    ours: dict[str, list[OpCount]] = {}
    theirs: dict[str, list[OpCount]] = {}
    elsewhere: list[OpCount] = []
    for row in rows:
        if row.macs:
            entry = OpCount(plain(row.op), row.macs, row.calls)
            ours.setdefault(_group(row.module, covers), []).append(entry)
    for line in lines:
        entry = names.entry(line)
        if not line.macs:
            continue
        if line.module is None:
            elsewhere.append(entry)
        else:
            theirs.setdefault(_group(line.module, covers), []).append(entry)
    found: list[OpCount] = []
    missed: list[OpCount] = []
    for group in dict.fromkeys([*ours, *theirs]):
        left = matched(ours.get(group, []), theirs.get(group, []))
        found += left.differing
        missed += left.ours
        elsewhere += left.theirs
    left = matched(missed, elsewhere)
    one_sided = [*left.theirs, *(entry._replace(macs=-entry.macs) for entry in left.ours)]
    return _ranked(one_sided, [*found, *left.differing])


class Left(NamedTuple):
    """What matching leaves of two sides."""

    ours: list[OpCount]
    theirs: list[OpCount]
    differing: list[OpCount]
    """Operators that both count, with their count minus ours."""


def matched(ours: Sequence[OpCount], theirs: Sequence[OpCount]) -> Left:
    """Match the entries of one group."""
    mine, other = summed(ours), summed(theirs)
    _same_name(mine, other)
    _same_count(mine, other)
    for kind in ("conv", "product"):
        _same_sum([e for e in mine if family(e.op) == kind],
                  [e for e in other if family(e.op) == kind], mine, other)  # fmt: skip
    _same_sum(list(mine), [e for e in other if family(e.op)], mine, other)
    differing = [*_same_operator(mine, other), *_nearly(mine, other)]
    return Left(mine, other, [entry for entry in differing if entry.macs])


def _same_name(mine: list[OpCount], other: list[OpCount]) -> None:
    for entry in list(mine):
        twin = next((e for e in other if e.op == entry.op and e.macs == entry.macs), None)
        if twin is not None:
            mine.remove(entry)
            other.remove(twin)


def _same_count(mine: list[OpCount], other: list[OpCount]) -> None:
    for entry in list(mine):
        twin = next((e for e in other if e.macs == entry.macs), None)
        if twin is not None:
            mine.remove(entry)
            other.remove(twin)


def _same_sum(
    ours: list[OpCount],
    theirs: list[OpCount],
    mine: list[OpCount],
    other: list[OpCount],
) -> None:
    """Take away two selections that come to the same: all of both, or all of one and some."""
    for some, whole in ((ours, theirs), (theirs, ours)):
        total = sum(entry.macs for entry in whole)
        chosen = _nearest(some, total) if whole else ()
        if chosen and sum(entry.macs for entry in chosen) == total:
            for entry in (*chosen, *whole):
                (mine if entry in mine else other).remove(entry)
            return


def _same_operator(mine: list[OpCount], other: list[OpCount]) -> list[OpCount]:
    """Operators of one name that the two sides count differently."""
    differing = []
    for entry in list(mine):
        twin = next((e for e in other if e.op == entry.op), None)
        if twin is not None:
            mine.remove(entry)
            other.remove(twin)
            differing.append(entry._replace(macs=twin.macs - entry.macs))
    return differing


def _nearly(mine: list[OpCount], other: list[OpCount]) -> list[OpCount]:
    """Work that the other side has under one name and a somewhat different count."""
    differing = []
    for entry in sorted(other, key=lambda each: -each.macs):
        chosen = _nearest(mine, entry.macs) if family(entry.op) else ()
        total = sum(each.macs for each in chosen)
        if chosen and abs(entry.macs - total) < NEAR * total:
            other.remove(entry)
            for each in chosen:
                mine.remove(each)
            largest = max(chosen, key=lambda each: each.macs)
            differing.append(largest._replace(macs=entry.macs - total))
    return differing


def _nearest(entries: Sequence[OpCount], total: int) -> tuple[OpCount, ...]:
    """The entries whose sum is nearest to a total; all or one if there are too many to try."""
    sizes = range(1, len(entries) + 1) if len(entries) <= MOST_COMBINED else (1, len(entries))
    tries = (some for size in sizes for some in combinations(entries, size))
    return min(tries, key=lambda some: abs(total - sum(e.macs for e in some)), default=())


def summed(entries: Iterable[OpCount]) -> list[OpCount]:
    """One entry for each operator."""
    sums: dict[str, OpCount] = {}
    for entry in entries:
        had = sums.get(entry.op, OpCount(entry.op, 0, 0))
        sums[entry.op] = OpCount(entry.op, had.macs + entry.macs, had.calls + entry.calls)
    return list(sums.values())


def _ranked(one_sided: Sequence[OpCount], differing: Sequence[OpCount]) -> tuple[Explained, ...]:
    """A line for each operator that one side misses, and for each that both count differently."""
    made = [
        Explained(op=entry.op, calls=entry.calls, macs=entry.macs)
        for entry in (*summed(one_sided), *summed(differing))
        if entry.macs
    ]
    return tuple(sorted(made, key=lambda each: (-abs(each.macs), each.op)))


def plain(op: str) -> str:
    """``aten.linear`` of ``aten.linear.default``, ``aten::linear_`` or ``linear``."""
    words = op.replace("::", ".").split(".")
    if len(words) == 1:
        words = ["aten", *words]
    return ".".join(words[:2]).rstrip("_")


def family(op: str) -> str | None:
    """What kind of product an operator is, by its name; None for what multiplies nothing."""
    if "." not in op:  # a module as a whole
        return "product"
    name = op.rpartition(".")[2].lower()
    if "conv" in name:
        return "conv"
    words = ("attention", "encoder_layer", "linear", "lstm", "gru", "rnn", "einsum", "trilinear")
    products = ("mm", "matmul", "dot", "mv", "mul_mat", "dist")
    if any(word in name for word in words) or name.endswith(products):
        return "product"
    return None


def _covers(lines: Sequence[Line], rows: Sequence[Row]) -> list[str]:
    """Modules that one side counts as a whole, the outermost first."""
    fused = ("aten._native_multi_head_attention", "aten._transformer_encoder_layer_fwd")
    whole = {line.module for line in lines if line.whole and line.module is not None}
    whole |= {row.module for row in rows if plain(row.op) in fused}
    return sorted(whole, key=len)


def _group(module: str, covers: Sequence[str]) -> str:
    """The module with which a module is compared: the one that covers it, or itself."""
    inside = (c for c in covers if not c or module == c or module.startswith(f"{c}."))
    return next(inside, module)


class _Names:
    """Names for the lines of a counter, taken from what we saw in the same module."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._calls: dict[tuple[str | None, str], int] = {}
        self._main: dict[str, Row] = {}
        for row in rows:
            for place in (row.module, None):
                key = (place, plain(row.op))
                self._calls[key] = self._calls.get(key, 0) + row.calls
            main = self._main.get(row.module)
            if main is None or _weight(row) > _weight(main):
                self._main[row.module] = row

    def entry(self, line: Line) -> OpCount:
        """The line under the operator's name; with our calls if it does not say its own."""
        op = plain(line.op) if line.op is not None else self._of_module(line)
        if line.whole:
            op = line.module_class or "module"
        calls = line.calls or self._calls.get((line.module, op), 1)
        return OpCount(op, line.macs, calls)

    def _of_module(self, line: Line) -> str:
        main = self._main.get(line.module or "")
        return plain(main.op) if main is not None else line.module_class or "module"


def _weight(row: Row) -> tuple[int, bool, int]:
    return row.macs, row.kind not in ("none", "elementwise"), row.elements_out
