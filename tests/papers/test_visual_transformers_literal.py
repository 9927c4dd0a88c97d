"""The literal reading of Visual Transformers is what the papers print: listings, equations, tables.

Everything here is written anew from the papers' text, in plain numpy where it is mathematics.
"""

import math

import numpy as np
import pytest
import torch
from torch import nn

from vtbench.errors import BadOption
from vtbench.papers.visual_transformers.networks import clusters, equations, listings
from vtbench.papers.visual_transformers.networks.blocks import BlockShape
from vtbench.papers.visual_transformers.networks.v3 import VTResNet
from vtbench.papers.visual_transformers.networks.v4 import VTResNetV4

pytestmark = pytest.mark.usefixtures("one_thread")

# v3, appendix A, written out. Arrays are batches of one: C,P and C,L.


def array(tensor):
    return tensor.detach().numpy()


def convolved(conv, x):
    """A 1x1 convolution in groups: c_in,P -> c_out,P."""
    weight = array(conv.weight).reshape(conv.out_channels, -1)
    parts = zip(
        np.split(weight, conv.groups), np.split(x, conv.groups), strict=True
    )  # c_out/g,c_in/g and c_in/g,P
    return np.concatenate([own @ piece for own, piece in parts])


def softmax(x, axis):
    grown = np.exp(x - x.max(axis=axis, keepdims=True))
    return grown / grown.sum(axis=axis, keepdims=True)


def random(*sizes):
    return torch.randn(*sizes, dtype=torch.double)


SHAPE = BlockShape(f=32, C=32, L=6, CT=48, heads=4, groups=2)


def test_a_static_tokenizer_is_listing_1_written_out():
    torch.manual_seed(0)
    block = listings.Tokenizer(SHAPE, dynamic=False, position=False).double()
    x = random(1, 32, 3, 5)
    pixels = array(x)[0].reshape(32, 15)
    coefficients = softmax(convolved(block.coefficients, pixels) / math.sqrt(32), axis=1)  # L,HW
    tokens = convolved(block.token, convolved(block.value, pixels) @ coefficients.T)
    assert np.allclose(array(block(x, None))[0], tokens)


def test_a_dynamic_tokenizer_is_listing_1_written_out():
    """T_a asks, T_b is kept in front; positions are coded from the maps of every head."""
    torch.manual_seed(0)
    block = listings.Tokenizer(SHAPE, dynamic=True, position=True).double()
    x, given = random(1, 32, 14, 14), random(1, 48, 6)
    pixels, tokens = array(x)[0].reshape(32, 196), array(given)[0]
    query, key = convolved(block.query, tokens[:, :3]), convolved(block.key, pixels)
    heads = [
        softmax(k.T @ q / math.sqrt(32 / 4), axis=0)
        for q, k in zip(np.split(query, 4), np.split(key, 4), strict=True)
    ]  # HW,L_a each
    value = np.split(convolved(block.value, pixels), 4)
    drawn = np.concatenate([v @ a for v, a in zip(value, heads, strict=True)])
    code = position_code(block.position, np.stack(heads))
    new = convolved(block.token, np.concatenate([drawn, code]))
    assert np.allclose(array(block(x, given))[0], np.concatenate([tokens[:, 3:], new], axis=1))


def position_code(encoder, coefficients):
    """Listing 2 at 14x14 positions, pixel by pixel: h,196,L -> 49,L."""
    kernel, merge = array(encoder.halve.weight), array(encoder.merge.weight)[0, :, 0, 0]
    codes = []
    for token in range(coefficients.shape[2]):
        framed = np.pad(coefficients[:, :, token].reshape(-1, 14, 14), ((0, 0), (1, 1), (1, 1)))
        seen = [framed[:, i : i + 3, j : j + 3] for i in range(0, 14, 2) for j in range(0, 14, 2)]
        halved = [merge @ [np.sum(window * one) for one in kernel] for window in seen]
        codes.append(convolved(encoder.pos_conv, np.array(halved)[:, None])[:, 0])
    return np.stack(codes, axis=1)


def test_a_map_of_another_size_is_coded_from_the_nearest_of_its_pixels():
    """Listing 2 interpolates without naming a mode: pixel i of 14 is pixel i·n // 14 of n."""
    torch.manual_seed(0)
    encoder = listings.PosEncoder(2).double()
    coefficients = random(1, 2, 5 * 8, 3)
    wide = array(coefficients)[0].reshape(2, 5, 8, 3)
    rows, columns = (np.arange(14) * side // 14 for side in (5, 8))
    nearest = wide[:, rows][:, :, columns].reshape(2, 196, 3)
    found = encoder(coefficients, torch.empty(1, 32, 5, 8))
    assert np.allclose(array(found)[0], position_code(encoder, nearest))


def test_the_transformer_is_listing_3_written_out():
    """Scores are divided by the root of the number of tokens, as they are in print."""
    torch.manual_seed(0)
    block = listings.Transformer(48, heads=4, kqv_groups=2).double()
    given = random(1, 48, 6)
    tokens = array(given)[0]
    key, query, value = (
        np.split(convolved(conv, tokens), 4) for conv in (block.key, block.query, block.value)
    )
    kqv = np.concatenate([
        v @ softmax(k.T @ q / math.sqrt(6), axis=0)
        for k, q, v in zip(key, query, value, strict=True)
    ])  # fmt: skip
    tokens = tokens + kqv
    tokens = tokens + convolved(block.feed_forward, tokens)
    assert np.allclose(array(block(given))[0], tokens)


def test_the_projector_is_listing_4_written_out():
    torch.manual_seed(0)
    block = listings.Projector(SHAPE).double()
    x, given = random(1, 32, 3, 5), random(1, 48, 6)
    pixels, tokens = array(x)[0].reshape(32, 15), array(given)[0]
    value, key, query = (
        np.split(convolved(conv, seen), 4)
        for conv, seen in ((block.value, tokens), (block.key, tokens), (block.query, pixels))
    )
    projected = np.concatenate([
        v @ softmax(q.T @ k / math.sqrt(32 / 4), axis=1).T
        for v, k, q in zip(value, key, query, strict=True)
    ])  # fmt: skip
    assert np.allclose(array(block(x, given))[0].reshape(32, 15), pixels + projected)


# v4, equations 1 to 6 and appendix C, written out.


def averages(coefficients, pixels):
    """T = A^T X as equation 1 has it, with tokens in columns: HW,L and C,HW -> C,L."""
    return (coefficients.T @ pixels.T).T


PRINTED = BlockShape(f=32, C=32, L=6, CT=32, heads=1)


def test_the_tokenizers_are_equations_1_and_2_written_out():
    """With C_T = C, as the equations have it, there is nothing else in them."""
    torch.manual_seed(0)
    x, given = random(1, 32, 3, 5), random(1, 32, 6)
    pixels, tokens = array(x)[0].reshape(32, 15), array(given)[0]
    block = equations.FilterTokenizer(PRINTED).double()
    by_filters = convolved(block.coefficients, pixels).T  # HW,L
    assert np.allclose(array(block(x, None))[0], averages(softmax(by_filters, axis=0), pixels))
    block = equations.RecurrentTokenizer(PRINTED).double()
    by_tokens = pixels.T @ convolved(block.query, tokens)
    assert np.allclose(array(block(x, given))[0], averages(softmax(by_tokens, axis=0), pixels))


def test_the_transformer_is_equations_3_and_4_written_out():
    torch.manual_seed(0)
    block = equations.Transformer(32, heads=1, kqv_groups=1).double()
    given = random(1, 32, 6)
    rows = array(given)[0].T  # T is L x C in print
    key, query, first, second = (
        array(conv.weight)[:, :, 0].T
        for conv in (block.key, block.query, block.feed_forward1, block.feed_forward2)
    )
    # Which of the two is transposed is a matter of names; the softmax is over the tokens read.
    rows = rows + softmax((rows @ query) @ (rows @ key).T, axis=1) @ rows
    rows = rows + np.maximum(rows @ first, 0) @ second
    assert np.allclose(array(block(given))[0], rows.T)


def test_the_projector_is_equation_5_written_out():
    torch.manual_seed(0)
    block = equations.Projector(PRINTED).double()
    x, given = random(1, 32, 3, 5), random(1, 32, 6)
    rows, tokens = array(x)[0].reshape(32, 15).T, array(given)[0].T
    query, key = (array(conv.weight).reshape(32, 32).T for conv in (block.query, block.key))
    expected = rows + softmax((rows @ query) @ (tokens @ key).T, axis=1) @ tokens
    assert np.allclose(array(block(x, given))[0].reshape(32, 15).T, expected)


def listed_kmeans(x, L, niter):
    """Listing 1 of appendix C, line by line: a map C,H,W and L a square -> centroids C,L.

    ``min`` and ``sum`` keep their dimensions, without which the listing does not run.
    """
    C, H, W = x.shape
    side = math.isqrt(L)
    u = x.reshape(C, side, H // side, side, W // side).mean(axis=(2, 4)).reshape(C, L)
    x = x.reshape(C, H * W)
    u = u / np.linalg.norm(u, axis=0, keepdims=True)
    x = x / np.linalg.norm(x, axis=0, keepdims=True)
    for _ in range(niter):
        dist = np.linalg.norm(x[:, :, None] - u[:, None, :], axis=0)  # P,L
        mask = (dist == dist.min(axis=1, keepdims=True)).astype(x.dtype)
        u = x @ mask
        u = u / mask.sum(axis=0, keepdims=True)
        u = u / np.linalg.norm(u, axis=0, keepdims=True)
    return u


@pytest.mark.parametrize("niter", [0, 1, 2, 3, 5, 20])
@pytest.mark.parametrize(("C", "H", "W", "L"), [(32, 16, 16, 16), (64, 14, 28, 4), (8, 12, 12, 9)])
def test_clusters_are_those_of_the_listing(C, H, W, L, niter):
    """Random maps, whose clusters are not empty: there the listing divides by zero."""
    x = random(3, C, H, W)
    found = array(clusters.kmeans(x, L, niter))
    for own, listed in zip(found, (listed_kmeans(one, L, niter) for one in array(x)), strict=True):
        assert np.isfinite(listed).all()
        assert np.allclose(own, listed)


class Averages(nn.Module):
    """What equation 6 does with its coefficients, in the place of values and widening."""

    def forward(self, x, coefficients):
        return x.flatten(2) @ coefficients[:, 0]


def test_both_readings_draw_tokens_by_equation_6():
    """W_K of unit length on the map as it is: T = softmax_HW(X W_K)^T X."""
    x = random(2, 32, 12, 12)
    literal = equations.KMeansTokenizer(BlockShape(f=32, C=32, L=9, CT=32, heads=1), 3)
    fitted = clusters.KMeansTokenizer(BlockShape(f=32, C=32, L=9, CT=32), 3, position=False)
    fitted.extraction = Averages()
    for image, one, other in zip(array(x), literal(x, None), fitted(x), strict=True):
        pixels = image.reshape(32, 144)
        scores = softmax(pixels.T @ listed_kmeans(image, 9, 3), axis=0)
        assert np.allclose(array(one), averages(scores, pixels))
        assert np.allclose(array(other), averages(scores, pixels))


def test_pooling_serves_the_first_block_alone_and_interpolates():
    net = VTResNetV4(depth=34, reading="literal", tokenizer="pooling", token_width=128, heads=4)
    kinds = [type(block.tokenizer).__name__ for block in net.layer4]
    assert kinds == ["PoolingTokenizer", "RecurrentTokenizer", "RecurrentTokenizer"]
    block = equations.PoolingTokenizer(BlockShape(f=32, C=32, L=4, CT=32))
    # Halving a side by bilinear interpolation takes the mean of pixels 0 and 1, and of 2 and 3.
    x = random(1, 32, 4, 4)
    means = array(x)[0].reshape(32, 2, 2, 2, 2).mean(axis=(2, 4)).reshape(32, 4)
    assert np.allclose(array(block(x, None))[0], means)


# The stage table of v4's appendix, row by row: blocks and channels of each stage.

STAGE_TABLE = {
    18: (("BasicBlock", 2, 64), ("BasicBlock", 2, 128), ("BasicBlock", 2, 256), (2, 512)),
    34: (("BasicBlock", 3, 64), ("BasicBlock", 4, 128), ("BasicBlock", 6, 256), (3, 512)),
    50: (("Bottleneck", 3, 256), ("Bottleneck", 4, 512), ("Bottleneck", 6, 1024), (3, 1024)),
    101: (("Bottleneck", 3, 256), ("Bottleneck", 4, 512), ("Bottleneck", 23, 1024), (3, 1024)),
}
"""Table 11: stages 2 to 4 as block, repeats and channels; stage 5 as VT-C..-L16-CT1024 x .."""


@pytest.mark.parametrize("reading", ["literal", "fitted"])
@pytest.mark.parametrize("depth", STAGE_TABLE)
def test_v4_has_the_stages_of_its_table(depth, reading):
    with torch.device("meta"):
        net = VTResNetV4(depth=depth, reading=reading).eval()
        image = torch.empty(1, 3, 224, 224)
    seen = {}
    for name, part in net.named_modules():
        part.register_forward_hook(lambda _, __, out, name=name: seen.setdefault(name, out))
    scores = net(image)
    *rows, (vt_blocks, channels) = STAGE_TABLE[depth]
    # Stage 1, 56x56: conv7x7-C64-S2, then maxpool3x3-S2.
    stem, pool = net.conv1, net.maxpool
    assert (stem.kernel_size, stem.out_channels, stem.stride) == ((7, 7), 64, (2, 2))
    assert (pool.kernel_size, pool.stride, seen["maxpool"].shape[1:]) == (3, 2, (64, 56, 56))
    # Stages 2 to 4, 56x56, 28x28 and 14x14.
    for layer, side, (kind, repeats, width) in zip((1, 2, 3), (56, 28, 14), rows, strict=True):
        made = net.get_submodule(f"layer{layer}")
        assert [type(block).__name__ for block in made] == [kind] * repeats
        assert seen[f"layer{layer}"].shape == (1, width, side, side)
    # Stage 5, 16 tokens of 1024 channels, and a map that keeps stage 4's 14x14.
    assert len(net.layer4) == vt_blocks
    for index in range(vt_blocks):
        x, tokens = seen[f"layer4.{index}"]
        assert (x.shape, tokens.shape) == ((1, channels, 14, 14), (1, 1024, 16))
    # Head: avgpool-fc1000, the average over tokens.
    assert (net.fc.in_features, scores.shape) == (1024, (1, 1000))


# The nets run and learn, and refuse what is not printed.

SMALL = {"reading": "literal", "token_width": 128, "heads": 4, "num_classes": 10, "dropout": 0.0}
NETS = {
    "v3": lambda: VTResNet(depth=18, **SMALL),
    "v3 of three blocks": lambda: VTResNet(depth=34, **SMALL),
    "v3 -TF": lambda: VTResNet(depth=18, transformer="none", **SMALL),
    "v3 -PE": lambda: VTResNet(depth=18, position=False, **SMALL),
    "v3 -DT": lambda: VTResNet(depth=18, dynamic=False, **SMALL),
    "v4": lambda: VTResNetV4(depth=34, **SMALL),
    "v4 C_T = C": lambda: VTResNetV4(depth=18, **SMALL | {"token_width": 512}),
    "v4 filter": lambda: VTResNetV4(depth=18, tokenizer="filter", **SMALL),
    "v4 kmeans": lambda: VTResNetV4(depth=18, tokenizer="kmeans", **SMALL),
    "v4 pooling": lambda: VTResNetV4(depth=18, tokenizer="pooling", **SMALL),
    "v4 graphconv": lambda: VTResNetV4(depth=18, transformer="graphconv", **SMALL),
    "v4 w/o projector": lambda: VTResNetV4(depth=18, projector=False, **SMALL),
}


@pytest.mark.parametrize("name", NETS)
def test_a_gradient_reaches_all_but_the_last_projector(name):
    """The map that it leaves is read by nothing."""
    torch.manual_seed(0)
    net = NETS[name]().double().train()
    out = net(random(2, 3, 32, 48))
    (out * torch.randn_like(out)).sum().backward()
    last = len(net.layer4) - 1
    for path, parameter in net.named_parameters():
        if path.startswith(f"layer4.{last}.projector"):
            assert parameter.grad is None
        else:
            assert float(parameter.grad.abs().max()) > 0, path


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: VTResNet(depth=18, reading="printed"), "reading is one of fitted, literal"),
        (lambda: VTResNetV4(depth=18, recipe="best"), "recipe is one of default, advanced"),
        (lambda: VTResNet(depth=18, zero_init_residual=True, **SMALL), "no norm is printed"),
        (lambda: VTResNetV4(depth=18, zero_init_residual=True, **SMALL), "no norm is printed"),
        (lambda: VTResNetV4(depth=18, tokenizer="dynamic", **SMALL), "the third version's"),
        (lambda: VTResNetV4(depth=18, position=True, **SMALL), "prints no position code"),
        (lambda: VTResNet(depth=18, tokens=7, **SMALL), "tokens=7 is odd"),
    ],
)
def test_what_is_not_printed_is_refused(build, said):
    with torch.device("meta"), pytest.raises(BadOption, match=said):
        build()
