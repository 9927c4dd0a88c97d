"""Running what others wrote: whatever it raises becomes one sentence for the user."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from vtbench.errors import BadOption, ModelError, VtbenchError
from vtbench.models.signatures import unknown_option

Made = TypeVar("Made")


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
