"""The counts of a model by its name."""

from vtbench.count.count_workload import count_workload
from vtbench.data.workload import Workload, freeze_options


def counted(model, resolution=None, **options):
    """The record of a model with options, on one image."""
    return count_workload(
        Workload(model=model, resolution=resolution, options=freeze_options(options))
    )
