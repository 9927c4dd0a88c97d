"""The Python interface: count a live module or a model by name, or whatever runs in a block."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from vtbench import report
from vtbench.api.over_inputs import by_keyword, over_of_module, over_of_name
from vtbench.count.count_module import CountSettings, counter_for, summary
from vtbench.count.count_workload import RunSettings, count_workload, record_of
from vtbench.count.operators.rules import UserFormula
from vtbench.count.over_inputs import by_values, counted_on, distributions, live_counts
from vtbench.data.distribution import Distribution, InputSet
from vtbench.data.record import ByValues, PeerCount, Record
from vtbench.data.workload import EXECUTION, InputSpec, Workload, freeze_options
from vtbench.errors import BadInput, BadOption, BadResolution, UsageError

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

_WORKLOAD_FIELDS = frozenset(Workload.__struct_fields__) - EXECUTION - {"model"}


class Count:
    """What a count came to; prints as a certificate, in a notebook too."""

    def __init__(self, record: Record) -> None:
        self.record = record

    @property
    def macs(self) -> int:
        """Multiply-accumulates of everything that was counted."""
        return self.record.macs

    @property
    def complete(self) -> bool:
        """Whether nothing that ran is unknown."""
        return self.record.complete

    @property
    def by_values(self) -> ByValues | None:
        """Why the count can change with the values of the input; None if shapes decide."""
        return self.record.by_values

    @property
    def distribution(self) -> Distribution | None:
        """The count over many inputs, if ``inputs`` or ``seeds`` asked for it."""
        return self.record.distribution

    @property
    def params(self) -> int:
        """Elements of the distinct parameters."""
        return self.record.parameters.total if self.record.parameters else 0

    def table(self, by: report.View = "total", depth: int | None = None, width: int = 80) -> str:
        """The certificate, or the rows by stage, module, op or class, as text."""
        question = report.CountsRendering(view=by, depth=depth, width=width)
        return report.counts_document([self.record], question)

    def to_dict(self, by: report.View = "total", depth: int | None = None) -> dict[str, Any]:
        """The object that ``vtbench macs --format json`` prints for a model."""
        return report.record_object(self.record, by, depth)

    def to_frame(self) -> pd.DataFrame:
        """The ledger as a pandas frame, a row per module, operator and phase."""
        import pandas as pd  # imported only where a frame is asked for

        return pd.DataFrame([msgspec.structs.asdict(row) for row in self.record.rows])

    def __repr__(self) -> str:
        """The certificate."""
        return self.table()

    def _repr_html_(self) -> str:
        return report.render(report.counts_tables([self.record], report.CountsRendering()), "html")


def count(
    model: nn.Module | str,
    *inputs: Any,
    ops: Mapping[Any, UserFormula] | None = None,
    counters: str | Sequence[str] = (),
    **keywords: Any,
) -> Count:
    """Count a module on inputs, or a model by name.

    With a module, inputs and keywords go to its ``forward``. With a name, the keywords are the
    fields of a workload: ``resolution``, ``batch_size``, ``options``, ``mode``, ``backward`` and
    ``weights``, a checkpoint.
    ``backward=True`` counts the backward pass too, with a module as with a name.
    ``counters`` names other counters to run beside ours, each on a copy; ``"all"`` runs those that
    are installed.

    ``seeds=N`` counts N random inputs, and ``inputs=`` those of a folder of images, a ``.npy``
    file or a function by name, or, for a module, those of a list: ``distribution`` then says how
    the count varies, and the rest is of the first. A module whose ``forward`` has a parameter of
    that name gets it instead.
    """
    beside = _counters(counters)
    if isinstance(model, str):
        over = over_of_name(keywords)
        _refuse_beside_inputs(over, beside)
        settings = RunSettings(counters=beside, over=over)
        return Count(
            count_workload(named_workload(model, inputs, keywords), settings=settings, formulas=ops)
        )
    _module(model)
    backward = _backward_of(model, keywords)
    found = over_of_module(model, inputs, keywords)
    over, given = found if found is not None else (None, [(inputs, keywords)])
    _refuse_beside_inputs(over, beside)
    drawn = over is not None and over.source is None
    how = CountSettings(ops=ops or {}, backward=backward)
    with by_keyword():
        counts = live_counts(model, given, how, drawn=drawn)
    workload = msgspec.structs.replace(_live(model), backward=backward)
    record = msgspec.structs.replace(
        record_of(workload, counts[0], None),
        by_values=by_values(counts, counted_on(over)),
        **(distributions(counts, over) if over is not None else {}),
    )
    if beside:
        said = _beside(model, (inputs, keywords), record, beside)
        record = msgspec.structs.replace(record, counters=said)
    return Count(record)


def _backward_of(model: nn.Module, keywords: dict[str, Any]) -> bool:
    """Whether the backward pass is asked for; a forward with a parameter of that name gets it."""
    if "backward" not in keywords or "backward" in inspect.signature(model.forward).parameters:
        return False
    asked = keywords.pop("backward")
    if not isinstance(asked, bool):
        raise UsageError(f"backward: expected True or False, got {asked!r}.")
    return asked


def _refuse_beside_inputs(over: InputSet | None, beside: Sequence[str]) -> None:
    """Other counters are compared on one input."""
    if over is not None and beside:
        raise UsageError(
            "counters compares counts of one input, and inputs and seeds count many; leave out "
            "counters."
        )


def _counters(asked: str | Sequence[str]) -> tuple[str, ...]:
    """Names of counters; one that is unknown or not installed is refused before any work."""
    if not asked:
        return ()
    from vtbench.count.peers.counters import chosen, parse

    names = parse(asked if isinstance(asked, str) else ",".join(asked))
    chosen(names)
    return names


def _beside(
    module: nn.Module,
    given: tuple[tuple[Any, ...], dict[str, Any]],
    record: Record,
    names: tuple[str, ...],
) -> dict[str, PeerCount]:
    """The counts of other counters for a live module; none of them touches the module itself."""
    from vtbench.count.peers.running import peer_counts  # only where asked
    from vtbench.count.peers.tally import ModelCall, Unsuitable

    def lent(real: bool) -> ModelCall:  # noqa: FBT001 - the builders' signature
        if not real:
            raise Unsuitable("The module is too large to be copied for this counter.")
        return ModelCall(module, *given)

    return peer_counts(lent, record, names)


def _module(model: Any) -> None:
    """Refuse anything but a module; an exported program or a function has no parts to name."""
    from torch import nn

    if not isinstance(model, nn.Module):
        raise UsageError(
            f"An object of type {type(model).__name__} cannot be counted; give a torch.nn.Module "
            "or the name of a model."
        )


def _live(model: nn.Module) -> Workload:
    # a frozen script has no mode any more: it is in evaluation for good
    training = getattr(model, "training", False)
    mode: Literal["train", "eval"] = "train" if training else "eval"
    return Workload(model=type(model).__name__, mode=mode)


def named_workload(name: str, inputs: tuple[Any, ...], fields: dict[str, Any]) -> Workload:
    """The workload of a name and of keywords that are its fields."""
    if inputs:
        raise UsageError(
            "A model that is given by name makes its own inputs; give a module to count inputs."
        )
    unknown = sorted(set(fields) - _WORKLOAD_FIELDS)
    if unknown:
        raise UsageError(
            f"{unknown[0]}: there is no such keyword for a model that is given by name; use "
            f"{', '.join(sorted(_WORKLOAD_FIELDS))}."
        )
    _refuse_nonsense(fields)
    return Workload(
        model=name,
        **{
            **fields,
            "resolution": _size(fields.get("resolution")),
            "inputs": tuple(fields.get("inputs", ())),
            "options": freeze_options(_mapping(fields.get("options") or ())),
        },
    )


def _size(asked: Any) -> tuple[int, int] | None:
    """Height and width, of one number or of two."""
    if asked is None:
        return None
    pair = (asked, asked) if _is_positive(asked) else asked
    if isinstance(pair, tuple | list) and len(pair) == 2 and all(map(_is_positive, pair)):  # noqa: PLR2004 - height and width
        return (pair[0], pair[1])
    raise BadResolution(
        f"resolution: expected N or (H, W) of positive whole numbers, got {asked!r}."
    )


def _refuse_nonsense(fields: Mapping[str, Any]) -> None:
    """A struct takes values of any type; the command line's own checks come before it."""
    if not _is_positive(fields.get("batch_size", 1)):
        raise BadInput(
            f"batch_size: expected a positive whole number, got {fields['batch_size']!r}."
        )
    if fields.get("mode", "eval") not in ("eval", "train"):
        raise UsageError(f"mode: expected 'eval' or 'train', got {fields['mode']!r}.")
    if not isinstance(fields.get("backward", False), bool):
        raise UsageError(f"backward: expected True or False, got {fields['backward']!r}.")
    if not isinstance(fields.get("weights"), str | None):
        raise UsageError(f"weights: expected the name of a file, got {fields['weights']!r}.")
    specs = fields.get("inputs", ())
    if not (isinstance(specs, tuple | list) and all(isinstance(s, InputSpec) for s in specs)):
        raise BadInput(
            f"inputs: expected a list of vtbench.data.workload.InputSpec, got {specs!r}."
        )


def _is_positive(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _mapping(options: Any) -> dict[str, Any]:
    """Options by name, from a mapping or from pairs."""
    try:
        return dict(options)
    except (TypeError, ValueError) as error:
        raise BadOption(f"options: expected a dict of names to values, got {options!r}.") from error


@contextmanager
def counting(model: nn.Module, ops: Mapping[Any, UserFormula] | None = None) -> Iterator[Count]:
    """Count whatever runs in the block, by the modules of a model; read it after the block."""
    _module(model)
    settings = CountSettings(ops=ops or {}, grad=True)
    result = Count(Record(workload=_live(model), error="The block is still running."))
    try:
        with counter_for(model, settings, on_meta=False) as counter:
            counter.values.strangers = True  # the block's inputs are made outside
            yield result
    except BaseException as error:
        result.record = Record(
            workload=_live(model), error=f"The block raised {type(error).__name__}."
        )
        raise
    counted = summary(model, counter, settings, "real (the block's own values)")
    record = record_of(_live(model), counted, None)
    result.record = msgspec.structs.replace(
        record, by_values=by_values([counted], "the values that the block ran on")
    )
