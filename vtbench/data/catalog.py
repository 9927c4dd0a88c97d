"""What models have a short name: the catalogue as data, and the names nearest to a misspelt one."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from difflib import SequenceMatcher

from vtbench.data import paper_folders
from vtbench.data.catalog_row import ModelRow
from vtbench.data.libraries import LISTED, timm_architectures
from vtbench.data.model_names import timm_name
from vtbench.data.spelling import closest

__all__ = ["CATALOG", "ModelRow", "entries", "entry", "is_glob", "nearest"]

_PAPERS = tuple(paper_folders.modules("rows"))

CATALOG: tuple[ModelRow, ...] = tuple(entry for rows in _PAPERS for entry in rows.ROWS)
"""Every model that is listed: the papers' rows, paper by paper."""

COMPOSED: tuple[ModelRow, ...] = tuple(
    entry for rows in _PAPERS for entry in getattr(rows, "COMPOSED", ())
)
"""Models whose short names are put together of two parts; one of each kind is listed."""

_BY_NAME = {entry.name: entry for entry in (*CATALOG, *COMPOSED)}


def entry(name: str) -> ModelRow | None:
    """The entry of that exact name, listed or put together."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    composers = (rows.composed for rows in _PAPERS if hasattr(rows, "composed"))
    return next((row for compose in composers if (row := compose(name)) is not None), None)


def entries(pattern: str | None = None) -> list[ModelRow]:
    """Catalogue entries whose name matches a glob, in the catalogue's order; by default all.

    A pattern without wildcards matches every name that contains it. Names that are put together
    are matched too, except by the pattern of everything.
    """
    if not pattern or set(pattern) == {"*"}:
        return list(CATALOG)
    glob = pattern if is_glob(pattern) else f"*{pattern}*"
    return [item for item in (*CATALOG, *COMPOSED) if fnmatch.fnmatchcase(item.name, glob)]


def is_glob(name: str) -> bool:
    """Whether a name holds wildcards."""
    return any(mark in name for mark in "*?[")


def nearest(name: str, limit: int = 3) -> list[str]:
    """The names most like a misspelt one, best first, written as they would be typed."""
    hubs = timm_name(name)
    source, _, rest = (f"timm:{hubs}" if hubs else name).partition(":")
    if source == "timm":
        rest = rest.partition(".")[0]  # the tag says which weights, and none are listed here
    if not rest:
        return _short_first(name, limit)
    if source not in LISTED:
        return [f"{known}:{rest}" for known in closest(source, LISTED, 1)]
    return [f"{source}:{near}" for near in closest(rest, LISTED[source](), limit)]


_LETTERS = {"nano": "n", "tiny": "t", "small": "s", "base": "b", "large": "l", "huge": "h"}
_LIKENESS = 0.5
_SHORT = 0.1
"""How much more a short name counts: it has stages and printed figures, and is typed at once."""


def _short_first(name: str, limit: int) -> list[str]:
    """The short names and those of timm that are most like one; of two that are alike the short.

    ``deit_small`` is as near to ``deit_s`` as can be, and ``se_resnet50`` to ``resnet50_se``.
    """
    bonus = {**dict.fromkeys(timm_architectures(), 0.0), **dict.fromkeys(_BY_NAME, _SHORT)}
    matched = _likeness(name, bonus)
    found = [each for each in bonus if matched[each] >= _LIKENESS]
    return sorted(found, key=lambda each: -matched[each] - bonus[each])[:limit]


def _likeness(word: str, names: Iterable[str]) -> dict[str, float]:
    """From 0 to 1: as each is typed, or as its words are, whatever their order."""
    typed = SequenceMatcher(None, "", word.lower())
    worded = SequenceMatcher(None, "", _in_words(word))
    return {
        name: max(_ratio(typed, name.lower()), _ratio(worded, _in_words(name))) for name in names
    }


def _ratio(matcher: SequenceMatcher[str], name: str) -> float:
    matcher.set_seq1(name)
    if matcher.real_quick_ratio() < _LIKENESS or matcher.quick_ratio() < _LIKENESS:
        return 0.0
    return matcher.ratio()


def _in_words(name: str) -> str:
    """The words and numbers of a name in order, with the letter of a size that is written out."""
    words = re.findall(r"[a-z]+|[0-9]+", name.lower())
    return "".join(sorted(_LETTERS.get(word, word) for word in words))
