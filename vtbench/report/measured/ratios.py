"""How much faster one model is than another, from samples taken in turns."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vtbench.measurement import Measurement, Ratio
from vtbench.report.precision import bracketed
from vtbench.stats import ratio_interval

MOST = 12
"""Ratios that are said in words; all of them stand in the JSON."""


def session_ratios(records: Sequence[Measurement], names: Sequence[str]) -> list[Ratio]:
    """Every interleaved measurement against the first of its session, under the names given."""
    sessions: dict[tuple[str, str], list[tuple[Measurement, str]]] = {}
    for record, name in zip(records, names, strict=True):
        if record.session is not None and record.samples and record.error is None:
            key = (record.session, str(record.protocol))
            sessions.setdefault(key, []).append((record, name))
    return [
        _ratio(arm, first)
        for first, *others in sessions.values()
        for arm in others
        if len(arm[0].samples) == len(first[0].samples)
    ]


def _ratio(arm: tuple[Measurement, str], base: tuple[Measurement, str]) -> Ratio:
    """Speed is images per second, so that batches of different sizes compare too."""
    images = arm[0].workload.batch_size / base[0].workload.batch_size
    found = ratio_interval(arm[0].samples, base[0].samples)
    return Ratio(
        a=arm[1],
        b=base[1],
        ratio=found.value * images,
        low=found.low * images,
        high=found.high * images,
    )


def relative(ratios: Sequence[Ratio], to: str | None) -> list[Ratio]:
    """The ratios to one model, turned round where they are of it; all where none is."""
    if to is None:
        return list(ratios)
    turned = [_turned(each) if each.a == to and each.b != to else each for each in ratios]
    own = [each for each in turned if each.b == to]
    return own or list(ratios)


def ratio_lines(ratios: Sequence[Ratio]) -> list[str]:
    """A sentence for each ratio, with the interval that says whether it means anything."""
    said = [
        f"{each.a} is {bracketed(each.ratio, each.low, each.high, '×')} "
        f"as fast as {each.b}{_open(each)}."
        for each in ratios[:MOST]
    ]
    rest = len(ratios) - MOST
    return [*said, f"And {rest} more ratios; --format json has them all."] if rest > 0 else said


def _open(ratio: Ratio) -> str:
    """Where the interval holds 1, which is faster is not known."""
    return "; which is faster stays open" if ratio.low <= 1 <= ratio.high else ""


def _turned(ratio: Ratio) -> Ratio:
    return msgspec.structs.replace(
        ratio, a=ratio.b, b=ratio.a, ratio=1 / ratio.ratio, low=1 / ratio.high, high=1 / ratio.low
    )
