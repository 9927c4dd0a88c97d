"""What the kernel tells in files: one value, or lines of ``key value``; None if it does not."""

from __future__ import annotations

from pathlib import Path


def text(path: Path) -> str | None:
    """What a file holds, without blanks around it."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def number(path: Path) -> int | None:
    """The whole number that a file holds; None if it holds another word, such as ``max``."""
    return whole(text(path))


def whole(word: str | None) -> int | None:
    """A word as a whole number, or None."""
    try:
        return int(word) if word is not None else None
    except ValueError:
        return None


def pairs(path: Path) -> dict[str, int]:
    """Lines of ``key value`` whose value is a whole number."""
    lines = (line.split() for line in (text(path) or "").splitlines())
    read = {line[0]: whole(line[1]) for line in lines if len(line) == 2}  # noqa: PLR2004 - a pair
    return {key: value for key, value in read.items() if value is not None}
