"""The counter on small nets whose counts are written out by hand."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils import flop_counter
from torch.utils.checkpoint import checkpoint

from vtbench.api import counting as vtbench
from vtbench.count.count_module import CountSettings, count_module
from vtbench.errors import ModelError


@torch.library.custom_op("vtbench_test::scan", mutates_args=())
def scan(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """An operator of somebody else's library, which multiplies out of sight."""
    return x @ w


@scan.register_fake
def _(x, w):
    return x.new_empty(x.shape[0], w.shape[1])


class Scan(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(8, 4))
        self.out = nn.Linear(4, 2)

    def forward(self, x):
        return self.out(torch.ops.vtbench_test.scan(x, self.w))


def rows(count, **wanted):
    found = count.record.rows
    for name, value in wanted.items():
        found = [row for row in found if getattr(row, name) == value]
    return found


def test_a_foreign_operator_is_unknown_and_makes_the_count_incomplete():
    count = vtbench.count(Scan(), torch.randn(3, 8))
    assert not count.complete
    assert count.macs == 3 * 4 * 2  # the linear layer alone
    (unknown,) = count.to_dict()["unknown_ops"]
    assert unknown["op"] == "vtbench_test.scan.default"
    assert unknown["calls"] == 1
    assert unknown["estimated_macs"] > 0
    assert "≥" in count.table()


def test_a_user_formula_gets_shapes_and_is_labelled():
    seen = []

    def formula(x, w):
        seen.append((x, w, x.shape))
        return x[0] * x[1] * w[1]

    count = vtbench.count(
        Scan(), torch.randn(3, 8), ops={torch.ops.vtbench_test.scan.default: formula}
    )
    assert count.macs == 3 * 8 * 4 + 3 * 4 * 2
    assert count.complete
    assert seen == [((3, 8), (8, 4), (3, 8))]
    assert [row.op for row in rows(count, source="user formula")] == ["vtbench_test.scan.default"]


def test_a_formula_may_be_keyed_by_packet_and_ask_for_the_output():
    count = vtbench.count(
        Scan(),
        torch.randn(3, 8),
        ops={torch.ops.vtbench_test.scan: lambda x, w, out_shape: x[1] * out_shape.numel()},
    )
    assert count.macs == 8 * (3 * 4) + 3 * 4 * 2


def test_a_formula_registered_with_torch_is_honoured(monkeypatch):
    packet = torch.ops.vtbench_test.scan
    monkeypatch.delitem(flop_counter.flop_registry, packet, raising=False)

    @flop_counter.register_flop_formula(packet)
    def _(x, w, *_, **__):
        return 2 * x[0] * x[1] * w[1]

    try:
        count = vtbench.count(Scan(), torch.randn(3, 8))
    finally:
        del flop_counter.flop_registry[packet]
    assert count.macs == 3 * 8 * 4 + 3 * 4 * 2
    assert count.complete
    assert rows(count, source="user formula")


def test_every_operator_is_counted_zero_or_unknown():
    count = vtbench.count(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), torch.randn(1, 3, 9, 9))
    assert {row.status for row in count.record.rows} == {"counted", "zero"}
    assert {(row.op.split(".")[1], row.kind) for row in count.record.rows} == {
        ("conv2d", "conv"),
        ("relu", "activation"),
    }
    assert count.macs == 8 * 7 * 7 * 27


class Branch(nn.Module):
    """Runs its second layer only for inputs of positive mean."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        x = self.a(x)
        return self.b(x) if x.mean() > 1e6 else x


def test_a_branch_on_values_is_counted_as_it_runs_and_the_road_says_so():
    count = vtbench.count(Branch(), torch.randn(2, 4))
    assert count.macs == 2 * 4 * 4
    assert count.record.road.startswith("real")


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4)
        self.group = nn.ModuleDict({"same": self.a})

    def forward(self, x):
        return self.group["same"](self.a(x))


def test_a_module_called_twice_counts_twice_and_its_weights_once():
    count = vtbench.count(Twice(), torch.randn(2, 4))
    assert count.macs == 2 * (2 * 4 * 4)
    assert count.params == 4 * 4 + 4
    assert sum(count.record.module_parameters.values()) == count.params


class Parent(nn.Module):
    def __init__(self, shared):
        super().__init__()
        self.inner = shared

    def forward(self, x):
        return self.inner(x)


def test_a_shared_module_is_named_by_the_parent_that_called_it():
    shared = nn.Linear(4, 4)
    model = nn.Sequential(Parent(shared), Parent(shared))
    count = vtbench.count(model, torch.randn(2, 4))
    assert [(row.module, row.macs) for row in rows(count, status="counted")] == [
        ("0.inner", 32),
        ("1.inner", 32),
    ]


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w

    @staticmethod
    def backward(ctx, grad):
        x, w = ctx.saved_tensors
        return grad @ w.T, x.T @ grad


class Odd(nn.Module):
    """Custom autograd function, checkpoint and vmap, once each."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(4, 4))
        self.body = nn.Sequential(nn.Linear(4, 4), nn.Tanh())  # tanh needs its own result

    def forward(self, x):
        x = Square.apply(x, self.w)
        x = checkpoint(self.body, x, use_reentrant=False)
        return torch.func.vmap(lambda row: self.w @ row)(x)


def test_custom_functions_checkpoints_and_vmap_count_once_each_time_they_run():
    product = 3 * 4 * 4
    model, x = Odd(), torch.randn(3, 4)
    for grad in (False, True):
        for road in ("meta", "real"):
            counted = count_module(model, ((x,), {}), CountSettings(road=road, grad=grad))
            assert sum(row.macs for row in counted.rows) == 3 * product
    both = count_module(model, ((x,), {}), CountSettings(backward=True))
    backward = sum(row.macs for row in both.rows if row.phase == "backward")
    # two gradients of each of the three products (w's through vmap too), one recomputation
    assert backward == 6 * product + product


def test_backward_costs_two_products_per_layer_less_the_input_s_gradient():
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    counted = count_module(model, ((torch.randn(3, 8),), {}), CountSettings(backward=True))
    forward = 3 * 8 * 16 + 3 * 16 * 4
    assert sum(r.macs for r in counted.rows if r.phase == "forward") == forward
    by_module = {
        path: sum(r.macs for r in counted.rows if r.phase == "backward" and r.module == path)
        for path in ("0", "2")
    }
    assert by_module == {"0": 3 * 8 * 16, "2": 2 * 3 * 16 * 4}
    assert model[0].weight.grad is None


def test_backward_of_a_module_without_parameters_is_refused():
    with pytest.raises(ModelError, match="depends on a parameter"):
        count_module(nn.ReLU(), ((torch.randn(3),), {}), CountSettings(backward=True))


class Outputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 2)

    def forward(self, batch, *, scale):
        return {"y": [self.a(batch["x"] * scale)], "mask": batch["mask"]}


def test_dict_and_keyword_inputs():
    batch = {"x": torch.randn(5, 4), "mask": torch.ones(5, dtype=torch.bool)}
    assert vtbench.count(Outputs(), batch, scale=torch.tensor(2.0)).macs == 5 * 4 * 2


def test_complex_products_take_four_real_ones():
    class Complex(nn.Module):
        def forward(self, x, y):
            return x @ y

    x = torch.randn(3, 4, dtype=torch.complex64)
    assert vtbench.count(Complex(), x, x.T).macs == 4 * 3 * 4 * 3


def test_multiply_then_sum_is_no_product():
    class Elementwise(nn.Module):
        def forward(self, x):
            return (x * x).sum()

    count = vtbench.count(Elementwise(), torch.randn(3, 4))
    assert count.macs == 0
    assert count.to_dict()["classes"] == {"elementwise": 12, "reduction": 12}


class Cached(nn.Module):
    """Does everything to itself that a forward pass may do."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.lazy = nn.LazyLinear(3)
        self.calls = 0
        self.log = []
        self.cache = None

    def forward(self, x):
        self.calls += 1
        self.log.append(self.calls)
        self.cache = self.norm(x)
        self.extra = self.cache
        return self.lazy(self.cache)


@pytest.mark.parametrize("road", ["meta", "real"])
def test_a_model_is_left_as_it_was_found(road):
    model, x = Cached(), torch.randn(5, 4)
    state = {k: v for k, v in model.state_dict().items() if "lazy" not in k}
    before = {k: v.clone() for k, v in state.items()}
    attributes, random_state = set(model.__dict__), torch.get_rng_state()
    counted = count_module(model, ((x,), {}), CountSettings(road=road, mode="train"))
    assert sum(row.macs for row in counted.rows) == 5 * 4 * 3
    assert (model.calls, model.log, model.cache) == (0, [], None)
    assert set(model.__dict__) == attributes
    assert isinstance(model.lazy, nn.LazyLinear)
    assert model.lazy.has_uninitialized_params()
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items() if k in before)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert model(x).shape == (5, 3)


def test_a_model_that_raises_is_left_as_it_was_found_too():
    class Raising(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(4, 4)

        def forward(self, x):
            self.seen = self.a(x)
            message = "no further"
            raise ValueError(message)

    model = Raising()
    weight = model.a.weight
    with pytest.raises(ModelError, match="ValueError when run: no further"):
        vtbench.count(model, torch.randn(2, 4))
    assert model.a.weight is weight
    assert not weight.is_meta
    assert not hasattr(model, "seen")
    assert not torch.nn.modules.module._global_forward_hooks
    assert not torch.nn.modules.module._global_forward_pre_hooks


def test_an_exception_that_a_parent_catches_does_not_shift_the_names():
    class Fails(nn.Module):
        def forward(self, x):
            raise KeyError(x)

    class Tries(nn.Module):
        def __init__(self):
            super().__init__()
            self.bad, self.good = Fails(), nn.Linear(4, 4)

        def forward(self, x):
            try:
                self.bad(x)
            except KeyError:
                x = x + 1
            return self.good(x)

    count = vtbench.count(nn.Sequential(Tries(), nn.Linear(4, 2)), torch.randn(1, 4))
    assert [(row.module, row.macs) for row in rows(count, status="counted")] == [
        ("0.good", 16),
        ("1", 8),
    ]


def test_a_buffer_filled_outside_the_dispatcher_is_unknown():
    class Outside(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 8)

        def forward(self, x):
            out = torch.empty(4, 8)
            out.numpy()[:] = x.numpy() @ self.fc.weight.detach().numpy()
            return self.fc(out)

    count = vtbench.count(Outside(), torch.randn(4, 8))
    assert count.macs == 4 * 8 * 8
    assert not count.complete
    assert {row.op for row in rows(count, status="unknown")} == {
        "outside.numpy",
        "outside.unseen_write",
    }


def test_a_buffer_that_operators_fill_is_not_suspected():
    class Fills(nn.Module):
        def forward(self, x):
            out = torch.empty_like(x)
            out[:2] = x[:2]
            other = x.new_empty(3).to(torch.float64).normal_()
            return out * 2, other, torch.empty(0) * 1

    for road in ("meta", "real"):
        counted = count_module(Fills(), ((torch.randn(4, 3),), {}), CountSettings(road=road))
        assert all(row.status == "zero" for row in counted.rows)


def test_causal_attention_counts_in_full_with_the_effective_count_beside():
    class Causal(nn.Module):
        def forward(self, q):
            return F.scaled_dot_product_attention(q, q, q, is_causal=True)

    count = vtbench.count(Causal(), torch.randn(1, 2, 6, 4))
    assert count.macs == 2 * 6 * 6 * 8
    assert count.to_dict()["effective_macs"] == 2 * (6 * 7 // 2) * 8


def test_counting_a_block_counts_whatever_runs_in_it():
    model = nn.Linear(4, 2)
    with vtbench.counting(model) as counted:
        model(torch.randn(3, 4))
        model(torch.randn(5, 4))
    assert counted.macs == 8 * 4 * 2
    assert {row.module for row in counted.record.rows} == {""}


def test_parameters_know_which_are_trainable_and_which_are_weights():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8, 2))
    model.eval()[3].bias.requires_grad_(False)
    found = vtbench.count(model, torch.randn(1, 3, 3, 3)).to_dict()
    assert found["params"] == (8 * 27 + 8) + (8 + 8) + (16 + 2)
    assert found["trainable"] == found["params"] - 2
    assert found["weights"] == 8 * 27 + 16
    assert found["buffers"] == 8 + 8 + 1


def test_real_constants_meet_meta_tensors():
    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.arange(6.0)  # no buffer: nobody moves it

        def forward(self, x):
            return (x * self.table + torch.ones(6)) @ torch.ones(6, 2)

    counted = count_module(Constant(), ((torch.randn(3, 6),), {}), CountSettings(road="meta"))
    assert sum(row.macs for row in counted.rows) == 3 * 6 * 2


def test_a_model_that_takes_gradients_inside_is_counted_with_them():
    class Energy(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 4)

        def forward(self, x):
            with torch.enable_grad():
                x = x.detach().clone().requires_grad_()
                (force,) = torch.autograd.grad(self.fc(x).sum(), x)
            return force

    count = vtbench.count(Energy(), torch.randn(2, 8))
    assert count.macs == 2 * 8 * 4 + 2 * 4 * 8  # the layer, and the gradient of its input


def test_control_flow_operators_count_the_branch_that_runs():
    class Cond(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 8)

        def forward(self, x):
            return torch.cond(x.sum() > 1e6, self.a, lambda y: self.b(self.a(y)), (x,))

    count = vtbench.count(Cond(), torch.randn(2, 8))
    assert count.macs == 2 * (2 * 8 * 8)
    assert count.complete


def test_quantised_layers_are_products_of_their_own_kind():
    model = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(8, 4)), {nn.Linear})
    count = vtbench.count(model, torch.randn(3, 8))
    assert count.macs == 3 * 8 * 4
    assert count.complete
