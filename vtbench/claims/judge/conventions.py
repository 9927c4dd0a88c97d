"""Counting conventions as functions of ledger rows, and of parameter totals.

A convention says what a paper, or the counter that it used, calls the MACs of a model. Each is
applied to a record long after the count, without torch and without the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import MappingProxyType

from vtbench.claims.suite.types import CONVENTIONS, READABLE
from vtbench.data.record import Parameters, Record, Row

_LAYER_CLASSES = ("Conv1d", "Conv2d", "Conv3d", "Linear", "ConvTranspose1d", "ConvTranspose2d",
                  "ConvTranspose3d", "NonDynamicallyQuantizableLinear")  # fmt: skip


def _full(rows: Iterable[Row]) -> int:
    return sum(row.macs for row in rows)


def _double(rows: Iterable[Row]) -> int:
    return 2 * _full(rows)


def _double_biased(rows: Iterable[Row]) -> int:
    """Operations one by one: a product, a sum, and the sum with a bias."""
    return sum(2 * row.macs + row.biased for row in rows)


def _is_attention_product(row: Row) -> bool:
    """Fused attention, or a product of two computed tensors."""
    return row.kind == "attention" or (row.kind == "matmul" and not row.with_parameter)


def _attention_missed(rows: Iterable[Row]) -> int:
    return sum(row.macs for row in rows if not _is_attention_product(row))


def _norms(rows: Iterable[Row], *, batch: int, layer: int) -> int:
    total = 0
    for row in rows:
        if row.kind == "normalisation":
            total += row.elements_in * (batch if "batch_norm" in row.op else layer)
    return total


def _norms_counted(rows: Iterable[Row]) -> int:
    rows = list(rows)
    return _full(rows) + _norms(rows, batch=2, layer=5)


def _bias_counted(rows: Iterable[Row]) -> int:
    return sum(row.macs + row.biased for row in rows)


def _pooling(rows: Iterable[Row]) -> int:
    return sum(row.elements_in for row in rows if "adaptive_avg_pool" in row.op)


def _pool_counted(rows: Iterable[Row]) -> int:
    rows = list(rows)
    return _full(rows) + _pooling(rows)


def _head_excluded(rows: Iterable[Row]) -> int:
    return sum(row.macs for row in rows if not row.head)


def _module_hooks(rows: Iterable[Row]) -> int:
    return sum(row.macs for row in rows if row.module_class in _LAYER_CLASSES)


def _interpolation(rows: Iterable[Row]) -> int:
    """Four per value read between others, one per copied value."""
    per_value = {"grid_sampler": 4, "upsample_bilinear2d": 4, "upsample_nearest2d": 1}
    return sum(
        count * row.elements_out
        for row in rows
        for name, count in per_value.items()
        if name in row.op
    )


def _fvcore(rows: list[Row], batch: int) -> int:
    missed = ("baddbmm", "scaled_dot_product", "_native_multi_head", "_transformer_encoder")
    counted = sum(row.macs for row in rows if not any(name in row.op for name in missed))
    added = _norms(rows, batch=batch, layer=5) + _pooling(rows) + _interpolation(rows)
    return counted + added


def _fvcore_eval(rows: Iterable[Row]) -> int:
    return _fvcore(list(rows), batch=2)


def _fvcore_train(rows: Iterable[Row]) -> int:
    return _fvcore(list(rows), batch=5)


def _thop(rows: Iterable[Row]) -> int:
    rows = list(rows)
    return _module_hooks(rows) + _norms(rows, batch=4, layer=4) + _pooling(rows)


MACS: MappingProxyType[str, Callable[[Iterable[Row]], int]] = MappingProxyType(
    {
        "full": _full,
        "double": _double,
        "double_biased": _double_biased,
        "attention_missed": _attention_missed,
        "norms_counted": _norms_counted,
        "bias_counted": _bias_counted,
        "pool_counted": _pool_counted,
        "head_excluded": _head_excluded,
        "module_hooks": _module_hooks,
        "fvcore_eval": _fvcore_eval,
        "fvcore_train": _fvcore_train,
        "thop": _thop,
    }
)
"""Name -> what that convention calls the MACs of a model."""

PARAMETERS: MappingProxyType[str, Callable[[Parameters], int]] = MappingProxyType(
    {
        "all": lambda found: found.total,
        "weights_only": lambda found: found.weights,
        "no_norm": lambda found: found.total - found.norms,
        "no_bias": lambda found: found.total - found.biases,
    }
)
"""Name -> what that convention calls the parameters of a model."""


def conventions_of(metric: str) -> tuple[str, ...]:
    """The conventions that a metric can be read in."""
    return CONVENTIONS[metric] if metric in READABLE else ("full",)


def measured(
    record: Record, metric: str, convention: str, stages: Sequence[str] = ()
) -> int | None:
    """A record's figure in a convention, of some stages alone or whole; None if it has none."""
    if record.error is not None:
        return None
    if stages and not _known(record, stages):
        return None
    if metric == "params":
        return _parameters(record, convention, stages)
    if metric == "memory":
        return _memory(record, convention)
    rows = [row for row in record.rows if not stages or _within(row.module, stages)]
    if metric in ("macs", "flops"):
        return MACS[convention](rows)
    return _of_rows(record, rows, metric, convention)


def _of_rows(record: Record, rows: Sequence[Row], metric: str, convention: str) -> int | None:
    """A figure that is no count of MACs; None of one that is measured."""
    if metric == "elements":
        return sum(row.elements_of_class for row in rows if _class_of(row) == convention)
    if metric == "tokens":
        return _tokens(record, rows)
    return sum(row.written for row in rows) if metric == "activations" else None


def _memory(record: Record, convention: str) -> int | None:
    """Bytes that tensor lifetimes predict; a measured peak is in no record of a count."""
    found = record.memory
    if found is None:
        return None
    known = {"weights": found.weights, "activations": found.activations_peak,
             "predicted": found.weights + found.activations_peak}  # fmt: skip
    return known.get(convention)


def _class_of(row: Row) -> str:
    return "softmax" if row.softmax else row.kind


def _tokens(record: Record, rows: Sequence[Row]) -> int | None:
    """Positions that one linear layer works on: MACs = calls * tokens * weights."""
    layers = {row.module: row for row in rows if row.kind == "linear"}
    if len(layers) != 1:
        return None
    ((path, row),) = layers.items()
    passes = row.calls * record.module_weights.get(path, 0)
    tokens, rest = divmod(row.macs, passes) if passes else (0, 1)
    return tokens if not rest else None


def _parameters(record: Record, convention: str, stages: Sequence[str]) -> int | None:
    if not stages:
        return None if record.parameters is None else PARAMETERS[convention](record.parameters)
    held = {"all": record.module_parameters, "weights_only": record.module_weights}.get(convention)
    if held is None:
        return None
    return sum(count for path, count in held.items() if _within(path, stages))


def _within(path: str, stages: Sequence[str]) -> bool:
    return any(path == stage or path.startswith(f"{stage}.") for stage in stages)


def _known(record: Record, stages: Sequence[str]) -> bool:
    """Whether each stage is a part of the model, of which a condensed record holds everything.

    A name that is no part would count as nothing; of a part inside one that was kept as a whole,
    rows may be missing.
    """
    paths = {row.module for row in record.rows} | set(record.module_parameters)
    return all(
        any(_within(path, (stage,)) for path in paths)
        and (not record.apart or stage in record.apart or "." not in stage)
        for stage in stages
    )
