"""Printed throughputs against the device: what they imply, and what no device could do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from vtbench.claims.audit.bounds import limit_of
from vtbench.claims.suite import Claim, Suite
from vtbench.data.datasheets import Device, Precision, boards_in
from vtbench.data.record import Record
from vtbench.data.workload import Workload

_KNOWN: dict[str, Precision] = {
    "fp32": "fp32", "tf32": "tf32", "bf16": "bf16", "fp16": "fp16",
}  # fmt: skip


class Implied(msgspec.Struct, frozen=True, kw_only=True):
    """Images per second times the multiply-accumulates of one, as a share of the device's peak."""

    claim: str
    """The id of the claim."""
    suite: str
    """The name of the suite."""
    printed: str
    """Images per second, as printed."""
    hardware: str
    """The device that the paper names."""
    macs: int
    """MACs of one image: counted, or the least that rounds to the printed figure."""
    counted: bool
    """Whether the MACs were counted; otherwise they are printed in the paper."""
    operations: float
    """Operations per second at the least value that rounds to the printed speed; one MAC is two."""
    precision: Precision
    """The precision of the peak: as the paper states it, or fp32 if it does not."""
    stated: bool
    """Whether the paper states the precision."""
    peak: float
    """Dense operations per second in that precision, of the fastest board of the name."""
    limit: float
    """The most operations per second that the device can do: in the precision if the paper states
    it, otherwise in any precision."""

    @property
    def utilisation(self) -> float:
        """The operations as a share of the peak."""
        return self.operations / self.peak

    @property
    def impossible(self) -> bool:
        """Whether it is above what the device can do."""
        return self.operations > self.limit


def implied(suites: Iterable[Suite], records: Mapping[Workload, Record]) -> list[Implied]:
    """What every printed throughput implies, where its device and its MACs are known."""
    found = []
    for suite in suites:
        printed = _printed(suite)
        for claim in suite.claims:
            if claim.metric == "throughput" and _is_figure(claim):
                known = _counted(claim, records) or printed.get(_row(claim))
                about = boards_in(claim.hardware)
                if known is not None and about is not None:
                    found.append(_implied(claim, known, about))
    return [each for each in found if each is not None]


def _row(claim: Claim) -> str:
    return claim.id.rpartition(".")[0]


def _counted(claim: Claim, records: Mapping[Workload, Record]) -> tuple[int, bool] | None:
    """MACs of one image, where the workload was counted and nothing in it is unknown."""
    record = records.get(claim.workload) if claim.workload is not None else None
    if record is None or record.error is not None or not record.complete:
        return None
    return record.macs // record.workload.batch_size, True


def _printed(suite: Suite) -> dict[str, tuple[int, bool]]:
    """Row of a table -> MACs as the paper has them, the whole model's; two FLOPs are one."""
    return {
        _row(claim): (int(claim.low / (2 if claim.metric == "flops" else 1)), False)
        for claim in suite.claims
        if claim.metric in ("macs", "flops") and _is_figure(claim) and not claim.stages
        and claim.sweep is None
    }  # fmt: skip


def _is_figure(claim: Claim) -> bool:
    """Whether a figure is printed as it is, and not as a bound of it."""
    return claim.expression is None and claim.low.is_finite() and claim.high.is_finite()


def _implied(
    claim: Claim, known: tuple[int, bool], about: tuple[tuple[Device, ...], int]
) -> Implied | None:
    boards, count = about
    stated = claim.conditions.dtype in _KNOWN
    precision = _KNOWN.get(claim.conditions.dtype or "fp32", "fp32")
    peaks = [peak for board in boards if (peak := board.peak(precision)) is not None]
    if not peaks:
        return None
    peak = max(peaks) * count
    most = peak * max(board.headroom for board in boards)
    return Implied(
        claim=claim.id,
        suite=claim.suite,
        printed=claim.printed,
        hardware=claim.hardware,
        macs=known[0],
        counted=known[1],
        operations=float(claim.low * Decimal(2 * known[0])),
        precision=precision,
        stated=stated,
        peak=peak,
        limit=most if stated else float(limit_of(boards, count)),
    )
