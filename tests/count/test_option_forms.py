"""Closed forms in options: ranges, rates, roundings, and interpolation that says what it is."""

from __future__ import annotations

import math
import sys

import pytest

from vtbench.count.symbolic import derive
from vtbench.data.closed_form import Symbol, holds, parse, value
from vtbench.data.workload import Workload
from vtbench.errors import Untraceable

NETS = '''
import math
import torch
from torch import nn


class Kept(nn.Module):
    """A product for every one of the tokens that are kept, and for every pair of them."""

    def __init__(self, how):
        super().__init__()
        self.how, self.layer = how, nn.Linear(8, 8)

    def forward(self, x):
        x = x[:, : self.how(x.shape[1])]
        return self.layer(x) @ x.transpose(1, 2)


def kept(k: int = 6):
    return Kept(lambda n: min(k, 10**6)), torch.empty(1, 40, 8)


def hidden(keep: float = 0.5):
    return Kept(lambda n: len(range(int(n * keep)))), torch.empty(1, 40, 8)


def at_rate(keep: float = 0.5, how: str = "int", tokens: int = 40):
    take = {"int": int, "floor": math.floor, "ceil": math.ceil, "round": round,
            "floordiv": lambda rate: int(rate // 1)}[how]
    return Kept(lambda n: take(n * keep)), torch.empty(1, tokens, 8)


class Topk(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.k, self.layer = k, nn.Linear(8, 8)

    def forward(self, x):
        places = x[:, :, 0].topk(self.k, dim=1).indices
        return self.layer(torch.gather(x, 1, places.unsqueeze(-1).expand(-1, -1, 8)))


def topk(k: int = 20):
    return Topk(k), torch.empty(1, 40, 8)


class Deep(nn.Module):
    def __init__(self, steps):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(steps))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def deep(depth: int = 4):
    return Deep(depth), torch.empty(1, 8)


def every_other(depth: int = 30):
    return Deep(depth // 2), torch.empty(1, 8)


def alternating(depth: int = 30):
    return Deep(3 * depth if depth % 2 else depth), torch.empty(1, 8)


def two_parts(depth: int = 30):
    return Deep(depth if depth <= 40 else 2 * depth), torch.empty(1, 8)


def erratic(depth: int = 30):
    return Deep(depth * depth * 7919 % 101), torch.empty(1, 8)


def grid(depth: int = 4, width: int = 8):
    return nn.Sequential(*(nn.Linear(width, width) for _ in range(depth))), torch.empty(1, width)
'''


@pytest.fixture(scope="module")
def nets(tmp_path_factory):
    """A module of models in the current directory."""
    folder = tmp_path_factory.mktemp("nets")
    (folder / "option_nets.py").write_text(NETS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield "option_nets"
        sys.modules.pop("option_nets", None)


def form(model, *symbols, seconds=20.0, **options):
    workload = Workload(model=model, options=tuple(sorted(options.items())))
    return derive.block_formula(workload, symbols, time_limit=seconds)


def k(example=6, low=1, high=40):
    return Symbol(name="k", example=example, low=low, high=high)


def cost(tokens):
    return 64 * tokens + 8 * tokens**2  # a layer of 8 x 8, and a product of 8 for each pair


def test_a_number_of_tokens_has_a_form_over_its_range(nets):
    found = form(f"{nets}:kept", k())
    assert (found.macs, found.method) == ("8*k**2 + 64*k", "symbolic")
    assert found.conditions == ("1 <= k <= 40",)
    assert (found.at_least, found.at_most, found.values) == ({"k": 1}, {"k": 40}, 40)
    assert {1, 40} <= {proof.sizes["k"] for proof in found.checked_at}
    assert all(proof.macs == cost(proof.sizes["k"]) for proof in found.checked_at)


def test_a_range_beyond_what_the_model_takes_is_cut_and_said(nets):
    found = form(f"{nets}:topk", k(20, 1, 100))
    assert (found.macs, found.conditions) == ("64*k", ("1 <= k <= 40",))
    (note,) = found.notes
    assert note.startswith("Above k = 40: k=41 is refused")
    assert not holds(found, {"k": 41})


@pytest.mark.parametrize(
    ("how", "rounded"),
    [("int", int), ("floor", math.floor), ("ceil", math.ceil), ("round", round),
     ("floordiv", lambda rate: int(rate // 1))],
)  # fmt: skip
def test_a_rate_is_rounded_in_the_form_as_in_the_model(nets, how, rounded):
    found = form(f"{nets}:at_rate", Symbol(name="keep", example=0.5), how=how)
    assert found.method == "symbolic"
    tree, compared = parse(found.macs), 0
    for hundredths in range(1, 101):
        rate = hundredths / 100
        if holds(found, {"keep": rate}):
            assert value(tree, {"keep": rate}) == cost(rounded(40 * rate)), rate
            compared += 1
    assert compared > 90
    assert found.growth == "quadratic in keep"


def test_a_rate_that_floating_point_rounds_otherwise_is_no_part_of_the_claim(nets):
    found = form(f"{nets}:at_rate", Symbol(name="keep", example=0.5), tokens=100)
    assert int(100 * 0.29) == 28  # and not 29
    assert "keep != 29/100" in found.where
    assert not holds(found, {"keep": 0.29})
    assert holds(found, {"keep": 0.3})


def test_what_decides_the_structure_is_interpolated_and_every_value_is_held_out(nets):
    found = form(f"{nets}:deep", Symbol(name="depth", example=4, low=1, high=12))
    assert (found.macs, found.method) == ("64*depth", "interpolated")
    assert (found.counted, found.values) == (12, 12)
    assert "structure" in found.reason


@pytest.mark.parametrize(
    ("model", "expected"),
    [("every_other", lambda n: 64 * (n // 2)), ("alternating", lambda n: 64 * (n + n % 2 * 2 * n))],
)
def test_counts_that_repeat_have_a_rounding_or_a_rest_in_their_form(nets, model, expected):
    found = form(f"{nets}:{model}", Symbol(name="depth", example=30, low=1, high=60))
    assert (found.counted, found.values, found.method) == (60, 60, "interpolated")
    tree = parse(found.macs)
    assert [value(tree, {"depth": n}) for n in range(1, 61)] == [*map(expected, range(1, 61))]


def test_a_form_ends_where_the_counts_follow_another_one(nets):
    found = form(f"{nets}:two_parts", Symbol(name="depth", example=30, low=1, high=60))
    assert (found.macs, found.conditions) == ("64*depth", ("1 <= depth <= 40",))
    assert (found.counted, found.values) == (40, 40)
    assert found.notes == (
        "Above depth = 40: its form gives 2,624 at depth=41, where 5,248 are counted.",
    )


def test_what_follows_no_rule_is_refused_with_what_to_change(nets):
    with pytest.raises(Untraceable, match="not a polynomial of depth") as raised:
        form(f"{nets}:erratic", Symbol(name="depth", example=30, low=1, high=60))
    assert "--symbol depth=30:LOW..HIGH" in str(raised.value)


def test_two_symbols_are_interpolated_on_a_grid(nets):
    depth = Symbol(name="depth", example=4, low=1, high=12)
    found = form(f"{nets}:grid", depth, Symbol(name="width", example=8, low=1, high=20))
    assert (found.macs, found.method) == ("depth*width**2", "interpolated")


def test_a_line_that_made_a_plain_number_is_named(nets):
    with pytest.raises(Untraceable, match=r"option_nets.py, line \d+ \(.*len\(range") as raised:
        form(f"{nets}:hidden", Symbol(name="keep", example=0.5))
    assert "--symbol" in str(raised.value)
