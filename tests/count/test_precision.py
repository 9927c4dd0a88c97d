"""MACs by the dtypes of the operands, against counts written out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import vtbench
from vtbench.data.condensed import condensed
from vtbench.report.breakdown import NOT_NOTED, breakdown


class Mixed(nn.Module):
    """One product in each of three precisions, of 2·3·5, 32·16·8 and 2·3·7 MACs."""

    def __init__(self) -> None:
        super().__init__()
        self.single = nn.Linear(3, 5)
        self.brief = nn.Linear(3, 7).bfloat16()
        self.register_buffer("left", torch.ones(32, 16, dtype=torch.int8))
        self.register_buffer("right", torch.ones(16, 8, dtype=torch.int8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        whole = torch._int_mm(self.left, self.right)
        return self.single(x).sum() + self.brief(x.bfloat16()).sum() + whole.sum()


class Packed(nn.Module):
    """A product of bfloat16 with weights that are stored as int8."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.ones(8, 16, dtype=torch.int8))
        self.register_buffer("scales", torch.ones(8, dtype=torch.bfloat16))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.aten._weight_int8pack_mm(x.bfloat16(), self.weight, self.scales)


class Autocast(nn.Module):
    """A linear layer that runs in bfloat16, whatever its weights are kept in."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return self.layer(x)


@pytest.mark.parametrize(
    ("model", "shape", "expected"),
    [
        (
            Mixed(),
            (2, 3),
            {"int8 × int8": 4096, "bfloat16 × bfloat16": 42, "float32 × float32": 30},
        ),
        (Packed(), (4, 16), {"bfloat16 × int8": 4 * 16 * 8}),
        (Autocast(), (2, 3), {"bfloat16 × bfloat16": 30}),
        (nn.LSTM(3, 4), (5, 2, 3), {"float32 × float32": 5 * 2 * 4 * 4 * (3 + 4)}),
        (nn.ReLU(), (2, 3), {}),
    ],
)
def test_macs_by_precision(
    model: nn.Module, shape: tuple[int, ...], expected: dict[str, int]
) -> None:
    """Every product stands under what it multiplies, and the parts sum to the total."""
    record = vtbench.count(model, torch.zeros(shape)).record
    found = breakdown(record, "precision")
    assert {part.name: part.macs for part in found if part.macs} == expected
    assert sum(expected.values()) == record.macs


def test_a_bias_is_no_operand() -> None:
    """With a bias that is added first, the two that are multiplied are still found."""

    class Added(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.addmm(torch.zeros(5), x, torch.ones(3, 5))

    record = vtbench.count(Added(), torch.zeros(2, 3)).record
    part = next(iter(breakdown(record, "precision")))
    assert (part.name, part.calls, part.macs) == ("float32 × float32", 1, 30)


def test_condensed_records_say_that_it_is_not_noted() -> None:
    """The whole stands under a name of its own, and still sums to the total."""
    record = condensed(vtbench.count(nn.Linear(3, 5), torch.zeros(2, 3)).record)
    (part,) = breakdown(record, "precision")
    assert (part.name, part.macs) == (NOT_NOTED, 30)
