"""What a user should know of what was done, and that ends nothing."""

from __future__ import annotations


class Notice(UserWarning):
    """A warning whose message is a sentence for the user; the command line says it as its own."""
