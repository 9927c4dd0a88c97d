"""Baselines: what our own models cost, written down so that a change of it is noticed.

The file is JSON Lines, a line a module, so that a diff reads as what moved. A baseline is a claim
made by ourselves. Its figures are exact, so each is an interval without width, and the judge that
holds papers to their digits holds a model to its baseline.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

import msgspec

from vtbench.claims.judge import Verdict, judge
from vtbench.claims.suite import Claim, Suite
from vtbench.data.bounds import Count, Size
from vtbench.data.files.lines import decoded, read_lines
from vtbench.data.naming import labels
from vtbench.data.record import CONVENTION, Record
from vtbench.data.version import VERSION
from vtbench.data.workload import Workload
from vtbench.errors import BadInput


class BaselineHeader(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="baseline"):
    """The conditions under which the figures were counted."""

    convention: str
    """The counting convention."""
    torch: str
    """The version of PyTorch."""
    vtbench: str = VERSION
    """The version of vtbench."""


class Net(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="model"
):
    """The totals of one model."""

    workload: Workload
    """The workload as it was asked for."""
    resolution: tuple[Size, Size] | None
    """The size that it was counted at."""
    macs: Count
    """Its multiply-accumulates."""
    params: Count
    """The number of its parameters."""
    complete: bool
    """Whether no operator was unknown."""
    activations_peak: Count
    """The predicted peak of activations in bytes."""
    operators: dict[str, Count]
    """Operator -> the number of its calls."""
    name: str = ""
    """The name that tells it from others of the same model; empty if it is the only one."""

    @property
    def label(self) -> str:
        """The name under which its modules and verdicts stand."""
        return self.name or self.workload.model


class Module(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="module"):
    """The MACs and parameters directly in one module."""

    model: str
    """The name of the model, with its options if the file holds it under several."""
    module: str
    """The path of the module."""
    macs: Count
    """Multiply-accumulates directly in the module."""
    params: Count
    """Parameters directly in the module."""


BaselineLine = BaselineHeader | Net | Module


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """A baseline file."""

    path: str
    header: BaselineHeader
    nets: tuple[Net, ...]
    modules: dict[str, dict[str, tuple[int, int]]]
    """Name of the model -> module path -> MACs and parameters."""


def lines_of_baseline(records: Mapping[Workload, Record], torch: str) -> str:
    """The records of some models as a baseline file."""
    lines: list[BaselineLine] = [BaselineHeader(convention=CONVENTION, torch=torch)]
    for (asked, record), label in zip(records.items(), labels(list(records)), strict=True):
        lines.append(_net(asked, record, "" if label == asked.model else label))
        lines += [
            Module(model=label, module=path, macs=macs, params=params)
            for path, (macs, params) in modules_of(record).items()
        ]
    return "".join(msgspec.json.encode(line).decode() + "\n" for line in lines)


def _net(asked: Workload, record: Record, name: str) -> Net:
    assert record.parameters and record.memory  # noqa: S101, PT018  # it was counted
    return Net(
        workload=asked,
        resolution=record.workload.resolution,
        macs=record.macs,
        params=record.parameters.total,
        complete=record.complete,
        activations_peak=record.memory.activations_peak,
        operators=histogram_of(record),
        name=name,
    )


def histogram_of(record: Record) -> dict[str, int]:
    """Operator -> calls."""
    calls: dict[str, int] = {}
    for row in record.rows:
        calls[row.op] = calls.get(row.op, 0) + row.calls
    return dict(sorted(calls.items()))


def modules_of(record: Record) -> dict[str, tuple[int, int]]:
    """Module path -> MACs and parameters of its own, if it has any."""
    macs: dict[str, int] = {}
    for row in record.rows:
        macs[row.module] = macs.get(row.module, 0) + row.macs
    held = record.module_parameters
    paths = dict.fromkeys([*macs, *held])
    found = {path: (macs.get(path, 0), held.get(path, 0)) for path in paths}
    return {path: both for path, both in found.items() if any(both)}


def read_baseline(path: Path) -> Baseline:
    """A baseline file; one of another counting convention is refused."""
    read = read_lines(path, "baseline")
    lines: list[BaselineLine] = [decoded(line, BaselineLine, "line of a baseline") for line in read]
    if not lines or not isinstance(lines[0], BaselineHeader):
        raise BadInput(
            f"{path} is not a baseline; `vtbench baseline write FILE --models A` writes one."
        )
    if lines[0].convention != CONVENTION:
        raise BadInput(
            f"{path} has the convention {lines[0].convention}, and this vtbench counts by "
            f"{CONVENTION}; write the baseline again."
        )
    return _put_together(path, lines[0], lines[1:])


def _put_together(path: Path, header: BaselineHeader, lines: list[BaselineLine]) -> Baseline:
    nets = [line for line in lines if isinstance(line, Net)]
    names = [net.label for net in nets]
    if not nets:
        raise BadInput(f"{path} holds no model; write the baseline again.")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadInput(f"{path} holds {twice} twice; delete one of the two or write it again.")
    modules: dict[str, dict[str, tuple[int, int]]] = {name: {} for name in names}
    for line in lines:
        if isinstance(line, Module) and line.model in modules:
            modules[line.model][line.module] = (line.macs, line.params)
    return Baseline(path=str(path), header=header, nets=tuple(nets), modules=modules)


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """Modules that no longer cost what they did, alike but for the numbers in their path."""

    path: str
    """``blocks.*.mlp.fc1``; a number stands where all agree."""
    count: int
    by: int
    """What they cost more, all together."""
    change: str = "changed"
    """``new``, ``gone`` or ``changed``."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict on one figure of a baseline, and what accounts for a difference."""

    verdict: Verdict
    moved: tuple[Moved, ...] = ()


def suite_of(baseline: Baseline) -> Suite:
    """A baseline as claims of our own: MACs and parameters, exactly."""
    claims = tuple(
        _claim(baseline, net, quantity) for net in baseline.nets for quantity in ("macs", "params")
    )
    return Suite(
        name=_name(baseline),
        title="Baseline",
        source=f"torch {baseline.header.torch}, vtbench {baseline.header.vtbench}",
        path=baseline.path,
        claims=claims,
    )


def _name(baseline: Baseline) -> str:
    return Path(baseline.path).stem


def _claim(baseline: Baseline, net: Net, quantity: str) -> Claim:
    figure = {
        "macs": net.macs,
        "params": net.params,
        "operators": sum(net.operators.values()),
        "memory": net.activations_peak,
    }[quantity]
    return Claim(
        id=f"{_name(baseline)}.{net.label}.{quantity}",
        suite=_name(baseline),
        where=f"{baseline.path}, {net.label}",
        kind="value",
        metric="macs" if quantity == "macs" else "params" if quantity == "params" else "none",
        printed=str(figure),
        unit="",
        low=Decimal(figure),
        high=Decimal(figure),
        column=f"{_name(baseline)}.{net.label}.{quantity}",
        workload=net.workload,
        convention="all" if quantity == "params" else "full",
    )


def judge_baseline(
    baseline: Baseline, records: Mapping[Workload, Record], torch: str
) -> list[Judged]:
    """A verdict for every figure of a baseline, in its order."""
    suite = suite_of(baseline)
    verdicts = {verdict.claim.id: verdict for verdict in judge([suite], records)}
    found = []
    for net in baseline.nets:
        record = records.get(net.workload)
        for quantity in ("macs", "params"):
            verdict = verdicts[_claim(baseline, net, quantity).id]
            found.append(_total(baseline, net, record, verdict))
        if record is not None and record.error is None:
            found += _inner(baseline, net, record, torch)
    return found


def _total(baseline: Baseline, net: Net, record: Record | None, verdict: Verdict) -> Judged:
    """MACs or parameters; a model that can no longer be counted has not kept its baseline."""
    verdict = msgspec.structs.replace(verdict, reproduced_by=None)
    if record is None or record.error is not None:
        reason = f"It can no longer be counted: {verdict.reason}"
        failed = msgspec.structs.replace(verdict, verdict="fails", unknown=None, reason=reason)
        return Judged(verdict=failed)
    if verdict.unknown == "op" and not net.complete:  # a lower bound then, a lower bound now
        verdict = _compared(verdict.claim, record.macs, "The counted part is the same.")
    if verdict.verdict == "holds":
        same = msgspec.structs.replace(verdict, reason="It is as in the baseline.")
        return Judged(verdict=same)
    which = 0 if verdict.claim.metric == "macs" else 1
    before = {path: both[which] for path, both in baseline.modules[net.label].items()}
    after = {path: both[which] for path, both in modules_of(record).items()}
    return Judged(verdict=verdict, moved=moved(before, after))


def _compared(claim: Claim, value: int, reason: str) -> Verdict:
    same = claim.interval.holds(value)
    return Verdict(
        claim=claim,
        verdict="holds" if same else "fails",
        reason=reason if same else "It differs from the baseline.",
        measured=Decimal(value),
        deviation=float((value - claim.low) / claim.low) if claim.low else None,
    )


def _inner(baseline: Baseline, net: Net, record: Record, torch: str) -> Iterable[Judged]:
    """The operators and the predicted memory: exact under one torch, information under another."""
    assert record.memory is not None  # noqa: S101  # it was counted
    now = histogram_of(record)
    differing = sorted(
        op for op in {*now, *net.operators} if now.get(op, 0) != net.operators.get(op, 0)
    )
    said = ", ".join(f"{op} {net.operators.get(op, 0)} → {now.get(op, 0)}" for op in differing[:5])
    more = f" and {len(differing) - 5} more" if len(differing) > 5 else ""  # noqa: PLR2004  # shown
    operators = _compared(
        _claim(baseline, net, "operators"), sum(now.values()), "The operators are the same."
    )
    if differing:
        operators = msgspec.structs.replace(operators, verdict="fails", reason=f"{said}{more}.")
    peak = record.memory.activations_peak
    memory = _compared(_claim(baseline, net, "memory"), peak, "It is as in the baseline.")
    if memory.verdict == "fails":
        reason = f"The predicted peak of activations is now at {record.memory.peak_at}."
        memory = msgspec.structs.replace(memory, reason=reason)
    for verdict in (operators, memory):
        if torch == baseline.header.torch:
            yield Judged(verdict=verdict)
        else:
            yield Judged(verdict=_for_information(verdict, baseline.header.torch, torch))


def _for_information(verdict: Verdict, before: str, now: str) -> Verdict:
    """A figure that another torch may change: shown and not held against the model."""
    why = (
        f"The baseline was written with torch {before} and this is torch {now}, so this figure "
        "is not judged."
    )
    return msgspec.structs.replace(
        verdict,
        claim=msgspec.structs.replace(verdict.claim, expect="unknown", why=why),
        verdict="unknown",
        unknown="not-measured",
        reason=f"{verdict.reason} {why}",
    )


def moved(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[Moved, ...]:
    """The modules whose cost differs, those alike but for numbers together, the most first."""
    groups: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for path in dict.fromkeys([*before, *after]):
        by = after.get(path, 0) - before.get(path, 0)
        if by:
            change = "new" if path not in before else "gone" if path not in after else "changed"
            pattern = re.sub(r"(?<![^.])\d+(?![^.])", "*", path)
            groups.setdefault((pattern, change), []).append((path, by))
    found = [
        Moved(
            path=_common([path for path, _ in group]),
            count=len(group),
            by=sum(by for _, by in group),
            change=change,
        )
        for (_, change), group in groups.items()
    ]
    return tuple(sorted(found, key=lambda each: (-abs(each.by), each.path)))


def _common(paths: list[str]) -> str:
    """Paths that differ only in numbers as one, with a star where they differ."""
    parts = zip(*(path.split(".") for path in paths), strict=True)
    return ".".join(names[0] if len(set(names)) == 1 else "*" for names in parts)
