"""The same number on every road.

Meta and CPU (and CUDA where there is one), with gradients and without, through every attention
kernel that runs here, eager and compiled. A road that a model does not take by itself is skipped
with the reason that torch gives; a road that it takes without the counter must be countable.
"""

from functools import cache

import pytest
import torch
from installed import before
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from vtbench import models
from vtbench.count.count_module import CountSettings, count_module
from vtbench.count.count_workload import count_workload, record_of
from vtbench.data.workload import InputSpec, Workload, freeze_options
from vtbench.report import VIEWS, breakdown


def small(model, size=None, inputs=(), **options):
    """A model by name, cut down by its own options so that a test is quick."""
    resolution = (size, size) if size else None
    return Workload(model=model, resolution=resolution, inputs=tuple(inputs),
                    options=freeze_options(options))  # fmt: skip


WORKLOADS = (
    small("resnet18", 64),
    small("timm:regnety_002", 64),
    small("timm:efficientnet_b0", 64),
    small("timm:mobilenetv3_small_050", 64),
    small("timm:convnext_atto", 64, depths=[1, 1, 1, 1]),
    small("timm:tinynet_e", 64),
    small("timm:mobilevit_xxs", 64),
    small("timm:poolformer_s12", 64),
    small("timm:mixer_s32_224"),
    small("timm:halonet26t"),
    small("timm:levit_128s"),
    small("torchvision:shufflenet_v2_x0_5", 64),
    small("torchvision:swin_v2_t", 64),
    small("deit_t", 64, depth=2),
    small("vit_s", 64, depth=2),
    small("swin_t", 112, depths=[1, 1, 1, 1]),
    small("timm:eva02_tiny_patch14_224", 56, depth=2),
    small("timm:pvt_v2_b0", 64, depths=[1, 1, 1, 1]),
    small("timm:xcit_nano_12_p16_224", 64, depth=2),
    small("timm:cait_xxs24_224", 64, depth=2),
    small("timm:vit_tiny_patch16_224", 64, depth=2, global_pool="map"),
    small("transformers:ViTForImageClassification", 64, num_hidden_layers=2),
    small("transformers:BertModel", num_hidden_layers=2,
          inputs=[InputSpec(name="input_ids", shape=(1, 16), dtype="int64")]),
)  # fmt: skip
ATTENTIVE = tuple(w for w in WORKLOADS if any(
    part in w.model for part in ("deit", "vit_s", "eva02", "pvt", "vit_tiny", "ViT", "Bert")
))  # fmt: skip
NAMES = {"ids": lambda workload: workload.model}


@cache
def built(workload):
    if workload.model.startswith("transformers:"):
        pytest.importorskip("transformers", reason="the extra [models] is not installed")
    return models.build(workload, real=True)


@cache
def reference(workload):
    """Multiply-accumulates on shapes alone, without gradients, all of them known."""
    road = "real" if reads_values(workload) else "meta"
    counted = count_module(*parts_of(workload), CountSettings(road=road))
    assert all(row.status != "unknown" for row in counted.rows)
    return sum(row.macs for row in counted.rows)


def reads_values(workload):
    """Whether there is no road on shapes: an older BERT looks for padding among its tokens."""
    return workload.model == "transformers:BertModel" and before("transformers", 5)


def parts_of(workload):
    made = built(workload)
    return made.module, (made.args, made.kwargs)


def macs(module, inputs, **how):
    rows = count_module(module, inputs, CountSettings(**how)).rows
    assert all(row.status != "unknown" for row in rows)
    return sum(row.macs for row in rows)


def must_run_alone(workload, module, inputs):
    """Skip, with torch's reason, what does not run without a counter either."""
    try:
        module(*inputs[0], **inputs[1])
    except (RuntimeError, NotImplementedError) as error:
        reason = str(error).partition(".")[0][:120]
        pytest.skip(f"{workload.model} does not run here without a counter: {reason}")


def test_there_are_twenty_named_models_and_all_multiply():
    assert len({workload.model for workload in WORKLOADS}) >= 20


@pytest.mark.parametrize("workload", WORKLOADS, **NAMES)
@pytest.mark.parametrize("road", ["meta", "real"])
@pytest.mark.parametrize("grad", [False, True], ids=["inference", "grad"])
def test_shapes_and_values_gradients_or_none_give_one_count(workload, road, grad):
    if road == "meta" and reads_values(workload):
        pytest.skip("BERT of this transformers reads its tokens, which shapes alone do not have")
    assert macs(*parts_of(workload), road=road, grad=grad) == reference(workload) > 0


@pytest.mark.parametrize("workload", WORKLOADS, **NAMES)
def test_the_command_line_s_count_is_that_of_the_live_module(workload):
    """By name the model is built on meta, unfilled; in a notebook it has values."""
    built(workload)
    assert count_workload(workload).macs == reference(workload)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("workload", WORKLOADS, **NAMES)
@pytest.mark.parametrize("grad", [False, True], ids=["inference", "grad"])
def test_a_cuda_device_gives_the_same_count(workload, grad):
    made = models.build(workload, real=True)
    args, kwargs = torch.utils._pytree.tree_map_only(
        torch.Tensor, torch.Tensor.cuda, (made.args, made.kwargs)
    )
    assert macs(made.module.cuda(), (args, kwargs), road="real", grad=grad) == reference(workload)


@pytest.mark.parametrize("workload", ATTENTIVE, **NAMES)
@pytest.mark.parametrize(
    "backend",
    [SDPBackend.MATH, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION,
     SDPBackend.CUDNN_ATTENTION],
    ids=["math", "flash", "efficient", "cudnn"],
)  # fmt: skip
def test_every_attention_kernel_gives_the_same_count(workload, backend):
    """With gradients, where the dispatcher shows the kernel that was chosen."""
    module, inputs = parts_of(workload)
    with sdpa_kernel(backend):
        must_run_alone(workload, module, inputs)
        assert macs(module, inputs, road="real", grad=True) == reference(workload)


@pytest.mark.parametrize("workload", WORKLOADS, **NAMES)
def test_the_graph_that_the_compiler_captures_has_the_same_count(workload):
    """Compiled whole with the eager backend: its one graph is counted, and the module itself."""
    module, inputs = parts_of(workload)
    graphs = []

    def keep(graph, examples):
        graphs.append((graph, tuple(examples)))
        return graph

    torch.compiler.reset()
    compiled = torch.compile(module, backend=keep, fullgraph=True)
    with torch.no_grad():
        compilable(workload, compiled, inputs)
    ((graph, examples),) = graphs
    assert macs(graph, (examples, {}), road="real") == reference(workload)
    assert macs(compiled, inputs, road="real") == reference(workload)


def compilable(workload, compiled, inputs):
    """Run it; skip, with the compiler's reason, what it cannot capture whole."""
    from torch._dynamo.exc import Unsupported, UserError

    try:
        compiled(*inputs[0], **inputs[1])
    except (Unsupported, UserError) as error:
        pytest.skip(f"{workload.model} does not compile whole: {str(error).splitlines()[0][:120]}")


@pytest.mark.parametrize("workload", WORKLOADS, **NAMES)
def test_the_parts_of_every_view_sum_to_the_total(workload):
    module, inputs = parts_of(workload)
    record = record_of(workload, count_module(module, inputs, CountSettings()), None)
    for view in VIEWS:
        for depth in (1, 2, 99):
            assert sum(part.macs for part in breakdown(record, view, depth)) == reference(workload)


OF_THE_MODEL = {
    "torchvision:swin_v2_t": "cpb_mlp",  # relative positions of a window, by an MLP
    "timm:xcit_nano_12_p16_224": "pos_embed",  # Fourier features of positions, by a convolution
}
"""Modules whose work belongs to the model and not to its images, by a part of their path."""


@pytest.mark.parametrize("workload", WORKLOADS, **NAMES)
def test_a_batch_costs_as_much_as_its_images(workload):
    """But for what does not depend on the batch: positions that are computed."""
    batch = 3
    fields = {name: getattr(workload, name) for name in workload.__struct_fields__}
    inputs = tuple(
        InputSpec(name=spec.name, shape=(batch, *spec.shape[1:]), dtype=spec.dtype)
        for spec in workload.inputs
    )
    record = count_workload(Workload(**fields | {"batch_size": batch, "inputs": inputs}))
    once = OF_THE_MODEL.get(workload.model)
    fixed = sum(row.macs for row in record.rows if once and once in row.module)
    assert bool(fixed) == bool(once)
    assert record.macs == batch * (reference(workload) - fixed) + fixed


class _Recurrent(nn.Module):
    """An LSTM whose input, or whose first state, needs a gradient."""

    def __init__(self, *, before: bool, state: bool):
        super().__init__()
        self.before = nn.Linear(4, 4) if before else nn.Identity()
        self.lstm = nn.LSTM(4, 6)
        self.first = nn.Parameter(torch.zeros(2, 1, 2, 6)) if state else None

    def forward(self, x):
        states = None if self.first is None else (self.first[0], self.first[1])
        return self.lstm(self.before(x), states)[0]


@pytest.mark.filterwarnings("ignore:TF32 acceleration")  # torch's own switch warns
@pytest.mark.parametrize(
    ("before", "state", "gradients"),
    [
        (False, False, 5 * 24 * 4 + (5 + 4) * 24 * 6),
        (True, False, (5 + 5) * 24 * 4 + (5 + 4) * 24 * 6 + 5 * 4 * 4),
        (False, True, 5 * 24 * 4 + (5 + 5) * 24 * 6),
    ],
)
def test_the_backward_pass_of_a_fused_lstm_counts_as_that_of_its_steps(before, state, gradients):
    """5 steps of 2 sequences: weights at each, states but the first, what else is asked for."""

    def backward(road, *, fused=True):
        with torch.backends.mkldnn.flags(enabled=fused):
            net = _Recurrent(before=before, state=state)
            settings = CountSettings(backward=True, road=road)
            found = count_module(net, ((torch.randn(5, 2, 4),), {}), settings)
        return sum(row.macs for row in found.rows if row.phase == "backward")

    assert backward("meta") == 2 * gradients
    assert backward("real") == 2 * gradients
    assert backward("real", fused=False) == 2 * gradients
