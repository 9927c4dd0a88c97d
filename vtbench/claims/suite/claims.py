"""From what a suite file says to claims: intervals, workloads, and twins of derived figures."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from decimal import Decimal

import msgspec

from vtbench.claims.suite.formulas import names_in
from vtbench.claims.suite.hedges import accepted, equal_in, ordered
from vtbench.claims.suite.interval import BYTES, SCALES, Interval, Zeros
from vtbench.claims.suite.names import full_expression
from vtbench.claims.suite.reader import SuiteReader
from vtbench.claims.suite.schema import DERIVED, Single, Twin, Unprinted, WorkloadText
from vtbench.claims.suite.sets import compared, deciding, members_of, pairs_of, set_mistakes
from vtbench.claims.suite.speed import (
    MEASURED_MEMORY,
    NO_CONDITIONS,
    NOT_STATED,
    SPEED_UNITS,
    SPEEDS,
)
from vtbench.claims.suite.sweeps import growth, mistakes_of, sweep_of
from vtbench.claims.suite.types import (
    CONVENTIONS,
    DEFAULT_CONVENTIONS,
    SWEPT,
    Claim,
    Metric,
    Quantity,
)
from vtbench.data.grammar import MOST_ARGUMENTS
from vtbench.data.workload import Workload, freeze_options
from vtbench.errors import BadSuite

_ID = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def add_quantity(reader: SuiteReader, found: Unprinted, line: int) -> None:
    """A named measurement that arithmetic may speak of."""
    try:
        made = Quantity(
            id=f"{reader.name}.{_checked_id(found.id)}",
            workload=workload_of(reader, found.workload),
            metric=found.metric,
            convention=_convention(reader, found.metric, found.convention),
            stages=found.stages,
            fixed=found.workload.fixed,
        )
    except BadSuite as error:
        reader.mistake(line, f"{found.id}: {error}")
        return
    if reader.taken(made.id):
        first = reader.lines.of_claim(made.id)
        reader.mistake(line, f"The id {made.id} is given twice, first on line {first}.")
        return
    reader.lines.remember(made.id, line)
    reader.quantities[found.id] = made


def add_claim(reader: SuiteReader, single: Single, line: int, column: str = "") -> None:
    """A figure, and for a derived one its twin against the printed figures alone."""
    if single.expect != "holds" and not single.why:
        reader.mistake(
            line, f"{single.id}: expects {single.expect!r} without a reason; add a `why`."
        )
    if single.by and single.expect == "holds":
        reader.mistake(line, f"{single.id}: has a `by`, which a claim that holds does not take.")
    derived = single.of is not None
    if derived != (single.kind in DERIVED) and not (derived and single.kind == "value"):
        wants = "is not a derived figure and takes no" if derived else "needs"
        reader.mistake(line, f"{single.id}: a {single.kind} {wants} arithmetic `of` claims.")
        return
    wrong = [*mistakes_of(single), *set_mistakes(single),
             *_speed_mistakes(single, reader.header.hardware)]  # fmt: skip
    for sentence in wrong:
        reader.mistake(line, f"{single.id}: {sentence}")
    if wrong:
        return
    try:
        claim = _claim(reader, single, column or single.id)
        twin = _twin(reader, claim, single.arithmetic) if claim.expression else None
    except BadSuite as error:
        reader.mistake(line, f"{single.id}: {error}")
        return
    if reader.taken(claim.id):
        first = reader.lines.of_claim(claim.id)
        reader.mistake(line, f"The id {claim.id} is given twice, first on line {first}.")
        return
    for each in (claim, twin):
        if each is not None:
            reader.lines.remember(each.id, line)
            reader.claims.append(each)


def _speed_mistakes(said: Single, inherited: str) -> Iterator[str]:
    """The mistakes of a figure of speed, or of one with fields that only a speed may have."""
    size, derived = said.conditions.batch_size, said.of is not None
    if size is not None and size < 1:
        yield f"a batch size is a positive whole number, not {size}."
    if said.metric == "memory":
        yield from _memory_mistakes(said, inherited)
        return
    if said.unit in BYTES:
        yield f"{said.unit} is a unit of memory; give the metric memory."
    if said.metric not in SPEEDS:
        if said.unit in SPEED_UNITS:
            yield f"{said.unit} is a unit of speed; give the metric throughput or latency."
        if not derived and (said.hardware or said.conditions != NO_CONDITIONS):
            yield (
                "hardware and conditions say how a speed was measured; give the metric "
                "throughput or latency."
            )
        return
    if said.stages:
        yield f"{said.metric} is measured on a whole model, so it takes no stages."
    units = SPEEDS[said.metric]
    if not derived and said.unit not in units:
        yield f"{said.metric} is printed in {' or '.join(units)}, not in {said.unit!r}."
    if not (derived or said.needs is not None or said.hardware or inherited):
        yield (
            f"{said.metric} needs the hardware that the paper names, such as V100. If the paper "
            f"names none, give hardware = {NOT_STATED!r}."
        )


def _memory_mistakes(said: Single, inherited: str) -> Iterator[str]:
    """The mistakes of a figure of memory."""
    derived = said.of is not None or said.kind in SWEPT
    if said.stages or said.without:
        yield "memory is of a whole model, so it takes no stages and no without."
    if not derived and said.unit not in BYTES:
        yield f"memory is printed in {', '.join(BYTES)}, not in {said.unit!r}."
    measured = said.convention in MEASURED_MEMORY
    if measured and said.kind in SWEPT:
        yield "what a device measures is not swept; give the convention predicted or activations."
    if measured and not (derived or said.needs is not None or said.hardware or inherited):
        yield (
            f"memory that is measured needs the hardware that the paper names. If the paper names "
            f"none, give hardware = {NOT_STATED!r}."
        )


def _twin(reader: SuiteReader, claim: Claim, asked: Twin) -> Claim | None:
    """The same figure held against the other printed ones; None if these say nothing of it."""
    if claim.kind == "arithmetic" or claim.expression is None:
        return None
    expression, members = claim.expression, claim.members
    if asked.of is not None and members:
        raise BadSuite("arithmetic.of: a claim over a set takes no other arithmetic.")
    if asked.of is not None:
        local = claim.id.partition(".")[2]
        expression = full_expression(asked.of, reader.name, local, reader.quantities)
    measured = {quantity.id for quantity in reader.quantities.values()}
    timed = {each.id for each in reader.quantities.values() if each.metric in SPEEDS}
    names = names_in(expression)
    if measured.issuperset(names) or not timed.isdisjoint(names):
        return None
    if asked.expect != "holds" and not asked.why:
        raise BadSuite(f"arithmetic expects {asked.expect!r} without a reason; add a `why`.")
    return msgspec.structs.replace(
        claim,
        id=f"{claim.id}.printed",
        kind="arithmetic",
        expression=expression,
        members=members,
        expect=asked.expect,
        why=asked.why,
        by="",
        unknown=None,
        column=f"{claim.column}.printed",
    )


def _claim(reader: SuiteReader, single: Single, column: str) -> Claim:
    if single.unit not in SCALES:
        units = ", ".join(repr(unit) for unit in SCALES)
        raise BadSuite(f"unit: expected one of {units}; found {single.unit!r}.")
    zeros = single.zeros or reader.header.zeros
    digits = _interval(single, zeros)
    pairs, members = _set(reader, single)
    expression = _deciding(reader, single, members)
    derived = expression is not None
    text = None if derived else single.workload
    told = single.metric == "memory" and single.convention in MEASURED_MEMORY
    timed = single.metric in SPEEDS or told
    speed = timed or derived
    hardware = single.hardware or (reader.header.hardware if timed else "")
    return Claim(
        id=f"{reader.name}.{_checked_id(single.id)}",
        suite=reader.name,
        where=single.where,
        source_kind=single.source_kind or reader.header.source_kind,
        kind="reference" if single.needs == "weights" and not derived else single.kind,
        relation=single.relation,
        metric=single.metric,
        printed=single.printed,
        unit=single.unit,
        zeros=zeros,
        low=digits.low,
        high=digits.high,
        column=f"{reader.name}.{column}",
        workload=workload_of(reader, text) if text else None,
        stages=single.stages,
        without=single.without,
        sweep=sweep_of(single) if single.kind in SWEPT and single.needs is None else None,
        fixed=text.fixed if text else (),
        expression=expression,
        members=members,
        average=single.average,
        pairs=pairs,
        convention=_convention(reader, single.metric, single.convention),
        expect=single.expect,
        why=single.why,
        by=single.by,
        unknown=single.needs,
        hardware=hardware,
        conditions=single.conditions.over(reader.header.conditions) if speed else NO_CONDITIONS,
    )


def _set(
    reader: SuiteReader, single: Single
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """The pairs of an ordering, and the arithmetic of each member of a claim's set."""

    def full(expression: str) -> str:
        return full_expression(expression, reader.name, single.id, reader.quantities)

    pairs = tuple((full(one), full(other)) for one, other in pairs_of(single, reader.ids))
    members = compared(single.metric, pairs) or tuple(
        full(each) for each in members_of(single, reader.ids)
    )
    if len(members) > MOST_ARGUMENTS:
        raise BadSuite(f"of: a set may have at most {MOST_ARGUMENTS} members, not {len(members)}.")
    return pairs, members


def _deciding(reader: SuiteReader, single: Single, members: tuple[str, ...]) -> str | None:
    """The arithmetic that a claim follows from, of a set that of the member that decides."""
    if members:
        return deciding(single.relation, members)
    if not isinstance(single.of, str):
        return None
    return full_expression(single.of, reader.name, single.id, reader.quantities)


def _interval(single: Single, zeros: Zeros) -> Interval:
    """The values for which a claim holds; a formula stands for no number."""
    if single.kind == "formula":
        return Interval(Decimal(0), Decimal(0))
    if single.kind == "scaling":
        return growth(single.printed).exponent
    if single.kind == "ordering":
        return ordered(single.relation, equal_in(single.metric))
    return accepted(single.printed, single.unit, single.relation, zeros)


def _checked_id(name: str) -> str:
    if not _ID.fullmatch(name):
        raise BadSuite(
            "an id consists of letters, digits, _ and dots, and no part begins with a digit."
        )
    for part in name.split("."):
        if keyword.iskeyword(part):
            raise BadSuite(
                f"{part!r} is a reserved word and cannot be a part of an id; choose another."
            )
    return name


def _convention(reader: SuiteReader, metric: Metric, own: str | None) -> str:
    """The convention that a figure states, or its suite, or that its metric has by default."""
    if metric == "none" or metric in SPEEDS:
        return "full"
    name = own or reader.header.conventions.get(metric, DEFAULT_CONVENTIONS[metric])
    if name not in CONVENTIONS[metric]:
        known = ", ".join(CONVENTIONS[metric])
        raise BadSuite(f"{name!r} is not a convention for {metric}; choose one of {known}.")
    return name


def workload_of(reader: SuiteReader, text: WorkloadText) -> Workload:
    """The workload that a file describes, with the suite's own size where it gives none."""
    size = text.resolution or reader.header.resolution
    pair = None if size == "own" else (size, size) if isinstance(size, int) else size
    if min(*(pair or (1, 1)), text.batch_size) < 1:
        raise BadSuite("sizes and batch sizes must be positive whole numbers.")
    return Workload(
        model=text.model,
        resolution=pair,
        batch_size=text.batch_size,
        options=freeze_options(dict(text.options)),
        mode=text.mode,
    )
