"""Zero and called complete: work in sparse layouts, in fused scripts and in foreign code."""

import ctypes

import pytest
import torch
from torch import nn

import vtbench
from vtbench.count.count_module import CountSettings, count_module

PATTERN = torch.zeros(6, 8)
PATTERN[0, :3], PATTERN[3, 5], PATTERN[4, 1] = 1, 2, 3
STORED = 5
COLUMNS = 7

LAYOUTS = {
    "coo": PATTERN.to_sparse(),
    "csr": PATTERN.to_sparse_csr(),
    "csc": PATTERN.to_sparse_csc(),
}
PRODUCTS = {
    "matmul": (lambda s, x: s @ x, COLUMNS),
    "mm": (torch.mm, COLUMNS),
    "sparse.mm": (torch.sparse.mm, COLUMNS),
    "addmm": (lambda s, x: torch.addmm(torch.zeros(6, COLUMNS), s, x), COLUMNS),
    "vector": (lambda s, x: s @ x[:, 0], 1),
    "linear": (lambda s, x: nn.functional.linear(x.T, s), COLUMNS),
    "on the right": (lambda s, x: x.T @ s.t(), COLUMNS),
}


class Does(nn.Module):
    """Something with a matrix and the input."""

    def __init__(self, matrix, what):
        super().__init__()
        self.register_buffer("matrix", matrix)
        self.what = what

    def forward(self, x):
        return self.what(self.matrix, x)


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("product", PRODUCTS)
def test_a_sparse_product_costs_what_is_stored(layout, product, grad):
    what, columns = PRODUCTS[product]
    settings = CountSettings(grad=grad)
    model = Does(LAYOUTS[layout], what)
    rows = count_module(model, ((torch.ones(8, COLUMNS),), {}), settings).rows
    assert all(row.status != "unknown" for row in rows)
    assert sum(row.macs for row in rows) == STORED * columns


@pytest.mark.filterwarnings("ignore:Sparse")
def test_blocks_are_stored_whole():
    blocks = PATTERN.to_sparse_bsr((2, 2))
    assert blocks.values().numel() == 4 * 4
    assert vtbench.count(Does(blocks, torch.mm), torch.ones(8, 7)).macs == 16 * 7


def test_two_sparse_matrices_multiply_where_both_store():
    other = torch.zeros(8, 4)
    other[1], other[5, 0] = 1, 1
    # column 1 holds 2 elements and meets a row of 4, column 5 holds 1 and meets 1
    model = Does(LAYOUTS["coo"], lambda s, x: torch.sparse.mm(s, x.to_sparse()))
    assert vtbench.count(model, other).macs == 2 * 4 + 1 * 1


def test_a_batch_of_sparse_matrices():
    batch = torch.stack([PATTERN, PATTERN * 0]).to_sparse()
    count = vtbench.count(Does(batch, torch.bmm), torch.ones(2, 8, 7))
    assert count.macs == STORED * 7


def test_a_sampled_product_costs_what_is_sampled():
    model = Does(LAYOUTS["csr"], lambda s, x: torch.sparse.sampled_addmm(s, x, torch.ones(9, 8)))
    assert vtbench.count(model, torch.ones(6, 9)).macs == STORED * 9


def nets():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 4)).eval()


EAGER = 2 * 36 * 8 * 27 + 2 * 288 * 4


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("road", ["auto", "real"])
def test_a_script_that_was_optimised_for_inference_is_unknown_and_not_zero(road):
    script = torch.jit.optimize_for_inference(torch.jit.script(nets()))
    for model in (script, nn.Sequential(script)):
        found = count_module(model, ((torch.ones(2, 3, 8, 8),), {}), CountSettings(road=road))
        unknown = [row.op for row in found.rows if row.status == "unknown"]
        assert unknown or sum(row.macs for row in found.rows) == EAGER


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("road", ["meta", "real"])
def test_a_script_that_was_fused_as_it_ran_is_counted_as_written(road):
    x = torch.ones(2, 3, 8, 8)
    torch.jit.enable_onednn_fusion(True)
    try:
        traced = torch.jit.freeze(torch.jit.trace(nets(), x))
        traced(x)
        traced(x)
        found = count_module(traced, ((x,), {}), CountSettings(road=road))
    finally:
        torch.jit.enable_onednn_fusion(False)
    assert sum(row.macs for row in found.rows) == EAGER
    assert all(row.status != "unknown" for row in found.rows)


class Fills(nn.Module):
    """A buffer that something fills which no dispatcher sees, then returned or read."""

    def __init__(self, make, *, read):
        super().__init__()
        self.make = make
        self.read = read

    def forward(self, x):
        out = self.make(x)
        ctypes.memset(out.untyped_storage().data_ptr(), 0x40, 64)
        return out * 2 if self.read else out


MAKES = {
    "empty": lambda x: torch.empty(4, 4),
    "zeros": lambda x: torch.zeros(4, 4),
    "zeros_like": torch.zeros_like,
    "new_ones": lambda x: x.new_ones(4, 4),
    "full": lambda x: torch.full((4, 4), 0.5),
    "narrow": lambda x: torch.full((4, 8), 0.1, dtype=torch.bfloat16)[:, :4],
}


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("read", [False, True])
def test_a_buffer_that_was_filled_unseen_is_unknown(make, read):
    model = Fills(MAKES[make], read=read)
    found = count_module(model, ((torch.ones(4, 4),), {}), CountSettings(road="real"))
    assert "outside.unseen_write" in [row.op for row in found.rows if row.status == "unknown"]


@pytest.mark.parametrize("make", [each for each in MAKES if each != "empty"])
def test_a_buffer_that_holds_what_it_was_made_with_is_not_suspected(make):
    class Adds(nn.Module):
        def forward(self, x):
            out = MAKES[make](x)
            view = MAKES[make](x)
            view[0] = x[0]
            other = MAKES[make](x).double().clone() + 1
            return out + x, view + 1, other, MAKES[make](x), MAKES[make](x).to(torch.int32)

    found = count_module(Adds(), ((torch.ones(4, 4),), {}), CountSettings(road="real"))
    assert all(row.status != "unknown" for row in found.rows)
    assert found.readers == ()
    assert not any(row.op.startswith(("aten.eq", "aten.equal")) for row in found.rows)
