"""Two files of measurements held against each other, pair by pair.

A pair has one identity: workload, protocol and the device's name. What may differ between
comparable measurements, such as the version of torch, is their environment: it is reported, and
``across`` states which of it, or which part of the identity, differs on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from vtbench.data.device_warnings import DeviceWarning, device_warnings, less_certain
from vtbench.data.from_samples import visits_in_common
from vtbench.data.launches import good_launches
from vtbench.data.measurement import Measurement
from vtbench.data.protocol import PROTOCOLS, ProtocolId
from vtbench.data.workload import Workload
from vtbench.errors import BadInput, BadOption
from vtbench.stats import Comparison as GateAnswer
from vtbench.stats import Gate, apart_ratio
from vtbench.stats.launches import FEWEST as LAUNCHES

Verdict = Literal["same", "faster", "slower", "cannot tell", "changed", "fails", "not compared"]

IDENTITY = (*Workload.__struct_fields__, "protocol")
"""The keys that a pair has in common; ``device`` is the device's name."""
ABOUT = ("commit", "isolated")
"""Fields of a measurement that belong to its environment."""
COUNTS = ("macs", "params", "activations")
MEMORY = ("weights", "peak_allocated", "peak_reserved", "peak_resident", "predicted")
_NEAR = 2
"""A record that differs in so many keys is near enough to be named as what may have been meant."""

Pair = tuple[Any, Any]
Identity = dict[str, Any]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison of a new measurement with a base of the same identity."""

    workload: Workload
    """The workload of the new measurement; that of the base if there is no new one."""
    protocol: ProtocolId
    """The name and version of the protocol."""
    device: str | None
    """The device's name in the new measurement; that of the base if there is no new one."""
    verdict: Verdict
    """The verdict on the new measurement. ``changed`` is for protocols that take no samples of
    time, ``fails`` for a workload that the base could run and the new one could not."""
    ratio: float | None = None
    """The new speed divided by the base's, per image; above 1, the new one is faster."""
    low: float | None = None
    """The lower end of the 95 % interval of ``ratio``."""
    high: float | None = None
    """The upper end of the 95 % interval of ``ratio``."""
    base_seconds: float | None = None
    """The median time of a step of the base, in seconds."""
    new_seconds: float | None = None
    """The median time of a step of the new measurement, in seconds."""
    base_macs: int | None = None
    """The exact multiply-accumulates of a step of the base; None if they are not known."""
    new_macs: int | None = None
    """The exact multiply-accumulates of a step of the new one; None if they are not known."""
    differs: dict[str, Pair] = {}
    """Key -> values of base and new, for every key of the environment that differs and every key
    of the identity that was stated to differ."""
    across: tuple[str, ...] = ()
    """The keys of ``differs`` that were stated to differ on purpose."""
    counts: dict[str, Pair] = {}
    """MACs, parameters, activations and bytes of memory that differ: base and new."""
    warnings: tuple[DeviceWarning, ...] = ()
    """Everything that makes the verdict less certain, such as a throttled device."""
    reason: str = ""
    """The reason for the verdict, or why there is no ratio, in a sentence."""


def compare_records(
    base: Sequence[Measurement],
    new: Sequence[Measurement],
    across: Sequence[str] = (),
    gate: Gate | None = None,
) -> list[Comparison]:
    """A comparison for every identity, in the order of ``new``; those of one side come last.

    If nothing can be paired, the keys that differ are named and the comparison is refused. If a
    file has several measurements of one identity, the last one counts.
    """
    _refuse_unknown(across, [*base, *new])
    ours, theirs = _by_identity(new, across, "new"), _by_identity(base, across, "base")
    if not ours or not theirs:
        raise BadInput(f"The {'base' if ours else 'new'} file holds no measurements.")
    shared = [key for key in ours if key in theirs]
    if not shared:
        raise BadInput(_nothing_shared(base, new))
    gate = gate or Gate()
    found = [_compared(theirs[key], ours[key], tuple(across), gate) for key in shared]
    found += [_alone(ours[key], base, "new") for key in ours if key not in theirs]
    found += [_alone(theirs[key], new, "base") for key in theirs if key not in ours]
    return found


def failing(comparisons: Iterable[Comparison], *, unclear: bool = False) -> bool:
    """Whether something got slower or no longer runs; with ``unclear``, or cannot be told."""
    wrong = {"slower", "fails"} | ({"cannot tell"} if unclear else set())
    return any(comparison.verdict in wrong for comparison in comparisons)


def identity_of(record: Measurement) -> Identity:
    """Key -> value of what comparable measurements have in common."""
    found: Identity = {
        name: getattr(record.workload, name) for name in record.workload.__struct_fields__
    }
    found["device"] = record.device.name if record.device else record.workload.device
    found["protocol"] = str(record.protocol)
    return found


def environment_of(record: Measurement) -> dict[str, Any]:
    """Key -> value of what may differ between comparable measurements."""
    found: dict[str, Any] = dict(record.environment)
    found |= {name: getattr(record, name) for name in ABOUT}
    if record.device is not None:
        found |= {"partition": record.device.partition, "uuid": record.device.uuid}
    return {key: value for key, value in found.items() if value is not None}


def said(value: Any) -> str:
    """A value of a key as a sentence says it."""
    if isinstance(value, tuple) and value and all(isinstance(pair, tuple) for pair in value):
        return " ".join(f"{key}={said(each)}" for key, each in value)
    if isinstance(value, tuple) and value and all(isinstance(n, int) for n in value):
        return "x".join(str(n) for n in value)
    if isinstance(value, tuple):
        return ", ".join(str(each) for each in value) or "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value is None else str(value)


def _refuse_unknown(across: Sequence[str], records: Sequence[Measurement]) -> None:
    """An axis that neither identity nor environment knows is a slip of the pen."""
    known = {key for record in records for key in environment_of(record)} | {*ABOUT}
    for key in across:
        if key not in known and key not in IDENTITY:
            raise BadOption(
                f"--across {key}: there is no such key. The identity has {', '.join(IDENTITY)}; "
                f"the environment has {', '.join(sorted(known))}."
            )


def _by_identity(
    records: Sequence[Measurement], across: Sequence[str], side: str
) -> dict[tuple[Any, ...], Measurement]:
    """The last record of each identity, without the keys that differ on purpose."""
    whole: dict[tuple[Any, ...], tuple[Identity, Measurement]] = {}
    for record in records:
        identity = _with_device(record, records)
        whole[tuple(identity.values())] = (identity, record)
    found: dict[tuple[Any, ...], Measurement] = {}
    for identity, record in whole.values():
        key = tuple(value for name, value in identity.items() if name not in across)
        if key in found:
            raise BadInput(
                f"With --across {','.join(across)}, several measurements of "
                f"{record.workload.model} in the {side} file match one of the other file; keep "
                "only one of them."
            )
        found[key] = record
    return found


def _with_device(record: Measurement, records: Sequence[Measurement]) -> Identity:
    """The identity of a record; one that failed before it met its device has its file's."""
    identity = identity_of(record)
    if record.device is None:
        kind = record.workload.device
        names = {each.device.name for each in records if each.device and each.device.kind == kind}
        if len(names) == 1:
            identity["device"] = names.pop()
    return identity


def _nothing_shared(base: Sequence[Measurement], new: Sequence[Measurement]) -> str:
    """The sentence that names the keys in which two files differ altogether."""
    first, second = ([identity_of(record) for record in side] for side in (base, new))
    parts, keys = [], []
    for key in IDENTITY:
        a, b = ({said(identity[key]): None for identity in side} for side in (first, second))
        if a.keys() != b.keys():
            parts.append(f"{key}: {', '.join(a)} against {', '.join(b)}")
            keys.append(key)
    which = "; ".join(parts) or "every value occurs in both files, but no combination of them does"
    advice = f", or add --across {','.join(keys)} if they differ on purpose" if keys else ""
    return (
        f"Nothing can be compared, because the two files have no workload, protocol and device in "
        f"common: {which}. Measure both under the same conditions{advice}."
    )


def _alone(record: Measurement, others: Sequence[Measurement], side: str) -> Comparison:
    """A measurement that the other file does not have."""
    own = identity_of(record)
    differing = (_differing(own, identity_of(other)) for other in others)
    near = min(differing, key=len)
    reason = f"It is only in the {side} file."
    if len(near) <= _NEAR and "model" not in near:
        nearest = "; ".join(
            f"{key}: {said(a)} here, {said(b)} there" for key, (a, b) in near.items()
        )
        reason = f"It is only in the {side} file; the nearest in the other differs in {nearest}."
    return _comparison(record, "not compared", reason=reason)


def _compared(
    base: Measurement, new: Measurement, across: tuple[str, ...], gate: Gate
) -> Comparison:
    differs = {**_differing(environment_of(base), environment_of(new))}
    stated = _differing(identity_of(base), identity_of(new))
    differs = {key: pair for key, pair in stated.items() if key in across} | differs
    about: dict[str, Any] = {
        "differs": differs,
        "across": tuple(key for key in across if key in differs),
        "counts": _counts(base, new),
        "warnings": tuple(device_warnings(base, new)),
        "base_macs": base.macs,
        "new_macs": new.macs,
    }
    if new.error is not None or base.error is not None:
        return _comparison(new, *_failed(base, new), **about)
    protocol = PROTOCOLS.get(new.protocol.name)
    if protocol is not None and not protocol.timed:
        changed = _changed(about["counts"], gate.smallest)
        return _comparison(new, "changed" if changed else "same", **about)
    if not base.samples or not new.samples:
        side = "new" if base.samples else "base"
        reason = f"The {side} measurement has no samples."
        return _comparison(new, "not compared", reason=reason, **about)
    return _timed(base, new, gate, about)


def _timed(base: Measurement, new: Measurement, gate: Gate, about: dict[str, Any]) -> Comparison:
    """The gate speaks of times; a ratio of speeds is its inverse."""
    answer = _by_launches(base, new, gate) or _by_samples(base, new, gate)
    answer = less_certain(answer, base, new)
    return msgspec.structs.replace(
        _comparison(new, answer.verdict, answer.reason, **about),
        ratio=1 / answer.ratio.value,
        low=1 / answer.ratio.high,
        high=1 / answer.ratio.low,
        base_seconds=base.median,
        new_seconds=new.median,
    )


def _by_samples(base: Measurement, new: Measurement, gate: Gate) -> GateAnswer:
    """Samples of one session are pairs, visit by visit; those of two are not."""
    one, other = (
        msgspec.structs.replace(
            record, samples=tuple(each / record.workload.batch_size for each in record.samples)
        )
        for record in (base, new)
    )
    if base.session is not None and base.session == new.session:
        return gate.compare(*visits_in_common(one, other), paired=True)
    return gate.compare(one.samples, other.samples, paired=False)


def _by_launches(base: Measurement, new: Measurement, gate: Gate) -> GateAnswer | None:
    """Several launches on both sides show how launches differ, so that nothing is assumed of it."""
    a, b = (
        [each.median / record.workload.batch_size for each in good_launches(record) if each.median]
        for record in (base, new)
    )
    known = apart_ratio(a, b) if min(len(a), len(b)) >= LAUNCHES else None
    return None if known is None else gate.judge(known)


def _comparison(
    record: Measurement, verdict: Verdict, reason: str = "", **about: Any
) -> Comparison:
    return Comparison(
        workload=record.workload,
        protocol=record.protocol,
        device=record.device.name if record.device else None,
        verdict=verdict,
        reason=reason,
        **about,
    )


def _failed(base: Measurement, new: Measurement) -> tuple[Verdict, str]:
    if base.error is None:
        return "fails", f"The base could be measured, and the new one cannot: {new.error}"
    if new.error is None:
        return "not compared", f"The base could not be measured: {base.error}"
    return "not compared", f"Neither of the two could be measured: {new.error}"


def _differing(base: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Pair]:
    keys = dict.fromkeys([*base, *new])
    return {key: (base.get(key), new.get(key)) for key in keys if base.get(key) != new.get(key)}


def _counts(base: Measurement, new: Measurement) -> dict[str, Pair]:
    """What is counted and differs; what only one side knows says nothing."""
    first, second = ({name: getattr(r, name) for name in COUNTS} for r in (base, new))
    for record, counts in ((base, first), (new, second)):
        counts |= {name: getattr(record.memory, name, None) for name in MEMORY}
    both = _differing(first, second)
    return {key: pair for key, pair in both.items() if None not in pair}


def _changed(counts: Mapping[str, Pair], smallest: float) -> bool:
    """Counts are exact; measured bytes may differ by less than the smallest change that matters."""
    exact = any(key in COUNTS for key in counts)
    measured = (pair for key, pair in counts.items() if key.startswith("peak_"))
    return exact or any(not 1 / (1 + smallest) < b / a < 1 + smallest for a, b in measured if a)
