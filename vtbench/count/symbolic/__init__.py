"""Closed forms: a model is run once on sizes that are symbols, and its cost is read off."""

from __future__ import annotations

from vtbench.count.symbolic.blocks import block_form
from vtbench.count.symbolic.forms import Form

__all__ = ["Form", "block_form"]
