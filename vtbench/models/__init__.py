"""Models by name: what a name means, and the module and inputs that it stands for.

Importing this package imports no torch; `build` does, once the name is known to exist.
"""

from __future__ import annotations

import dataclasses

import msgspec

from vtbench.data.workload import Workload
from vtbench.models.built import Built
from vtbench.models.names import Target, expand, resolve
from vtbench.models.weight_files import identified, path_of

__all__ = ["Built", "Target", "build", "expand", "resolve"]


def build(workload: Workload, *, real: bool = False, real_inputs: bool = False) -> Built:
    """The module and inputs of a workload, in the workload's mode (evaluation or training).

    On the meta device, unfilled, unless ``real``: then on the CPU with the library's own random
    initialisation under seed 0, or the weights that the workload names, and seeded inputs. With
    ``real_inputs`` the inputs alone have values.
    """
    target = resolve(workload.model)
    from vtbench.models.from_library import assemble

    if workload.weights is None:
        return assemble(target, workload, real=real, real_inputs=real_inputs)
    weights = identified(workload.weights)
    from vtbench.models.checkpoints import load

    built = assemble(target, workload, real=real, real_inputs=real_inputs)
    load(built.module, path_of(weights), workload.model)
    named = msgspec.structs.replace(built.workload, weights=weights)
    return dataclasses.replace(built, workload=named)
