"""Methods that make new patch tokens before a block, or cluster: the released code's MACs."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from counts_by_name import counted

import vtbench
from vtbench import reduce

RATES = (0.25, 0.5, 0.7, 0.9)
NAMES = {"t": "deit_tiny_patch16_224", "s": "deit_small_patch16_224", "b": "deit_base_patch16_224"}

QUERIED = {
    "t": (431_177_472, 590_719_104, 793_289_472, 1_092_235_776),
    "s": (1_563_065_856, 2_166_149_376, 2_913_682_944, 3_978_716_160),
    "b": (5_928_975_360, 8_271_143_424, 11_135_781_888, 15_134_410_752),
}
RELEASED = {
    "sinkhorn": QUERIED,
    "patchmerger": QUERIED,
    "sit": {
        "t": (434_932_608, 594_623_424, 796_738_944, 1_093_869_696),
        "s": (1_580_050_176, 2_186_602_368, 2_936_396_544, 4_001_521_920),
        "b": (6_000_840_192, 8_362_626_816, 11_244_467_712, 15_258_173_952),
    },
    "dpcknn": {
        "t": (427_299_264, 581_113_536, 775_540_416, 1_059_797_376),
        "s": (1_555_309_440, 2_146_938_240, 2_878_184_832, 3_913_839_360),
        "b": (5_913_462_528, 8_232_721_152, 11_064_785_664, 15_004_657_152),
    },
    "kmedoids": {
        "t": (427_249_920, 581_047_680, 775_458_048, 1_059_695_616),
        "s": (1_555_210_752, 2_146_806_528, 2_878_020_096, 3_913_635_840),
        "b": (5_913_265_152, 8_232_457_728, 11_064_456_192, 15_004_250_112),
    },
    "atc": {
        "t": (473_260_032, 624_343_808, 811_911_680, 1_080_815_296),
        "s": (1_701_494_400, 2_280_852_608, 2_984_666_240, 3_965_693_632),
        "b": (6_430_849_920, 8_700_178_304, 11_425_618_304, 15_165_959_872),
    },
}
"""Method -> host -> what a counter that sees no distances gives for each rate."""
DISTANCES = {
    "t": (7_918_498, 9_781_674, 12_881_794, 18_305_064),
    "s": (15_755_362, 19_462_506, 25_630_786, 36_421_416),
    "b": (31_429_090, 38_824_170, 51_128_770, 72_654_120),
}
"""What pairwise distances add, for each rate."""
OF_DISTANCES = ("dpcknn", "kmedoids")


@pytest.mark.parametrize("host", NAMES)
@pytest.mark.parametrize("method", RELEASED)
def test_it_counts_what_the_released_code_does(method, host):
    for rate, macs, apart in zip(RATES, RELEASED[method][host], DISTANCES[host], strict=True):
        record = counted(f"{method}_deit_{host}", keep_rate=rate)
        distances = sum(
            row.macs for row in record.rows if row.module.endswith("reduction.distances")
        )
        assert distances == (apart if method in OF_DISTANCES else 0)
        assert record.macs - distances == macs


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("sinkhorn", (22_075_240, 22_116_328, 22_165_864, 22_233_448)),
        ("patchmerger", (22_077_544, 22_118_632, 22_168_168, 22_235_752)),
        ("dpcknn", (22_050_664 + 3 * 385,) * 4),
        ("kmedoids", (22_050_664,) * 4),
        ("atc", (22_050_664,) * 4),
    ],
)
def test_its_learned_parts_are_counted(method, parameters):
    for rate, expected in zip(RATES, parameters, strict=True):
        with torch.device("meta"):
            model = timm.create_model(NAMES["s"])
            getattr(reduce, method)(model, keep_rate=rate)
        assert sum(each.numel() for each in model.parameters()) == expected


def bare(host: str, method: str, **options: Any) -> int:
    """MACs of the host without class token, its patches averaged at the end."""
    with torch.device("meta"):
        model = timm.create_model(NAMES[host], class_token=False, global_pool="avg")
        getattr(reduce, method)(model, **options)
    return vtbench.count(model, torch.empty(1, 3, 224, 224, device="meta")).macs


@pytest.mark.parametrize(
    ("host", "merged", "eight", "sixteen"),
    [
        ("t", 659_811_840, 662_019_584, 966_936_064),
        ("s", 2_402_540_544, 2_406_855_680, 3_536_813_056),
        ("b", 9_136_748_544, 9_145_278_464, 13_485_991_936),
    ],
)
def test_the_forms_of_the_papers_without_class_token(host, merged, eight, sixteen):
    assert bare(host, "patchmerger", merged=8) == merged
    assert bare(host, "tokenlearner") == eight
    assert bare(host, "tokenlearner", learned=16, block=9) == sixteen


def test_tokenlearner_v1_has_convolutions_and_no_products_for_its_sums():
    n, c, t = 196, 384, 8
    differ = bare("s", "tokenlearner", version="v1") - bare("s", "tokenlearner")
    assert differ == 9 * n * (c * t + 3 * t * t) - n * 64 * (c + t) - t * n * c


def of_tokens(before: list[int]) -> int:
    """DeiT-S with so many patches at each block, class token added; the stem and the head."""
    c = 384
    macs = 3 * 16 * 16 * 196 * c + c * 1000
    return macs + sum(12 * n * c * c + 2 * n * n * c for n in (each + 1 for each in before))


@pytest.mark.parametrize(
    ("options", "patches"),
    [
        ({}, [196, 177, 160, 144, 130, 117, 106, 96, 87, 79, 72, 65]),  # ceil(0.9 T)
        ({"ratio": 0.5}, [196, 98, 49, 25, 13, 7, 4, 2, 1, 1, 1, 1]),
        ({"r": 16}, [196 - 16 * block for block in range(12)]),
    ],
)
def test_dct_keeps_the_lowest_frequencies_after_each_block(options, patches):
    assert counted("dct_deit_s", **options).macs == of_tokens(patches)


@pytest.mark.parametrize(
    ("options", "patches"),
    [
        ({}, [196] * 6 + [49] * 6),
        ({"stride": 4}, [196] * 6 + [16] * 6),  # 14 = 4 + 4 + 4 + 2
        ({"blocks": (3, 6, 9)}, [196] * 3 + [49] * 3 + [16] * 3 + [4] * 3),
    ],
)
def test_grid_pooling_counts_as_its_squares_say(options, patches):
    assert counted("gridpool_deit_s", **options).macs == of_tokens(patches)
