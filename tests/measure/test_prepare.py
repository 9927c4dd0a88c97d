"""What a step really runs: the workload's precision, layout and mode, on inputs that take turns."""

import pytest
import torch
from torch import nn

from vtbench import errors
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.workload import Workload
from vtbench.measure.session.prepare import placed, prepare
from vtbench.models import Built

CPU = torch.device("cpu")


class Looks(nn.Module):
    """Keeps what it sees of every call."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.seen = []

    def forward(self, x, mask=None):
        y = self.conv(x)
        self.seen.append((x, y, mask, torch.is_inference_mode_enabled(), self.conv.weight))
        return {"y": y}


def run(protocol="latency", steps=1, **conditions):
    """What the module saw of some steps under a workload, and the module."""
    module, image = Looks(), torch.arange(2 * 3 * 8 * 8.0).reshape(2, 3, 8, 8)
    workload = Workload(model="looks", **conditions)
    built = Built(module, (image,), {"mask": torch.ones(8, dtype=torch.bool)}, workload)
    prepared = prepare(built, workload, PROTOCOLS[protocol], CPU)
    for _ in range(steps):
        prepared.step()
    return module.seen, prepared


def test_a_precision_is_that_of_weights_image_and_products():
    ((x, y, mask, inference, weight),), _ = run(dtype="bf16")
    assert {x.dtype, y.dtype, weight.dtype} == {torch.bfloat16}
    assert mask.dtype == torch.bool
    assert inference


def test_autocast_leaves_weights_and_image_and_lowers_the_products():
    ((x, y, _, _, weight),), _ = run(dtype="bf16", autocast=True)
    assert (x.dtype, weight.dtype, y.dtype) == (torch.float32, torch.float32, torch.bfloat16)
    with pytest.raises(errors.BadOption, match="bf16 or fp16, got fp32"):
        run(autocast=True)


@pytest.mark.parametrize("dtype", ["tf32", "bf32"])
def test_products_of_another_precision_work_on_fp32(dtype):
    ((x, y, _, _, weight),), _ = run(dtype=dtype)
    assert {x.dtype, y.dtype, weight.dtype} == {torch.float32}


def test_channels_last_is_the_layout_of_weights_and_of_every_image():
    seen, _ = run(protocol="throughput", steps=4, layout="channels_last")
    for x, y, _, _, weight in seen:
        assert x.stride() == (8 * 8 * 3, 1, 8 * 3, 3)
        assert y.stride() == (6 * 6 * 4, 1, 6 * 4, 4)
        assert weight.stride() == (3 * 3 * 3, 1, 3 * 3, 3)
    with pytest.raises(errors.BadOption, match="cannot have the layout channels_last"):
        placed(nn.Conv3d(1, 1, 1), Workload(model="clips", layout="channels_last"), CPU)


def test_under_throughput_four_different_inputs_take_turns_and_under_latency_one():
    seen, prepared = run(protocol="throughput", steps=8)
    images = [x for x, *_ in seen]
    assert [x is images[0] for x in images] == [True, False, False, False] * 2
    assert len({x.data_ptr() for x in images}) == 4
    assert len({tuple(x[0, 0, 0].tolist()) for x in images}) == 4
    assert all(torch.equal(x.sum(), images[0].sum()) for x in images)  # the same values, shifted
    assert prepared.given[0][0] is images[0]
    seen, _ = run(protocol="latency", steps=3)
    assert len({id(x) for x, *_ in seen}) == 1


def test_a_backward_pass_takes_gradients_and_leaves_none():
    taken = []
    module, image = Looks(), torch.randn(2, 3, 8, 8)
    module.conv.weight.register_hook(lambda gradient: taken.append(gradient.shape))
    workload = Workload(model="looks", backward=True, mode="train")
    prepared = prepare(Built(module, (image,), {}, workload), workload, PROTOCOLS["latency"], CPU)
    for _ in range(2):
        prepared.step()
    assert taken == [(4, 3, 3, 3)] * 2
    assert module.conv.weight.grad is None
    assert [inference for *_, inference, _ in module.seen] == [False, False]


def test_the_inputs_that_were_given_stay_as_they_are():
    module, image = nn.Hardtanh(inplace=True), torch.full((1, 3, 4, 4), 5.0)
    workload = Workload(model="clamps")
    prepared = prepare(
        Built(module, (image,), {}, workload), workload, PROTOCOLS["throughput"], CPU
    )
    for _ in range(5):
        prepared.step()
    assert torch.equal(image, torch.full((1, 3, 4, 4), 5.0))
