"""One wrong group count, channel width or printed digit turns a claim red, and says which.

Each mutation is tried on the models themselves, under the suites that ship; a claim named here is
as expected before and is not after. What is expected to fail must turn red too: the reading that
gives its digits no longer does.
"""

import msgspec
import pytest

from vtbench.claim import interval
from vtbench.claim.selection import bearing_on, follows_from
from vtbench.claim.shelf import find
from vtbench.judge import judge
from vtbench.judge.points import points_of
from vtbench.judge.search import alternatives
from vtbench.models import (
    channel_attention,
    nonlocal_block,
    panoptic_fpn,
    resnet,
    vt_blocks,
    vt_v3,
    vt_v4,
)
from vtbench.run import run


@pytest.fixture(scope="module")
def suites():
    return {suite.name: suite for suite in find(["vt_v3", "vt_v4"])}


def reds(suite, names, *, tokens=None):
    """Which of some claims are not as expected, with only what they need counted."""
    ids = [f"{suite.name}.{name}" for name in names]
    kept = bearing_on(suite, ids)
    below = follows_from({claim.id: claim for claim in suite.claims}, ids)
    parts = [c for c in (*kept.claims, *kept.quantities) if c.id in below]
    works = {part.workload: None for part in parts if part.workload and not swept(part)}
    for claim in parts:
        works |= {
            work: None
            for changes, work in alternatives(claim, kept)
            if tokens is not None and changes == {"tokens": tokens}
        }
    works |= {point.workload: None for claim in kept.claims for point in points_of(claim)}
    verdicts = judge([kept], {work: run(work) for work in works})
    asked = [verdict for verdict in verdicts if verdict.claim.id in ids]
    assert all(verdict.verdict != "unknown" for verdict in asked)
    return {v.claim.id.partition(".")[2] for v in asked if not v.as_expected}


def swept(part):
    """Whether it speaks of many sizes."""
    return getattr(part, "sweep", None) is not None


def unhalved(c_in, _c_out):
    """A 1x1 convolution to all channels where some go to one half of them."""
    return vt_blocks.pointwise2d(c_in, c_in)


MODELS = {
    "one group per 32 channels": (vt_blocks, "CHANNELS_PER_GROUP", 32, "vt_v3",
                                  "t1.vt_r34.params", None),
    "one group per 128 channels": (vt_blocks, "CHANNELS_PER_GROUP", 128, "vt_v4",
                                   "t2.vt_r18.macs", None),
    "position codes of 36 channels": (vt_blocks, "POSITION_WIDTH", 36, "vt_v3",
                                      "t3.r34_base.params", None),
    "position codes of 64 channels, where 16 tokens are expected to explain": (
        vt_blocks, "POSITION_WIDTH", 64, "vt_v3", "t3.r18_base.macs", 16),
    "a VT block less in R-18": (vt_v3, "STAGE_5", {18: (1, 512, 1)}, "vt_v3",
                                "t1.vt_r18.params", None),
    "1024 channels in VT-R-34": (vt_v3, "STAGE_5", {34: (3, 1024, 8)}, "vt_v3",
                                 "t1.vt_r34.params", None),
    "256 channels in the ICCV net, as its text has it": (
        vt_v4, "STAGE_5", {34: (3, 256)}, "vt_v4", "t2.vt_r34.params", None),
    "a block more in layer3": (resnet, "BLOCKS", {18: (2, 2, 3, 2)}, "vt_v4", "t2.vt_r18.macs",
                               None),
    "narrower layer3": (resnet, "PLANES", (64, 128, 192, 512), "vt_v3", "t1.vt_r50.params", None),
    "an attention reduced by 8": (channel_attention, "REDUCTION", 8, "vt_v3", "t1.r50_se.macs",
                                  None),
    "a pyramid of 128 channels": (panoptic_fpn, "WIDTH", 128, "vt_v3", "t4.r50_lip_fpn.fpn_macs",
                                  None),
    "keys and queries of the whole width": (nonlocal_block, "pointwise2d", unhalved, "vt_v3",
                                            "s32.non_local_cost", None),
    "tokens that are converted in groups": (
        vt_v3, "pointwise1d", lambda *a: vt_blocks.pointwise1d(*a[:2], 2), "vt_v3",
        "s32.transformer_cost", None),
    "a wider head": (panoptic_fpn, "HEAD_WIDTH", 256, "vt_v3", "t4.r101_lip_fpn.macs", None),
}  # fmt: skip
"""Module, name and wrong value; the claim that turns red; tokens that its explanation needs."""


@pytest.mark.parametrize("mutation", MODELS)
def test_a_changed_model_turns_a_named_claim_red(suites, monkeypatch, mutation):
    module, name, wrong, suite, claim, tokens = MODELS[mutation]
    assert reds(suites[suite], [claim], tokens=tokens) == set()
    monkeypatch.setattr(module, name, wrong)
    assert reds(suites[suite], [claim], tokens=tokens) == {claim}


DIGITS = {
    "t1.r50.macs": ("4.089", "4.098"),
    "t1.vt_r34.params": ("18.02", "18.03"),
    "t1.vt_r50.params": ("21.4", "21.5"),
    "t1.vt_r34.d_params": ("-3.76", "-3.77"),
    "t2.r34.stage5_macs": ("5.0", "5.1"),
    "t2.r50.stage5_params": ("1.26", "1.27"),
    "t4.r101_lip_fpn.macs": ("54.4", "54.5"),
    "s32.vt": ("6.3", "6.4"),
    "text.fewer_macs": ("2.5", "2.6"),
}
"""Claim -> the digits of the paper, and one digit wrong."""


@pytest.mark.parametrize("name", DIGITS)
def test_a_wrong_digit_turns_its_claim_red(suites, name):
    right, wrong = DIGITS[name]
    suite = suites["vt_v3"]
    (claim,) = (each for each in suite.claims if each.id == f"vt_v3.{name}")
    assert claim.printed == right
    assert reds(suite, [name]) == set()
    assert reds(misprinted(suite, claim, wrong), [name]) == {name}


def test_a_wrong_digit_in_one_cell_turns_what_follows_from_it_red(suites):
    """Table 1's delta, and table 2's ratio, are held against the printed cell."""
    suite = suites["vt_v3"]
    (claim,) = (each for each in suite.claims if each.id == "vt_v3.t1.vt_r34.macs")
    twins = ["t1.vt_r34.d_macs.printed", "t2.r34.macs.printed", "t2.r34.stage5_macs.printed"]
    assert reds(suite, twins) == set()
    assert reds(misprinted(suite, claim, "3.551"), twins) == set(twins)


PRINTED = {
    "s32.transformer_cost": "4*CT^2*L + 1.5*L^2*CT",
    "s32.products_cost": "2*L^2*CT",
    "s32.non_local_cost": "2*H*W*C^2 + (H*W)^2*C",  # as the block was first published
    "s42.convolution": "linear",
    "s42.tokens": "linear",
    "intro.kernel_size": "constant",
}
"""Claim of all sizes -> what it does not cost."""


@pytest.mark.parametrize("name", PRINTED)
def test_a_wrong_formula_or_growth_turns_its_claim_red(suites, name):
    suite = suites["vt_v3"]
    (claim,) = (each for each in suite.claims if each.id == f"vt_v3.{name}")
    wrong = msgspec.structs.replace(claim, printed=PRINTED[name])
    claims = tuple(wrong if each.id == claim.id else each for each in suite.claims)
    assert reds(suite, [name]) == set()
    assert reds(msgspec.structs.replace(suite, claims=claims), [name]) == {name}


def misprinted(suite, claim, printed):
    """The suite as it would read with other digits in one cell."""
    digits = interval(printed, claim.unit)
    wrong = msgspec.structs.replace(claim, printed=printed, low=digits.low, high=digits.high)
    claims = tuple(wrong if each.id == claim.id else each for each in suite.claims)
    return msgspec.structs.replace(suite, claims=claims)
