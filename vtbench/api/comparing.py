"""Several models measured in turns, and measurements compared with earlier ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import msgspec

from vtbench.api.conditions import Conditions
from vtbench.api.measured import Measured
from vtbench.api.measuring import Timing, timed
from vtbench.api.public import public
from vtbench.api.shown import Shown, frame
from vtbench.data.comparison import Comparison, compare_records
from vtbench.data.files import read_measurements
from vtbench.data.measurement import Measurement
from vtbench.errors import BadOption, UsageError
from vtbench.measure.isolated import MeasureSettings
from vtbench.report.chart import Chart
from vtbench.report.comparison_chart import comparison_chart
from vtbench.report.document import Rendering
from vtbench.report.measurements_compared import (
    ComparisonRendering,
    compared_document,
    comparison_object,
)
from vtbench.stats import Gate

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import Unpack

Kept = str | Path | Measured
"""Measurements in a file, or as a function of vtbench gave them."""


class Compared(Shown):
    """Measurements compared with earlier ones; prints as ``vtbench compare`` does."""

    def __init__(
        self,
        comparisons: Sequence[Comparison],
        sides: tuple[str, str] = ("base", "new"),
        smallest: float = Gate().smallest,
    ) -> None:
        self.comparisons = list(comparisons)
        self.sides = sides
        """The names of the earlier and of the later measurements."""
        self.smallest = smallest
        """The smallest change in time that matters, as a share."""

    def document(self, asked: Rendering) -> str:
        """The document of ``vtbench compare``."""
        page = msgspec.structs.asdict(asked)
        question = ComparisonRendering(**page, smallest=self.smallest, names=self.sides)
        return compared_document(self.comparisons, question)

    def to_frame(self) -> pd.DataFrame:
        """A row for each pair."""
        entries = map(comparison_object, self.comparisons)
        return frame([{"model": each.pop("workload")["model"], **each} for each in entries])

    def chart(self) -> Chart:
        """The speed of the new ones over that of the base, with its interval."""
        return comparison_chart(self.comparisons, self.sides)


@overload
def compare(
    subjects: Mapping[str, Any],
    *args: Any,
    max_time: float = 15.0,
    protocol: str = "throughput",
    relative_to: str | None = None,
    save: str | Path | None = None,
    **conditions: Unpack[Conditions],
) -> Measured: ...


@overload
def compare(
    subjects: Kept,
    new: Kept,
    /,
    *,
    across: str | Sequence[str] = (),
    smallest: float = 0.03,
) -> Compared: ...


@public(Conditions)
def compare(  # noqa: PLR0913  # the options of the command, by their names
    subjects: Mapping[str, Any] | Kept,
    *args: Any,
    max_time: float = 15.0,
    protocol: str = "throughput",
    relative_to: str | None = None,
    save: str | Path | None = None,
    across: str | Sequence[str] = (),
    smallest: float = 0.03,
    **conditions: Unpack[Conditions],
) -> Measured | Compared:
    """Measure several models in turns, or compare measurements with earlier ones.

    >>> vtbench.compare({"narrow": narrow, "wide": wide}, torch.zeros(32, 64)).ratios
    >>> vtbench.compare({"R-18": "resnet18", "R-34": "resnet34"}, batch_size=8)
    >>> vtbench.compare("before.jsonl", "after.jsonl", across="torch", smallest=0.05)

    A dict of live modules or functions, which run on ``args``, or one of names of models, is
    measured as by ``vtbench.throughput``, of whose options ``max_time``, ``protocol``,
    ``relative_to`` and ``save`` apply: the models take turns, and their ratios have intervals.

    Two files of measurements, or two results of measuring, are compared as by ``vtbench compare``,
    pair by pair: ``across`` names fields that differ on purpose, such as torch, dtype or device,
    and ``smallest`` is the smallest change in time that matters.
    """
    if isinstance(subjects, str | Path | Measured):
        if conditions:
            raise UsageError(
                f"{next(iter(conditions))}: kept measurements are compared as they are; leave it "
                "out."
            )
        if len(args) != 1:
            raise UsageError("compare: expected two files, or results, of measurements.")
        return _kept(subjects, args[0], across, smallest)
    if not isinstance(subjects, Mapping) or not subjects:
        raise UsageError(
            "compare: expected a dict of names to modules, functions or names of models, with "
            "at least one entry, or two files of measurements."
        )
    settings = MeasureSettings(protocol=protocol, max_seconds=max_time)
    how = Timing(settings=settings, relative_to=relative_to, save=save)
    return timed(subjects, args, how, dict(conditions))


def _kept(base: Kept, new: Any, across: str | Sequence[str], smallest: float) -> Compared:
    """Each later measurement against the earlier one of its workload."""
    if not isinstance(new, str | Path | Measured):
        raise UsageError(
            f"compare: expected a file of measurements, or a result, got a {type(new).__name__}."
        )
    if not 0 < smallest < 1:
        raise BadOption(f"smallest: expected a share such as 0.03, got {smallest!r}.")
    keys = across.split(",") if isinstance(across, str) else across
    named = tuple(key.strip() for key in keys if key.strip())
    found = compare_records(_records(base), _records(new), named, Gate(smallest=smallest))
    sides = tuple(
        ["base", "new"][place] if isinstance(side, Measured) else str(side)
        for place, side in enumerate((base, new))
    )
    return Compared(found, (sides[0], sides[1]), smallest)


def _records(side: Kept) -> list[Measurement]:
    return side.records if isinstance(side, Measured) else read_measurements(Path(side))
