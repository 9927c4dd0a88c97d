"""A count imports neither torch's compiler nor sympy for itself, and leaves both as they are."""

import itertools
import subprocess
import sys

import pytest
import torch

from vtbench.count.meta_execution import META, SHAPE_KEEPING, same_layout

NET = """
import sys, torch, vtbench
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, 2, 1)
        self.norm = nn.LayerNorm(8)
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(8, 10)

    def forward(self, x):
        x = self.pool(self.conv(x)).flatten(2).transpose(1, 2)
        x = x + self.norm(x) * 2
        x = (x @ x.transpose(1, 2)).softmax(2) @ x
        return self.head(x.mean(1))

net = Net().eval()
counted = vtbench.count(net, torch.randn(1, 3, 32, 32))
# 16x16 positions of 3*3*3*8, two products of 64 tokens of 8, a head of 8 to 10
assert counted.macs == 16 * 16 * 216 + 2 * 64 * 64 * 8 + 80, counted.macs
"""


def run(code):
    done = subprocess.run(
        [sys.executable, "-c", NET + code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_count_does_not_import_the_compiler():
    assert run("print('torch._dynamo' in sys.modules)") == ["False"]


RESIZING = """
from torch.nn import functional as F

class Resizes(nn.Module):
    def forward(self, x):
        for mode in ("bilinear", "bicubic", "nearest"):
            x = F.interpolate(x, scale_factor=2.0, mode=mode)
        x = F.gelu(F.adaptive_avg_pool2d(x, 8)) + torch.where(x[..., :8, :8] > 0, 1, 2.5)
        return F.grid_sample(x, torch.zeros(1, 4, 4, 2)) @ F.one_hot(torch.arange(4)).half().float()

counted = vtbench.count(Resizes(), torch.randn(1, 3, 8, 8))
assert counted.macs == 3 * 4 * 4 * 4, counted.macs
"""


def test_a_count_does_not_import_sympy_for_the_types_of_results():
    assert run(RESIZING + "print('sympy' in sys.modules)") == ["False"]


def test_types_of_symbols_are_torchs_own_to_find_once_sympy_is_there():
    code = """
import sympy
from torch._prims_common import ELEMENTWISE_TYPE_PROMOTION_KIND as KIND, elementwise_dtypes
from vtbench.count.plain_shapes import plain_shapes

with plain_shapes():
    from torch._prims_common import elementwise_dtypes as within
    kind = KIND.DEFAULT
    print(within(sympy.Integer(2), 1, type_promotion_kind=kind)[1], within is elementwise_dtypes)
from torch._prims_common import elementwise_dtypes as after
print(after is elementwise_dtypes)
"""
    assert run(code) == ["torch.int64", "False", "True"]


def test_symbolic_shapes_are_torchs_own_once_a_count_is_over():
    code = """
name = "torch.fx.experimental.symbolic_shapes"
print(type(sys.modules.get(name, torch)).__name__)
import torch.fx.experimental.symbolic_shapes as real
print(real.__spec__.name == name, real.expect_true(True), real.ShapeEnv.__name__)
"""
    assert run(code) == ["module", "True", "True", "ShapeEnv"]


def test_compiling_after_a_count_gives_what_it_gave_before():
    code = """
x = torch.randn(2, 3, 32, 32)
compiled = torch.compile(net, backend="eager")
print(torch.equal(compiled(x), net(x)))
again = vtbench.count(compiled, torch.randn(1, 3, 32, 32))
print(again.macs == counted.macs, vtbench.count(net, torch.randn(1, 3, 32, 32)) == counted)
"""
    assert run(code)[:2] == ["True", "True"]


def test_a_model_that_imports_symbolic_shapes_while_it_is_counted_gets_them():
    code = """
class Asks(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = net
    def forward(self, x):
        from torch.fx.experimental.symbolic_shapes import ShapeEnv, guard_int
        from torch.fx.experimental import symbolic_shapes
        assert symbolic_shapes.ShapeEnv is ShapeEnv and ShapeEnv.__module__.endswith("_shapes")
        return self.net(x) * guard_int(2)
sys.modules.pop("torch.fx.experimental.symbolic_shapes", None)
print(vtbench.count(Asks(), torch.randn(1, 3, 32, 32)).macs == counted.macs)
"""
    assert run(code) == ["True"]


LAYOUTS = {
    "rows": lambda: torch.empty((2, 6, 4, 4), device=META),
    "channels last": lambda: torch.empty((2, 6, 4, 4), device=META).to(
        memory_format=torch.channels_last
    ),
    "transposed": lambda: torch.empty((2, 4, 6, 4), device=META).transpose(1, 2),
    "with gaps": lambda: torch.empty((2, 6, 4, 8), device=META)[..., ::2],
    "spread": lambda: torch.empty((2, 6, 1, 4), device=META).expand(2, 6, 4, 4),
    "one row": lambda: torch.empty((1, 4), device=META),
    "halves": lambda: torch.empty((2, 6, 4, 4), device=META, dtype=torch.bfloat16),
    "whole numbers": lambda: torch.empty((2, 6, 4, 4), device=META, dtype=torch.int64),
    "a number": lambda: 2,
    "a real": lambda: 0.5,
}


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div"])
def test_pairs_are_laid_out_as_torch_lays_them_out(name):
    operator = getattr(torch.ops.aten, name).Tensor
    assert str(operator) in SHAPE_KEEPING
    for one, other in itertools.product(LAYOUTS, repeat=2):
        x, y = LAYOUTS[one](), LAYOUTS[other]()
        if not isinstance(x, torch.Tensor):
            continue
        try:
            expected = operator(x, y)
        except RuntimeError:
            with pytest.raises(RuntimeError):
                same_layout(operator, (x, y), {})
            continue
        given = same_layout(operator, (x, y), {})
        assert (given.shape, given.stride(), given.dtype) == (
            expected.shape,
            expected.stride(),
            expected.dtype,
        ), (one, other)


@pytest.mark.parametrize(
    "layout", [name for name in LAYOUTS if "number" not in name and name != "a real"]
)
def test_softmax_is_laid_out_as_torch_lays_it_out(layout):
    x = LAYOUTS[layout]()
    operator = torch.ops.aten.softmax.int
    for axis in (-1, 0, 1):
        expected, given = torch.softmax(x, axis), same_layout(operator, (x, axis), {})
        assert (given.shape, given.stride()) == (expected.shape, expected.stride())


@pytest.mark.parametrize("axes", [[1], [-1], [1, 2], [0, 1, 2, 3], [], [2, -2], [9], None])
@pytest.mark.parametrize("layout", list(LAYOUTS)[:7])
def test_means_are_laid_out_as_torch_lays_them_out(layout, axes):
    x, operator = LAYOUTS[layout](), torch.ops.aten.mean.dim
    for kept in (False, True):
        try:
            expected = operator(x, axes, kept)
        except (IndexError, RuntimeError) as error:
            with pytest.raises(type(error)):
                same_layout(operator, (x, axes, kept), {})
            continue
        given = same_layout(operator, (x, axes, kept), {})
        assert (given.shape, given.stride()) == (expected.shape, expected.stride())
