"""A model that is ready to run: the module, its inputs, and the workload with its blanks filled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vtbench.data.workload import Workload

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Built:
    """What `build` returns; run it as ``module(*args, **kwargs)``."""

    module: nn.Module
    """The model, on the meta device or, if real values were asked for, on the CPU."""
    args: tuple[Any, ...]
    """Positional inputs."""
    kwargs: dict[str, Any]
    """Inputs by name of a parameter of ``forward``."""
    workload: Workload
    """The workload as it was asked for, with the resolution filled in."""
    stages: tuple[str, ...] | None = None
    """Module paths that divide the model if the catalogue names them."""
    head: tuple[str, ...] = field(default=())
    """Module paths of the classifier if they are known."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Options and their defaults, as far as they are known."""
    settled: Mapping[str, Any] = field(default_factory=dict)
    """What the model chose for itself so as to meet an option: its attribute ``settled``."""
    own_inputs: bool = False
    """Whether a function of the user's gave the inputs with the module."""
