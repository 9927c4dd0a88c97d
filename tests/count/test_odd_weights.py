"""Models that run are counted: odd parameters, offloading, packed and quantised layers, roads."""

import pytest
import torch
from torch import nn
from torch.nn.utils import rnn
from torch.utils import mkldnn

import vtbench
from vtbench.count.count_module import CountSettings, count_module
from vtbench.count.operators.rules import TABLE
from vtbench.errors import ModelError, UsageError


def counted(model, *inputs, **how):
    """Multiply-accumulates, all of them known, and the road."""
    found = count_module(model, (inputs, {}), CountSettings(**how))
    assert [row.op for row in found.rows if row.status == "unknown"] == []
    return sum(row.macs for row in found.rows), found.road.partition(" ")[0]


class Noted(nn.Module):
    """Attributes on a parameter and on a buffer, as quantised layers note scales."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(4, 4))
        self.w.scale, self.w.factor = torch.ones(4), 3
        self.register_buffer("b", torch.ones(4))
        self.b.note = {"scale": torch.ones(4)}

    def forward(self, x):
        return (x @ self.w) * self.w.scale * self.w.factor + self.b * self.b.note["scale"]


class Packed(nn.Parameter):
    """As bitsandbytes has them: a class of its own, with the numbers in an attribute."""

    def __new__(cls, data, packed):
        made = torch.Tensor._make_subclass(cls, data, False)
        made.packed = packed
        return made

    def unpacked(self):
        return self.packed.float()


class PackedLinear(nn.Linear):
    def __init__(self, wide, out):
        super().__init__(wide, out)
        numbers = self.weight.data.to(torch.int8)
        self.weight = Packed(numbers, numbers)

    def forward(self, x):
        return nn.functional.linear(x, self.weight.unpacked(), self.bias)


@pytest.mark.parametrize("model", [Noted(), PackedLinear(4, 4)], ids=["noted", "of a class"])
def test_a_parameter_keeps_its_class_and_its_attributes(model):
    assert counted(model, torch.ones(2, 4)) == (2 * 4 * 4, "meta")
    assert counted(model, torch.ones(2, 4), road="real") == (2 * 4 * 4, "real")


def offloaded(module):
    """As accelerate does it: the weights come as the module is called, and go again."""
    kept = {name: each.detach() for name, each in module.named_parameters()}
    forward = module.forward

    def bring(device):
        for name, each in kept.items():
            module._parameters[name] = nn.Parameter(each.to(device))

    def run(x):
        bring("cpu")
        y = forward(x.to("cpu"))
        bring("meta")
        return y

    bring("meta")
    module.forward = run
    return module


def test_weights_that_come_from_elsewhere_as_a_module_is_called():
    net = nn.Sequential(offloaded(nn.Linear(4, 4)), nn.ReLU(), offloaded(nn.Linear(4, 3)))
    assert counted(net, torch.ones(2, 4)) == (2 * 4 * 4 + 2 * 4 * 3, "known")
    assert all(each.is_meta for each in net.parameters())


def test_a_model_without_any_weights_says_what_it_said_first():
    class Reads(nn.Linear):
        def forward(self, x):
            return super().forward(x) if self.weight.sum() > 0 else x

    with pytest.raises(ModelError, match="meta"):
        vtbench.count(Reads(4, 4, device="meta"), torch.ones(2, 4))


def test_modules_of_mkldnn():
    class Converted(nn.Module):
        def __init__(self):
            super().__init__()
            layers = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Linear(6, 4)).eval()
            self.layers = mkldnn.to_mkldnn(layers)

        def forward(self, x):
            return self.layers(x.to_mkldnn()).to_dense()

    model = Converted()
    expected = 2 * 36 * 8 * 27 + 2 * 8 * 6 * 6 * 4
    assert counted(model, torch.ones(2, 3, 8, 8)) == (expected, "real")
    assert model(torch.ones(2, 3, 8, 8)).shape == (2, 8, 6, 4)


@pytest.mark.parametrize("road", ["auto", "real"])
def test_a_gradient_that_only_the_input_wants(road):
    class Squares(nn.Module):
        def forward(self, x):
            return x @ x.T

    x = torch.ones(2, 4, requires_grad=True)
    assert counted(Squares(), x, backward=True, road=road)[0] == 3 * 2 * 2 * 4
    assert counted(nn.Linear(4, 4), x, backward=True, road=road)[0] == 3 * 2 * 4 * 4
    assert counted(nn.Linear(4, 4), x.detach(), backward=True, road=road)[0] == 2 * 2 * 4 * 4
    assert x.grad is None


class PacksItself(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.LSTM(4, 6, batch_first=True)

    def forward(self, x, lengths):
        packed = rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return rnn.pad_packed_sequence(self.layer(packed)[0], batch_first=True)[0]


@pytest.mark.parametrize("lengths", [torch.tensor([5, 3]), [5, 3]], ids=["tensor", "list"])
def test_packed_sequences_cost_their_steps(lengths):
    assert counted(PacksItself(), torch.ones(2, 5, 4), lengths)[0] == (5 + 3) * 4 * 6 * (4 + 6)


def test_a_packed_sequence_as_the_input():
    given = rnn.pack_sequence([torch.ones(5, 4), torch.ones(3, 4)])
    assert counted(nn.GRU(4, 6), given)[0] == (5 + 3) * 3 * 6 * (4 + 6)


def test_shapes_as_tensors_and_conversions_of_sparse_layouts_multiply_nothing():
    class Converts(nn.Module):
        def forward(self, x):
            rows = torch._shape_as_tensor(x)
            s = torch.eye(4).to_sparse().to_sparse_csr()
            s = torch.sparse_csr_tensor(s.crow_indices(), s.col_indices(), s.values(), (4, 4))
            s = s.to_sparse_csc().to_sparse_coo().coalesce()
            return s @ x.reshape(int(rows[0]), -1)

    assert counted(Converts(), torch.ones(4, 3))[0] == 4 * 3


QUANTISED = {
    "lstm": (nn.LSTM(4, 6), 10 * 4 * 6 * (4 + 6)),
    "gru": (nn.GRU(4, 6), 10 * 3 * 6 * (4 + 6)),
    "deep": (
        nn.LSTM(4, 6, num_layers=2, bidirectional=True),
        10 * 2 * 4 * 6 * ((4 + 6) + (12 + 6)),
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layer", QUANTISED)
def test_quantised_recurrent_layers_cost_what_they_cost_in_floats(layer):
    model, expected = QUANTISED[layer]
    assert counted(model, torch.ones(5, 2, 4))[0] == expected
    packed = torch.ao.quantization.quantize_dynamic(nn.Sequential(model), {type(model)})
    assert counted(packed, torch.ones(5, 2, 4))[0] == expected


@pytest.mark.filterwarnings("ignore")
def test_a_packed_sequence_through_a_quantised_layer():
    given = rnn.pack_sequence([torch.ones(5, 4), torch.ones(3, 4)])
    for layer, gates in ((nn.LSTM(4, 6), 4), (nn.GRU(4, 6), 3)):
        packed = torch.ao.quantization.quantize_dynamic(nn.Sequential(layer), {type(layer)})
        assert counted(packed, given)[0] == (5 + 3) * gates * 6 * (4 + 6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("cell", "gates"), [(nn.GRUCell, 3), (nn.LSTMCell, 4), (nn.RNNCell, 1)], ids=str
)
def test_quantised_cells(cell, gates):
    packed = torch.ao.quantization.quantize_dynamic(nn.Sequential(cell(4, 6)), {cell})
    assert counted(packed, torch.ones(2, 4))[0] == 2 * gates * 6 * (4 + 6)


def test_attention_of_variable_lengths_is_the_sum_over_its_sequences():
    """Its kernels are of CUDA alone, so that the formula is asked by itself."""
    q, k = torch.ones(5, 2, 8), torch.ones(7, 2, 8)  # sequences of 3 and 2, keys of 3 and 4
    starts_q, starts_k = torch.tensor([0, 3, 5]), torch.tensor([0, 3, 7])
    pairs = 3 * 3 + 2 * 4
    given = (q, k, k, starts_q, starts_k, 3, 4)
    forward = TABLE["torch_attn::_varlen_attn"].cost(given, {}, None)
    assert forward.macs == 2 * pairs * (8 + 8)
    used = (*given[:4], None, 3, 4)
    kept = TABLE["torch_attn::_varlen_attn"].cost(used, {"seqused_k": torch.tensor([3, 4])}, None)
    assert kept.macs == forward.macs
    backward = (q, q, k, k, q, q, starts_q, starts_k, 3, 4, True)
    gradients = TABLE["torch_attn::_varlen_attn_backward"].cost(backward, {}, None)
    assert gradients.macs == 2 * forward.macs


def test_a_triangular_system_is_solved_by_its_products():
    class Solves(nn.Module):
        def forward(self, a, b):
            return torch.linalg.solve_triangular(a, b, upper=False)

    a, b = torch.eye(4).expand(2, 4, 4), torch.ones(2, 4, 3)
    assert counted(Solves(), a, b)[0] == 2 * 3 * (0 + 1 + 2 + 3)


class Higher(nn.Module):
    """Operators of higher order, and a product of small integers."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        if self.kind == "map":
            from torch._higher_order_ops.map import map_impl

            return map_impl(lambda row: (self.layer(row),), (x,), ())
        if self.kind == "scan":
            from torch._higher_order_ops.scan import scan_op

            return scan_op(lambda h, row: (self.layer(h), row + h), [x[0]], [x], ())
        small = x.to(torch.int8)
        return torch.ops.higher_order.out_dtype(
            torch.ops.aten.mm.default, torch.int32, small, small.T
        )


@pytest.mark.parametrize(
    ("kind", "expected"), [("map", 3 * 16), ("scan", 3 * 16), ("out_dtype", 3 * 3 * 4)]
)
def test_operators_of_higher_order_are_counted_by_their_parts(kind, expected):
    assert counted(Higher(kind), torch.ones(3, 4))[0] == expected
    assert counted(Higher(kind), torch.ones(3, 4), road="real")[0] == expected


def by_item(x):
    return int(x.sum())


def by_numpy(x):
    return int(x.numpy().sum())


def by_list(x):
    return x.tolist()


def by_branch(x):
    return bool((x > 0).all())


@pytest.mark.parametrize("ask", [by_item, by_numpy, by_list, by_branch])
def test_a_model_that_goes_another_way_on_shapes_is_counted_on_its_own_way(ask):
    class Falls(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x):
            try:
                ask(x)
            except Exception:  # noqa: BLE001 - what is tested
                return self.b(self.a(x))
            return self.a(x)

    found = count_module(Falls(), ((torch.ones(2, 4),), {}), CountSettings())
    assert sum(row.macs for row in found.rows) == 2 * 4 * 4
    assert found.road.startswith("known (CaughtOnMeta")


def test_a_failed_try_on_shapes_leaves_the_numbers_that_are_drawn_as_they_were():
    class Draws(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            drawn = torch.rand(7)  # known on shapes too
            length = 1 + int(64 * torch.rand(1, device=x.device).item())
            return self.layer(x.new_ones(length, 4)), drawn

    x = torch.ones(2, 4)
    alone = counted(Draws(), x, road="real")[0]
    assert counted(Draws(), x)[0] == alone
    assert counted(Draws(), x, grad=True)[0] == alone


def test_backward_means_the_backward_pass_unless_forward_has_such_a_parameter():
    x = torch.ones(2, 4)
    count = vtbench.count(nn.Linear(4, 4), x, backward=True)
    assert (count.macs, count.record.workload.backward) == (2 * 2 * 4 * 4, True)
    assert vtbench.count(nn.Linear(4, 4), x, backward=False).macs == 2 * 4 * 4

    class Own(nn.Linear):
        def forward(self, x, backward=False):  # noqa: FBT002 - what is tested
            return super().forward(x) if backward else x

    assert vtbench.count(Own(4, 4), x, backward=True).macs == 2 * 4 * 4
    with pytest.raises(UsageError, match=r"^backward: expected True or False, got 3"):
        vtbench.count(nn.Linear(4, 4), x, backward=3)


class Int8(torch.Tensor):
    """A matrix of floats that stores small integers and a scale, as torchao has them."""

    @staticmethod
    def __new__(cls, numbers, scale):
        return torch.Tensor._make_wrapper_subclass(
            cls, numbers.shape, dtype=torch.float32, device=numbers.device
        )

    def __init__(self, numbers, scale):
        self.numbers, self.scale = numbers, scale

    def __tensor_flatten__(self):
        return ["numbers", "scale"], None

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        if func in (torch.ops.aten.detach.default, torch.ops.aten._to_copy.default):
            whole = args[0]
            device = (kwargs or {}).get("device", whole.numbers.device)
            return cls(whole.numbers.to(device), whole.scale.to(device))
        plain = [a.numbers.float() * a.scale if isinstance(a, cls) else a for a in args]
        return func(*plain, **(kwargs or {}))


class Bare(torch.Tensor):
    """The same without saying what it is made of."""

    __new__, __init__ = Int8.__new__, Int8.__init__
    __torch_dispatch__ = Int8.__dict__["__torch_dispatch__"]


@pytest.mark.parametrize("kind", [Int8, Bare])
@pytest.mark.parametrize("road", ["auto", "real"])
def test_the_bytes_of_a_weight_that_is_made_of_others_are_theirs(road, kind):
    layer = nn.Linear(16, 8, bias=False)
    numbers, scale = torch.ones(8, 16, dtype=torch.int8), torch.ones(8, 1)
    layer.weight = nn.Parameter(kind(numbers, scale), requires_grad=False)
    found = count_module(layer, ((torch.ones(2, 16),), {}), CountSettings(road=road))
    assert found.memory.weights == 8 * 16 * 1 + 8 * 4
    assert sum(row.macs for row in found.rows) == 2 * 16 * 8
    assert layer.weight.numbers is numbers
