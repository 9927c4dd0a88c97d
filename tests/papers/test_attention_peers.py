"""AA-, SASA- and LR-ResNets and SANs compute what their papers' equations say, and train."""

import math

import pytest
import torch
from torch import nn

from vtbench import models
from vtbench.data.workload import Workload, freeze_options
from vtbench.errors import BadOption
from vtbench.models.windows import windows
from vtbench.papers.attention_augmented.networks import RelativeAttention, aa_resnet
from vtbench.papers.local_relation.networks import LocalRelation, LRNet
from vtbench.papers.self_attention_networks.networks import SAN, SelfAttention
from vtbench.papers.stand_alone_attention.networks import AttentionStem, LocalAttention, SASAResNet

pytestmark = pytest.mark.usefixtures("one_thread")

NETS = {
    "aa_basic": lambda: aa_resnet(depth=34, num_classes=5, resolution=(64, 48))[0],
    "aa_pooled": lambda: aa_resnet(depth=50, pooled=True, num_classes=5, resolution=(64, 48))[0],
    "sasa": lambda: SASAResNet(depth=26, num_classes=5),
    "sasa_split": lambda: SASAResNet(
        depth=26, stem="convolution", projections="per_head", kernel=3, num_classes=5
    ),
    "lr": lambda: LRNet(depth=18, num_classes=5),
    "lr_basic": lambda: LRNet(depth=18, block="basic", num_classes=5),
    "san": lambda: SAN(depth=10, num_classes=5),
    "san_pairs": lambda: SAN(depth=10, attention="pairwise", norms="output", num_classes=5),
}
EVERY = pytest.mark.parametrize("name", NETS)


def made(name, dtype=torch.float64):
    """A network, and two images on which its statistics of norms were taken."""
    torch.manual_seed(0)
    net, images = NETS[name]().to(dtype), torch.randn(2, 3, 64, 48, dtype=dtype)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            part.momentum = None  # the statistics of what was seen, not a part of them
    return net, images


@EVERY
def test_a_gradient_reaches_every_parameter(name):
    """A softmax loses what all neighbours share, such as a bias before it."""
    net, images = made(name)
    with torch.no_grad():
        assert net.train()(images).shape == (2, 5)
    out = net.eval()(images)
    (out * torch.randn_like(out)).sum().backward()
    for path, parameter in net.named_parameters():
        assert parameter.grad is not None, path
        assert math.isfinite(float(parameter.grad.abs().max())), path
    dead = {path for path, each in net.named_parameters() if float(each.grad.abs().max()) < 1e-12}
    assert all(path.endswith(LOST.get(name, ())) for path in dead), dead


LOST = {
    "lr": ("prior.map.2.bias",),
    "lr_basic": ("prior.map.2.bias",),
    "san_pairs": ("map.2.bias", "position.bias", "around.bias", "centre.bias"),
}
"""Ends of the names of parameters that may drop out of a softmax over neighbours."""


@EVERY
def test_an_image_does_not_depend_on_what_else_is_in_the_batch(name):
    net, images = made(name)
    with torch.no_grad():
        net.train()(images)
        together, alone = net.eval()(images), net(images[1:])
    assert torch.allclose(together[1:], alone, atol=1e-9)
    assert not torch.allclose(together[:1], alone, atol=1e-6)


LAYERS = {
    "aa": lambda: RelativeAttention(64, 32, 16, 8, (6, 5)),
    "sasa": lambda: LocalAttention(64, 7, 8, 1),
    "lr": lambda: LocalRelation(64, 64, 1, 8),
    "san": lambda: SelfAttention(64, 7, "patchwise", "everywhere"),
    "san_pairs": lambda: SelfAttention(64, 7, "pairwise", "everywhere"),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_layer_computes_nearly_the_same_in_half_precision(name, dtype):
    torch.manual_seed(0)
    layer, x = LAYERS[name]().eval(), torch.randn(2, 64, 6, 5)
    with torch.no_grad():
        exact, half = layer(x), layer.to(dtype)(x.to(dtype))
    assert half.dtype == dtype
    assert float((half.float() - exact).abs().max()) < 0.03 * float(exact.abs().max())


@EVERY
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_network_runs_in_half_precision(name, dtype):
    net, images = made(name, torch.float32)
    with torch.no_grad():
        net.train()(images)
        scores = net.to(dtype).eval()(images.to(dtype))
    assert scores.dtype == dtype
    assert scores.isfinite().all()


def neighbours(height, width, place, side):
    """Every neighbour's number in the window and its place, or None outside the map."""
    y, x = place
    for number in range(side**2):
        row, column = y + number // side - side // 2, x + number % side - side // 2
        inside = 0 <= row < height and 0 <= column < width
        yield number, ((row, column) if inside else None)


def test_windows_are_the_places_around_each_and_zeros_outside():
    x = torch.randn(1, 2, 3, 4)
    cut = windows(x, 3).unflatten(3, (3, 4))
    for place in ((0, 0), (1, 2), (2, 3)):
        for number, at in neighbours(3, 4, place, 3):
            expected = torch.zeros(2) if at is None else x[0, :, at[0], at[1]]
            assert torch.equal(cut[0, :, number, place[0], place[1]], expected)


def read(x, at):
    """A place of C,H,W, or zeros."""
    return torch.zeros_like(x[:, 0, 0]) if at is None else x[:, at[0], at[1]]


def test_local_attention_is_equation_3():
    """Softmax over the window of q·k + q·r, head by head; r is half of rows, half of columns."""
    torch.manual_seed(1)
    layer = LocalAttention(8, 3, 2, 1).double()
    x = torch.randn(1, 8, 3, 4, dtype=torch.float64)
    with torch.no_grad():
        out = layer(x)[0]
        query, key, value = (part(x)[0] for part in (layer.query, layer.key, layer.value))
        for head, place in ((0, (0, 0)), (1, (1, 2))):
            mine = slice(4 * head, 4 * head + 4)
            logits, values = [], []
            for number, at in neighbours(3, 4, place, 3):
                embedding = torch.cat(
                    (layer.rows[head, :, number // 3], layer.columns[head, :, number % 3])
                )
                asked = query[mine, place[0], place[1]]
                logits.append(asked @ read(key, at)[mine] + asked @ embedding)
                values.append(read(value, at)[mine])
            weights = torch.stack(logits).softmax(0)
            expected = sum(w * v for w, v in zip(weights, values, strict=True))
            assert torch.allclose(out[mine, place[0], place[1]], expected)


def test_the_stem_mixes_values_by_their_place_in_the_block():
    """Equations 8 and 9; a block of 4x4 pixels sees nothing of another."""
    torch.manual_seed(2)
    stem = AttentionStem(16).double().eval()
    image = torch.randn(1, 3, 8, 4, dtype=torch.float64)
    with torch.no_grad():
        out = stem(image)
        assert out.shape == (1, 16, 2, 1)
        pixels = image[0, :, :4, :].flatten(1).T  # 16,3: the first block
        keys, queries = stem.key(pixels), stem.query(pixels)
        values = []
        for number, pixel in enumerate(pixels):
            place = stem.rows[number // 4, 0] + stem.columns[number % 4]
            shares = (stem.mixtures @ place).softmax(0)
            matrix = sum(share * each for share, each in zip(shares, stem.values, strict=True))
            values.append(pixel @ matrix)
        seen = []
        for head in range(4):
            mine = slice(4 * head, 4 * head + 4)
            weights = (queries[:, mine] @ keys[:, mine].T).softmax(1)
            seen.append(weights @ torch.stack(values)[:, mine])
        normed = torch.cat(seen, dim=1) / (1 + stem.norm.eps) ** 0.5
        assert torch.allclose(out[0, :, 0, 0], normed.amax(0))


def test_a_local_relation_is_a_softmax_of_likeness_and_place():
    """Groups of eight channels share a weight, the last group what is left."""
    torch.manual_seed(3)
    layer = LocalRelation(20, 6, 2, 8).double()
    x = torch.randn(1, 20, 5, 4, dtype=torch.float64)
    with torch.no_grad():
        out = layer(x)[0]
        assert out.shape == (6, 3, 2)
        query, key, prior = layer.query(x)[0], layer.key(x)[0], layer.prior()[0, :, :, 0]
        assert prior.shape == (3, 49)
        y, column = 1, 1  # of the output: 2, 2 of the map
        logits = torch.stack([
            prior[:, number] - (query[:, y, column] - read(key, at)) ** 2
            for number, at in neighbours(5, 4, (2, 2), 7)
        ])  # fmt: skip
        weights = logits.softmax(0).repeat_interleave(8, dim=1)[:, :20]  # 49,20
        values = torch.stack([read(x[0], at) for _, at in neighbours(5, 4, (2, 2), 7)])
        expected = layer.output.weight[:, :, 0, 0] @ (weights * values).sum(0)
        assert torch.allclose(out[:, y, column], expected)


def test_relative_attention_adds_what_a_query_makes_of_both_distances():
    torch.manual_seed(4)
    layer = RelativeAttention(6, 8, 4, 2, (3, 4)).double()
    x = torch.randn(1, 6, 3, 4, dtype=torch.float64)
    with torch.no_grad():
        out = layer(x)[0]
        query, key, value = layer.in_projection(x)[0].flatten(1).split((8, 8, 4))  # C,HW
        expected = torch.zeros(4, 12, dtype=torch.float64)
        for head in range(2):
            keys, values = slice(4 * head, 4 * head + 4), slice(2 * head, 2 * head + 2)
            for place in range(12):
                asked = query[keys, place] / 2
                logits = torch.stack([
                    asked @ (
                        key[keys, at]
                        + layer.rows[at // 4 - place // 4 + 2]
                        + layer.columns[at % 4 - place % 4 + 3]
                    )
                    for at in range(12)
                ])  # fmt: skip
                expected[values, place] = value[values] @ logits.softmax(0)
        expected = layer.output.weight[:, :, 0, 0] @ expected
        assert torch.allclose(out.flatten(1), expected)


@pytest.mark.parametrize("attention", ["patchwise", "pairwise"])
def test_a_block_of_vector_attention_adds_up_neighbours(attention):
    torch.manual_seed(5)
    block = SelfAttention(64, 3, attention, "output").double().eval()
    x = torch.randn(1, 64, 3, 4, dtype=torch.float64)
    place = (0, 2)
    with torch.no_grad():
        weighing = block.weights
        centre = weighing.centre(x)[0][:, place[0], place[1]]
        around, value = weighing.around(x)[0], block.value(x)[0]
        near = list(neighbours(3, 4, place, 3))
        if attention == "patchwise":
            every = torch.stack([read(around, at) for _, at in near], dim=1).flatten()
            weights = weighing.map(torch.cat((centre, every))[None, :, None])[0].view(2, 9)
        else:
            sides = torch.linspace(-1, 1, 3).double(), torch.linspace(-1, 1, 4).double()
            spots = weighing.position(
                torch.stack((sides[0][:, None].expand(3, 4), sides[1].expand(3, 4)))[None]
            )[0]
            mine = spots[:, place[0], place[1]]
            pairs = [
                torch.cat((centre - read(around, at), mine - read(spots, at))) for _, at in near
            ]
            mapped = weighing.map(torch.stack(pairs, dim=1)[None, :, :, None])[0, :, :, 0]
            weights = mapped.softmax(1)
        seen = sum(weights[:, number].repeat_interleave(8) * read(value, at) for number, at in near)
        expected = x[0][:, place[0], place[1]] + block.output(seen[None, :, None, None])[0, :, 0, 0]
        assert torch.allclose(block(x)[0][:, place[0], place[1]], expected)


@pytest.mark.parametrize("model", ["aa_r50", "sasa_r26", "lr_r18", "san10"])
@pytest.mark.parametrize("size", [(96, 160), (72, 104)])
def test_images_of_other_sizes_pass(model, size):
    """72 is no multiple of 32: what halves a map rounds its side up, in all its branches."""
    asked = Workload(model=model, resolution=size, batch_size=2, options=freeze_options({}))
    built = models.build(asked)
    assert built.workload.resolution == size
    assert built.module(*built.args, **built.kwargs).shape == (2, 1000)


@pytest.mark.parametrize(
    ("refused", "sentence"),
    [
        (lambda: aa_resnet(depth=18), "34, 50 or 101, not 18"),
        (lambda: aa_resnet(key_share=1.5), "key_share must be between 0 and 1, not 1.5"),
        (lambda: aa_resnet(value_share=0.01), "value_share=0.01 leaves no channel"),
        (lambda: aa_resnet(heads=0), "heads must be at least 1"),
        (lambda: SASAResNet(depth=101), "26, 38 or 50, not 101"),
        (lambda: SASAResNet(kernel=4), "kernel must be odd"),
        (lambda: SASAResNet(heads=6), "heads must divide 32; 6 does not"),
        (lambda: SASAResNet(projections="split"), "projections is one of per_head, full"),
        (lambda: LRNet(depth=34), "18, 50 or 101 here, not 34"),
        (lambda: LRNet(width=0), "width must be at least 1"),
        (lambda: LRNet(block="wide"), "block is one of bottleneck, basic"),
        (lambda: SAN(depth=50), "10, 15 or 19, not 50"),
        (lambda: SAN(attention="scalar"), "attention is one of patchwise, pairwise"),
        (lambda: SAN(num_classes=0), "num_classes must be at least 1"),
    ],
)
def test_options_that_cannot_be_are_refused_in_a_sentence(refused, sentence):
    with pytest.raises(BadOption, match=sentence):
        refused()
