"""Running what others wrote: whatever a library raises becomes one sentence for the user."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

from vtbench.data.libraries import package_folder
from vtbench.errors import BadOption, MissingPackage, ModelError, VtbenchError
from vtbench.models.options import unknown_option

Made = TypeVar("Made")

_EXTRA = {"transformers": "vtbench[models]"}
UNPADDED = "vtbench_unpadded"
"""Under which name transformers' own fused attention stands without a mask."""


def ran(model: str, options: dict[str, Any], construct: Callable[[], Made]) -> Made:
    """What a foreign constructor returns; what it raises becomes one sentence."""
    try:
        return construct()
    except VtbenchError:
        raise
    except (Exception, SystemExit) as error:
        unexpected = re.search(
            r"(?:unexpected|multiple values for) keyword argument '(\w+)'|"
            r"multiple values for (?:keyword )?argument '(\w+)'",
            str(error),
        )
        named = next(filter(None, unexpected.groups()), "") if unexpected else ""
        if named in options:
            if "multiple" in str(error):
                raise BadOption(f"The option {named} of {model} is fixed by its name.") from error
            raise unknown_option(model, named, []) from error
        raise ModelError(f"{model} could not be built: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """The type of an error and the first line of what it says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].rstrip('.')}" if lines else type(error).__name__


def imported(package: str) -> ModuleType:
    """The package; MissingPackage if it is absent or does not import."""
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


def unpadded(transformers: Any) -> dict[str, str]:
    """The option with which a model of transformers makes no attention mask; {} in old versions.

    Masks say which pixels are padding, and whether there are any is decided by their values. Images
    of one size have none, and without a mask such a model runs on shapes alone. It computes the
    same.
    """
    interface = getattr(transformers, "AttentionInterface", None)
    if interface is None:
        return {}
    fused = imported("transformers.integrations.sdpa_attention").sdpa_attention_forward
    interface.register(UNPADDED, fused)
    return {"attn_implementation": UNPADDED}
