"""Inputs and constants have values beside weights that have none, and what meets a weight has none.

Each model here is counted on the known road and on values; the two must be the same to the digit.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

import vtbench
from vtbench.count.count_module import CountSettings, count_module
from vtbench.errors import ModelError

X = torch.tensor([[1.0, 2.0], [-3.0, 1.0], [4.0, 0.5]])
IDS = torch.tensor([[5, 9, 9, 2, 0, 0]])


class Net(nn.Module):
    """A linear layer from 4 to 4 on what ``run`` makes of whole numbers and an embedding."""

    def __init__(self, run):
        super().__init__()
        self.run = run
        self.table, self.layer = nn.Embedding(10, 4), nn.Linear(4, 4)
        self.register_buffer("kept", torch.tensor([0, 2]))
        self.register_buffer("scale", torch.ones(4))

    def forward(self, ids, x):
        return self.layer(self.run(self, ids, x))


def seeded(run):
    torch.manual_seed(0)
    return Net(run)


def counted(run, road, **how):
    net = seeded(run)
    found = count_module(net, ((IDS, X), {}), CountSettings(road=road, **how))
    return sum(row.macs for row in found.rows), found.readers


def by_positions(net, ids, x):
    """Two image tokens, found among the ids, take the place of two embeddings."""
    e = net.table(ids)
    e[ids == 9] = net.layer(torch.ones(2, 4, device=e.device))
    return e[ids != 0]


def scattered(net, ids, x):
    e = net.table(ids)
    mask = (ids == 9).unsqueeze(-1).expand_as(e).to(e.device)
    if e[mask].numel() != 8:
        raise ValueError
    return e.masked_scatter(mask, net.layer(torch.zeros(2, 4).to(e.device)))


def by_length(net, ids, x):
    return net.table(ids)[:, : int((ids != 0).sum())]


def on_another_device(net, ids, x):
    """Positions made where the embeddings are, which are then moved to where the ids are."""
    e = net.table(ids)
    places = torch.arange(e.shape[1], device=e.device)
    mask = torch.ones(e.shape[:2], device=e.device)
    rows = e.to(ids.device)[:, places < mask.long().sum() - 1]
    return rows.to("cpu")[:, : len(places[places > 1].tolist())]


def numbers_of_python(net, ids, x):
    e = net.table(ids)
    ends = torch.tensor([1, 3], device=e.device)
    more = e.new_tensor([2], dtype=torch.int64)
    return e[:, ends[0].item() : (ends[1] + more[0]).item()]


def repeated(net, ids, x):
    return net.table(ids)[0].repeat_interleave(ids[0], 0)


def selected(net, ids, x):
    return net.table(ids).masked_select((ids > 2)[..., None]).reshape(-1, 4)


def into_constants(net, ids, x):
    """A constant that embeddings are written to, and another that keeps its values."""
    e = net.table(ids)
    places, states = torch.zeros(6), torch.zeros(6, 4, device=e.device)
    places[2:] = 1
    states[1:3] = e[0, 1:3]
    states.mul_(net.scale)
    view = states.view(3, 2, 4)
    return view.reshape(6, 4)[places.bool()]


def of_a_buffer(net, ids, x):
    return net.table(ids)[:, : net.kept.max()]


def of_real_numbers(net, ids, x):
    return torch.cat((x, x), 1)[x.sum(1) > 0]


MODELS = {
    by_positions: 2 + 4,
    scattered: 2 + 6,
    by_length: 4,
    on_another_device: 4,
    numbers_of_python: 4,
    repeated: 5 + 9 + 9 + 2,
    selected: 3,
    into_constants: 4,
    of_a_buffer: 2,
    of_real_numbers: 2,
}
"""What is run, and how many rows are multiplied with the 4 x 4 weight."""


@pytest.mark.parametrize("grad", [False, True], ids=["inference", "grad"])
@pytest.mark.parametrize("run", MODELS, ids=lambda run: run.__name__)
def test_what_is_known_decides_and_the_count_is_that_of_values(run, grad):
    rows = MODELS[run]
    on_known, on_values = (counted(run, road, grad=grad) for road in ("known", "real"))
    assert on_known == on_values
    assert on_known[0] == rows * 4 * 4


@pytest.mark.parametrize("run", MODELS, ids=lambda run: run.__name__)
def test_the_automatic_road_is_the_known_one_and_needs_no_weights(run):
    rows = MODELS[run]
    with torch.device("meta"):
        bare = Net(run)
    bare._buffers["kept"] = torch.tensor([0, 2])
    found = count_module(bare, ((IDS, X), {}), CountSettings())
    assert sum(row.macs for row in found.rows) == rows * 4 * 4
    assert found.road.startswith(("meta", "known ("))


def on_a_weight(net, ids, x):
    return net.table(ids)[:, : int(net.scale.sum())]


def on_an_embedding(net, ids, x):
    e = net.table(ids)
    return e[e.sum(-1) > 0]


def on_a_constant_that_a_weight_was_written_to(net, ids, x):
    held = torch.zeros(4)
    held.copy_(net.scale)
    return net.table(ids)[:, : int(held.sum())]


def on_a_list_of_such_a_constant(net, ids, x):
    held = torch.zeros(4)
    held[1:].add_(net.scale[1:])
    return net.table(ids)[:, : len(held[:2].tolist())]


def on_what_is_drawn_after_what_nobody_has(net, ids, x):
    torch.randn_like(net.table(ids))
    return net.table(ids)[:, : 1 + int(torch.rand(1) * 4)]


@pytest.mark.parametrize("run", [
    on_a_weight, on_an_embedding, on_a_constant_that_a_weight_was_written_to,
    on_a_list_of_such_a_constant, on_what_is_drawn_after_what_nobody_has,
], ids=lambda run: run.__name__)  # fmt: skip
def test_what_depends_on_a_weight_is_never_taken_for_known(run):
    with pytest.raises(ModelError):
        counted(run, "known")
    found = count_module(seeded(run), ((IDS, X), {}), CountSettings())
    assert found.road.startswith("real (")
    assert sum(row.macs for row in found.rows) == counted(run, "real")[0]


def test_the_model_s_own_check_of_its_inputs_is_heard():
    class Checks(nn.Linear):
        def forward(self, ids):
            if (ids == 9).sum() != 3:
                raise ValueError(f"expected 3 image tokens, got {(ids == 9).sum()}")
            return super().forward(torch.ones(3, 4, device=self.weight.device))

    net = Checks(4, 4, device="meta")
    with pytest.raises(ModelError, match="expected 3 image tokens, got 2"):
        vtbench.count(net, IDS)
    assert vtbench.count(net, torch.tensor([9, 9, 9])).macs == 3 * 4 * 4


def test_inputs_and_buffers_are_left_as_they_were():
    def writes(net, ids, x):
        ids.add_(1)
        net.kept.zero_()
        x.mul_(2)
        return net.table(ids.clamp(max=9))[:, : int(ids.max())]

    net, ids, x = Net(writes), IDS.clone(), X.clone()
    count_module(net, ((ids, x), {}), CountSettings(road="known"))
    assert torch.equal(ids, IDS)
    assert torch.equal(x, X)
    assert net.kept.tolist() == [0, 2]
    assert not net.table.weight.is_meta


class Embedded(nn.Module):
    """Its tokens follow from weights, and it drops some of them."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.embed(x).flatten(2).transpose(1, 2)[0]
        return self.head(tokens[tokens.mean(-1) > 0])


def test_a_convolution_of_a_known_image_is_a_shape():
    image = torch.randn(1, 3, 32, 32)
    net = Embedded().eval()
    tokens = net.embed(image).flatten(2).transpose(1, 2)[0]
    kept = int((tokens.mean(-1) > 0).sum())
    counted = vtbench.count(net, image)
    # 8x8 patches of 4x4x3 by 8 channels, and 8 to 10 for each token that is kept
    assert counted.macs == 64 * 48 * 8 + kept * 80
    assert counted.record.road.startswith("real")


def test_a_constant_that_meets_a_weight_is_a_shape_too():
    class Constant(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.head = nn.Conv1d(1, 1, 1), nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            steps = self.conv(torch.arange(4.0, device="cpu").reshape(1, 1, 4))
            return self.head(x) if bool((steps > 0).all()) else self.head(self.head.weight)

    net = Constant().eval()
    with torch.no_grad():
        net.conv.weight.fill_(1.0)
        net.conv.bias.fill_(1.0)
    counted = vtbench.count(net, torch.randn(3, 4))
    # 4 steps through one weight, 3 rows of 4 to 2
    assert counted.macs == 4 + 3 * 8
    assert counted.record.road.startswith("real")
