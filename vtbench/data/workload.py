"""What to run: the frozen Workload that travels whole from the command line to the record."""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec

OptionValue = bool | int | float | str | None | tuple[int | float | str | bool, ...]

DeviceKind = Literal["cpu", "cuda"]
Precision = Literal["fp32", "tf32", "bf32", "bf16", "fp16", "fp64"]
Layout = Literal["nchw", "channels_last"]
Attention = Literal["math", "flash", "efficient", "cudnn"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


class InputSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One named input of a model that does not take a plain image."""

    name: str
    """The parameter of ``forward`` that receives it."""
    shape: tuple[int, ...]
    """Its shape, the batch included."""
    dtype: str = "float32"
    """A torch dtype by name."""


class Workload(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One model under one set of conditions.

    Equal workloads give equal counts; from ``device`` on, the fields say how it is executed, which
    no count depends on and every measurement does.
    """

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
    """Whether the backward pass is part of it."""
    weights: str | None = None
    """The checkpoint of its weights as ``FILE@sha256:DIGITS``; None is random initialisation."""
    device: DeviceKind = "cpu"
    """The kind of device that executes it; which one is the record's to say."""
    dtype: Precision = "fp32"
    """Precision: ``tf32`` is fp32 with TF32 products; ``bf32`` the same with bf16 ones, on CPUs."""
    autocast: bool = False
    """Whether ``dtype`` is left to torch's autocast, with weights and input in fp32."""
    layout: Layout = "nchw"
    """Memory format of weights and images."""
    compile: str | None = None
    """Mode of ``torch.compile``; None is eager."""
    threads: int | None = None
    """Threads of the CPU; None is torch's own choice until it is resolved."""
    attention: Attention | None = None
    """The kernel that fused attention is held to; None leaves torch to choose."""
    cudnn_benchmark: bool = True
    """Whether cuDNN tries its convolutions before it chooses; without meaning on a CPU."""

    def to_dict(self, *, executed: bool = False) -> dict[str, Any]:
        """The workload as the JSON contract shows it, with options as an object.

        How it is executed belongs to measurements and is left out of counts.
        """
        names = (n for n in self.__struct_fields__ if executed or n not in EXECUTION)
        data: dict[str, Any] = {name: msgspec.to_builtins(getattr(self, name)) for name in names}
        data["options"] = {name: msgspec.to_builtins(value) for name, value in self.options}
        return data


EXECUTION = frozenset(Workload.__struct_fields__[Workload.__struct_fields__.index("device") :])
"""Fields that say how a workload is executed."""


def freeze_options(options: dict[str, Any]) -> tuple[tuple[str, OptionValue], ...]:
    """Options as the hashable, sorted pairs that a Workload holds; lists become tuples."""
    return tuple(sorted((k, tuple(v) if isinstance(v, list) else v) for k, v in options.items()))
