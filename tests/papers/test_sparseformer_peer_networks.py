"""The networks of Perceiver, ViViT, SlowFast and non-local I3D compute, train and are saved.

And what the library models beside them are given: clips, sizes, no masks.
"""

import math

import pytest
import torch
from torch import nn

from vtbench import models
from vtbench.data.workload import Workload, freeze_options
from vtbench.errors import BadOption, BadResolution
from vtbench.models.arguments import check_frames, check_sides
from vtbench.models.third_party import unpadded
from vtbench.papers.nonlocal_networks.networks import NonLocalI3D, nonlocal_i3d
from vtbench.papers.perceiver.networks import Perceiver, fourier_features
from vtbench.papers.slowfast.networks import SlowFast, slowfast
from vtbench.papers.vivit.networks import vivit_fe

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = {
    "perceiver": lambda: (
        Perceiver(
            tokens=4, width=16, cross_attends=3, layers=2, heads=4, bands=3, num_classes=5
        ),
        torch.randn(2, 3, 6, 8),
    ),
    "vivit": lambda: vivit_fe(
        width=16, heads=4, layers=2, temporal_layers=1, frames=4, num_classes=5,
        resolution=(32, 48), batch_size=2,
    ),
    "slowfast": lambda: (
        SlowFast(depth=50, width=16, num_classes=5), torch.randn(2, 3, 8, 64, 48)
    ),
    "nl_i3d": lambda: (
        NonLocalI3D(depth=50, width=8, num_classes=5), torch.randn(2, 3, 16, 64, 48)
    ),
}  # fmt: skip


def small(name):
    """A small network in fp64 whose zero-initialised weights are drawn too, and a clip."""
    torch.manual_seed(0)
    net, given = SMALL[name]()
    for part in net.modules():
        if isinstance(part, nn.BatchNorm3d):
            nn.init.uniform_(part.weight, 0.5, 1.0)
    return net.double(), given.double()


@pytest.mark.parametrize("name", SMALL)
def test_a_gradient_reaches_every_parameter_but_the_biases_of_keys(name):
    """What all keys share drops out of a softmax over them."""
    net, given = small(name)
    out = net.eval()(given)
    assert out.shape == (2, 5)
    assert out.isfinite().all()
    (out * torch.randn_like(out)).sum().backward()
    for path, parameter in net.named_parameters():
        assert parameter.grad is not None, path
        largest = float(parameter.grad.abs().max())
        assert math.isfinite(largest), path
        assert (largest < 1e-12) == path.endswith("key.bias"), path


@pytest.mark.parametrize("name", SMALL)
def test_a_clip_does_not_depend_on_what_else_is_in_the_batch(name):
    net, given = small(name)
    with torch.no_grad():
        together, alone = net.eval()(given), net(given[1:])
    assert torch.allclose(together[1:], alone, atol=1e-10)
    assert not torch.allclose(together[:1], alone, atol=1e-6)


@pytest.mark.parametrize("name", SMALL)
def test_weights_saved_are_weights_loaded(name):
    net, given = small(name)
    other = SMALL[name]()[0].double().eval()
    with torch.no_grad():
        assert not torch.equal(net.eval()(given), other(given))
        other.load_state_dict(net.state_dict())
        assert torch.equal(net(given), other(given))


def test_fourier_features_are_colours_places_and_their_sines_and_cosines():
    """One band of frequency 1: sine and cosine of pi times the place, which runs from -1 to 1."""
    image = torch.arange(18.0).view(1, 3, 2, 3)
    code = fourier_features(image, 1)  # 1,6,3+2+4
    assert code.shape == (1, 6, 9)
    first, middle = code[0, 0], code[0, 1]
    assert first[:3].tolist() == [0.0, 6.0, 12.0]
    assert torch.allclose(first[3:], torch.tensor([-1.0, 0, -1, -1, 0, -1]), atol=1e-6)
    assert torch.allclose(middle[3:], torch.tensor([-1.0, 0, -1, 0, 0, 1]), atol=1e-6)


def test_the_slow_pathway_sees_every_fourth_frame():
    """With the laterals silent, the frames between change nothing in the slow half of the head."""
    net, clip = small("slowfast")
    seen = []
    net.slow_stem.register_forward_hook(lambda _, given, __: seen.append(given[0]))
    with torch.no_grad():
        net.eval()(clip)
    assert torch.equal(seen[0], clip[:, :, [0, 4]])


def test_a_nonlocal_block_starts_as_nothing():
    """Its norm starts at zero, so that an inflated network computes what it did before."""
    torch.manual_seed(0)
    net = NonLocalI3D(depth=50, width=8, num_classes=5).eval()
    x = torch.randn(1, 64, 2, 4, 4)
    assert torch.equal(net.stages[1][2](x), x)


@pytest.mark.parametrize(
    ("name", "frames", "shape"),
    [
        ("video_swin_t", 8, (2, 3, 8, 96, 64)),
        ("mvit_b", 4, (2, 3, 4, 96, 64)),
        ("vivit_b_fe", 4, (2, 3, 4, 96, 64)),
        ("slowfast_r101", 4, (2, 3, 4, 96, 64)),
        ("nl_i3d_r101", 8, (2, 3, 8, 96, 64)),
        ("timesformer", 4, (2, 4, 3, 64, 64)),
    ],
)
def test_clips_are_as_long_as_large_and_as_many_as_asked(name, frames, shape):
    asked = Workload(
        model=name, resolution=shape[3:], batch_size=2, options=freeze_options({"frames": frames})
    )
    built = models.build(asked)
    (given,) = (*built.args, *built.kwargs.values())
    assert tuple(given.shape) == shape
    assert built.workload.resolution == shape[3:]
    assert built.module(*built.args, **built.kwargs) is not None


def test_without_masks_a_detector_computes_the_same():
    """Images of one size have no padding, so that the mask of all ones changes nothing."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(0)
    backbone = transformers.TimmBackboneConfig(
        backbone="resnet18", use_pretrained_backbone=False, out_indices=[1, 2, 3, 4]
    )
    small = {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "num_queries": 5}
    net = transformers.DetrForObjectDetection(
        transformers.DetrConfig(backbone_config=backbone, **small, **unpadded(transformers))
    ).eval()
    image = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        without = net(pixel_values=image).logits
        net.set_attn_implementation("sdpa")
        assert torch.equal(net(pixel_values=image).logits, without)


@pytest.mark.parametrize(
    ("refused", "sentence"),
    [
        (lambda: slowfast(frames=30), "multiple of 4"),
        (lambda: slowfast(frames=0), "at least 4"),
        (lambda: nonlocal_i3d(frames=12), "multiple of 8"),
        (lambda: vivit_fe(frames=1), "multiple of 2"),
        (lambda: vivit_fe(heads=7), "does not divide"),
        (lambda: Perceiver(heads=3), "does not divide"),
        (lambda: Perceiver(tokens=0), "at least 1"),
        (lambda: check_frames(7, 2), "not 7"),
    ],
)
def test_options_that_cannot_be_are_refused_in_a_sentence(refused, sentence):
    with pytest.raises(BadOption, match=sentence):
        refused()


def test_sides_that_are_no_whole_number_of_patches_are_refused_with_the_nearest():
    with pytest.raises(BadResolution, match=r"230x20 are not; the nearest that are: 224x16"):
        check_sides((230, 20), 16)
    with pytest.raises(BadResolution, match="the nearest that are: 32x32"):
        check_sides((8, 8), 32)
    with pytest.raises(BadResolution, match="square frames only, not 224x256"):
        models.build(Workload(model="timesformer", resolution=(224, 256)))
