"""Micro-cases whose multiply-accumulates are written down by hand: the truth for every counter.

Adding a micro-case: one row in the file of its kind, with its truth as arithmetic. The tests of our
count and ``vtbench conformance`` go through all of them.
"""

from vtbench.count.cases.attention import ATTENTION_CASES
from vtbench.count.cases.convolutions import CONVOLUTION_CASES
from vtbench.count.cases.micro_case import Case, given
from vtbench.count.cases.products import PRODUCT_CASES
from vtbench.count.cases.recurrent import RECURRENT_CASES
from vtbench.count.cases.structure import STRUCTURE_CASES
from vtbench.count.cases.unseen import UNSEEN_CASES

CASES: tuple[Case, ...] = (
    *PRODUCT_CASES, *CONVOLUTION_CASES, *ATTENTION_CASES,
    *RECURRENT_CASES, *STRUCTURE_CASES, *UNSEEN_CASES,
)  # fmt: skip

__all__ = ["CASES", "Case", "given"]
