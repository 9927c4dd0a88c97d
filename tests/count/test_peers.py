"""Other counters beside ours: what they say, what explains it, and that they leave no trace."""

import json
import logging
import sys
import time
import warnings
from importlib.metadata import version

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import vtbench as package
from vtbench.count.count_module import CountSettings, count_module
from vtbench.count.count_workload import RunSettings, count_workload, record_of
from vtbench.count.peers import counters as peers
from vtbench.count.peers import running
from vtbench.count.peers.differences import OpCount, explanations, matched
from vtbench.count.peers.tally import Line, ModelCall, Tally, Unsuitable, own_counts, positional
from vtbench.data.record import Memory, Record, Row
from vtbench.data.workload import Workload
from vtbench.errors import BadOption, MissingPackage

INSTALLED = tuple(peer.name for peer in peers.PEERS if peers.is_installed(peer))
NAMES = tuple(peer.name for peer in peers.PEERS)
ABSENT = tuple(name for name in NAMES if name not in INSTALLED)


def beside(module, *inputs, counters=INSTALLED, backward=False, **keywords):
    """Our record of a module, and what the counters say of it."""
    module = module if backward else module.eval()
    counted = count_module(module, (inputs, keywords), CountSettings(backward=backward))
    record = record_of(Workload(model="toy", backward=backward), counted, None)
    return record, running.peer_counts(
        lambda _: ModelCall(module, inputs, keywords), record, counters
    )


def explained(peer):
    return {each.op: (each.calls, each.macs) for each in peer.explained_by}


def row(op, module, macs, calls=1):
    status, kind = ("counted", "linear") if macs else ("zero", "normalisation")
    return Row(op=op, module=module, module_class="M", status=status, kind=kind, calls=calls,
               macs=macs)  # fmt: skip


# -- the rule of sums, and what explains the differences of real models


@pytest.mark.parametrize("model", ["resnet18", "deit_t", "timm:levit_128s"])
def test_explained_and_unexplained_sum_to_the_difference_and_little_is_unexplained(model):
    record = count_workload(Workload(model=model), settings=RunSettings(counters=INSTALLED))
    assert tuple(record.counters) == INSTALLED
    for name, peer in record.counters.items():
        assert peer.error is None, name
        assert peer.macs - record.macs == peer.difference
        assert sum(each.macs for each in peer.explained_by) + peer.unexplained == peer.difference
        near = abs(peer.unexplained) <= max(abs(peer.difference) * 0.02, record.macs * 0.001)
        assert near, (name, peer)
        magnitudes = [abs(each.macs) for each in peer.explained_by]
        assert magnitudes == sorted(magnitudes, reverse=True)


class SelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(32, 4, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=False)[0]


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), (2, 10, 32)),
        (SelfAttention(), (2, 10, 32)),
        (nn.Sequential(nn.ConvTranspose2d(6, 4, 3, groups=2), nn.GELU()), (2, 6, 5, 5)),
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Softmax(-1)), (1, 3, 6, 6)),
        (nn.LSTM(8, 12, bidirectional=True), (5, 2, 8)),
    ],
    ids=["encoder layer", "attention", "transposed", "softmax", "lstm"],
)
def test_the_sums_hold_for_fused_and_recurrent_layers(module, shape):
    record, found = beside(module, torch.ones(shape))
    for name, peer in found.items():
        assert peer.error is None, (name, peer.error)
        assert peer.difference == peer.macs - record.macs
        assert sum(each.macs for each in peer.explained_by) + peer.unexplained == peer.difference
        assert peer.unexplained == 0, (name, peer)


def test_a_vision_transformer_s_differences_are_named_by_operator():
    record = count_workload(
        Workload(model="deit_t"), settings=RunSettings(counters=("fvcore", "thop"))
    )
    attention = 12 * 2 * 197 * 197 * 192  # 12 blocks: q·kᵀ and its product with v
    found = explained(record.counters["fvcore"])
    assert found["aten.scaled_dot_product_attention"] == (12, -attention)
    assert found["aten.layer_norm"] == (25, 25 * 5 * 197 * 192)  # two a block and one; 5 each
    assert explained(record.counters["thop"]) == {
        "aten.scaled_dot_product_attention": (12, -attention)
    }


def test_missed_products_are_told_from_those_that_are_counted():
    class Mixes(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.w = nn.Linear(32, 32), nn.Parameter(torch.ones(4, 32, 8))

        def forward(self, x):
            y = self.a(x)
            return torch.baddbmm(torch.zeros(4, 10, 8), y, self.w) @ torch.ones(8, 3)

    record, found = beside(Mixes(), torch.ones(4, 10, 32), counters=("fvcore",))
    assert record.macs == 4 * 10 * 32 * 32 + 4 * 10 * 32 * 8 + 4 * 10 * 8 * 3
    assert explained(found["fvcore"]) == {"aten.baddbmm": (1, -4 * 10 * 32 * 8)}
    assert found["fvcore"].unexplained == 0


def test_flops_of_torch_are_halved_and_the_backward_pass_is_compared_too():
    net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    record, found = beside(net, torch.ones(2, 8), counters=("torch", "fvcore"), backward=True)
    # forward; every weight's gradient; the gradient of the second layer's input
    assert record.macs == 2 * (2 * 8 * 16 + 2 * 16 * 4) + 2 * 16 * 4
    assert (found["torch"].macs, found["torch"].difference) == (record.macs, 0)
    assert found["fvcore"].error.startswith("It counts forward passes only")


@pytest.mark.skipif("ptflops" in ABSENT, reason="ptflops is not installed")
def test_the_average_of_ptflops_over_a_batch_is_multiplied_back():
    _, found = beside(nn.Linear(8, 16, bias=False), torch.ones(6, 8), counters=("ptflops",))
    assert (found["ptflops"].macs, found["ptflops"].difference) == (6 * 8 * 16, 0)


def test_keyword_and_dict_inputs_reach_the_counters_that_take_them():
    class ByKeyword(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(8, 8)

        def forward(self, *, x):
            return self.a(x)

    class ByName(ByKeyword):
        def forward(self, y=None, x=None):
            return self.a(x)

    record, found = beside(ByKeyword(), x=torch.ones(3, 8))
    assert found["torch"].macs == record.macs == 3 * 8 * 8
    assert found["thop"].error == (
        "It takes inputs by position, and the model takes 'x' by keyword."
    )
    subject = ModelCall(ByName(), (), {"x": torch.ones(3, 8)})
    assert positional(subject)[0] is None
    assert positional(subject)[1] is subject.kwargs["x"]
    _, found = beside(ByName(), x=torch.ones(3, 8), counters=("thop",))
    assert found["thop"].macs == 3 * 8 * 8


# -- matching, with tuples


def test_the_same_operator_with_the_same_count_is_no_difference():
    same = [OpCount("aten.linear", 10, 1), OpCount("aten.bmm", 7, 2)]
    assert matched(same, list(reversed(same))) == ([], [], [])


def test_operators_are_matched_by_count_where_their_names_differ():
    left = matched([OpCount("aten.linear", 10, 1)], [OpCount("aten.addmm", 10, 1)])
    assert left == ([], [], [])


def test_a_sum_of_operators_is_matched_and_the_rest_is_missed():
    ours = [
        OpCount("aten.linear", 10, 2),
        OpCount("aten.baddbmm", 5, 1),
        OpCount("aten.bmm", 3, 1),
    ]
    left = matched(ours, [OpCount("aten.matmul", 13, 3)])
    assert left.ours == [OpCount("aten.baddbmm", 5, 1)]
    assert (left.theirs, left.differing) == ([], [])


def test_one_operator_counted_in_two_ways_is_its_difference():
    left = matched([OpCount("aten.linear", 100, 1)], [OpCount("aten.addmm", 104, 1)])
    assert left == ([], [], [OpCount("aten.linear", 4, 1)])


def test_a_count_that_is_far_from_ours_is_not_taken_for_it():
    left = matched([OpCount("aten.linear", 100, 1)], [OpCount("aten.mm", 7, 1)])
    assert left.ours == [OpCount("aten.linear", 100, 1)]
    assert left.theirs == [OpCount("aten.mm", 7, 1)]


def test_work_that_two_sides_see_in_different_modules_is_no_difference():
    rows = [row("aten.linear.default", "a", 10), row("aten.linear.default", "b", 20)]
    lines = [Line("", "addmm", 10), Line("", "linear", 20)]
    assert explanations(lines, rows) == ()


def test_a_line_for_a_whole_module_is_held_against_everything_below_it():
    rows = [row("aten.linear.default", "attn.qkv", 60), row("aten.bmm.default", "attn", 40, 2),
            row("aten.linear.default", "fc", 9)]  # fmt: skip
    lines = [Line("attn", None, 100, whole=True, module_class="Attention"), Line("fc", None, 9)]
    assert explanations(lines, rows) == ()


def test_calls_come_from_our_ledger_where_a_counter_does_not_say():
    rows = [row("aten.layer_norm.default", "norm", 0, calls=3)]
    (only,) = explanations([Line("norm", "layer_norm", 30)], rows)
    assert (only.op, only.calls, only.macs) == ("aten.layer_norm", 3, 30)


def test_counts_of_modules_are_freed_of_what_runs_below_them():
    total = {"": {"mm": 30}, "a.0": {"mm": 20}, "a.0.b.c": {"mm": 5}}  # a and b are never called
    assert own_counts(total) == [
        Line("", "mm", 10), Line("a.0", "mm", 15), Line("a.0.b.c", "mm", 5)
    ]  # fmt: skip


# -- counters that misbehave


def install(monkeypatch, run_it, name="thop"):
    rows = (peer._replace(run=run_it) if peer.name == name else peer for peer in peers.PEERS)
    monkeypatch.setattr(peers, "PEERS", tuple(rows))


def test_a_counter_that_raises_is_an_entry_that_says_so(monkeypatch):
    def crash(subject):
        raise KeyError("total_ops")

    install(monkeypatch, crash)
    _, found = beside(nn.Linear(4, 4), torch.ones(2, 4), counters=("thop", "torch"))
    assert found["thop"].error == "It raised KeyError: 'total_ops'"
    assert (found["thop"].macs, found["thop"].difference) == (None, None)
    assert found["torch"].macs == 2 * 4 * 4


def test_what_a_counter_prints_warns_and_logs_is_dropped(monkeypatch, capfd, caplog):
    def noisy(subject):
        sys.stdout.write("table\n")
        sys.stderr.write("progress\n")
        warnings.warn("old", stacklevel=1)
        logging.getLogger("fvcore").warning("unsupported")
        return Tally(32, ())

    install(monkeypatch, noisy)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, found = beside(nn.Linear(4, 4), torch.ones(2, 4), counters=("thop",))
    assert found["thop"].difference == found["thop"].unexplained == 0
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
    assert not logging.root.manager.disable


def test_what_a_counter_replaces_in_torch_is_put_back(monkeypatch):
    before = (torch.mul, F.relu, torch.Tensor.matmul, "matmul" in vars(torch.Tensor))

    def careless(subject):
        torch.mul = F.relu = torch.Tensor.matmul = lambda *args: None
        raise RuntimeError("in the middle")

    install(monkeypatch, careless)
    beside(nn.Linear(4, 4), torch.ones(2, 4), counters=("thop",))
    assert (torch.mul, F.relu, torch.Tensor.matmul, "matmul" in vars(torch.Tensor)) == before


@pytest.mark.skipif(not hasattr(__import__("signal"), "setitimer"), reason="no interval timer")
def test_a_counter_that_does_not_end_is_given_up():
    began = time.monotonic()
    with pytest.raises(running.TookTooLong, match="did not end within"), running.contained(0.2):
        time.sleep(60)
    assert time.monotonic() - began < 5


def test_random_state_and_the_model_are_left_as_they_were(monkeypatch):
    def draws(subject):
        torch.rand(3)
        subject.module.weight.data.zero_()
        subject.module.total_ops = 1
        return Tally(32, ())

    install(monkeypatch, draws)
    net, state = nn.Linear(4, 4), torch.get_rng_state()
    weight = net.weight.detach().clone()
    state = torch.get_rng_state()
    beside(net, torch.ones(2, 4), counters=("thop",))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(net.weight, weight)
    assert not hasattr(net, "total_ops")


def test_every_counter_leaves_the_module_alone():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU()).eval()
    attributes = [dict(vars(part)) for part in net.modules()]
    state = {key: value.clone() for key, value in net.state_dict().items()}
    beside(net, torch.ones(1, 3, 8, 8))
    assert [set(vars(part)) for part in net.modules()] == [set(each) for each in attributes]
    assert all(torch.equal(value, state[key]) for key, value in net.state_dict().items())
    assert not any(part._forward_hooks for part in net.modules())


def test_a_module_that_cannot_be_copied_is_not_lent_out():
    class Single(nn.Linear):
        def __deepcopy__(self, memo):
            raise TypeError("there is only one")

    _, found = beside(Single(4, 4), torch.ones(2, 4), counters=("thop",))
    assert found["thop"].error == "The module cannot be copied for this counter."


def test_a_counter_that_cannot_take_a_model_says_why(monkeypatch):
    def refuses(subject):
        raise Unsuitable("it takes images only.")

    install(monkeypatch, refuses)
    _, found = beside(nn.Linear(4, 4), torch.ones(2, 4), counters=("thop",))
    assert found["thop"].error == "It takes images only."


def test_a_huge_model_is_built_on_meta_or_not_at_all():
    net = nn.Linear(8, 8).eval()
    counted = count_module(net, ((torch.ones(2, 8),), {}), CountSettings())
    record = Record(
        workload=Workload(model="huge"), rows=counted.rows, parameters=counted.parameters,
        memory=Memory(weights=3 * 10**9, activations_peak=0, peak_at=""),
    )  # fmt: skip
    built = []

    def build(real):
        built.append(real)
        shapes = torch.ones(2, 8, device="meta")
        return ModelCall(nn.Linear(8, 8, device="meta").eval(), (shapes,), {})

    found = running.peer_counts(build, record, ("fvcore", "torch", "thop"))
    assert built == [False, False]
    assert found["fvcore"].error.startswith("The model is too large")
    assert found["torch"].difference == found["thop"].difference == 0


# -- names


def test_counters_have_names_aliases_and_one_order():
    assert peers.parse("torch, FlopCounterMode,fvcore") == ("torch", "fvcore")
    assert tuple(peer.name for peer in peers.chosen(("torch", "fvcore"))) == ("fvcore", "torch")
    assert tuple(peer.name for peer in peers.chosen(("all",))) == NAMES
    with pytest.raises(BadOption, match=r"expected all, or names among fvcore, .*; got 'fvcor'"):
        peers.parse("fvcor")
    with pytest.raises(BadOption, match=r"counters: expected all, .*; got no name"):
        peers.parse(" , ")


def test_an_absent_counter_names_its_extra_and_is_left_out_of_all(monkeypatch):
    monkeypatch.setattr(peers, "is_installed", lambda peer: peer.extra is None)
    monkeypatch.setattr(running, "is_installed", lambda peer: peer.extra is None)
    with pytest.raises(MissingPackage, match=r"ptflops is not installed.*vtbench\[counters\]"):
        peers.chosen(("ptflops",))
    _, found = beside(nn.Linear(4, 4), torch.ones(2, 4), counters=("all",))
    assert found["torch"].difference == 0
    assert found["calflops"].error == (
        "Calflops is not installed; install it with: pip install 'vtbench[counters]'"
    )


def test_standard_output_holds_the_document_alone(vtbench):
    ended = vtbench("macs", "resnet18", "--counters", "all", "--format", "json")
    assert ended.status == 0
    (answer,) = json.loads(ended.out)["results"]
    assert set(answer["counters"]) == set(NAMES)
    for name in INSTALLED:
        peer = answer["counters"][name]
        total = sum(each["macs"] for each in peer["explained_by"]) + peer["unexplained"]
        assert total == peer["difference"] == peer["macs"] - answer["macs"]


# -- what is known of counters that no longer change


def frozen(package, at):
    found = version(package)
    return pytest.mark.skipif(found != at, reason=f"recorded for {package} {at}; this is {found}")


@frozen("fvcore", "0.1.5.post20221221")
def test_fvcore_counts_five_per_element_of_a_layer_norm():
    _, found = beside(nn.LayerNorm(8), torch.ones(3, 8), counters=("fvcore",))
    assert explained(found["fvcore"]) == {"aten.layer_norm": (1, 5 * 3 * 8)}


@frozen("thop", "0.1.1-2209072238")
def test_thop_counts_a_module_under_three_parents_nine_times_over():
    shared = nn.Linear(8, 8)
    net = nn.Sequential(*(nn.Sequential(shared, nn.Identity()) for _ in range(3)))
    record, found = beside(net, torch.ones(2, 8), counters=("thop",))
    one = 2 * 8 * 8  # three hooks see each of three calls, and three paths lead to their sum
    assert (record.macs, found["thop"].macs) == (3 * one, 3 * 3 * 3 * one)
    assert found["thop"].unexplained == 0


def test_the_python_interface_runs_them_beside_a_live_module_and_leaves_it_as_it_was():
    """A bare parameter's product, 7 x 3: 21 that a counter of modules does not see."""

    class Bare(nn.Module):
        def __init__(self):
            super().__init__()
            self.seen = nn.Linear(5, 7)
            self.bare = nn.Parameter(torch.zeros(7, 3))

        def forward(self, x):
            return self.seen(x) @ self.bare

    net = Bare().eval()
    before = {name: id(each) for name, each in (*net.named_parameters(), *net.named_buffers())}
    hooks = len(net.seen._forward_hooks)
    counted = package.count(net, torch.zeros(1, 5), counters=["thop", "torch"])
    assert counted.macs == 5 * 7 + 7 * 3
    assert counted.record.counters["torch"].macs == 5 * 7 + 7 * 3
    assert counted.record.counters["thop"].difference == -7 * 3
    assert "thop" in counted.table()
    after = {name: id(each) for name, each in (*net.named_parameters(), *net.named_buffers())}
    assert (before, hooks) == (after, len(net.seen._forward_hooks))
    assert package.count(net, torch.zeros(1, 5)).record.counters == {}
    assert set(package.count("resnet18", counters="fvcore").record.counters) == {"fvcore"}
    with pytest.raises(BadOption, match=r"counters: expected all, .*; got 'flopco'"):
        package.count(net, torch.zeros(1, 5), counters="flopco")


def test_a_live_module_too_large_to_copy_is_not_lent_out(monkeypatch):
    monkeypatch.setattr(running, "LARGE", 1)
    counted = package.count(nn.Linear(4, 5), torch.zeros(1, 4), counters="thop")
    error = counted.record.counters["thop"].error
    assert error == "The module is too large to be copied for this counter."
