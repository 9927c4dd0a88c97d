"""The numbers that a field can hold, as types: whoever reads a file is held to them.

Beside these every number of a file is held to `SMALLEST` and `LARGEST`, so that whatever is
computed of several of them is finite. Bounds are far beyond anything that is ever counted or
measured; they stop what no run can have written.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

SMALLEST, LARGEST = -30, 24
"""The decimal orders between which every number of a file lies that is not zero."""

Count = Annotated[int, Meta(ge=0)]
"""A number of things: multiply-accumulates, bytes, calls, parameters."""
Size = Annotated[int, Meta(ge=1, le=10**12)]
"""A number of things of which there is at least one: pixels, images, steps."""
Seconds = Annotated[float, Meta(ge=1e-12, le=1e9)]
"""A time that was measured: not nothing, and at most some thirty years."""
Amount = Annotated[float, Meta(ge=0)]
"""A time or a share that may be nothing."""
Rate = Annotated[float, Meta(ge=1e-12)]
"""So many a second, which others are divided by."""
Threads = Annotated[int, Meta(ge=1, le=10**6)]
"""A number of CPU threads."""
