"""The figures of one workload over many inputs: every one of them, and what they come to."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any

import msgspec

from vtbench.data.bounds import Count
from vtbench.stats.mean import exact_mean, mean_half_width, quantile


class InputSet(msgspec.Struct, frozen=True, kw_only=True):
    """Inputs over which a figure is taken: drawn under seeds, or a source that was named."""

    seeds: Count | None = None
    """How many random inputs, of the seeds 0, 1, 2, ...; None if a source gives the inputs."""
    source: str | None = None
    """A folder of images, a ``.npy`` file, or a function; None if the inputs are drawn."""

    def said(self, number: int) -> str:
        """So many of these inputs, in words."""
        if self.source is not None:
            return f"{number} input{'s' if number != 1 else ''} of {self.source}"
        if number == 1:
            return "1 random input, seed 0"
        return f"{number} random inputs, seeds 0 to {number - 1}"


class VaryingOperator(msgspec.Struct, frozen=True, kw_only=True):
    """An operator whose multiply-accumulates or calls are not the same for every input."""

    op: str
    """The operator, such as ``aten.linear.default``."""
    min: Count
    """Its fewest multiply-accumulates for one input."""
    max: Count
    """Its most multiply-accumulates for one input."""
    min_calls: Count
    """Its fewest calls for one input."""
    max_calls: Count
    """Its most calls for one input."""


Number = int | float
"""A whole number stays one, at any size."""


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """A figure over inputs. The values are kept, and everything else is derived from them."""

    over: InputSet
    """The inputs that were asked for."""
    values: Annotated[tuple[Count, ...], msgspec.Meta(min_length=1)]
    """The figure for each input, in their order; at least one."""
    varying: tuple[VaryingOperator, ...] = ()
    """The operators that vary, the widest range of MACs first."""
    complete: bool = True
    """Whether no operator is unknown for any input; otherwise the values are lower bounds."""

    @property
    def n(self) -> int:
        """The number of inputs."""
        return len(self.values)

    @property
    def constant(self) -> bool:
        """Whether the figure is exactly the same for every input."""
        return len(set(self.values)) == 1

    @property
    def mean(self) -> Number:
        """The mean."""
        return _number(exact_mean(self.values))

    @property
    def half_width(self) -> float | None:
        """Half the width of the 95 % interval of the mean; None of a single input."""
        return mean_half_width(self.values)

    @property
    def low(self) -> Number | None:
        """The lower end of the 95 % interval of the mean, at least 0; None of a single input."""
        half = self.half_width
        return None if half is None else max(self.mean - half, 0) if half else self.mean

    @property
    def high(self) -> Number | None:
        """The upper end of the 95 % interval of the mean; None of a single input."""
        half = self.half_width
        return None if half is None else self.mean if not half else self.mean + half

    @property
    def median(self) -> Number:
        """The median of these inputs."""
        return self.at(50)

    @property
    def p5(self) -> Number:
        """The 5th percentile of these inputs, linear between neighbours."""
        return self.at(5)

    @property
    def p95(self) -> Number:
        """The 95th percentile of these inputs, linear between neighbours."""
        return self.at(95)

    @property
    def min(self) -> int:
        """The least."""
        return min(self.values)

    @property
    def max(self) -> int:
        """The greatest."""
        return max(self.values)

    def at(self, percent: int) -> Number:
        """A percentile of these inputs."""
        return _number(quantile(self.values, Fraction(percent, 100)))

    def to_dict(self) -> dict[str, Any]:
        """The distribution as docs/json.md promises it."""
        names = ("n", "mean", "low", "high", "median", "p5", "p95", "min", "max")
        data: dict[str, Any] = {name: getattr(self, name) for name in names}
        return {**data, "varying": [each.op for each in self.varying]}


def _number(value: Fraction) -> Number:
    return value.numerator if value.denominator == 1 else float(value)
