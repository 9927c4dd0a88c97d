"""The options that public functions share, by the names that the commands have for them.

A field of a workload means here what its flag means there. A list, or a range, is several values,
each of which is measured; a tuple is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypedDict, TypeVar, Union

from vtbench.data.workload import Attention, InputSpec, Layout, Precision

T = TypeVar("T")
Several = Union[T, Sequence[T]]  # noqa: UP007  # a form with a parameter, which | has not
"""One value, or several."""
Size = Union[int, tuple[int, int]]  # noqa: UP007  # as above, so that it can be a part of one
"""A square by its side, or height and width."""


class Building(TypedDict, total=False):
    """How a model by name is built, and on which inputs it runs."""

    resolution: Several[Size | None]
    batch_size: Several[int]
    mode: Annotated[
        Several[Literal["eval", "train", "as-is"]],
        "Run the model in evaluation or in training mode; 'as-is' leaves a module, and each of its "
        "submodules, in the mode that it is in.",
    ]
    backward: Several[bool]
    options: Annotated[
        Mapping[str, Any],
        "Constructor options by name; 'MODEL:KEY' sets one of one model.",
    ]
    tokens: Annotated[Several[int], "Number of tokens; the same as options={'tokens': N}."]
    weights: Annotated[Several[str | None], "A checkpoint to load; code in the file is not run."]
    inputs: Annotated[
        Sequence[InputSpec], "Inputs by the name of their parameter, with shape and dtype."
    ]


class Execution(TypedDict, total=False):
    """How a model is executed, and where."""

    dtype: Several[Precision]
    autocast: Several[bool]
    layout: Several[Layout]
    compile: Several[str | None]
    threads: Several[int | None]
    attention: Several[Attention | None]
    cudnn_benchmark: Several[bool]
    gpu: Annotated[
        int | str | None,
        "Run on this GPU; 'auto' takes the least busy one, and '0,1' takes several.",
    ]
    device: Annotated[str | None, "PyTorch device, such as 'cpu' or 'cuda:1'."]


class Conditions(Building, Execution, total=False):
    """Both: everything that says how models are built and executed."""
