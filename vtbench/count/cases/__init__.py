"""Micro-cases whose multiply-accumulates are written down by hand: the truth for every counter."""

from vtbench.count.cases.attention import ATTENTION
from vtbench.count.cases.convolutions import CONVOLUTIONS
from vtbench.count.cases.micro_case import Case, given
from vtbench.count.cases.products import PRODUCTS
from vtbench.count.cases.recurrent import RECURRENT
from vtbench.count.cases.structure import STRUCTURE
from vtbench.count.cases.unseen import UNSEEN

CASES: tuple[Case, ...] = (
    *PRODUCTS, *CONVOLUTIONS, *ATTENTION, *RECURRENT, *STRUCTURE, *UNSEEN,
)  # fmt: skip

__all__ = ["CASES", "Case", "given"]
