"""Two revisions timed in turns until their ratio is known well enough, or time is up."""

from __future__ import annotations

import contextlib
import math
import uuid
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from vtbench.data.from_samples import with_samples
from vtbench.data.measurement import Measurement
from vtbench.data.model_names import is_code
from vtbench.data.protocol import Protocol, protocol_named
from vtbench.data.workload import Workload
from vtbench.errors import BadInput, BadOption
from vtbench.measure.revisions.messages import Prepare
from vtbench.measure.revisions.remote import Remote, RemoteClock, resident
from vtbench.measure.revisions.trees import Tree, extracted, repository, working_tree
from vtbench.measure.session.interleaved_arms import Arm, Rules, measure_arms
from vtbench.measure.telemetry.watching import watching
from vtbench.stats import StoppingRule, WarmUp, half_width, ratio_interval
from vtbench.stats.ratio import FEWEST

LEAST_PAIRS = 20
"""Pairs of samples below which a ratio is not asked for."""
LEAST_SECONDS = 0.5
"""Seconds of samples of each revision below which it is not asked for."""
NARROW = 1 / 4
"""Half the ratio's interval that is narrow enough, as a share of the smallest change."""
LAUNCHES = 3
"""Processes of the same code differ; three of each show by how much."""


Pair = tuple[Measurement, Measurement]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which revisions to compare, and how."""

    base: str
    """The revision to compare with."""
    head: str | None = None
    """The revision to judge; None is the working tree as it is."""
    workload: Workload
    """Its model is ``package.module:function``."""
    protocol: str = "throughput"
    index: int | None = None
    """Which CUDA device; None on a CPU."""
    max_seconds: float = 15.0
    """Most seconds of samples for each revision, over all launches."""
    launches: int = LAUNCHES
    """How often both are started afresh."""
    smallest: float = 0.03
    """The smallest change of the time that matters; the ratio is sought finely enough for it."""


def measure_revisions(asked: Asked, folder: Path) -> list[Pair]:
    """For every launch the base's measurement and the head's, each with its commit.

    A revision that cannot be built raises, and names itself. One whose step raises has a record
    that says so, and is not launched again.
    """
    protocol = _fitting(asked)
    origin = repository(folder)
    with contextlib.ExitStack() as kept:
        base = kept.enter_context(extracted(origin, asked.base))
        head = (
            working_tree(origin)
            if asked.head is None
            else kept.enter_context(extracted(origin, asked.head))
        )
        pairs: list[Pair] = []
        for _ in range(asked.launches):
            pairs.append(_launched((base, head), folder, protocol, asked))
            if any(
                record.error is not None or len(record.samples) < FEWEST for record in pairs[-1]
            ):
                break  # what is left could not change what is said of it
        return pairs


def _launched(trees: tuple[Tree, Tree], folder: Path, protocol: Protocol, asked: Asked) -> Pair:
    """One session of two fresh processes."""
    with contextlib.ExitStack() as kept:
        remotes = [kept.enter_context(resident(tree, folder)) for tree in trees]
        for remote in remotes:  # both build at a time; nothing is timed yet
            remote.prepare(_prepare(asked, remote.tree))
        session = uuid.uuid4().hex[:12]
        records = [_ready(remote, session) for remote in remotes]
        return _in_turns(records, remotes, protocol, asked)


def _fitting(asked: Asked) -> Protocol:
    """The protocol, once it is sure that it and the model are of the kind that is compared."""
    if not is_code(asked.workload.model):
        raise BadInput(
            "--base compares revisions of your own code; expected a function that returns a "
            "module, as package.module:function or ./file.py:function, got "
            f"{asked.workload.model!r}."
        )
    protocol = protocol_named(asked.protocol)
    if not protocol.timed or asked.workload.device not in protocol.devices:
        raise BadOption(
            f"The protocol {protocol.name} does not measure time on a "
            f"{asked.workload.device.upper()}; use throughput or latency."
        )
    return protocol


def _prepare(asked: Asked, tree: Tree) -> Prepare:
    return Prepare(
        workload=asked.workload,
        protocol=asked.protocol,
        index=asked.index,
        root=str(tree.root),
        origin=str(tree.origin),
        scratch=str(tree.scratch) if tree.scratch is not None else None,
    )


def _ready(remote: Remote, session: str) -> Measurement:
    return msgspec.structs.replace(remote.ready(), session=session, commit=remote.tree.commit)


def _in_turns(
    records: Sequence[Measurement],
    remotes: Sequence[Remote],
    protocol: Protocol,
    asked: Asked,
) -> Pair:
    """Sample both by turns; only one of them works at a time."""
    arms = [Arm(each.tree.label, _nothing, RemoteClock(each)) for each in remotes]
    seconds = asked.max_seconds / asked.launches
    rules = Rules(
        warm_up=WarmUp(max_seconds=min(WarmUp().max_seconds, seconds)),
        stop=StoppingRule(relative_half_width=0.0, max_seconds=seconds),
        single_steps=protocol.synchronised,
        fill_visits=False,
    )
    enough = _Enough(asked.smallest * NARROW)
    device = records[0].device
    assert device is not None  # noqa: S101  # a worker says on what it runs
    with watching(device, records[0].workload.threads) as watcher:
        measure_arms(arms, rules, enough)
    seen = watcher.telemetry()
    date = datetime.now(timezone.utc).isoformat(timespec="seconds")
    base, head = (
        _finished(
            msgspec.structs.replace(record, telemetry=seen, date=date), arm, told=enough.reached
        )
        for record, arm in zip(records, arms, strict=True)
    )
    return base, head


def _nothing() -> None:
    """The steps are run by the workers."""


class _Enough:
    """Ends the session when the ratio of the two arms is known finely enough."""

    def __init__(self, narrow: float) -> None:
        self._narrow = narrow
        self._next = LEAST_PAIRS
        self.reached = False

    def __call__(self, arms: Sequence[Arm]) -> bool:
        """Whether to end; asked after every round, worked out only as the samples grow."""
        if len(arms) < 2:  # noqa: PLR2004  # one that fails leaves nothing to compare
            return True
        pairs = len(arms[0].samples)
        if pairs < self._next or min(arm.elapsed for arm in arms) < LEAST_SECONDS:
            return False
        self._next = math.ceil(pairs * 17 / 16)
        ratio = ratio_interval(arms[0].samples, arms[1].samples, paired=True)
        self.reached = half_width(ratio) <= self._narrow
        return self.reached


def _finished(record: Measurement, arm: Arm, *, told: bool) -> Measurement:
    record = msgspec.structs.replace(
        record,
        warmup_steps=arm.warmup_steps,
        warmup_seconds=round(arm.warmup_seconds, 3),
        stopped_by="interval" if told else arm.stopped_by,
    )
    if arm.failure is not None:
        return msgspec.structs.replace(record, error=str(arm.failure))
    return with_samples(record, arm.samples, arm.steps_per_sample) if arm.samples else record
