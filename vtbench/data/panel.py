"""What a model makes of an image at one place of the network, to be drawn over the image."""

from __future__ import annotations

import msgspec

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in units of the image."""
Point = tuple[float, float]
"""x and y, in units of the image."""


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """One picture: groups of patches, regions with points, or the weights of a token."""

    title: str
    """The place in the network."""
    said: str = ""
    """What is seen there, in a few words."""
    groups: tuple[tuple[int, ...], ...] = ()
    """Rows and columns of patches: the token that each is in; -1 if it was dropped."""
    boxes: tuple[Box, ...] = ()
    """A region for each token."""
    points: tuple[tuple[Point, ...], ...] = ()
    """The points that are read in each region."""
    weights: tuple[tuple[float, ...], ...] = ()
    """Rows and columns of a map: how much of a token comes from each place."""
