"""The Visual Transformers models are networks, not counts: they compute, train and are saved.

Small images and shallow backbones throughout; what is tested does not depend on them.
"""

import math

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from vtbench.errors import BadOption
from vtbench.papers.resnet.networks.resnet import ResNet
from vtbench.papers.visual_transformers.networks.blocks import (
    BlockShape,
    DynamicTokenizer,
    PositionEncoder,
    Projector,
    StaticTokenizer,
)
from vtbench.papers.visual_transformers.networks.clusters import kmeans
from vtbench.papers.visual_transformers.networks.fpn import fpn, vt_fpn
from vtbench.papers.visual_transformers.networks.v3 import Transformer, VTResNet
from vtbench.papers.visual_transformers.networks.v4 import Transformer as TransformerV4
from vtbench.papers.visual_transformers.networks.v4 import VTResNetV4

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = {"token_width": 128, "heads": 4, "num_classes": 10, "dropout": 0.0}
NETS = {
    "v3": lambda: VTResNet(depth=18, **SMALL),
    "v3 of three blocks": lambda: VTResNet(depth=34, **SMALL),
    "v3 CT = C": lambda: VTResNet(depth=18, **SMALL | {"token_width": 512}),
    "v3 -TF": lambda: VTResNet(depth=18, transformer="none", **SMALL),
    "v3 -PE": lambda: VTResNet(depth=18, position=False, **SMALL),
    "v3 -DT": lambda: VTResNet(depth=18, dynamic=False, **SMALL),
    "v4": lambda: VTResNetV4(depth=18, **SMALL),
    "v4 filter": lambda: VTResNetV4(depth=18, tokenizer="filter", **SMALL),
    "v4 kmeans": lambda: VTResNetV4(depth=18, tokenizer="kmeans", **SMALL),
    "v4 pooling": lambda: VTResNetV4(depth=18, tokenizer="pooling", **SMALL),
    "v4 advanced": lambda: VTResNetV4(
        depth=18, tokenizer="dynamic", position=True, kqv_groups=8, **SMALL
    ),
    "v4 static": lambda: VTResNetV4(depth=18, tokenizer="static", **SMALL),
    "v4 graphconv": lambda: VTResNetV4(depth=18, transformer="graphconv", **SMALL),
    "v4 none": lambda: VTResNetV4(depth=18, transformer="none", **SMALL),
    "v4 w/o projector": lambda: VTResNetV4(depth=18, projector=False, **SMALL),
    "fpn": lambda: fpn(depth=18, num_classes=10),
    "vt_fpn": lambda: vt_fpn(depth=18, num_classes=10, token_width=128),
    "vt_fpn as printed": lambda: vt_fpn(
        depth=18, reading="literal", num_classes=10, token_width=128
    ),
    "vt_fpn with positions": lambda: vt_fpn(
        depth=18, num_classes=10, token_width=128, position=True
    ),
}
SOME = ["v3", "v4", "v4 kmeans", "vt_fpn"]


def made(name):
    torch.manual_seed(0)
    return NETS[name]()


@pytest.mark.parametrize("name", NETS)
def test_a_gradient_reaches_every_parameter(name):
    """In evaluation mode, all but the biases of keys: what all keys share drops out of a softmax.

    While norms use batch statistics a later norm takes out other biases of norms too.
    """
    net = made(name).double()
    image = torch.randn(2, 3, 32, 48, dtype=torch.double)
    for training in (False, True):
        net.train(training).zero_grad()
        out = net(image)
        (out * torch.randn_like(out)).sum().backward()
        for path, parameter in net.named_parameters():
            assert parameter.grad is not None, path
            largest = float(parameter.grad.abs().max())
            assert math.isfinite(largest), path
            if path.endswith("key.norm.bias"):
                assert largest < 1e-9, path
            elif not (training and path.endswith("norm.bias")):
                assert largest > 1e-9, path


@pytest.mark.parametrize("name", ["v3", "v4", "v4 kmeans", "vt_fpn"])
def test_a_few_steps_of_sgd_lower_the_loss(name):
    net = made(name).train()
    image = torch.randn(8, 3, 32, 32)
    classes = torch.randint(0, 10, (8, 32, 32) if name == "vt_fpn" else (8,))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    losses = []
    for _ in range(4):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(image), classes)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(math.isfinite(loss) for loss in losses)
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("name", NETS)
def test_a_row_does_not_depend_on_what_else_is_in_the_batch(name):
    net = made(name).double().eval()
    image = torch.randn(3, 3, 32, 48, dtype=torch.double)
    with torch.no_grad():
        together = net(image)
        alone = net(image[1:2])
        among_others = net(torch.cat((image[1:2], 5 * image[:1])))
    assert together.isfinite().all()
    assert torch.allclose(together[1:2], alone, atol=1e-9)
    assert torch.allclose(among_others[:1], alone, atol=1e-9)
    assert not torch.allclose(together[:1], alone, atol=1e-3)


@pytest.mark.parametrize("name", SOME)
def test_weights_saved_are_weights_loaded(name):
    net = made(name).eval()
    other = NETS[name]().eval()
    image = torch.randn(1, 3, 48, 32)
    with torch.no_grad():
        assert not torch.equal(net(image), other(image))
        other.load_state_dict(net.state_dict())
        assert torch.equal(net(image), other(image))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", SOME)
def test_half_precision_runs_and_is_near(name, dtype):
    net = made(name).eval()
    image = torch.randn(1, 3, 48, 32)
    with torch.no_grad():
        exact = net(image)
        half = net.to(dtype)(image.to(dtype))
    assert half.dtype == dtype
    assert half.isfinite().all()
    assert (half.float() - exact).norm() < 0.1 * exact.norm()


@pytest.mark.parametrize("name", ["v3", "v4 kmeans", "vt_fpn"])
def test_one_graph_compiles_and_computes_the_same(name):
    net = made(name).eval()
    image = torch.randn(1, 3, 48, 32)
    torch._dynamo.reset()
    with torch.no_grad():
        compiled = torch.compile(net, fullgraph=True, backend="eager")(image)
        assert torch.equal(compiled, net(image))


def test_zeroed_residual_norms_make_every_transformer_and_projector_the_identity():
    weights = dict(VTResNet(depth=18, zero_init_residual=True).named_parameters())
    for path in ("0.transformer.norm", "1.transformer.norm", "0.projector.norm"):
        assert not weights[f"layer4.{path}.weight"].any()
    block = Projector(BlockShape(f=64, C=64, L=4, CT=64, heads=4)).eval()
    nn.init.zeros_(block.norm.weight)
    x = torch.randn(2, 64, 3, 5)
    assert torch.equal(block(x, torch.randn(2, 64, 4)), x)


@pytest.mark.parametrize("depth", [18, 50])
def test_a_resnet_is_torchvisions(depth):
    """Its weights load, and the scores are the same."""
    torch.manual_seed(0)
    theirs = getattr(torchvision.models, f"resnet{depth}")().eval()
    ours = ResNet(depth=depth).eval()
    ours.load_state_dict(theirs.state_dict())
    image = torch.randn(1, 3, 64, 80)
    with torch.no_grad():
        assert torch.allclose(ours(image), theirs(image), atol=1e-5)


def shaken(module):
    """A module in evaluation mode whose norms are no identity."""
    torch.manual_seed(1)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(part.weight)
            nn.init.normal_(part.bias)
    return module.double().eval()


def convolved(layer, x):
    """A 1x1 convolution in groups and its norm, written out: N,c_in,P -> N,c_out,P."""
    weight = layer.conv.weight.flatten(1)  # c_out, c_in/groups
    pieces = x.chunk(layer.conv.groups, dim=1)
    parts = weight.chunk(layer.conv.groups, dim=0)
    y = torch.cat([part @ piece for part, piece in zip(parts, pieces, strict=True)], dim=1)
    scale = layer.norm.weight / torch.sqrt(layer.norm.running_var + layer.norm.eps)
    return (y - layer.norm.running_mean[:, None]) * scale[:, None] + layer.norm.bias[:, None]


def normed(norm, x):
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return x * scale[:, None] + norm.bias[:, None]


def attention(query, key, value, heads):
    """Each query takes an average of values, head by head: N,C,Q and N,C,K -> N,C,Q."""
    out = []
    for q, k, v in zip(*(x.chunk(heads, dim=1) for x in (query, key, value)), strict=True):
        scores = torch.einsum("ncq,nck->nqk", q, k) / math.sqrt(q.shape[1])
        out.append(torch.einsum("nqk,nck->ncq", scores.softmax(-1), v))
    return torch.cat(out, dim=1)


@pytest.mark.parametrize("groups", [1, 4])
def test_the_transformer_is_equation_3_written_out(groups):
    block = shaken(Transformer(64, heads=4, kqv_groups=groups))
    tokens = torch.randn(2, 64, 6, dtype=torch.double)
    key, query, value = (
        convolved(layer, tokens) for layer in (block.key, block.query, block.value)
    )
    expected = tokens + normed(block.norm, attention(query, key, value, 4))
    expected = expected + convolved(block.feed_forward, expected)
    assert torch.allclose(block(tokens), expected)


def test_v4s_transformer_has_the_tokens_for_values():
    block = shaken(TransformerV4(64, heads=4, kqv_groups=1))
    tokens = torch.randn(2, 64, 6, dtype=torch.double)
    key, query = convolved(block.key, tokens), convolved(block.query, tokens)
    expected = tokens + normed(block.norm, attention(query, key, tokens, 4))
    inside = convolved(block.widen, expected).relu()
    assert inside.shape[1] == 48
    assert torch.allclose(block(tokens), expected + convolved(block.narrow, inside))


SHAPE = BlockShape(f=64, C=128, L=6, CT=96, heads=4, groups=2)


def test_a_static_tokenizer_is_equation_1_written_out():
    block = shaken(StaticTokenizer(SHAPE, position=False))
    x = torch.randn(2, 64, 3, 5, dtype=torch.double)
    pixels = x.flatten(2)
    coefficients = torch.einsum("lc,ncp->nlp", block.coefficients.weight.flatten(1), pixels) / 8
    value = convolved(block.extraction.value, pixels)
    averaged = torch.einsum("nlp,ncp->ncl", coefficients.softmax(-1), value)
    assert torch.allclose(block(x), convolved(block.extraction.token, averaged))


def test_a_dynamic_tokenizer_is_equation_5_written_out():
    """Previous tokens query the pixels; positions come from the heads' mean coefficients."""
    block = shaken(DynamicTokenizer(SHAPE, position=True))
    x = torch.randn(2, 64, 14, 14, dtype=torch.double)
    tokens = torch.randn(2, 96, 3, dtype=torch.double)
    pixels = x.flatten(2)
    query, key = convolved(block.query, tokens), convolved(block.key, pixels)
    value = convolved(block.extraction.value, pixels)
    averaged = attention(query, key, value, 4)
    coefficients = torch.stack(
        [
            (torch.einsum("ncq,nck->nqk", q, k) / 4).softmax(-1)
            for q, k in zip(query.chunk(4, 1), key.chunk(4, 1), strict=True)
        ]
    ).mean(0)  # N,L,196
    code = convolved(block.extraction.position.conv, coefficients.transpose(1, 2))
    expected = convolved(block.extraction.token, torch.cat((averaged, code), dim=1))
    assert torch.allclose(block(x, tokens), expected)


def test_a_projector_is_equation_4_written_out():
    """Pixels query the tokens; the map that asks is the one before its channels are adjusted."""
    block = shaken(Projector(SHAPE))
    x = torch.randn(2, 64, 3, 5, dtype=torch.double)
    tokens = torch.randn(2, 96, 6, dtype=torch.double)
    query = convolved(block.query, x.flatten(2))
    key, value = convolved(block.key, tokens), convolved(block.value, tokens)
    expected = convolved(block.adjust, x.flatten(2))
    expected = expected + normed(block.norm, attention(query, key, value, 4))
    assert torch.allclose(block(x, tokens).flatten(2), expected)


def test_tokens_are_split_in_halves_and_the_first_is_replaced():
    """The second half of the previous tokens comes first, as it was; new ones follow."""
    net = VTResNet(depth=18, transformer="none").eval()
    block = net.layer4[1]
    x, tokens = torch.randn(2, 512, 4, 4), torch.randn(2, 1024, 8)
    with torch.no_grad():
        new = block.tokenizer(x, tokens[:, :, :4])
        _, out = block(x, tokens)
        expected = block.transformer(torch.cat((tokens[:, :, 4:], new), dim=2))
    assert torch.allclose(out, expected, atol=1e-5)


def test_positions_move_with_the_coefficients():
    """A token that looks at one corner has another code than one that looks at the other."""
    torch.manual_seed(0)
    encoder = PositionEncoder().eval()
    corners = torch.zeros(1, 4, 14 * 14, 2)
    corners[:, :, 0, 0] = corners[:, :, -1, 1] = 1
    with torch.no_grad():
        code = encoder(corners, torch.empty(1, 64, 14, 14))
    assert code.shape == (1, 32, 2)
    assert torch.allclose(code[0, :, 0], encoder.conv.conv.weight[:, 0, 0], rtol=1e-3)
    assert torch.allclose(code[0, :, 1], encoder.conv.conv.weight[:, -1, 0], rtol=1e-3)


def test_kmeans_is_lloyds_algorithm_on_unit_vectors():
    """Written out pixel by pixel, with distances instead of products."""
    torch.manual_seed(0)
    x = torch.randn(1, 16, 8, 8, dtype=torch.double)
    pixels = F.normalize(x[0].flatten(1).T, dim=1)
    centroids = F.normalize(F.adaptive_avg_pool2d(x, (2, 3))[0].flatten(1).T, dim=1)
    for _ in range(3):
        nearest = [int(torch.stack([(p - c).norm() for c in centroids]).argmin()) for p in pixels]
        for cluster in range(6):
            members = [p for p, own in zip(pixels, nearest, strict=True) if own == cluster]
            if members:
                centroids[cluster] = F.normalize(torch.stack(members).mean(0), dim=0)
    assert torch.allclose(kmeans(x, 6, 3)[0].T, centroids)


@pytest.mark.parametrize(
    "x",
    [
        torch.ones(2, 8, 4, 4),
        torch.zeros(2, 8, 4, 4),
        torch.zeros(2, 8, 1, 1),
        torch.eye(8)[:, :4].reshape(1, 8, 2, 2),
    ],
    ids=["equal pixels", "black pixels", "one black pixel", "fewer pixels than clusters"],
)
def test_kmeans_survives_empty_clusters(x):
    centroids = kmeans(x, 16, 3)
    assert centroids.shape == (x.shape[0], 8, 16)
    assert centroids.isfinite().all()
    lengths = centroids.norm(dim=1)
    assert torch.allclose(lengths, torch.full_like(lengths, float(x.any())), atol=1e-5)


def test_no_gradient_flows_through_the_iterations_of_kmeans():
    x = torch.randn(1, 8, 4, 4, requires_grad=True)
    assert not kmeans(x, 4, 3).requires_grad


@pytest.mark.parametrize("name", ["v3", "v4 kmeans", "v4 pooling", "vt_fpn"])
@pytest.mark.parametrize("size", [(1, 1), (17, 40)])
def test_sizes_that_divide_by_nothing_run(name, size):
    net = made(name).eval()
    with torch.no_grad():
        out = net(torch.randn(1, 3, *size))
    assert out.shape == ((1, 10, *size) if name == "vt_fpn" else (1, 10))
    assert out.isfinite().all()


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: VTResNet(depth=18, transformer="graphconv"), "transformer is one of vt, none"),
        (lambda: VTResNet(depth=18, tokenizer="kmeans"), "tokenizer is one of dynamic, static"),
        (lambda: VTResNetV4(depth=18, tokenizer="clusters"), "tokenizer is one of recurrent"),
        (lambda: VTResNetV4(depth=18, transformer="mlp"), "transformer is one of vt, none, graph"),
        (lambda: VTResNet(depth=19), "depth 18, 34, 50 or 101"),
        (lambda: ResNet(depth=18, attention="eca"), "attention is one of none, se, cbam"),
        (lambda: vt_fpn(depth=50, heads=7), "heads=7"),
    ],
)
def test_a_choice_that_does_not_exist_is_refused(build, said):
    """Also where no command line stands before the constructor."""
    with torch.device("meta"), pytest.raises(BadOption, match=said):
        build()
