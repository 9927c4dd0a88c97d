"""One wrong group count, channel width or printed digit turns a claim red, and says which.

Each mutation is tried on the models themselves, under the suites that ship; a claim named here is
as expected before and is not after. What is expected to fail must turn red too: the reading that
gives its digits no longer does.
"""

import msgspec
import pytest
import torch.nn.functional as F

from vtbench.claims.judge import judge
from vtbench.claims.judge.workloads import alternatives, points_of
from vtbench.claims.suite import interval
from vtbench.claims.suite.files import find
from vtbench.claims.suite.names import bearing_on, follows_from
from vtbench.count.count_workload import count_workload
from vtbench.papers.resnet.networks import channel_attention, resnet
from vtbench.papers.slowfast import networks as slowfast
from vtbench.papers.sparseformer.networks import (
    adaptive_mixing,
    early_features,
    latent_transformers,
)
from vtbench.papers.visual_transformers.networks import (
    blocks as vt_blocks,
)
from vtbench.papers.visual_transformers.networks import (
    fpn as panoptic_fpn,
)
from vtbench.papers.visual_transformers.networks import (
    listings,
    nonlocal_block,
)
from vtbench.papers.visual_transformers.networks import (
    v3 as vt_v3,
)
from vtbench.papers.visual_transformers.networks import (
    v4 as vt_v4,
)


@pytest.fixture(scope="module")
def suites():
    return {suite.name: suite for suite in find(["vt_v3", "vt_v4", "sparseformer"])}


def reds(suite, names, *, changes=None):
    """Which of some claims are not as expected, with only what they need counted."""
    ids = [f"{suite.name}.{name}" for name in names]
    kept = bearing_on(suite, ids)
    below = follows_from({claim.id: claim for claim in suite.claims}, ids)
    parts = [c for c in (*kept.claims, *kept.quantities) if c.id in below]
    works = {part.workload: None for part in parts if part.workload and not swept(part)}
    for claim in parts:
        works |= {work: None for tried, work in alternatives(claim, kept) if tried == changes}
    works |= {point.workload: None for claim in kept.claims for point in points_of(claim)}
    verdicts = judge([kept], {work: count_workload(work) for work in works})
    asked = [verdict for verdict in verdicts if verdict.claim.id in ids]
    assert all(verdict.verdict != "unknown" for verdict in asked)
    return {v.claim.id.partition(".")[2] for v in asked if not v.as_expected}


def swept(part):
    """Whether it speaks of many sizes."""
    return getattr(part, "sweep", None) is not None


def unhalved(c_in, _c_out):
    """A 1x1 convolution to all channels where some go to one half of them."""
    return vt_blocks.pointwise2d(c_in, c_in)


def mixed_apart(self, x, channel_weights, point_weights):
    """Mixing with its products and its biases in operators of their own."""
    y = F.gelu(x @ channel_weights + self.channel_bias)
    return F.gelu(point_weights @ y + self.point_bias[:, None])


def attended_by_modules(self, tokens, products):
    """Attention whose projections are modules that hooks see."""
    qkv = self.qkv(self.norm(tokens)).unflatten(-1, (3, self.heads, -1))
    query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
    return self.out(products(query, key, value).transpose(1, 2).flatten(2))


FITTED = {"reading": "fitted"}
OF_16 = FITTED | {"tokens": 16}
"""What gives most figures of v3's VT-ResNets, so that it is named for each of them."""
MODELS = {
    "one group per 32 channels": (vt_blocks, "CHANNELS_PER_GROUP", 32, "vt_v3",
                                  "t1.vt_r34.params", OF_16),
    "one group per 128 channels": (vt_blocks, "CHANNELS_PER_GROUP", 128, "vt_v4",
                                   "t2.vt_r18.macs", FITTED),
    "position codes of 36 channels": (vt_blocks, "POSITION_WIDTH", 36, "vt_v3",
                                      "t3.r34_base.params", OF_16),
    "position codes of 64 channels, where 16 tokens are expected to explain": (
        vt_blocks, "POSITION_WIDTH", 64, "vt_v3", "t3.r18_base.macs", OF_16),
    "a VT block less in R-18": (vt_v3, "STAGE_5", {18: (1, 512, 1)}, "vt_v3",
                                "t1.vt_r18.params", OF_16),
    "1024 channels in VT-R-34": (vt_v3, "STAGE_5", {34: (3, 1024, 8)}, "vt_v3",
                                 "t1.vt_r34.params", OF_16),
    "256 channels in the ICCV net, as its text has it": (
        vt_v4, "STAGE_5", {34: (3, 256)}, "vt_v4", "t2.vt_r34.params", FITTED),
    "a block more in layer3": (resnet, "BLOCKS", {18: (2, 2, 3, 2)}, "vt_v4", "t2.vt_r18.macs",
                               FITTED),
    "narrower layer3": (resnet, "PLANES", (64, 128, 192, 512), "vt_v3", "t1.vt_r50.params", OF_16),
    "an attention reduced by 8": (channel_attention, "REDUCTION", 8, "vt_v3", "t1.r50_se.macs",
                                  None),
    "a pyramid of 128 channels": (panoptic_fpn, "WIDTH", 128, "vt_v3", "t4.r50_lip_fpn.fpn_macs",
                                  None),
    "keys and queries of the whole width": (nonlocal_block, "pointwise2d", unhalved, "vt_v3",
                                            "s32.non_local_cost", None),
    "tokens that are converted in groups": (
        vt_v3, "pointwise1d", lambda *a: vt_blocks.pointwise1d(*a[:2], 2), "vt_v3",
        "s32.transformer_cost", None),
    "listings without groups": (listings, "GROUPS", 1, "vt_v3", "t2.r34.macs", None),
    "a wider head": (panoptic_fpn, "HEAD_WIDTH", 256, "vt_v3", "t4.r101_lip_fpn.macs", None),
    "an early convolution of 5x5": (early_features, "KERNEL", 5, "sparseformer", "t1.t.macs", None),
    "mixing that fvcore counts": (adaptive_mixing.Mixing, "forward", mixed_apart, "sparseformer",
                                  "t1.b.macs", None),
    "latent projections that hooks see": (
        latent_transformers.SelfAttention, "forward", attended_by_modules, "sparseformer",
        "t8.n256.macs", None),
    "SlowFast that reaches over time in all of res4": (
        slowfast, "REACHING_BLOCKS", 23, "sparseformer", "t5.slowfast.macs", None),
}  # fmt: skip
"""Module, name and wrong value; the claim that turns red; changes that its explanation needs."""


@pytest.mark.parametrize("mutation", MODELS)
def test_a_changed_model_turns_a_named_claim_red(suites, monkeypatch, mutation):
    module, name, wrong, suite, claim, changes = MODELS[mutation]
    assert reds(suites[suite], [claim], changes=changes) == set()
    monkeypatch.setattr(module, name, wrong)
    assert reds(suites[suite], [claim], changes=changes) == {claim}


DIGITS = {
    "vt_v3.t1.r50.macs": ("4.089", "4.098"),
    "vt_v3.t1.vt_r34.params": ("18.02", "18.03"),
    "vt_v3.t1.vt_r50.params": ("21.4", "21.5"),
    "vt_v3.t1.vt_r34.d_params.printed": ("-3.76", "-3.79"),
    "vt_v3.t2.r34.stage5_macs": ("5.0", "5.1"),
    "vt_v3.t2.r34.macs": ("1.16", "1.17"),
    "vt_v3.t4.r101_lip_fpn.macs": ("54.4", "54.5"),
    "vt_v3.s32.vt": ("6.3", "6.4"),
    "vt_v3.text.fewer_macs": ("2.5", "2.6"),
    "sparseformer.t1.t.macs": ("2.0", "2.1"),
    "sparseformer.t2.swin_s.params": ("50", "51"),
    "sparseformer.t3.n64.macs": ("2.7", "2.9"),
    "sparseformer.t6.n16.macs": ("32", "42"),
    "sparseformer.t8.n400.macs": ("43", "44"),
    "sparseformer.s41.half": ("0.5", "0.4"),
    "sparseformer.a2.eighth.printed": ("8", "5"),
    "sparseformer.s42.points": ("77", "78"),
}
"""Claim -> the digits of the paper, and one digit wrong."""


@pytest.mark.parametrize("name", DIGITS)
def test_a_wrong_digit_turns_its_claim_red(suites, name):
    right, wrong = DIGITS[name]
    of, _, local = name.partition(".")
    suite = suites[of]
    (claim,) = (each for each in suite.claims if each.id == name)
    assert claim.printed == right
    changes = OF_16 if claim.by == "reading=fitted, tokens=16" else None
    assert reds(suite, [local], changes=changes) == set()
    assert reds(misprinted(suite, claim, wrong), [local], changes=changes) == {local}


def test_a_wrong_digit_in_one_cell_turns_what_follows_from_it_red(suites):
    """Table 1's delta, and table 2's ratio, are held against the printed cell."""
    suite = suites["vt_v3"]
    (claim,) = (each for each in suite.claims if each.id == "vt_v3.t1.vt_r34.macs")
    twins = ["t1.vt_r34.d_macs.printed", "t2.r34.macs.printed", "t2.r34.stage5_macs.printed"]
    assert reds(suite, twins) == set()
    assert reds(misprinted(suite, claim, "3.551"), twins) == set(twins)


PRINTED = {
    "vt_v3.s32.transformer_cost": "4*CT^2*L + 1.5*L^2*CT",
    "vt_v3.s32.products_cost": "2*L^2*CT",
    "vt_v3.s32.non_local_cost": "2*H*W*C^2 + (H*W)^2*C",  # as the block was first published
    "vt_v3.s42.convolution": "linear",
    "vt_v3.s42.tokens": "linear",
    "vt_v3.intro.kernel_size": "constant",
    "sparseformer.s1.resolution": "linear",
    "sparseformer.s32.tokens_cortex": "linear",
}
"""Claim of all sizes -> what it does not cost."""


@pytest.mark.parametrize("name", PRINTED)
def test_a_wrong_formula_or_growth_turns_its_claim_red(suites, name):
    of, _, local = name.partition(".")
    suite = suites[of]
    (claim,) = (each for each in suite.claims if each.id == name)
    wrong = msgspec.structs.replace(claim, printed=PRINTED[name])
    assert reds(suite, [local]) == set()
    assert reds(with_claim(suite, wrong), [local]) == {local}


def test_without_its_exception_the_growth_turns_red(suites):
    """SparseFormer's cost does not depend on the resolution but for the early convolution."""
    suite = suites["sparseformer"]
    (claim,) = (each for each in suite.claims if each.id == "sparseformer.s1.resolution")
    whole = with_claim(suite, msgspec.structs.replace(claim, without=()))
    assert reds(whole, ["s1.resolution"]) == {"s1.resolution"}


def misprinted(suite, claim, printed):
    """The suite as it would read with other digits in one cell."""
    digits = interval(printed, claim.unit)
    wrong = msgspec.structs.replace(claim, printed=printed, low=digits.low, high=digits.high)
    return with_claim(suite, wrong)


def with_claim(suite, claim):
    """The suite with one claim in the place of that of the same name."""
    claims = tuple(claim if each.id == claim.id else each for each in suite.claims)
    return msgspec.structs.replace(suite, claims=claims)
