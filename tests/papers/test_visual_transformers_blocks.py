"""The transformer, the non-local block, the pyramids and the baselines count as papers say."""

import pytest
import sympy
from counts_by_name import counted

from vtbench.count.symbolic import block_form
from vtbench.papers.visual_transformers.networks.nonlocal_block import nonlocal_block
from vtbench.papers.visual_transformers.networks.v3 import vt_transformer
from vtbench.report.breakdown import breakdown


def stage_macs(record):
    return {part.name: part.macs for part in breakdown(record, "stage")}


@pytest.mark.parametrize(("L", "CT"), [(8, 512), (8, 1024), (16, 1024), (5, 32), (49, 512)])
def test_a_transformer_is_the_papers_formula(L, CT):
    """3·C_T²·L + 1.5·L²·C_T."""
    assert counted("vt_transformer", tokens=L, width=CT).macs == 3 * CT**2 * L + 3 * L**2 * CT // 2


@pytest.mark.parametrize("groups", [1, 2, 8])
def test_groups_divide_key_query_and_value_but_not_the_feed_forward(groups):
    macs = counted("vt_transformer", tokens=16, width=1024, kqv_groups=groups).macs
    assert macs == 2 * 1024**2 * 16 // groups + 1024**2 * 16 + 3 * 16**2 * 1024 // 2


@pytest.mark.parametrize(
    ("size", "C", "heads"), [(7, 512, 1), (7, 512, 8), (14, 512, 1), (3, 10, 1)]
)
def test_a_nonlocal_block_is_the_papers_formula(size, C, heads):
    """3·HW·C² + 1.5·(HW)²·C."""
    HW = size * size
    macs = counted("nonlocal_block", size=size, width=C, heads=heads).macs
    assert macs == 3 * HW * C**2 + 3 * HW**2 * C // 2


def test_the_worked_example_comes_out():
    """7x7 pixels of 512 channels against 8 tokens of 512: 40.3 M, 6.3 M, 6.4 times."""
    pixels = counted("nonlocal_block", size=7, width=512).macs
    tokens = counted("vt_transformer", tokens=8, width=512).macs
    assert (pixels, tokens) == (40_379_136, 6_340_608)
    assert round(pixels / tokens, 1) == 6.4


def test_the_formulas_are_derived_from_the_blocks_themselves():
    """Widths are symbols too, so what comes out is the paper's text."""
    form = block_form(
        lambda L, CT: vt_transformer(tokens=L, width=CT), {"L": 16, "CT": 64}, {"CT": 32}
    )
    L, CT = sympy.symbols("L CT", integer=True, positive=True)
    wanted = 3 * CT**2 * L + sympy.Rational(3, 2) * L**2 * CT
    assert sympy.expand(sympy.sympify(form.wide, {"L": L, "CT": CT}) - wanted) == 0
    form = block_form(lambda S, C: nonlocal_block(size=S, width=C), {"S": 7, "C": 64}, {"C": 2})
    S, C = sympy.symbols("S C", integer=True, positive=True)
    wanted = 3 * S**2 * C**2 + sympy.Rational(3, 2) * S**4 * C
    assert sympy.expand(sympy.sympify(form.wide, {"S": S, "C": C}) - wanted) == 0


COCO, LIP = (800, 1216), (473, 473)
# Positions of P2 to P5: 1/4 to 1/32 of the image, halves rounded up.
PIXELS = {
    COCO: [200 * 304, 100 * 152, 50 * 76, 25 * 38],
    LIP: [119**2, 60**2, 30**2, 15**2],
}
WIDTHS = [256, 512, 1024, 2048]


@pytest.mark.parametrize("size", [COCO, LIP])
def test_pyramids_are_the_sum_of_their_convolutions_and_products(size):
    """The pyramid alone, whichever backbone it stands on."""
    laterals = sum(p * width * 256 for p, width in zip(PIXELS[size], WIDTHS, strict=True))
    everywhere = sum(PIXELS[size])
    convolutional = laterals + everywhere * 9 * 256 * 256
    on_pixels = 256 * 8 + 256 * 8 + 256 * 256 // 16 + 2 * 256 * 8  # coefficients, their use, query
    on_tokens = 4 * 8 * (256 * 1024 + 2 * 1024 * 256)  # token, projector's key and value
    transformer = 32 * (2 * 1024**2 // 8 + 1024**2) + 3 * 32**2 * 1024 // 2
    for depth in (50, 101):
        assert stage_macs(counted(f"fpn_r{depth}", size))["fpn"] == convolutional
        assert stage_macs(counted(f"vt_fpn_r{depth}", size))["fpn"] == (
            laterals + everywhere * on_pixels + on_tokens + transformer
        )


# Total and pyramid in G; COCO-stuff with 54 classes of stuff, LIP with its 20.
TABLE_4 = [
    ("fpn_r50", COCO, 54, "159.135", "55.099"), ("vt_fpn_r50", COCO, 54, "112.567", "8.532"),
    ("fpn_r101", COCO, 54, "231.106", "55.099"), ("vt_fpn_r101", COCO, 54, "184.539", "8.532"),
    ("fpn_r50", LIP, 20, "37.335", "12.893"), ("vt_fpn_r50", LIP, 20, "26.496", "2.055"),
    ("fpn_r101", LIP, 20, "54.381", "12.893"), ("vt_fpn_r101", LIP, 20, "43.542", "2.055"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "size", "classes", "total", "pyramid"), TABLE_4)
def test_segmentation_models_come_out(name, size, classes, total, pyramid):
    record = counted(name, size, num_classes=classes)
    assert f"{record.macs / 1e9:.3f}" == total
    assert f"{stage_macs(record)['fpn'] / 1e9:.3f}" == pyramid
    assert record.complete


def test_a_segmentation_model_is_backbone_pyramid_and_head():
    """The head: 3x3 convolutions at 1, 1, 2 and 3 sizes, and a class per pixel at 1/4."""
    by_stage = stage_macs(counted("fpn_r50"))
    p2, p3, p4, p5 = PIXELS[COCO]
    head = 9 * 256 * 128 * (p2 + p3 + p4 + p5) + 9 * 128 * 128 * (p3 + p4 + p3) + 128 * 54 * p2
    assert by_stage["head"] == head
    assert by_stage["backbone"] == 74_757_734_400
    assert stage_macs(counted("vt_fpn_r101"))["head"] == head
    assert counted("fpn_r50").workload.resolution == COCO


def test_vt_fpn_has_more_weights_than_fpn():
    fpn, vt = (counted(name).parameters.weights for name in ("fpn_r50", "vt_fpn_r50"))
    laterals = 256 * sum(WIDTHS)
    convolutional = laterals + 4 * 9 * 256 * 256
    tokens = 4 * (256 * 8 + 256 * 1024 + 256 * 16 + 2 * 1024 * 256)
    transformer = 2 * 1024**2 // 8 + 1024**2
    assert vt - fpn == laterals + tokens + transformer - convolutional


# Millions of all parameters; the larger ones are quoted on a ResNet with the stride in the 1x1.
BASELINES = [
    ("resnet18_se", "1.814", "11.78"), ("resnet18_cbam", "1.815", "11.78"),
    ("resnet34_se", "3.664", "21.96"), ("resnet34_cbam", "3.665", "21.96"),
    ("resnet50_se", "3.860", "28.09"), ("resnet50_cbam", "3.864", "28.09"),
    ("resnet101_se", "7.575", "49.33"), ("resnet101_cbam", "7.581", "49.33"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "macs", "parameters"), BASELINES)
def test_baselines_with_attention_come_out(name, macs, parameters):
    record = counted(name)
    assert f"{record.macs / 1e9:.3f}" == macs
    assert f"{record.parameters.total / 1e6:.2f}" == parameters


def test_attention_costs_two_small_products_per_block():
    """SE of ResNet-18: 2·C²/16 in each of two blocks per stage."""
    gates = 2 * sum(2 * C * C // 16 for C in (64, 128, 256, 512))
    assert counted("resnet18_se").macs - counted("resnet18").macs == gates
    pixels = 2 * sum(2 * 7 * 7 * side**2 for side in (56, 28, 14, 7))
    assert counted("resnet18_cbam").macs - counted("resnet18").macs == 2 * gates + pixels
