"""What a measurement was taken under, condition by condition.

What is the same in every row stands above a table, what differs becomes a column, and what does
not apply (cuDNN on a CPU) is not mentioned. Facets are also the axes of sweeps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from vtbench.data.measurement import Measurement
from vtbench.data.naming import written
from vtbench.data.option import Field, fields_of
from vtbench.data.workload import Workload
from vtbench.report.units import ABSENT, pixels, plural

Read = Callable[[Measurement], str | None]

_PRECISIONS = {
    "tf32": "fp32 with TF32 products",
    "bf32": "fp32 with bf16 products",
}
_LAYOUTS = {"nchw": "NCHW", "channels_last": "channels last"}
_SHORT_COMMIT = 10
_COUNTED = ("batch_size", "resolution", "mode")
"""The conditions that a count depends on, beside the options of the model."""


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One condition of a measurement."""

    name: str
    """The axis, as the command line calls it."""
    head: str
    """Heading of its column."""
    cell: Read
    """Its value; None if it does not apply or is not known."""
    said: Read | None
    """What stands above a table where all rows agree; None if it need not be said."""
    asked: bool = True
    """Whether the workload states it, so that rows that failed have it too."""


def conditions(records: Sequence[Measurement]) -> list[Condition]:
    """Every condition of some measurements, options of their models among them."""
    names = dict.fromkeys(key for r in records for key, _ in r.workload.options)
    options = [_option(name) for name in names]
    found = [*_FIRST, *options, *_REST]
    if all(record.protocol.name == "macs" for record in records):
        return [f for f in found if f in options or f.name in _COUNTED]
    return found


def common_and_varying(records: Sequence[Measurement]) -> tuple[list[str], list[Condition]]:
    """What holds for every row, in words, and the conditions in which rows differ."""
    common: list[str] = []
    varying: list[Condition] = []
    for condition in conditions(records):
        told = [r for r in records if r.error is None or condition.asked]
        known = [(r, cell) for r in told if (cell := condition.cell(r)) is not None]
        values = {cell for _, cell in known}
        if len(values) > 1:
            varying.append(condition)
        elif values and condition.said is not None:
            said = condition.said(known[0][0])
            common += [said] if said else []
    return common, varying


def cell(condition: Condition, record: Measurement) -> str:
    """The cell of a condition's column."""
    found = condition.cell(record)
    return ABSENT if found is None else found


def _option(name: str) -> Condition:
    def value(record: Measurement) -> str:
        options = dict(record.workload.options)
        return written(options[name]) if name in options else ABSENT

    return Condition(
        name=name, head=name, cell=value, said=lambda record: f"{name}={value(record)}"
    )


def _precision(work: Workload) -> str:
    if work.autocast:
        return f"autocast to {work.dtype}"
    return work.dtype


def _precision_said(record: Measurement) -> str:
    work = record.workload
    if work.dtype in _PRECISIONS:
        return _PRECISIONS[work.dtype]
    if work.dtype == "fp32" and work.device == "cuda" and not work.autocast:
        return "fp32, TF32 off"
    return _precision(work)


def _size(record: Measurement) -> str | None:
    found = pixels(record.workload)
    return None if found == ABSENT else found


def _passes(record: Measurement) -> str:
    work = record.workload
    mode = "" if work.mode == "eval" else ", train mode"
    return ("forward and backward" if work.backward else "forward") + mode


def _passes_said(record: Measurement) -> str:
    work = record.workload
    if record.protocol.name == "macs":
        return _passes(record)
    mode = ", training mode" if work.mode == "train" else ""
    if not mode and not record.isolated:  # a module that its caller holds may have been in another
        mode = ", evaluation mode"
    if work.backward:
        return f"forward and backward{mode}, input resident on the device"
    return f"forward only{mode}, inference mode, input resident on the device"


def _weights(record: Measurement) -> str:
    return record.workload.weights or "random"


def _weights_said(record: Measurement) -> str | None:
    file = record.workload.weights
    return f"weights of {file}" if file else None


def _compile(record: Measurement) -> str:
    return record.workload.compile or "eager"


def _compile_said(record: Measurement) -> str | None:
    mode = record.workload.compile
    return f"torch.compile, mode {mode}" if mode else None


def _attention(record: Measurement) -> str:
    return record.workload.attention or "any"


def _attention_said(record: Measurement) -> str | None:
    kernel = record.workload.attention
    return f"attention by the {kernel} kernel" if kernel else None


def _threads(record: Measurement) -> str | None:
    work = record.workload
    return None if work.device != "cpu" or work.threads is None else str(work.threads)


def _cudnn(record: Measurement) -> str | None:
    if record.workload.device != "cuda":
        return None
    return "on" if record.workload.cudnn_benchmark else "off"


def _device(record: Measurement) -> str | None:
    if record.device is None:
        return None
    part = f" ({record.device.partition})" if record.device.partition else ""
    return record.device.name + part


def _torch(record: Measurement) -> str | None:
    found = record.environment.get("torch")
    return None if found is None else str(found)


def _isolated(record: Measurement) -> str:
    return "yes" if record.isolated else "no"


def _isolated_said(record: Measurement) -> str | None:
    """Times are taken in a process of their own as a matter of course; a peak is that process's."""
    if not record.isolated:
        return "in its caller's process"
    return "in a process of its own" if record.protocol.name == "memory" else None


def _commit(record: Measurement) -> str | None:
    if record.commit is None:
        return None
    revision, plus, _ = record.commit.partition("+")
    return revision[:_SHORT_COMMIT] + plus


_FIRST = (
    Condition(
        name="dtype", head="Precision", cell=lambda r: _precision(r.workload), said=_precision_said
    ),
    Condition(
        name="layout",
        head="Layout",
        cell=lambda r: _LAYOUTS[r.workload.layout],
        said=lambda r: _LAYOUTS[r.workload.layout],
    ),
    Condition(
        name="batch_size",
        head="Batch",
        cell=lambda r: str(r.workload.batch_size),
        said=lambda r: f"batch {r.workload.batch_size}",
    ),
    Condition(name="resolution", head="Size", cell=_size, said=_size),
)
_REST: tuple[Condition, ...] = (
    Condition(name="weights", head="Weights", cell=_weights, said=_weights_said),
    Condition(name="mode", head="Pass", cell=_passes, said=_passes_said),
    Condition(name="compile", head="Compiled", cell=_compile, said=_compile_said),
    Condition(name="attention", head="Attention", cell=_attention, said=_attention_said),
    Condition(
        name="threads",
        head="Threads",
        cell=_threads,
        said=lambda r: plural(int(_threads(r) or 0), "thread"),
    ),
    Condition(
        name="cudnn_benchmark",
        head="cuDNN",
        cell=_cudnn,
        said=lambda r: f"cuDNN's own benchmark {_cudnn(r)}",
    ),
    Condition(name="device", head="Device", cell=_device, said=_device, asked=False),
    Condition(
        name="torch", head="torch", cell=_torch, said=lambda r: f"torch {_torch(r)}", asked=False
    ),
    Condition(name="isolated", head="Isolated", cell=_isolated, said=_isolated_said, asked=False),
    Condition(name="commit", head="Commit", cell=_commit, said=None, asked=False),
)
_WITH_OTHERS = ("autocast",)
"""Fields that the words of another condition say too."""


def _of_field(field: Field) -> Condition:
    """A condition without words of its own: its name and its value, unless it is the default."""

    def value(record: Measurement) -> str | None:
        applies = field.option.on in (None, record.workload.device)
        return written(getattr(record.workload, field.name)) if applies else None

    def said(record: Measurement) -> str | None:
        default = getattr(record.workload, field.name) == field.default
        return None if default else f"{field.name} {value(record)}"

    return Condition(name=field.name, head=field.name, cell=value, said=said)


_REST += tuple(
    _of_field(field)
    for name, field in fields_of(Workload).items()
    if field.option.executed
    and name not in {*_WITH_OTHERS, *(each.name for each in (*_FIRST, *_REST))}
)
