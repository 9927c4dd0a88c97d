"""Suites held against models, counted and timed here: what ``vtbench check`` does, from Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

import msgspec

from vtbench.api.choosing import refuse_code, refuse_idle_axes, refuse_unknown_models, selected
from vtbench.api.public import public
from vtbench.api.search_axes import with_axes
from vtbench.api.shaped import Shaped
from vtbench.api.shown import frame, nothing_to_draw
from vtbench.claims.audit.throughputs import implied
from vtbench.claims.judge import (
    Explainer,
    Prediction,
    Verdict,
    WrongFigures,
    judge,
    leave_one_out,
    parts_named,
    wanted,
)
from vtbench.claims.judge.speed_orders import column_orders
from vtbench.claims.judge.speed_sessions import SpeedSession, is_kept, sessions_of
from vtbench.claims.judge.timings import Timed, Timings
from vtbench.claims.suite import Suite
from vtbench.claims.suite.files import find
from vtbench.data.condensed import condensed
from vtbench.data.files import ResultFile, read_results
from vtbench.data.measurement import Device, Measurement
from vtbench.data.record import ByValues, Record
from vtbench.data.workload import Workload
from vtbench.errors import BadOption
from vtbench.measure.isolated import MeasureSettings
from vtbench.measure.isolated import measure as measure_together
from vtbench.report import Rendering
from vtbench.report.chance import NONE_DRAWN
from vtbench.report.checking import check_document
from vtbench.report.claims_by_values import claims_by_values
from vtbench.report.speeds import Speeds
from vtbench.report.verdicts import verdict_object

if TYPE_CHECKING:
    import pandas as pd

Records = dict[Workload, Record]

SHARE = 0.6
"""Of a device's memory that the models of one session may take."""
UNCOUNTED = 2 << 30
"""Bytes that a model is taken to need if it was not counted."""
INPUT_SETS = 4
"""Inputs that lie on the device at a time."""


class Checked(Shaped):
    """Verdicts on suites; prints as the tables of ``vtbench check``, in a notebook too."""

    def __init__(
        self,
        verdicts: Sequence[Verdict],
        predictions: Sequence[Prediction] = (),
        speeds: Speeds | None = None,
        measurements: Sequence[Measurement] = (),
        by_values: Mapping[str, ByValues] = MappingProxyType({}),
        wrong: Mapping[str, WrongFigures] = NONE_DRAWN,
    ) -> None:
        self.verdicts = list(verdicts)
        self.measurements = list(measurements)
        """What speeds were judged by."""
        self._predictions = tuple(predictions)
        self._speeds = speeds or Speeds()
        self.by_values = dict(by_values)
        """Claim -> why its figure can change with the values of the input, if it can."""
        self._wrong = wrong

    @property
    def as_expected(self) -> bool:
        """Whether every verdict is the one that its suite expects."""
        return all(verdict.as_expected for verdict in self.verdicts)

    def to_frame(self) -> pd.DataFrame:
        """A row for each claim."""
        rows = [verdict_object(v, self.by_values.get(v.claim.id)) for v in self.verdicts]
        return frame(rows)

    def document(self, asked: Rendering, *, beside: Sequence[Verdict] = ()) -> str:
        """The document in any format of the command, with verdicts on something else behind."""
        return check_document(
            [*self.verdicts, *beside],
            asked,
            predictions=self._predictions,
            speeds=self._speeds,
            by_values=self.by_values,
            wrong=self._wrong,
        )

    def chart(self) -> NoReturn:
        """There is none."""
        nothing_to_draw("A verdict is a word about a printed figure")


@public()
def check(  # noqa: PLR0913  # the options of the command, by their names
    suites: str | Path | Sequence[str | Path] = (),
    *,
    only: str | None = None,
    from_: str | Path | Sequence[str | Path] = (),
    save: str | Path | None = None,
    measure: bool = False,
    gpu: int | str | None = None,
    device: str | None = None,
    max_time: float = 15.0,
    allow_imports: bool = False,
) -> Checked:
    """Check the published figures of suites, by name or file (default: all that ship).

    >>> vtbench.check("vt_v3", only="*.t1.*").as_expected
    >>> vtbench.check("my_suite.toml", measure=True, gpu=0, save="speed.jsonl")

    Counts and judges as ``vtbench check`` does.

    Options:
      suites: Names of suites, or files, or a list of them.
      only: Check only the claims whose id matches, such as '*.t1.*'.
      from_: Files of kept results: if they hold records, nothing is counted, and speeds are judged
          by their measurements.
      save: A file to which records are appended; what it holds is not made again.
      measure: Whether the models of the claims about speed are timed.
      gpu: Measure on this GPU (default: the CPU).
      device: The same as PyTorch writes it.
      max_time: Most seconds of samples for each model.
      allow_imports: Whether suites may name functions of yours, which vtbench then imports.
    """
    names = [suites] if isinstance(suites, str | Path) else suites
    kept = read_results(map(Path, [from_] if isinstance(from_, str | Path) else from_))
    found, matching = selected(find([str(name) for name in names]), only)
    if not allow_imports:
        refuse_code(found)
    with ResultFile(None if save is None else Path(save)) as file:
        known = kept.records
        if not known:
            refuse_unknown_models(found)
            known = counted(found, file)
        timed = [*kept.measurements, *file.results.measurements]
        if measure:
            place = None if gpu is None else str(gpu)
            ask = MeasureAsk(gpu=place, device=device, max_seconds=max_time)
            timed += measured(found, matching, known, ask, file)
        return checked(found, matching, known, timed, counted_here=not kept.records)


def checked(
    suites: Sequence[Suite],
    only: frozenset[str] | None,
    records: Records,
    measurements: Sequence[Measurement],
    *,
    counted_here: bool = False,
) -> Checked:
    """The verdicts on suites, less those that were not asked for.

    If the models were counted here, and not elsewhere, their options are named if none explains.
    """
    explainer = Explainer(suites, records)
    verdicts = judge(suites, records, measurements, explainer)
    if counted_here:
        verdicts = with_axes(suites, verdicts, records)
    if only is not None:
        verdicts = [verdict for verdict in verdicts if verdict.claim.id in only]
    shown = {verdict.claim.id for verdict in verdicts}
    speeds = Speeds(
        orders=tuple(column_orders(suites, measurements)) if only is None else (),
        implied=tuple(each for each in implied(suites, records) if each.claim in shown),
    )
    predictions = leave_one_out(suites, records) if only is None else []
    by_values = claims_by_values(suites, records, verdicts)
    wrong = explainer.wrong_figures()
    return Checked(verdicts, predictions, speeds, measurements, by_values, wrong)


def counted(suites: Sequence[Suite], file: ResultFile) -> Records:
    """A record for each workload that the claims speak of, counted here unless a file holds it."""
    from vtbench.count.count_workload import count_workload
    from vtbench.measure.workers import in_turn

    asked = wanted(suites)
    todo = [workload for workload in asked if workload not in file.results.records]
    found = dict(file.results.records)
    keep = kept_condensed(suites, file)
    for place, outcome in in_turn(count_workload, todo):
        workload = todo[place]
        found[workload] = outcome.result or Record(workload=workload, error=outcome.error)
        keep(workload, found[workload])
    counts = {workload: found[workload] for workload in asked}
    refuse_idle_axes(suites, counts)
    return counts


def kept_condensed(suites: Sequence[Suite], file: ResultFile) -> Callable[[Workload, Record], None]:
    """Keeps as much of a record as judging needs, under the workload that was asked for."""
    parts = parts_named(suites)

    def keep(workload: Workload, record: Record) -> None:
        if record.error is None:
            short = condensed(record, parts.get(workload, ()))
            file.append(msgspec.structs.replace(short, workload=workload))

    return keep


class MeasureAsk(msgspec.Struct, frozen=True, kw_only=True):
    """Where and for how long speeds are measured."""

    gpu: str | None = None
    """Which GPU; None is the processor."""
    device: str | None = None
    """The same as torch writes it."""
    max_seconds: float = 15.0
    """At most this many seconds of samples for each model."""


def measured(
    suites: Sequence[Suite],
    only: frozenset[str] | None,
    records: Records,
    ask: MeasureAsk,
    file: ResultFile,
    advance: Callable[[str], None] = lambda _: None,
) -> Iterator[Measurement]:
    """Every session that a file lacks, kept there as soon as it is finished.

    ``advance`` is told the model of every measurement.
    """
    from vtbench.measure.machine.devices import choose, describe

    if not 0 < ask.max_seconds < float("inf"):
        raise BadOption(
            f"max_time: expected a positive number of seconds, got {ask.max_seconds!r}."
        )
    chosen, *more = choose(ask.gpu, ask.device)
    if more:
        raise BadOption("Claims are measured on one device; give one GPU.")
    device = describe(chosen.kind, chosen.index)
    kept = Timings(list(file.results.measurements))
    for session in planned(suites, only, records, device):
        if is_kept(session, kept, device):
            continue
        settings = MeasureSettings(
            protocol=session.speeds[0].protocol.name,
            index=chosen.index,
            max_seconds=ask.max_seconds,
            half_width=session.half_width(device),
        )
        workloads = [timed.executed(device.kind) for timed in session.speeds]
        for record in measure_together(workloads, [settings]):
            file.append(record)
            advance(record.workload.model)
            yield record


def planned(
    suites: Sequence[Suite], only: frozenset[str] | None, records: Records, device: Device
) -> list[SpeedSession]:
    """The sessions that the claims ask for on a device, as large as its memory allows."""
    room = SHARE * (device.memory or UNCOUNTED)

    def fits(speeds: Sequence[Timed]) -> bool:
        needs = [_needs(timed, records, device) for timed in speeds]
        return sum(held for held, _ in needs) + max(peak for _, peak in needs) <= room

    return sessions_of(suites, only, fits)


def _needs(timed: Timed, records: Records, device: Device) -> tuple[int, int]:
    """Bytes that a model holds all the time, and those that its step takes for itself."""
    record = records.get(timed.workload)
    images = timed.executed(device.kind).batch_size
    if record is None or record.memory is None:
        return UNCOUNTED, 0
    high, wide = timed.workload.resolution or (224, 224)
    inputs = INPUT_SETS * images * 3 * high * wide * 4
    counted_images = record.workload.batch_size
    return record.memory.weights + inputs, record.memory.activations_peak * images // counted_images
