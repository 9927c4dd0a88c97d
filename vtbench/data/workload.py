"""The Workload, which travels unchanged from the command line to the record."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import msgspec

from vtbench.data.bounds import Count, Size, Threads
from vtbench.data.option import Option, fields_of

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
    shape: tuple[Count, ...]
    """The shape, with the batch as its first number."""
    dtype: str = "float32"
    """A torch dtype by name."""


class Workload(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One model under one set of conditions.

    Equal workloads give equal counts. The options of the fields that are ``executed`` say how it
    is executed, on which no count depends and every measurement does.
    """

    model: str
    """The name of the model as it was asked for."""
    resolution: Annotated[
        tuple[Size, Size] | None,
        Option(
            help="Image size in pixels (default: the model's own size).",
            also=("--img-size",),
            metavar="N|HxW",
        ),
    ] = None
    """Height and width; None is the model's own until it is resolved, or a model without images."""
    batch_size: Annotated[
        Size, Option(help="Images per step (default: 1; 64 for throughput on a GPU).")
    ] = 1
    """The number of images per step."""
    options: tuple[tuple[str, OptionValue], ...] = ()
    """Constructor options, sorted by name."""
    inputs: tuple[InputSpec, ...] = ()
    """Explicit inputs, for a model that does not take one image tensor."""
    mode: Annotated[
        Literal["eval", "train"],
        Option(
            help="Run the model in training or in evaluation mode (default: eval).",
            flag="--train/--eval",
        ),
    ] = "eval"
    """Whether the model runs in evaluation or in training mode."""
    backward: Annotated[bool, Option(help="Include the backward pass.")] = False
    """Whether the backward pass is included."""
    weights: str | None = None
    """The checkpoint as ``FILE@sha256:DIGITS``; None means random weights."""
    device: DeviceKind = "cpu"
    """The kind of device that executes it; the record says which device it was."""
    dtype: Annotated[
        Precision,
        Option(
            help="Compute precision. fp32 disables TF32; use tf32 to allow it on a GPU, and bf32 "
            "for bf16 products on a CPU.",
            executed=True,
        ),
    ] = "fp32"
    """The precision: ``tf32`` is fp32 with TF32 products, ``bf32`` is fp32 with bf16 products."""
    autocast: Annotated[
        bool,
        Option(
            help="Apply --dtype through torch.autocast; weights and inputs stay fp32.",
            executed=True,
        ),
    ] = False
    """Whether ``torch.autocast`` applies ``dtype``; weights and inputs stay in fp32."""
    layout: Annotated[
        Layout,
        Option(
            help="Memory format of weights and images (default: nchw).", executed=True, shared=False
        ),
    ] = "nchw"
    """The memory format of weights and images."""
    compile: Annotated[
        str | None,
        Option(
            help="Compile the model with torch.compile, in the mode default, reduce-overhead or "
            "max-autotune (default: none, which is eager).",
            metavar="MODE",
            executed=True,
            shared=False,
        ),
    ] = None
    """The mode of ``torch.compile``; None is eager."""
    threads: Annotated[
        Threads | None,
        Option(help="Number of CPU threads (default: PyTorch chooses).", executed=True, on="cpu"),
    ] = None
    """The number of CPU threads; None is PyTorch's own choice until it is resolved."""
    attention: Annotated[
        Attention | None,
        Option(
            help="Force scaled_dot_product_attention to one backend (default: PyTorch chooses).",
            executed=True,
        ),
    ] = None
    """The forced backend of scaled_dot_product_attention; None leaves the choice to PyTorch."""
    cudnn_benchmark: Annotated[
        bool,
        Option(
            help="Let cuDNN try its convolution algorithms before it chooses one (default: yes).",
            flag="--cudnn-benchmark/--no-cudnn-benchmark",
            executed=True,
            on="cuda",
        ),
    ] = True
    """Whether cuDNN tries its convolutions before it chooses; has no effect on a CPU."""

    def to_dict(self, *, executed: bool = False) -> dict[str, Any]:
        """The workload as the JSON contract shows it, with options as an object.

        How it is executed belongs to measurements and is left out of counts.
        """
        names = (n for n in self.__struct_fields__ if executed or n not in EXECUTION)
        data: dict[str, Any] = {name: msgspec.to_builtins(getattr(self, name)) for name in names}
        data["options"] = {name: msgspec.to_builtins(value) for name, value in self.options}
        return data


EXECUTION = frozenset(
    {"device", *(name for name, field in fields_of(Workload).items() if field.option.executed)}
)
"""Fields that say how a workload is executed."""
_COUNTED = {
    field.name: field.default
    for field in msgspec.structs.fields(Workload)
    if field.name in EXECUTION
}


def as_counted(workload: Workload) -> Workload:
    """The workload with default execution options, on which no count depends."""
    return msgspec.structs.replace(workload, **_COUNTED)


def freeze_options(options: dict[str, Any]) -> tuple[tuple[str, OptionValue], ...]:
    """Options as the hashable, sorted pairs that a Workload holds; lists become tuples."""
    return tuple(sorted((k, tuple(v) if isinstance(v, list) else v) for k, v in options.items()))
