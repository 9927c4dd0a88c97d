"""The Python interface to measuring: live modules, functions, models by name, and kept files.

A live module or function is measured in the caller's process, because it lives there, and its
record says ``isolated = false``; a model by name has a fresh process.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from vtbench.api.counting import named_workload
from vtbench.api.over_inputs import over_of_name
from vtbench.data.files import read_measurements
from vtbench.data.from_samples import ratios_of
from vtbench.data.measurement import Measurement, Ratio
from vtbench.data.protocol import protocol_named
from vtbench.data.workload import EXECUTION, Workload
from vtbench.errors import BadOption, UsageError
from vtbench.measure.isolated import MeasureSettings, measure
from vtbench.report import render
from vtbench.report.measured import (
    MeasuredRendering,
    flat_rows,
    measured_document,
    measured_object,
    measured_tables,
)

if TYPE_CHECKING:
    import pandas as pd


class Measured:
    """Measurements and their ratios; prints as a table, in a notebook too."""

    def __init__(self, records: Sequence[Measurement]) -> None:
        self.records = list(records)

    @property
    def ratios(self) -> list[Ratio]:
        """How many times as fast each is as each later one of its session."""
        return ratios_of(self.records)

    @property
    def images_per_second(self) -> float | None:
        """Of the one measurement there is."""
        return self._only().images_per_second

    @property
    def median(self) -> float | None:
        """Seconds per step of the one measurement there is."""
        return self._only().median

    def _only(self) -> Measurement:
        if len(self.records) != 1:
            raise UsageError(
                f"There are {len(self.records)} measurements, not one; use one of `.records`, or "
                "`.to_frame()`."
            )
        return self.records[0]

    def table(self, width: int = 80) -> str:
        """The table that the command line prints."""
        return measured_document(self.records, self.ratios, MeasuredRendering(width=width))

    def to_dict(self) -> dict[str, Any]:
        """The measurements, as ``--format json`` has them, and their ratios."""
        return measured_object(self.records, self.ratios)

    def to_frame(self) -> pd.DataFrame:
        """A row for each measurement with every figure of one number."""
        import pandas as pd  # imported only where a frame is asked for

        return pd.DataFrame(flat_rows(self.records))

    def __repr__(self) -> str:
        """The table."""
        return self.table()

    def _repr_html_(self) -> str:
        return render(measured_tables(self.records, self.ratios), "html")


def throughput(
    model: Any,
    *inputs: Any,
    max_time: float = 15.0,
    protocol: str = "throughput",
    **conditions: Any,
) -> Measured:
    """Images per second of a module on inputs, of a function, or of a model by name.

    ``conditions`` are fields of a workload, such as ``dtype`` or ``batch_size``; a live module
    stays where and as it is.
    """
    settings = MeasureSettings(protocol=protocol, max_seconds=max_time)
    return _timed({_name_of(model): model}, inputs, settings, conditions)


def latency(
    model: Any, *inputs: Any, max_time: float = 15.0, protocol: str = "latency", **conditions: Any
) -> Measured:
    """Seconds of single steps, with percentiles where samples allow them."""
    settings = MeasureSettings(protocol=protocol, max_seconds=max_time)
    return _timed({_name_of(model): model}, inputs, settings, conditions)


def compare(
    subjects: Mapping[str, Any],
    *inputs: Any,
    max_time: float = 15.0,
    protocol: str = "throughput",
    **conditions: Any,
) -> Measured:
    """The same as ``vtbench throughput A B``: several models take turns, and have a ratio.

    ``subjects`` names modules or functions, which run on the same inputs, or models by name.
    """
    if not isinstance(subjects, Mapping) or not subjects:
        raise UsageError(
            "compare: expected a dict of names to modules, functions or names of models, with "
            "at least one entry."
        )
    settings = MeasureSettings(protocol=protocol, max_seconds=max_time)
    return _timed(subjects, inputs, settings, conditions)


def memory(model: Any, *inputs: Any, **conditions: Any) -> Measured:
    """Weights and the peak of a step of a module on inputs, or of a model by name.

    A model by name has a process of its own; the figures of a live module are what it and its
    step add in this one, where an allocator may keep freed memory. Of a model by name, ``seeds=N``
    and ``inputs=`` give what is predicted over many inputs, as in ``vtbench.count``.
    """
    from vtbench.measure.isolated import MEMORY, footprints
    from vtbench.measure.memory.footprint import live_footprint

    if isinstance(model, str):
        if inputs:
            raise UsageError(
                "A model that is given by name makes its own inputs; give a module to measure "
                "inputs."
            )
        settings = MeasureSettings(protocol=MEMORY.name)
        over = over_of_name(conditions)
        workload = _workload(model, {"batch_size": 1, **conditions}, settings)
        found = footprints([workload], conditions.get("index"), over)
        outcomes = [outcome for _, outcome in found]
        return Measured([outcome.result for outcome in outcomes if outcome.result is not None])
    workload = _live_workload(_name_of(model), model, inputs, conditions)
    return Measured([live_footprint(workload, model, inputs)])


def read(path: str | Path) -> Measured:
    """The measurements of a file, such as a sweep's."""
    return Measured(read_measurements(Path(path)))


def _name_of(model: Any) -> str:
    if isinstance(model, str):
        return model
    return getattr(model, "__name__", None) or type(model).__name__


def _timed(
    subjects: Mapping[str, Any],
    inputs: tuple[Any, ...],
    settings: MeasureSettings,
    conditions: dict[str, Any],
) -> Measured:
    """Models by name in a fresh process, live ones here; never both in one session."""
    if not (settings.max_seconds > 0 and math.isfinite(settings.max_seconds)):
        raise BadOption(
            f"max_time: expected a positive number of seconds, got {settings.max_seconds!r}."
        )
    if conditions.get("compile") and settings.protocol == "throughput":
        settings = msgspec.structs.replace(settings, protocol="compiled")  # as on the command line
    named = [name for name, subject in subjects.items() if isinstance(subject, str)]
    if not named:
        return Measured(_live_session(subjects, inputs, settings, conditions))
    if len(named) < len(subjects):
        raise UsageError(
            f"{named[0]!r} is given by name and others are live modules or functions. Models by "
            "name run in a process of their own, so measure them separately."
        )
    if inputs:
        raise UsageError(
            "A model that is given by name makes its own inputs; give modules to measure inputs."
        )
    workloads = [_workload(str(model), conditions, settings) for model in subjects.values()]
    index = conditions.get("index")
    return Measured(measure(workloads, [msgspec.structs.replace(settings, index=index)]))


def _workload(model: str, conditions: dict[str, Any], settings: MeasureSettings) -> Workload:
    """The workload of a name under conditions, which are its fields."""
    counted = {k: v for k, v in conditions.items() if k not in (*EXECUTION, "index")}
    kind = conditions.get("device", "cpu")
    if "batch_size" not in counted:
        counted["batch_size"] = protocol_named(settings.protocol).batch_size(kind)
    return msgspec.structs.replace(named_workload(model, (), counted), **_execution(conditions))


def _execution(conditions: dict[str, Any]) -> dict[str, Any]:
    """The fields that say how a workload is executed, once their values are known to be theirs."""
    given = {k: v for k, v in conditions.items() if k in EXECUTION}
    try:
        msgspec.convert({"model": "", **given}, type=Workload)
    except msgspec.ValidationError as error:
        said = str(error).replace("`$.", "`")
        raise BadOption(f"A condition has an invalid value: {said}.") from error
    return given


def _live_session(
    subjects: Mapping[str, Any],
    inputs: tuple[Any, ...],
    settings: MeasureSettings,
    conditions: dict[str, Any],
) -> list[Measurement]:
    """Modules and functions as they are, in this process."""
    from vtbench.measure.session.measure_workloads import measure_live

    workloads = [
        _live_workload(name, subject, inputs, conditions) for name, subject in subjects.items()
    ]
    return measure_live(list(zip(workloads, subjects.values(), strict=True)), inputs, settings)


def _live_workload(
    name: str, subject: Any, inputs: tuple[Any, ...], conditions: dict[str, Any]
) -> Workload:
    """What can be said of a live module or function, once its conditions are known to be such."""
    from vtbench.measure.session.live_modules import LIVE_CONDITIONS, live_workload

    foreign = sorted(set(conditions) - LIVE_CONDITIONS)
    if foreign:
        raise BadOption(
            f"A live module is measured as it is, so {foreign[0]} cannot be set; use one of "
            f"{', '.join(sorted(LIVE_CONDITIONS))}."
        )
    _execution(conditions)
    if not callable(subject):
        raise UsageError(f"{name} is a {type(subject).__name__}, which cannot be called.")
    return live_workload(name, subject, inputs, conditions)
