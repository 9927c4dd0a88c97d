"""What a model's name says by its form alone: a library's, a hub's, or code of the user's."""

from __future__ import annotations

import re

from vtbench.data.libraries import LISTED

SIZE_NAMES = ("resolution", "img_size", "image_size", "input_size")
"""What constructors call the size of the image; the first that one takes is the resolution."""

REDUCED = "reduce"
"""``reduce:METHOD:timm:NAME`` is a method of token reduction on a model of timm."""
_HUBS = ("hf-hub", "hf_hub")
_OF_TIMM = re.compile(rf"(?:timm:)?(?:(?:{'|'.join(_HUBS)}):)?timm/(?P<name>.+)")


def timm_name(name: str) -> str | None:
    """The name that timm has for ``timm/NAME`` and ``hf-hub:timm/NAME``; None for other names."""
    match = _OF_TIMM.fullmatch(name)
    return match and match["name"]


def of_a_hub(name: str) -> bool:
    """Whether a name is one of the Hugging Face hub's."""
    return name.partition(":")[0] in _HUBS


def is_code(name: str) -> bool:
    """Whether a name is ``package.module:function`` or ``./file.py:function``: code that runs."""
    place, colon, _ = name.partition(":")
    return bool(colon) and place not in (*LISTED, REDUCED) and not of_a_hub(name)


def place_and_path(name: str) -> tuple[str, str]:
    """The module or the file of such a name, and the path of attributes in it."""
    place, _, path = name.rpartition(":")
    return place, path


def is_file(place: str) -> bool:
    """Whether the place of such a name is a file, and not a module."""
    return place.endswith(".py")
