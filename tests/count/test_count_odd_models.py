"""Models that are unusual, or wrong: the count is that of a run on values, or there is none."""

import importlib
import random
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision.ops import DeformConv2d

import vtbench
from vtbench.count.count_module import CountSettings, count_module
from vtbench.errors import ModelError, UsageError


class Attention(nn.Module):
    """Scaled dot-product attention, and nothing else."""

    def forward(self, q, k, v, mask=None):
        return functional.scaled_dot_product_attention(q, k, v, mask)


@pytest.mark.parametrize(
    "queries", [(1, 4, 10, 8), (3, 1, 10, 8), (10, 8)], ids=["batch", "heads", "both"]
)
def test_attention_that_broadcasts_its_queries_counts_what_is_broadcast(queries):
    keys = torch.zeros(3, 4, 20, 8)
    count = vtbench.count(Attention(), torch.zeros(queries), keys, keys)
    assert count.macs == 3 * 4 * 10 * 20 * (8 + 8)
    assert count.to_dict()["activations"] == 3 * 4 * 10 * 20 + 3 * 4 * 10 * 8


@pytest.mark.parametrize(
    ("model", "shapes"),
    [
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.LayerNorm([8, 30, 30])), [(1, 3, 64, 64)]),
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(9)), [(2, 3, 8, 8)]),
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(3, 9)), [(2, 3, 8, 8)]),
        (Attention(), [(3, 4, 10, 8), (3, 3, 20, 8), (3, 3, 20, 8)]),
        (Attention(), [(3, 4, 10, 8), (3, 4, 20, 8), (3, 4, 20, 8), (10, 21)]),
    ],
    ids=["layer norm", "batch norm", "group norm", "heads", "mask"],
)
def test_what_raises_on_values_is_not_counted_on_shapes(model, shapes):
    inputs = [torch.zeros(shape) for shape in shapes]
    with pytest.raises(RuntimeError):
        model(*inputs)
    with pytest.raises(ModelError, match="raised RuntimeError when run"):
        vtbench.count(model, *inputs)


class GivesAway(nn.Module):
    """Two products on a thread of its own or on a pool, and a layer."""

    def __init__(self, pool=None):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.w = nn.Parameter(torch.zeros(4, 4))
        self.__dict__["pool"] = pool  # torch copies no pool

    def forward(self, x):
        if self.pool is not None:
            return sum(self.pool.map(lambda y: y @ self.w, (x, self.layer(x))))
        found = []
        threads = [Thread(target=lambda: found.append(x @ self.w)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.layer(x) + sum(found)


def test_products_on_threads_that_a_model_starts_are_unknown():
    count = vtbench.count(GivesAway(), torch.zeros(2, 4))
    assert count.macs == 2 * 4 * 4  # the layer alone
    (unknown,) = count.to_dict()["unknown_ops"]
    assert unknown == {
        "op": "outside.thread", "calls": 2, "estimated_macs": 2 * 2 * 4 * 4, "module": ""
    }  # fmt: skip


def test_products_on_a_pool_that_was_there_before_are_unknown_and_it_is_left_as_found():
    with ThreadPoolExecutor(1) as pool:
        model = GivesAway(pool)
        count = vtbench.count(model, torch.zeros(2, 4))
        assert (count.macs, count.complete) == (2 * 4 * 4, False)
        assert pool.submit(torch._C._len_torch_dispatch_stack).result() == 0
        model(torch.zeros(2, 4))
        assert vtbench.count(model, torch.zeros(2, 4)).to_dict()["unknown_ops"][0]["calls"] == 2


def test_a_thread_that_multiplies_nothing_leaves_the_count_complete():
    class Copies(nn.Module):
        def forward(self, x):
            thread = Thread(target=lambda: torch.cat([x, x]).relu())
            thread.start()
            thread.join()
            return x @ x.T

    count = vtbench.count(Copies(), torch.zeros(2, 4))
    assert (count.macs, count.complete) == (2 * 2 * 4, True)


def drawn():
    """A number between 0 and 1 from each generator of the process."""
    return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002, S311 - models do


class Meddles(nn.Module):
    """Draws from every generator, and changes what the whole process shares."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.drawn = []

    def forward(self, x):
        self.drawn.append(drawn())
        torch.manual_seed(5)
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_num_threads(1 + torch.get_num_threads() % 2)
        return self.layer(x)


@pytest.mark.parametrize("road", ["meta", "real"])
def test_what_a_model_changes_of_the_process_is_taken_back(road):
    model, x = Meddles(), torch.zeros(2, 4)
    settings = CountSettings(road=road)
    before = _surroundings()
    assert sum(row.macs for row in count_module(model, ((x,), {}), settings).rows) == 2 * 4 * 4
    assert _surroundings() == before


def _surroundings():
    generators = random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()  # noqa: NPY002 - the same
    return (
        *generators, torch.get_default_dtype(), torch.get_default_device(), torch.get_num_threads()
    )  # fmt: skip


@pytest.mark.parametrize("road", ["meta", "real"])
def test_what_a_file_computes_while_it_is_imported_is_not_counted(road, tmp_path, monkeypatch):
    name = f"imported_on_the_{road}_road"
    outer, inner = tmp_path / f"{name}.py", tmp_path / f"{name}_too.py"
    outer.write_text(
        f"import torch\nimport {name}_too\n"
        "product = torch.ones(2, 2) @ torch.ones(2, 2)\nproduct.numpy()\n"
    )
    inner.write_text("import torch\nproduct = torch.ones(3, 3) @ torch.ones(3, 3)\n")
    monkeypatch.syspath_prepend(tmp_path)

    class Imports(nn.Module):
        def forward(self, x):
            return x @ importlib.import_module(name).product.to(x.device)

    count = count_module(Imports(), ((torch.zeros(5, 2),), {}), CountSettings(road=road))
    assert [row.macs for row in count.rows if row.status != "zero"] == [5 * 2 * 2]


def test_what_a_file_runs_that_a_block_imports_is_counted(tmp_path, monkeypatch):
    (tmp_path / "imported_in_a_block.py").write_text(
        "import torch\nproduct = torch.ones(2, 3) @ torch.ones(3, 4)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with vtbench.counting(nn.Linear(4, 4)) as count:
        importlib.import_module("imported_in_a_block")
    assert count.macs == 2 * 3 * 4


def test_a_convolution_larger_than_its_input_is_no_count_of_zero():
    model, x = nn.Conv2d(3, 8, 16, stride=16), torch.zeros(1, 3, 8, 8)
    with pytest.raises(ModelError, match=r"larger than its input|greater than actual input"):
        count_module(model, ((x,), {}), CountSettings(road="meta"))


def test_a_model_that_draws_lots_counts_the_same_every_time():
    class Skips(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(64))

        def forward(self, x):
            for layer in self.layers:
                if sum(drawn()) < 1.5:
                    x = layer(x)
            return x

    counts = {vtbench.count(Skips(), torch.zeros(2, 4)).macs for _ in range(5)}
    assert len(counts) == 1
    assert counts.pop() % (2 * 4 * 4) == 0


@pytest.mark.parametrize("thing", [None, 3, torch.zeros(2), lambda x: x, nn.Linear])
def test_what_is_no_module_is_refused_in_a_sentence(thing):
    with pytest.raises(UsageError, match=r"cannot be counted; give a torch\.nn\.Module or the"):
        vtbench.count(thing, torch.zeros(2, 4))
    with pytest.raises(UsageError, match="cannot be counted"), vtbench.counting(thing):
        pass


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_frozen_script_counts_as_what_it_was_made_of():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()
    frozen = torch.jit.freeze(torch.jit.script(net))
    assert vtbench.count(frozen, torch.zeros(1, 3, 8, 8)).macs == 3 * 4 * 3 * 3 * 6 * 6


@pytest.mark.parametrize("road", ["meta", "real"])
def test_the_backward_pass_of_attention_costs_the_same_for_every_kernel(road):
    class Projected(nn.Module):
        def __init__(self):
            super().__init__()
            self.q, self.k, self.v = (nn.Parameter(torch.zeros(2, 4, 10, 8)) for _ in range(3))

        def forward(self, x):
            return functional.scaled_dot_product_attention(self.q + x, self.k, self.v)

    settings = CountSettings(road=road, backward=True)
    rows = count_module(Projected(), ((torch.zeros(2, 4, 10, 8),), {}), settings).rows
    forward = 2 * 4 * 10 * 10 * (8 + 8)
    assert sum(row.macs for row in rows if row.phase == "forward") == forward
    assert sum(row.macs for row in rows if row.phase == "backward") == 2 * forward


def test_the_backward_pass_of_a_deformable_convolution_is_known():
    layer = DeformConv2d(4, 6, 3, padding=1, groups=2)
    inputs = torch.zeros(2, 4, 10, 12), torch.zeros(2, 2 * 3 * 3, 10, 12)
    rows = count_module(layer, (inputs, {}), CountSettings(backward=True)).rows
    forward = 2 * 6 * 10 * 12 * (4 // 2) * 3 * 3
    assert sum(row.macs for row in rows) == 3 * forward
    assert all(row.status != "unknown" for row in rows)


class Multiplies(nn.Module):
    def forward(self, x):
        return torch.mm(x, x)


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        (lambda a, b: 1 // 0, r"The formula for aten::mm raised ZeroDivisionError: "),
        (lambda a, b: None, r"The formula for aten::mm gave None; MACs are a whole number"),
        (lambda a, b: -a[0], r"The formula for aten::mm gave -4; MACs are a whole number"),
        (lambda a, b: a[0] / 8, r"The formula for aten::mm gave 0\.5; MACs are a whole number"),
        (lambda a: a[0], r"The formula for aten::mm raised TypeError: "),
    ],
)
def test_a_formula_that_fails_is_named_and_the_model_is_not_blamed(formula, says):
    with pytest.raises(UsageError, match=says):
        vtbench.count(Multiplies(), torch.zeros(4, 4), ops={torch.ops.aten.mm.default: formula})


def test_a_formula_for_what_is_no_operator_is_refused_as_such():
    with pytest.raises(UsageError, match=r"^Expected an operator as .*, got 'mm'"):
        vtbench.count(Multiplies(), torch.zeros(4, 4), ops={"mm": lambda a, b: 1})


class Remembers(nn.Module):
    """Writes to whatever it holds: a plain tensor, lists in dicts, tensors in them."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.plain = torch.ones(2)
        self.nested = {"seen": [0], "states": (torch.ones(2), [torch.ones(2)])}
        self.layer.same = self.nested["states"][1]

    def forward(self, x):
        self.plain.mul_(2)
        self.nested["seen"].append(x)
        self.nested["states"][1][0].zero_()
        self.layer.same.append(x)
        return self.layer(x)


@pytest.mark.parametrize("road", ["meta", "real"])
@pytest.mark.parametrize("backward", [False, True])
def test_what_a_model_writes_to_its_plain_attributes_is_taken_back(road, backward):
    model = Remembers()
    plain, kept = model.plain, model.nested["states"][1]
    settings = CountSettings(road=road, backward=backward)
    count_module(model, ((torch.zeros(2, 4),), {}), settings)
    assert model.plain is plain
    assert model.layer.same is model.nested["states"][1] is kept
    assert model.nested["seen"] == [0]
    assert len(kept) == 1
    assert plain.tolist() == kept[0].tolist() == [1, 1]


def test_a_shared_module_is_what_it_is_to_its_caller():
    shared = nn.Linear(4, 4)

    class Shares(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Sequential(shared, nn.ReLU())
            self.last = shared

        def forward(self, x):
            return self.last(self.last(self.first(x)))

    rows = vtbench.count(Shares(), torch.zeros(1, 4)).to_dict(by="stage")["by"]
    assert {row["name"]: row["macs"] for row in rows if row["macs"]} == {"first": 16, "last": 32}


def test_formulas_reach_a_model_by_name():
    count = vtbench.count("resnet18", ops={torch.ops.aten.linear.default: lambda *_: 7})
    assert count.macs == vtbench.count("resnet18").macs - 512 * 1000 + 7
    assert count.to_dict()["user_formulas"] == ["aten.linear.default"]


@pytest.mark.parametrize(
    "fields",
    [
        {"resolution": 0}, {"resolution": "x"}, {"resolution": (1, 2, 3)}, {"resolution": True},
        {"batch_size": 0}, {"batch_size": 1.5}, {"batch_size": True}, {"mode": "bogus"},
        {"backward": "yes"}, {"inputs": 3}, {"options": 3}, {"resolution": 2**31},
    ],
)  # fmt: skip
def test_a_field_of_a_workload_that_makes_no_sense_is_refused_in_a_sentence(fields):
    with pytest.raises(UsageError, match=r"\.$"):
        vtbench.count("resnet18", **fields)


def test_a_block_that_raised_says_so():
    with pytest.raises(ZeroDivisionError), vtbench.counting(nn.Linear(4, 4)) as block:
        raise ZeroDivisionError
    assert block.to_dict()["error"] == "The block raised ZeroDivisionError."


@pytest.mark.parametrize(
    "like", [torch.zeros_like, torch.empty_like, torch.rand_like, lambda x: x.new_ones(2, 4)]
)
@pytest.mark.parametrize("road", ["meta", "real"])
def test_a_buffer_that_lends_only_its_shape_was_not_read(like, road):
    class Templates(nn.Module):
        def forward(self, x):
            return like(torch.empty(2, 4)).fill_(1.0) @ x.T

    rows = count_module(Templates(), ((torch.zeros(2, 4),), {}), CountSettings(road=road)).rows
    assert sum(row.macs for row in rows) == 2 * 2 * 4
    assert all(row.status != "unknown" for row in rows)
