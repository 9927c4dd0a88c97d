"""Sources of inputs that a user names: a folder of images, an array in a file, or a function.

They are looked at here before any model is built, without torch; ``input_sets`` reads them.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from vtbench.data.distribution import InputSet
from vtbench.data.model_names import is_file, place_and_path
from vtbench.errors import BadInput, BadOption, MissingPackage
from vtbench.models.users_modules import is_there

IMAGES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
MANY = 10_000
"""So many inputs at most: a function may yield without end."""
_WANTED = "a folder of images, a .npy file, package.module:function or ./file.py:function"


def input_set(source: str | None, seeds: int | None) -> InputSet | None:
    """The inputs that were asked for, once it is sure that they can be had; None if none were."""
    if source is not None and seeds is not None:
        raise BadOption("--inputs gives inputs and --seeds draws them; give one of the two.")
    if seeds is not None:
        if not 1 <= seeds <= MANY:
            raise BadOption(
                f"--seeds: expected a number of inputs from 1 to {MANY:,}, got {seeds}."
            )
        return InputSet(seeds=seeds)
    if source is None:
        return None
    check_source(source)
    return InputSet(source=source)


def check_source(source: str) -> None:
    """Refuse a source that is not there, or holds nothing, before any work is done for it."""
    path = Path(source)
    if path.is_dir():
        images_of(path)
    elif source.endswith(".npy"):
        array_of(path)
    elif ":" in source and "=" not in source:
        _check_function(source)
    else:
        hint = "; --input gives an input by its shape" if "=" in source else ""
        raise BadInput(f"--inputs: expected {_WANTED}, got {source!r}{hint}.")


def images_of(folder: Path) -> list[Path]:
    """The images of a folder, by name."""
    try:
        found = sorted(each for each in folder.iterdir() if each.suffix.lower() in IMAGES)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise BadInput(f"--inputs: the folder {str(folder)!r} cannot be read: {reason}.") from error
    if not found:
        raise BadInput(
            f"--inputs: the folder {str(folder)!r} holds no image; expected files that end in "
            f"{', '.join(IMAGES)}."
        )
    if importlib.util.find_spec("PIL") is None:
        raise MissingPackage(
            "--inputs: images are read by Pillow, which is not installed; install it with: "
            "pip install pillow"
        )
    return found


def array_of(path: Path) -> Any:
    """The array of a file, read as it is needed; an input is one entry of its first axis."""
    import numpy as np  # slow to import, and few commands read an array

    name = str(path)
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise BadInput(f"--inputs: there is no file {name!r}.") from None
    except (OSError, ValueError, EOFError) as error:
        raise BadInput(f"--inputs: {name!r} cannot be read as an array of numpy.") from error
    if not isinstance(array, np.ndarray) or array.ndim == 0:
        raise BadInput(f"--inputs: {name!r} holds no array with an axis of inputs.")
    if not len(array):
        raise BadInput(f"--inputs: the array in {name!r} is empty: its shape is {array.shape}.")
    if array.dtype.kind not in "biufc":
        raise BadInput(
            f"--inputs: expected an array of numbers in {name!r}, got the type {array.dtype}."
        )
    return array


def _check_function(source: str) -> None:
    place, name = place_and_path(source)
    if not all(part.isidentifier() for part in name.split(".")):
        raise BadInput(f"--inputs: expected {_WANTED}, got {source!r}.")
    if is_file(place):
        if not Path(place).is_file():
            raise BadInput(f"--inputs: there is no file {place!r}.")
        return
    if not all(part.isidentifier() for part in place.split(".")):
        raise BadInput(f"--inputs: expected {_WANTED}, got {source!r}.")
    top = place.partition(".")[0]
    if not is_there(top):
        raise BadInput(
            f"--inputs: the module {top!r} of {source!r} does not exist among the installed "
            "packages or in the current directory."
        )
