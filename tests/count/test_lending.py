"""A model that was lent comes back whole.

Whatever can be reached from a model and its inputs is walked before and after a count, by a walk of
the tests' own: every tensor is the same object, in the same memory, with the same bytes, and no
tensor came or went. A twin of the model, which was not counted, then gives the same results.
"""

import ctypes
import functools
import gc
import itertools
import random
import types
import weakref
from collections import OrderedDict, UserDict, UserList, defaultdict, deque
from dataclasses import dataclass, field
from threading import Thread
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize

from vtbench.count.count_module import CountSettings, count_module
from vtbench.errors import VtbenchError

LARGE = 1 << 21


SKIPPED = (types.ModuleType, types.FrameType, types.CodeType, str, int, float, weakref.ref)


def reachable(*roots):
    """Every tensor and array that the garbage collector finds behind the roots, by identity."""
    found, waiting, seen = {}, list(roots), {}
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, SKIPPED):
            continue
        seen[id(each)] = each
        if isinstance(each, torch.Tensor | np.ndarray):
            found[id(each)] = each
        waiting += behind(each)
    return found


def behind(each):
    """What an object refers to; of classes and functions only those of this file are followed."""
    here = getattr(each, "__module__", None) == __name__
    if isinstance(each, type):
        return list(vars(each).values()) if here else []
    if isinstance(each, types.FunctionType):
        known = [each.__globals__.get(name) for name in each.__code__.co_names] if here else []
        return [*(each.__closure__ or ()), *(each.__defaults__ or ()), vars(each), *known]
    held = []
    if isinstance(each, torch.Tensor) and each.is_leaf and each.grad is not None:
        held.append(each.grad)
    if isinstance(each, torch.jit.ScriptModule):
        held += [*each.parameters(), *each.buffers(), *each.children()]
    if not type(each).__module__.startswith(("torch._", "torch.fx")):
        held += [*gc.get_referents(each), type(each)]
    return held


def described(each):
    if isinstance(each, np.ndarray):
        return each.__array_interface__["data"][0], each.shape, each.dtype, each.tobytes()
    if isinstance(each, nn.parameter.UninitializedTensorMixin):
        return type(each)
    if each.layout != torch.strided or each.is_nested:
        return each.layout, each.shape, str(each)
    values = None
    if not each.is_meta:
        memory = torch.empty(0, dtype=torch.uint8).set_(each.detach().untyped_storage())
        values = memory.clone().numpy().tobytes()
    return (
        each.untyped_storage().data_ptr(), each.storage_offset(), each.shape, each.stride(),
        each.dtype, each.device, each.requires_grad, each.is_leaf, id(each.grad_fn),
        id(each.grad) if each.is_leaf else None, each._version, type(each), values,
    )  # fmt: skip


class Case(nn.Module):
    """A layer, and something that is done to what it holds."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.hold()

    def hold(self):
        """Take what a forward pass changes."""

    def forward(self, x):
        y = self.layer(x)
        return y + self.change(x, y)


def plain(x):
    return x.detach().mean(0)


class Buffer(Case):
    def hold(self):
        self.register_buffer("state", torch.zeros(4))

    def change(self, x, y):
        self.state.mul_(0.9).add_(plain(y))
        return self.state


class Queue(Case):
    def hold(self):
        self.register_buffer("queue", torch.ones(LARGE // 4, 4))
        self.register_buffer("at", torch.zeros(1, dtype=torch.long))

    def change(self, x, y):
        start = int(self.at)
        self.queue[start : start + len(y)] = y.detach()
        self.at[0] = start + len(y)
        return self.queue[:1]


class Momentum(Case):
    """A slow copy of the encoder, all of it above the size of what is copied cheaply."""

    def hold(self):
        self.fast = nn.Linear(4, LARGE // 4)
        self.slow = nn.Linear(4, LARGE // 4)
        self.slow.requires_grad_(False)

    @torch.no_grad()
    def move(self):
        for fast, slow in zip(self.fast.parameters(), self.slow.parameters(), strict=True):
            slow.data = slow.data * 0.9 + fast.data * 0.1
            slow.mul_(0.5)

    def change(self, x, y):
        self.move()
        return self.slow(x)[:, :4]


class ByNumpy(Case):
    def hold(self):
        self.register_buffer("large", torch.ones(LARGE))
        self.array = np.ones(3)
        self.shared = self.large.numpy()

    def change(self, x, y):
        self.large.numpy()[:] = 7
        self.shared[0] = 8
        self.array += 1
        return float(self.array.sum())


class ByData(Case):
    def hold(self):
        self.p = nn.Parameter(torch.ones(4))
        self.q = nn.Parameter(torch.ones(4), requires_grad=False)
        self.r = torch.ones(6)

    def change(self, x, y):
        with torch.no_grad():
            self.p.data = torch.zeros(4)
            self.q.set_(torch.zeros(2))
            self.r.resize_(2)
        self.p.requires_grad_(False)
        self.q.requires_grad_(True)
        return 1


class Gradient(Case):
    def hold(self):
        self.p = nn.Parameter(torch.ones(4))
        self.p.grad = torch.ones(4)
        self.q = nn.Parameter(torch.ones(4))

    def change(self, x, y):
        with torch.no_grad():
            self.p.grad.zero_()
            self.q.grad = torch.ones(4)
        return 1


class Trains(Case):
    def hold(self):
        self.inner = nn.Linear(4, 4)
        self.optimiser = torch.optim.Adam(self.inner.parameters(), lr=0.1)

    def change(self, x, y):
        with torch.inference_mode(False), torch.enable_grad():
            self.inner(torch.ones(2, 4)).sum().backward()
        self.optimiser.step()
        return 1


class Box:
    """A plain object that keeps what it is given."""

    def __init__(self):
        self.value = torch.ones(4)
        self.other = None


class Slots:
    __slots__ = ("empty", "value")

    def __init__(self):
        self.value = torch.ones(4)


@dataclass(frozen=True)
class Frozen:
    value: torch.Tensor = field(default_factory=lambda: torch.ones(4))


class Pair(NamedTuple):
    one: object
    two: object


class Keeps(dict):
    """A dict with attributes and tensors."""

    def clear(self):
        raise TypeError


class PlainObject(Case):
    def hold(self):
        self.box = Box()

    def change(self, x, y):
        self.box.value.add_(1)
        self.box.other = y
        self.box.new = [y]
        return self.box.value


class SlottedObject(Case):
    def hold(self):
        self.box = Slots()

    def change(self, x, y):
        self.box.value.add_(1)
        self.box.value = self.box.empty = y
        return 1


class FrozenObject(Case):
    def hold(self):
        self.box = Frozen()

    def change(self, x, y):
        self.box.value.add_(1)
        object.__setattr__(self.box, "value", y)
        return 1


class Containers(Case):
    def hold(self):
        def one():
            return torch.ones(4)

        self.deep = {"a": [Pair(one(), (one(), {"b": one()}))], 3: deque([one()])}
        self.set, self.ordered = {one()}, OrderedDict(a=one())
        self.default, self.user = defaultdict(one), UserDict(a=one())
        self.users, self.space = UserList([one()]), types.SimpleNamespace(a=one())
        self.keeps = Keeps(a=one())
        self.keeps.more = one()

    def change(self, x, y):
        pair = self.deep["a"][0]
        for each in (pair.one, pair.two[0], pair.two[1]["b"], self.deep[3][0], *self.set):
            each.add_(1)
        pair.two[1]["c"] = y
        self.deep[3].append(y)
        self.set.add(y)
        self.ordered.move_to_end("a")
        self.ordered["b"] = y
        self.default["c"].add_(1)
        self.user["b"], self.space.b, self.keeps["b"] = y, y, y
        self.users.append(y)
        self.keeps.more.zero_()
        self.user["a"].zero_()
        return 1


class Closure(Case):
    def hold(self):
        state, seen = torch.ones(4), []
        last = None

        def step(y):
            nonlocal last
            state.add_(1)
            seen.append(y)
            last = y
            return state

        self.step = step

    def change(self, x, y):
        return self.step(y)


_KEPT = {}
_LAST = torch.ones(4)


class Globals(Case):
    def change(self, x, y):
        global _LAST, _NEW  # noqa: PLW0603 - what is tested
        _KEPT[y.shape] = y
        _LAST.add_(1)
        _LAST = _NEW = y
        return 1


class OfTheClass(Case):
    table = {}  # noqa: RUF012 - what is tested
    last = torch.ones(4)

    def change(self, x, y):
        OfTheClass.last.add_(1)
        OfTheClass.table[1] = y
        OfTheClass.last = y
        type(self).brand_new = y
        return 1


@functools.lru_cache
def positions(like_device, n):
    return torch.ones(n, device=like_device)


class Remembered(Case):
    def change(self, x, y):
        return positions(x.device, x.shape[-1])


class Method(Case):
    @functools.lru_cache  # noqa: B019 - what is tested
    def rows(self, n, device):
        return torch.ones(n, device=device)

    @functools.cached_property
    def once(self):
        return self.layer.weight.detach() * 2

    def change(self, x, y):
        return self.rows(4, x.device) + self.once[0]


class Bound(Case):
    def hold(self):
        box, state = Box(), torch.ones(4)
        self.partial = functools.partial(lambda t, by: t.add_(by), state, by=1)
        self.method = box.value.add_
        self.rows = itertools.cycle([torch.ones(4)])
        self.default = lambda t=torch.ones(4): t.mul_(2)  # noqa: B008 - what is tested

    def change(self, x, y):
        self.partial()
        self.method(1)
        self.default()
        next(self.rows).add_(1)
        return 1


class Hooked(Case):
    def hold(self):
        seen = []
        self.layer.register_forward_hook(lambda m, i, o: seen.append(o))
        self.layer.weight.scale = torch.ones(4)
        self.layer.weight.note = {"scale": torch.ones(4)}

    def change(self, x, y):
        self.layer.weight.scale.add_(1)
        self.layer.weight.note["more"] = y
        self.layer.weight.new = y
        return 1


class Structure(Case):
    def change(self, x, y):
        self.extra = nn.Linear(4, 4)
        self.register_buffer("late", torch.ones(4))
        self.layer.weight = nn.Parameter(self.layer.weight.detach() * 2)
        del self.layer.bias
        self.layer.bias = None
        return 1


class Converts(Case):
    def hold(self):
        self.inner = nn.Linear(4, 4)

    def change(self, x, y):
        self.inner.double()
        return self.inner(x.double()).float()


class Lazy(Case):
    def hold(self):
        self.lazy = nn.LazyLinear(4)
        self.norm = nn.LazyBatchNorm1d()

    def change(self, x, y):
        return self.norm(self.lazy(x))


class Draws(Case):
    def hold(self):
        self.of_torch, self.of_numpy = torch.Generator(), np.random.default_rng(0)
        self.of_python = random.Random(0)  # noqa: S311 - what is tested

    def change(self, x, y):
        drawn = torch.rand(4, generator=self.of_torch)
        return drawn.sum().item() + self.of_numpy.random() + self.of_python.random()


class Layers(Case):
    """Layers of torch that change themselves in training."""

    def hold(self):
        self.norm = nn.BatchNorm1d(4)
        self.spectral = parametrizations.spectral_norm(nn.Linear(4, 4))
        self.weighted = parametrizations.weight_norm(nn.Linear(4, 4))
        self.old = torch.nn.utils.spectral_norm(nn.Linear(4, 4))
        self.lstm = nn.LSTM(4, 4)
        self.drop = nn.Dropout(0.5)
        self.tied = nn.Linear(4, 4)
        self.tied.weight = self.layer.weight
        self.average = torch.optim.swa_utils.AveragedModel(self.norm)

    def change(self, x, y):
        self.average.update_parameters(self.norm)
        with parametrize.cached():
            z = self.weighted(self.spectral(x)) + self.weighted(x)
        return self.drop(self.old(self.norm(z))) + self.lstm(x[None])[0][0] + self.tied(x)


class Sparse(Case):
    def hold(self):
        self.register_buffer("coo", torch.eye(4).to_sparse())
        self.csr = torch.eye(4).to_sparse_csr()

    def change(self, x, y):
        self.csr.values().add_(1)
        return (self.coo @ x.T).T


class LoadsItself(Case):
    def hold(self):
        self.kept = {name: torch.zeros_like(each) for name, each in self.layer.state_dict().items()}

    def change(self, x, y):
        self.layer.load_state_dict(self.kept)
        nn.init.normal_(self.layer.weight)
        return 1


class Threaded(Case):
    def hold(self):
        self.register_buffer("state", torch.zeros(4))

    def change(self, x, y):
        thread = Thread(target=lambda: self.state.add_(1))
        thread.start()
        thread.join()
        return 1


class Lists(Case):
    def hold(self):
        self.rows = nn.ParameterList([torch.ones(4)])
        self.named = nn.ParameterDict({"a": torch.ones(4)})

    def change(self, x, y):
        with torch.no_grad():
            self.rows[0].add_(1)
        self.rows.append(nn.Parameter(torch.ones(4)))
        self.named["b"] = nn.Parameter(torch.ones(4))
        return self.rows[0]


class Observes(Case):
    def hold(self):
        self.observer = torch.ao.quantization.MovingAverageMinMaxObserver()
        self.quantised = torch.quantize_per_tensor(torch.ones(4), 0.1, 0, torch.qint8)

    def change(self, x, y):
        self.observer(y.detach())
        self.quantised.copy_(torch.zeros(4))
        return self.quantised.dequantize()


class ViewsAndGraphs(Case):
    def hold(self):
        self.base = torch.zeros(3, 4)
        self.row, self.turned = self.base[1], self.base.t()
        self.weight = torch.ones(4, requires_grad=True)
        self.made = self.weight * 2
        self.law = torch.distributions.Normal(torch.zeros(4), torch.ones(4))

    def change(self, x, y):
        self.row.add_(1)
        self.turned.add_(1)
        self.law.loc.add_(1)
        with torch.no_grad():
            self.made.add_(1)
        with torch.inference_mode(False), torch.enable_grad():
            (self.weight * 2).sum().backward()
        return self.row + self.made


class ByAddress(Case):
    """Foreign code that writes to a large buffer, which nothing of torch sees."""

    def hold(self):
        self.register_buffer("state", torch.zeros(LARGE))

    def change(self, x, y):
        if not x.is_meta:
            ctypes.memset(self.state.untyped_storage().data_ptr(), 1, 400)
        return y.sum().item()


class Scripted(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.register_buffer("state", torch.zeros(4))
        self.plain = torch.zeros(4)
        self.rows = [torch.zeros(4)]

    def forward(self, x):
        self.state.add_(1)
        self.plain = self.plain + 1
        self.rows.append(self.plain)
        return self.layer(x) + self.state


class ScriptedChild(Case):
    def hold(self):
        self.child = torch.jit.script(Scripted())
        self.traced = torch.jit.trace(nn.Linear(4, 4), torch.zeros(2, 4))

    def change(self, x, y):
        return self.child(x) + self.traced(x)


CASES = [
    Buffer, Queue, Momentum, ByNumpy, ByData, Gradient, Trains, PlainObject, SlottedObject,
    FrozenObject, Containers, Closure, Globals, OfTheClass, Remembered, Method, Bound, Hooked,
    Structure, Converts, Lazy, Draws, Layers, Sparse, ScriptedChild, LoadsItself, Threaded, Lists,
    Observes, ViewsAndGraphs, ByAddress,
    lambda: torch.jit.script(Scripted()),
    lambda: torch.jit.trace(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), torch.zeros(2, 4)),
    lambda: torch.jit.freeze(torch.jit.script(nn.Linear(4, 4)).eval()),
    lambda: torch.compile(Buffer(), backend="eager"),
]  # fmt: skip


def fresh(make):
    _KEPT.clear()
    positions.cache_clear()
    Method.rows.cache_clear()
    torch.manual_seed(1)
    return make()


class Raises(nn.Module):
    """A model, and then an exception."""

    def __init__(self, inner, error):
        super().__init__()
        self.inner = inner
        self.error = error

    def forward(self, *inputs):
        self.inner(*inputs)
        raise self.error


def results(model, x):
    torch.manual_seed(2)
    with torch.no_grad():
        return model(x)


def counted_and_whole(model, inputs, raising=(), **how):
    """Count it, and compare all that can be reached with what it was."""
    before = {key: (each, described(each)) for key, each in reachable(model, inputs).items()}
    try:
        count_module(model, (inputs, {}), CountSettings(**how))
    except raising:
        pass
    except VtbenchError:
        if how.get("road", "auto") == "auto" and not how.get("backward"):
            raise
    after = reachable(model, inputs)
    changed = [
        (type(each), each.shape) for each, said in before.values() if described(each) != said
    ]
    assert not changed
    assert after.keys() == before.keys()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("how", [
    {}, {"road": "meta"}, {"road": "known"}, {"road": "real"}, {"road": "real", "mode": "train"},
    {"grad": True},
    {"backward": True}, {"road": "real", "backward": True},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("make", CASES)
def test_everything_that_can_be_reached_comes_back(make, how):
    x = torch.ones(2, 4)
    model = fresh(make)
    counted_and_whole(model, (x,), **how)
    counted = results(model, x)
    assert torch.equal(counted, results(fresh(make), torch.ones(2, 4)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("road", ["auto", "real"])
@pytest.mark.parametrize("make", CASES)
def test_everything_comes_back_from_a_count_that_was_broken_off(make, road, error):
    model = Raises(fresh(make), error)
    with pytest.raises(type(error) if isinstance(error, KeyboardInterrupt) else VtbenchError):
        count_module(model, ((torch.ones(2, 4),), {}), CountSettings(road=road))
    counted_and_whole(model, (torch.ones(2, 4),), raising=(VtbenchError, KeyboardInterrupt))
    counted = results(model.inner, torch.ones(2, 4))
    assert torch.equal(counted, results(fresh(make), torch.ones(2, 4)))


@dataclass
class Batch:
    x: torch.Tensor
    mask: torch.Tensor
    notes: dict


class TakesBatch(nn.Module):
    """Writes to whatever it was given."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, batch, *more):
        x = batch.x if hasattr(batch, "x") else batch.value
        y = self.layer(x)
        x.add_(1)
        if isinstance(batch, Batch):
            batch.mask.zero_()
            batch.notes["seen"] = y
            batch.x = y
        for each in more:
            for tensor in each.values() if isinstance(each, dict) else each:
                tensor.mul_(2)
        return y


def ones():
    return torch.ones(2, 4)


@pytest.mark.parametrize("road", ["auto", "meta", "known", "real"])
@pytest.mark.parametrize("give", [
    lambda: (Batch(ones(), ones(), {"a": [ones()]}),),
    lambda: (types.SimpleNamespace(x=ones()),),
    lambda: (Frozen(ones()),),
    lambda: (Pair(Frozen(ones()), 1)[0], {"a": ones()}, [ones()], Pair(ones(), ones())),
    lambda: (Frozen(torch.ones(3, 4)[1:]), (ones()[:, :2],)),
], ids=range(5))  # fmt: skip
def test_inputs_of_any_kind_come_back(give, road):
    counted_and_whole(TakesBatch(), give(), road=road)


def test_state_of_the_caller_s_own_that_is_no_tensor_stays_as_the_model_left_it():
    """What a function of the caller notes outside the model is not the count's to take back."""
    seen = []

    class Notes(nn.Module):
        def forward(self, x):
            seen.append(x.shape)
            return x @ x.T

    count_module(Notes(), ((torch.ones(2, 4),), {}), CountSettings())
    assert seen == [(2, 4)]


def test_a_cache_that_is_an_input_comes_back_as_it_was():
    transformers = pytest.importorskip("transformers", reason="the extra [models] is missing")
    if not hasattr(transformers, "DynamicCache"):
        pytest.skip("this version has no such cache")
    sizes = {"n_layer": 1, "n_embd": 16, "n_head": 2, "vocab_size": 50}
    model = transformers.GPT2Model(transformers.GPT2Config(**sizes)).eval()
    ids, cache = torch.zeros(1, 5, dtype=torch.long), transformers.DynamicCache()
    model(ids, past_key_values=cache, use_cache=True)
    before = {key: (each, described(each)) for key, each in reachable(cache).items()}
    for road in ("auto", "real"):
        given = {"past_key_values": cache, "use_cache": True}
        count_module(model, ((ids,), given), CountSettings(road=road))
        assert all(described(each) == said for each, said in before.values())
        assert reachable(cache).keys() == before.keys()
        assert cache.get_seq_length() == ids.shape[1]


def test_memory_that_was_made_larger_is_as_large_as_before():
    """Its address may be another one: whoever resizes memory gives the old one away."""

    class Grows(Buffer):
        def change(self, x, y):
            self.state.resize_(1 << 16).fill_(3)
            return 1

    model = Grows()
    state = model.state
    count_module(model, ((torch.ones(2, 4),), {}), CountSettings(road="real"))
    assert model.state is state
    assert (state.tolist(), state.untyped_storage().nbytes()) == ([0, 0, 0, 0], 16)


def test_a_graph_that_waits_for_its_backward_pass_is_not_disturbed():
    model, x = Buffer(), torch.ones(2, 4)
    weight = torch.ones(4, requires_grad=True)
    loss = (weight * model.state).sum()
    count_module(model, ((x,), {}), CountSettings(road="real"))
    loss.backward()
    assert weight.grad.tolist() == [0, 0, 0, 0]
