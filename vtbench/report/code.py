"""What is typed, such as a command, within the sentences of a page: it stands between backticks."""

from __future__ import annotations

import re
from collections.abc import Callable

CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")


def spelt(text: str, words: Callable[[str], str], code: Callable[[str], str]) -> str:
    """Text whose words and whose code are each spelt in their own way."""
    parts = CODE.split(text)
    return "".join((code if place % 2 else words)(part) for place, part in enumerate(parts))
