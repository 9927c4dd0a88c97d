"""Importing a model library, and saying in one sentence why that did not work."""

from __future__ import annotations

import importlib
from types import ModuleType

from vtbench.data.libraries import package_folder
from vtbench.errors import MissingPackage
from vtbench.models.foreign import first_line

_EXTRA = {"transformers": "vtbench[models]"}


def imported(package: str) -> ModuleType:
    """The package; MissingPackage where it is absent or does not import."""
    if package_folder(package.partition(".")[0]) is None:
        extra = _EXTRA.get(package.partition(".")[0], "vtbench")
        raise MissingPackage(
            f"This model needs {package}, which is not installed; "
            f"install it with: pip install '{extra}'"
        )
    try:
        return importlib.import_module(package)
    except Exception as error:
        raise MissingPackage(
            f"{package} is installed but does not import ({first_line(error)}); "
            f"reinstall it, in a version that fits the installed torch{_culprit(error)}."
        ) from error


def _culprit(error: BaseException) -> str:
    """Names torchvision where it is what breaks another package's import."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").startswith("torchvision"):
            return "; what fails is torchvision, which it imports"
        trace = trace.tb_next
    return ""
