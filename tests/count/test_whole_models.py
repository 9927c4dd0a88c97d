"""Whole models against published reference counts and an independent counter.

The reference column is conv and matrix products at batch 1 with attention in full; it was taken
with a dispatcher count of its own, attention forced to its mathematical form.
"""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from vtbench import models
from vtbench.count.count_workload import count_workload
from vtbench.data.workload import Workload

# name, resolution, GMACs to the printed digits
REFERENCE = [
    ("torchvision:resnet50", 224, "4.089"),
    ("torchvision:convnext_tiny", 224, "4.456"),
    ("torchvision:vit_b_16", 224, "17.564"),
    ("torchvision:swin_t", 224, "4.491"),
    ("torchvision:swin_v2_t", 256, "5.940"),
    ("torchvision:maxvit_t", 224, "5.558"),
    ("timm:vit_small_patch16_224", 224, "4.599"),
    ("timm:vit_small_patch14_dinov2", 518, "46.70"),
    ("timm:swin_tiny_patch4_window7_224", 224, "4.491"),
    ("timm:eva02_tiny_patch14_336", 336, "4.662"),
    ("timm:levit_128s", 224, "0.305"),
    ("timm:volo_d1_224", 224, "6.919"),
    ("timm:halonet26t", 256, "3.173"),
    ("transformers:ViTForImageClassification", 224, "17.563"),
]


@pytest.mark.parametrize(("name", "size", "printed"), REFERENCE)
def test_the_count_is_the_reference_to_its_printed_digits(name, size, printed):
    if name.startswith("transformers:"):
        pytest.importorskip("transformers", reason="the extra [models] is not installed")
    record = count_workload(Workload(model=name, resolution=(size, size)))
    digits = len(printed.split(".")[1])
    assert f"{record.macs / 1e9:.{digits}f}" == printed
    assert record.complete
    assert record.road == "meta"


EXACT = {
    "resnet18": 1_814_073_344,
    "resnet50": 4_089_184_256,
    "deit_s": 4_598_882_304,
    "swin_t": 4_490_566_656,
    "regnety_8g": 162_366_720 * 49 + 7_088_032,  # the closed form at h = w = 7
}


@pytest.mark.parametrize(("name", "macs"), EXACT.items())
def test_catalogue_models_are_exact_integers(name, macs):
    assert count_workload(Workload(model=name)).macs == macs


INDEPENDENT = (
    "timm:convmixer_768_32", "timm:mixer_b16_224", "timm:pvt_v2_b1", "timm:xcit_tiny_12_p16_224",
    "timm:coatnet_0_rw_224", "timm:beit_base_patch16_224", "timm:mvitv2_tiny", "timm:gmlp_s16_224",
    "timm:poolformer_s12", "timm:edgenext_small", "timm:densenet121", "timm:hrnet_w18_small",
    "timm:tf_efficientnetv2_s", "timm:nfnet_f0", "timm:mobilenetv4_conv_small", "timm:vgg11",
    "torchvision:googlenet", "torchvision:deeplabv3_resnet50", "torchvision:r3d_18",
    "torchvision:mvit_v1_b", "torchvision:swin3d_t",
)  # fmt: skip


@pytest.mark.parametrize("name", INDEPENDENT)
def test_the_count_is_that_of_an_independent_counter(name):
    record = count_workload(Workload(model=name))
    built = models.build(Workload(model=name))
    with torch.enable_grad(), FlopCounterMode(display=False) as theirs:
        built.module(*built.args, **built.kwargs)
    assert record.macs * 2 == theirs.get_total_flops()
    assert record.complete
