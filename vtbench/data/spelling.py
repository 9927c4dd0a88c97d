"""What a misspelt name was meant to be: the words behind every "Did you mean"."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(word: str, words: Iterable[str], limit: int = 3, *, likeness: float = 0.5) -> list[str]:
    """The words most like this one, best first; differences of case count for nothing."""
    by_lower: dict[str, str] = {}
    for each in words:
        by_lower.setdefault(each.lower(), each)
    matches = difflib.get_close_matches(word.lower(), by_lower, n=limit, cutoff=likeness)
    return [by_lower[match] for match in matches]
