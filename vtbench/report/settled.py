"""What models chose for themselves so as to meet an option, as notes below a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

ASKED = "tokens"
"""The option that is met by another."""
LEFT = "tokens_left"
"""What is left when a method has removed tokens, counted without class token and the like."""

Settled = Mapping[str, Any]


def settled_notes(found: Iterable[tuple[str, Mapping[str, Any], Settled]]) -> list[str]:
    """``tome_deit_s meets tokens=98 by r=8 (100 left), 112 by r=7 (112).``, for each model.

    Each is a model, the options that it was asked for, and what it settled.
    """
    by_model: dict[str, dict[str, None]] = {}
    for model, asked, settled in found:
        if settled:
            met = by_model.setdefault(model, {})
            met.setdefault(_met(asked.get(ASKED), settled, first=not met))
    return [f"{model} meets {', '.join(met)}." for model, met in by_model.items()]


def _met(asked: Any, settled: Settled, *, first: bool) -> str:
    by = " and ".join(f"{name}={value}" for name, value in settled.items() if name != LEFT)
    left = "" if LEFT not in settled else f" ({settled[LEFT]}{' left' if first else ''})"
    return f"{f'{ASKED}=' if first else ''}{asked} by {by}{left}"
