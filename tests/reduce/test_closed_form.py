"""The MACs of a method as a formula of its own option."""

from __future__ import annotations

import math

import vtbench
from vtbench.data.closed_form import parse, value

C, P = 192, 196


def block(n: int, m: int) -> int:
    """DeiT-T: n tokens attend, m are fed forward."""
    return 4 * n * C * C + 2 * n * n * C + 8 * m * C * C


def test_a_keep_rate_is_a_letter_with_its_range():
    found = vtbench.formula("evit_deit_t", symbol={"keep_rate": "0.7"})
    (derived,) = found.to_dict()["results"]
    kept, n, blocks = 0.6, P + 1, 0
    for index in range(12):
        m = math.ceil(kept * (n - 1)) + 2 if index in (3, 6, 9) else n
        blocks, n = blocks + block(n, m), m
    macs = 3 * 16 * 16 * P * C + blocks + C * 1000
    assert value(parse(derived["macs"]), {"keep_rate": kept}) == macs
    assert "0.01 <= keep_rate <= 0.99" in found.table()
