"""What to run: the frozen Workload that travels whole from the command line to the record."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

OptionValue = bool | int | float | str | None | tuple[int | float | str | bool, ...]


class InputSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One named input of a model that does not take a plain image."""

    name: str
    """The parameter of ``forward`` that receives it."""
    shape: tuple[int, ...]
    """Its shape, the batch included."""
    dtype: str = "float32"
    """A torch dtype by name."""


class Workload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model under one set of conditions; equal workloads give equal counts."""

    model: str
    """The name as it was asked for."""
    resolution: tuple[int, int] | None = None
    """Height and width; None is the model's own until it is resolved, or a model without images."""
    batch_size: int = 1
    """Images per step."""
    options: tuple[tuple[str, OptionValue], ...] = ()
    """Constructor options, sorted by name."""
    inputs: tuple[InputSpec, ...] = ()
    """Explicit inputs, where the model does not take one image tensor."""
    mode: Literal["eval", "train"] = "eval"
    """Whether the model runs in evaluation or in training mode."""
    backward: bool = False
    """Whether the backward pass is counted too."""

    def to_dict(self) -> dict[str, Any]:
        """The workload as the JSON contract shows it, with options as an object."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        data["options"] = {name: msgspec.to_builtins(value) for name, value in self.options}
        return data


def freeze_options(options: dict[str, Any]) -> tuple[tuple[str, OptionValue], ...]:
    """Options as the hashable, sorted pairs that a Workload holds; lists become tuples."""
    return tuple(sorted((k, tuple(v) if isinstance(v, list) else v) for k, v in options.items()))
