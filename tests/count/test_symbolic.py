"""Closed forms in corners: sizes built in, squares, one size, interpolation, limits, blocks."""

from __future__ import annotations

import sys
import time

import pytest
import sympy
import torch
from installed import before
from torch import nn

from vtbench.count.count_workload import count_workload
from vtbench.count.symbolic import block_form
from vtbench.count.symbolic.derive import formula
from vtbench.count.symbolic.floors import Floors
from vtbench.count.symbolic.nodes import Sizes
from vtbench.count.symbolic.time_limit import within
from vtbench.count.symbolic.tracing import traced
from vtbench.data.closed_form import parse, value
from vtbench.data.workload import InputSpec, Workload, freeze_options
from vtbench.errors import Untraceable, VtbenchError

NETS = '''
import torch
from installed import before
from torch import nn


class Reads(nn.Module):
    """Reads its size as a plain number, which hides it from symbols."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)

    def forward(self, x):
        x = self.conv(x).flatten(2)
        tokens = len(range(x.shape[2]))
        return torch.ones(tokens, tokens, device=x.device) @ x.transpose(1, 2)


class Chooses(nn.Module):
    """Reads values, so that no shape is known before it runs."""

    def forward(self, x):
        return x[x > 0].unsqueeze(1) @ torch.ones(1, 4)


class Halves(nn.Module):
    """Costs more where the height is odd."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        x = self.conv(x)
        return self.conv(x[:, :3]) if x.shape[2] % 2 else x


def reads(): return Reads()
def chooses(): return Chooses()
def halves(): return Halves()


def clip(frames: int = 4):
    return nn.Conv3d(3, 8, 2, stride=2), torch.empty(2, 3, frames, 32, 48)
'''


@pytest.fixture
def nets(tmp_path, monkeypatch):
    """A module of models in the current directory."""
    (tmp_path / "formula_nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    yield "formula_nets"
    sys.modules.pop("formula_nets", None)


def agrees(found, **sizes):
    """Whether a form gives what the command counts at a size."""
    workload = Workload(
        model=found.model, resolution=(sizes["H"], sizes["W"]), batch_size=sizes["B"]
    )
    return value(parse(found.macs), sizes) == count_workload(workload).macs


# floors


def test_equal_roundings_have_one_name():
    floors = Floors()
    h = sympy.Symbol("h", integer=True, positive=True)
    floors.add_size(h)
    padded = floors.normal(h + floors.quotient(-h, sympy.Integer(7)) * -7 - h)
    assert padded == 7 * -floors.quotient(-h, sympy.Integer(7))
    half = floors.quotient(h + 1, sympy.Integer(2))
    assert floors.quotient(half + 1, sympy.Integer(2)) == floors.quotient(h + 3, sympy.Integer(4))
    assert floors.spelled_out(half) == sympy.ceiling(h / 2)


def test_a_maximum_that_one_side_always_wins_is_that_side():
    floors = Floors()
    h = sympy.Symbol("h", integer=True, positive=True)
    floors.add_size(h)
    assert floors.larger(h, sympy.Integer(1)) == h
    assert floors.smaller(h, sympy.Integer(0)) == 0
    undecided = floors.larger(h, sympy.Integer(9))
    assert floors.spelled_out(undecided) == sympy.Max(9, h)


def test_rounding_agrees_with_whole_numbers_on_a_long_range():
    floors = Floors()
    h = sympy.Symbol("h", integer=True, positive=True)
    floors.add_size(h)
    conv = floors.quotient(h + 2 * 3 - 7, sympy.Integer(2)) + 1
    pool = floors.quotient(conv + 2 - 3, sympy.Integer(2)) + 1
    said = sympy.lambdify(h, floors.spelled_out(pool))
    for size in range(1, 400):
        first = (size + 2 * 3 - 7) // 2 + 1
        assert said(size) == (first + 2 - 3) // 2 + 1


# the trace


def test_a_trace_leaves_the_model_and_the_built_in_functions_as_they_were():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()
    before, usual = {k: v.clone() for k, v in model.state_dict().items()}, max
    kept = dict(model.named_parameters())
    sizes = Sizes()
    h = sizes.size("h", 20)
    result = traced(model, sizes, lambda: ((torch.empty(2, 3, h, 9),), {}))
    # 2 images, 4 channels, (h - 2) x 7 positions, 3 x 3 x 3 products each
    assert sympy.expand(result.macs - 2 * 4 * (sizes_symbol(h) - 2) * 7 * 27) == 0
    assert max is usual
    assert all(torch.equal(v, model.state_dict()[k]) for k, v in before.items())
    assert all(model.get_parameter(name) is tensor for name, tensor in kept.items())
    assert torch.backends.mha.get_fastpath_enabled()


def sizes_symbol(size):
    return size.node.expr


def test_an_operator_without_a_formula_is_no_closed_form():
    class Strange(nn.Module):
        def forward(self, x):
            return torch.ops.vtbench_symbolic_test.strange(x)

    library = torch.library.Library("vtbench_symbolic_test", "DEF")
    library.define("strange(Tensor x) -> Tensor")
    library.impl("strange", lambda x: x.clone(), "CompositeExplicitAutograd")
    sizes = Sizes()
    h = sizes.size("h", 20)
    with pytest.raises(Untraceable, match=r"vtbench_symbolic_test\.strange"):
        traced(Strange(), sizes, lambda: ((torch.empty(2, h),), {}))


def test_the_time_limit_stops_what_hangs_and_passes_on_what_is_raised():
    began = time.monotonic()
    with pytest.raises(Untraceable, match="longer than"):
        within(0.3, lambda: time.sleep(60))
    assert time.monotonic() - began < 5

    def refuses():
        raise Untraceable("it refuses.")

    with pytest.raises(Untraceable, match="it refuses"):
        within(5, refuses)
    assert within(5, lambda: {"a": 2**80}) == {"a": 2**80}


# models


def test_a_model_that_is_built_for_its_size_has_a_form_in_the_size():
    found = formula(Workload(model="beit_base_patch16_224"), time_limit=120)
    # tokens n = h·w + 1, width 768, 12 layers of 12·n·C² + 2·n²·C, and patches of 3·16·16
    h, w, b, width = *sympy.symbols("h w B"), 768
    tokens = h * w + 1
    known = 12 * (12 * tokens * width**2 + 2 * tokens**2 * width) + h * w * 3 * 256 * width
    known = b * (known + width * 1000)
    assert found.method == "symbolic"
    assert sympy.expand(sympy.sympify(found.macs_unit) - known) == 0
    assert agrees(found, B=2, H=192, W=320)


@pytest.mark.skipif(
    before("torch", 2, 7), reason="torch 2.6 makes no whole number of the root of a symbolic size"
)
def test_a_model_that_takes_squares_alone_says_so():
    found = formula(Workload(model="convit_tiny"), time_limit=120)
    assert found.square
    assert "H = W" in found.conditions
    assert found.growth == "quadratic in pixels"
    assert agrees(found, B=2, H=288, W=288)


def test_a_model_that_takes_one_size_has_a_form_in_the_batch_and_says_so():
    small = Workload(model="efficientformer_l1", options=freeze_options({"depths": [1, 1, 1, 1]}))
    found = formula(small, time_limit=120)
    assert (found.method, found.growth) == ("fixed size", "fixed size")
    assert found.conditions == ("H = 224, W = 224",)
    assert found.degree == {"B": 1, "H": 0, "W": 0}
    single = count_workload(small).macs
    assert sympy.sympify(found.macs) == single * sympy.Symbol("B")


@pytest.mark.skipif(before("transformers", 5), reason="this BERT reads its tokens' values")
def test_tokens_are_a_size_of_their_own():
    spec = InputSpec(name="input_ids", shape=(1, 64), dtype="int64")
    found = formula(Workload(model="transformers:BertModel", inputs=(spec,)), time_limit=120)
    layers, width = 12, 768
    b, t = sympy.symbols("B T")
    known = b * (layers * (12 * t * width**2 + 2 * t**2 * width) + width**2)  # and the pooler
    assert sympy.expand(sympy.sympify(found.macs) - known) == 0
    assert found.growth == "quadratic in tokens"


def test_a_model_that_hides_its_size_is_interpolated_and_labelled(nets):
    found = formula(Workload(model=f"{nets}:reads"), time_limit=60)
    assert found.method == "interpolated"
    assert found.reason
    assert found.conditions == ("H, W multiples of 32",)
    # the convolution 3·3·3·4 at h·w·16² positions, and tokens² · 4 per image
    for height, width in ((32, 32), (320, 96)):
        tokens = (height // 2) * (width // 2)
        sizes = {"B": 3, "H": height, "W": width}
        assert value(parse(found.macs), sizes) == 3 * (tokens * 108 + tokens**2 * 4)


def test_a_form_is_never_shown_for_sizes_at_which_the_model_does_something_else(nets):
    found = formula(Workload(model=f"{nets}:halves"), time_limit=60)
    for sizes in ({"B": 1, "H": 224, "W": 10}, {"B": 1, "H": 226, "W": 10}):
        assert value(parse(found.macs), sizes) == sizes["H"] * 10 * 12
    assert found.multiple_of["H"] % 2 == 0  # odd heights cost twice as much


def test_a_model_that_depends_on_values_has_no_form(nets):
    with pytest.raises(VtbenchError, match=r"formula_nets:chooses"):
        formula(Workload(model=f"{nets}:chooses"), time_limit=20)


def test_a_clip_has_a_form_in_height_and_width(nets):
    found = formula(Workload(model=f"{nets}:clip"), time_limit=60)
    # 8 channels, 2 of 4 frames, half the sides, 3·2·2·2 products each
    for height, width in ((32, 48), (33, 51)):
        sizes = {"B": 5, "H": height, "W": width}
        assert value(parse(found.macs), sizes) == 5 * 8 * 2 * (height // 2) * (width // 2) * 24


# blocks


class Attention(nn.Module):
    """Plain multi-head attention, as in any textbook."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.head = heads, width // heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, self.head)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        scores = (q @ k.transpose(-2, -1) * self.head**-0.5).softmax(-1)
        return self.out((scores @ v).transpose(1, 2).reshape(batch, tokens, width))


class Block(nn.Module):
    """Attention and an MLP of four times the width, each with its norm."""

    def __init__(self, width, heads):
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(width), Attention(width, heads))
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x):
        x = x + self.attention(x)
        return x + self.mlp(x)


C, N, B, H, W, L = sympy.symbols("C N B H W L")


def as_expression(text):
    return sympy.sympify(text, locals={"C": C, "N": N, "B": B, "H": H, "W": W, "L": L})


@pytest.mark.parametrize("heads", [1, 6])
def test_attention_is_literally_the_textbook_formula(heads):
    form = block_form(
        lambda C, N: (Attention(C, heads), torch.empty(1, N, C)),
        {"C": 384, "N": 196},
        {"C": heads},
    )
    assert form.wide == "4*C**2*N + 2*C*N**2"
    assert form.growth == "quadratic in C, quadratic in N"


def test_a_transformer_block_is_literally_the_textbook_formula():
    form = block_form(
        lambda C, N, B: (Block(C, 6), torch.empty(B, N, C)),
        {"C": 384, "N": 196, "B": 2},
        {"C": 6},
    )
    assert sympy.expand(as_expression(form.wide) - B * (12 * N * C**2 + 2 * N**2 * C)) == 0


def test_torchs_own_layers_have_the_same_formula():
    form = block_form(
        lambda C, L, B: (
            nn.TransformerEncoderLayer(C, 4, 4 * C, batch_first=True),
            torch.empty(B, L, C),
        ),
        {"C": 64, "L": 30, "B": 2},
        {"C": 4},
    )
    assert sympy.expand(as_expression(form.wide) - B * (12 * L * C**2 + 2 * L**2 * C)) == 0


def test_convolutions_with_symbolic_channels_keep_their_floors():
    form = block_form(
        lambda C, H, W: (
            nn.Sequential(
                nn.Conv2d(C, C, 3, padding=1, groups=C), nn.Conv2d(C, 2 * C, 1, stride=2)
            ),
            torch.empty(1, C, H, W),
        ),
        {"C": 8, "H": 14, "W": 15},
    )
    half = sympy.ceiling(H / 2) * sympy.ceiling(W / 2)
    assert sympy.expand(as_expression(form.wide) - (9 * C * H * W + 2 * C**2 * half)) == 0


def test_a_block_whose_structure_depends_on_a_size_is_refused():
    with pytest.raises(Untraceable, match="structure"):
        block_form(
            lambda C: (nn.Sequential(*(nn.Linear(8, 8) for _ in range(C))), torch.empty(1, 8)),
            {"C": 4},
        )


def test_an_example_that_is_no_multiple_is_refused():
    with pytest.raises(Untraceable, match="C=385 is not a multiple of 6"):
        block_form(lambda C: (Attention(C, 6), torch.empty(1, 4, C)), {"C": 385}, {"C": 6})
