"""The file of a baseline: JSON Lines, a line a module, so that a diff reads as what moved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from vtbench.data.files.lines import decoded, read_lines
from vtbench.data.record import CONVENTION, Record
from vtbench.data.version import VERSION
from vtbench.data.workload import Workload
from vtbench.errors import BadInput


class Header(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="baseline"):
    """Under which conditions the figures were counted."""

    convention: str
    torch: str
    vtbench: str = VERSION


class Net(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="model"):
    """One model's totals."""

    workload: Workload
    """As it was asked for."""
    resolution: tuple[int, int] | None
    """The size that it was counted at."""
    macs: int
    params: int
    complete: bool
    activations_peak: int
    """Bytes, predicted from tensor lifetimes."""
    operators: dict[str, int]
    """Operator -> calls."""


class Module(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="module"):
    """What one module multiplies and holds itself."""

    model: str
    module: str
    macs: int
    params: int


Line = Header | Net | Module


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """A baseline file."""

    path: str
    header: Header
    nets: tuple[Net, ...]
    modules: dict[str, dict[str, tuple[int, int]]]
    """Model -> module path -> MACs and parameters."""


def lines_of_baseline(records: Mapping[Workload, Record], torch: str) -> str:
    """The records of some models as a baseline file."""
    lines: list[Line] = [Header(convention=CONVENTION, torch=torch)]
    for asked, record in records.items():
        lines.append(_net(asked, record))
        lines += [
            Module(model=asked.model, module=path, macs=macs, params=params)
            for path, (macs, params) in modules_of(record).items()
        ]
    return "".join(msgspec.json.encode(line).decode() + "\n" for line in lines)


def _net(asked: Workload, record: Record) -> Net:
    assert record.parameters and record.memory  # noqa: S101, PT018  # it was counted
    return Net(
        workload=asked,
        resolution=record.workload.resolution,
        macs=record.macs,
        params=record.parameters.total,
        complete=record.complete,
        activations_peak=record.memory.activations_peak,
        operators=histogram_of(record),
    )


def histogram_of(record: Record) -> dict[str, int]:
    """Operator -> calls."""
    calls: dict[str, int] = {}
    for row in record.rows:
        calls[row.op] = calls.get(row.op, 0) + row.calls
    return dict(sorted(calls.items()))


def modules_of(record: Record) -> dict[str, tuple[int, int]]:
    """Module path -> MACs and parameters of its own, where it has any."""
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
    lines: list[Line] = [decoded(line, Line, "line of a baseline") for line in read]
    if not lines or not isinstance(lines[0], Header):
        raise BadInput(
            f"{path} is no baseline; `vtbench baseline write FILE --models A` makes one."
        )
    if lines[0].convention != CONVENTION:
        raise BadInput(
            f"{path} was counted by the convention {lines[0].convention}, and this is "
            f"{CONVENTION}; write the baseline again."
        )
    return _put_together(path, lines[0], lines[1:])


def _put_together(path: Path, header: Header, lines: list[Line]) -> Baseline:
    nets = [line for line in lines if isinstance(line, Net)]
    names = [net.workload.model for net in nets]
    if not nets:
        raise BadInput(f"{path} holds no model.")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadInput(f"{path} holds {twice} twice.")
    modules: dict[str, dict[str, tuple[int, int]]] = {name: {} for name in names}
    for line in lines:
        if isinstance(line, Module) and line.model in modules:
            modules[line.model][line.module] = (line.macs, line.params)
    return Baseline(path=str(path), header=header, nets=tuple(nets), modules=modules)
