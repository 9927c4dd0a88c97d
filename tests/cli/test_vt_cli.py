"""The Visual Transformers models from the command line: options reach them, mistakes are told."""

import json

import pytest

from vtbench.data.closed_form import parse, value


def counted(vtbench, *arguments):
    ended = vtbench("macs", *arguments, "--format", "json")
    assert (ended.status, ended.err) == (0, "")
    return json.loads(ended.out)["results"]


def test_a_name_is_enough(vtbench):
    (found,) = counted(vtbench, "vt_r34", "--by", "stage")
    assert (found["macs"], found["weights"]) == (3_151_505_408, 18_019_904)
    rows = {row["name"]: row["macs"] for row in found["by"]}
    assert list(rows)[:6] == ["conv1", "layer1", "layer2", "layer3", "layer4", "fc"]
    assert sum(rows.values()) == found["macs"]


@pytest.mark.parametrize(
    ("arguments", "macs"),
    [
        (["vt_r34", "-o", "tokens=16"], 3_217_354_752),
        (["vt_r18", "-o", "tokens=16", "-o", "transformer=none"], 1_518_775_296),
        (["vt_r18", "-o", "tokens=16", "-o", "transformer='none'"], 1_518_775_296),
        (["vt_r18", "-o", "tokens=16", "-o", "position=false"], 1_585_733_632),
        (["vt_r18", "-o", "tokens=16", "-o", "dynamic=False"], 1_607_823_360),
        (["vt_r34", "-o", "reading=literal"], 3_152_684_512),
        (["vt_r34", "-o", "reading=fitted"], 3_151_505_408),
        (["vt_v4_adv_r101", "-o", "reading=literal"], 7_882_301_440),
        (["vt_v4_r18", "-o", "transformer=none"], 1_527_832_576),
        (["vt_v4_r18", "-o", "tokenizer=kmeans", "-o", "kmeans_iters=1"], 1_579_753_472),
        (["vt_fpn_r50"], 112_567_164_928),
        (["vt_transformer", "-o", "tokens=16"], 3 * 1024**2 * 16 + 3 * 16**2 * 1024 // 2),
        (["vt_transformer", "--batch-size", "2"], 2 * (3 * 1024**2 * 8 + 3 * 8**2 * 1024 // 2)),
        (["nonlocal_block", "-o", "size=14"], 3 * 196 * 512**2 + 3 * 196**2 * 512 // 2),
        (["nonlocal_block", "--resolution", "2x3"], 3 * 6 * 512**2 + 3 * 6**2 * 512 // 2),
    ],
)
def test_options_reach_the_model(vtbench, arguments, macs):
    assert counted(vtbench, *arguments)[0]["macs"] == macs


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["vt_r34", "-o", "tokns=8"], "Did you mean tokens?"),
        (["vt_r34", "-o", "tokens=7"], "choose an even number"),
        (["vt_r34", "-o", "tokens=0"], "must be at least 1, not 0"),
        (["vt_r34", "-o", "tokens=many"], "takes a whole number"),
        (["vt_r34", "-o", "heads=3"], "choose a"),
        (["vt_r34", "-o", "groups=7"], "does not divide the 256 channels"),
        (["vt_r34", "-o", "kqv_groups=3"], "multiple of 6"),
        (["vt_r34", "-o", "token_width=100"], "multiple of 32"),
        (["vt_r34", "-o", "transformer=conv"], "'vt' or 'none'"),
        (["vt_r34", "-o", "reading=printed"], "'fitted' or 'literal'"),
        (["vt_v4_r18", "-o", "reading=literal", "-o", "position=true"], "no position code"),
        (["vt_r34", "-o", "depth=35"], "18 or 34 or 50 or 101"),
        (["vt_r34", "-o", "dynamic=false", "-o", "tokenizer=dynamic"], "contradict"),
        (["vt_v4_r18", "-o", "tokenizer=cluster"], "'kmeans'"),
        (["vt_v4_r18", "-o", "kmeans_iters=3"], "tokenizer=kmeans"),
        (["vt_v4_r18", "-o", "tokenizer=kmeans", "-o", "kmeans_iters=-1"], "at least 0"),
        (["vt_v4_r18", "-o", "tokenizer=pooling", "-o", "position=true"], "no coefficients"),
        (["vt_v4_r18", "-o", "tokenizer=dynamic", "-o", "tokens=5"], "even number"),
        (["vt_v4_r18", "-o", "tokenizer=static", "-o", "transformer=graphconv"], "fixed number"),
        (["vt_fpn_r50", "-o", "groups=3"], "does not divide"),
        (["vt_fpn_r50", "-o", "num_classes=0"], "at least 1"),
        (["vt_transformer", "-o", "width=31"], "half the width"),
        (["nonlocal_block", "-o", "size=7", "--resolution", "8"], "disagree"),
        (["nonlocal_block", "-o", "size=0"], "at least 1"),
        (["vt_r35"], "Did you mean"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(vtbench, arguments, said):
    """On stderr, with status 2, and nothing on stdout."""
    ended = vtbench("macs", *arguments)
    assert ended.status == 2
    assert ended.out == ""
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert len(ended.err.strip().splitlines()) == 1


def test_stages_stand_beside_the_baselines(vtbench):
    """The transformers stand in layer4's place, so the stages correspond by name."""
    found = counted(vtbench, "vt_r34", "--relative-to", "resnet34")
    (ours,) = (each for each in found if each["workload"]["model"] == "vt_r34")
    stages = {stage["name"]: stage["difference"] for stage in ours["relative"]["stages"]}
    assert [name for name, difference in stages.items() if difference] == ["layer4", "fc"]
    assert stages["fc"] == 512 * 1000


def test_a_closed_form_is_derived(vtbench):
    """Stage 5 reads 14x14 pixels wherever the image has 224, so the form is linear in pixels."""
    ended = vtbench("formula", "vt_r34", "--format", "json")
    (found,) = json.loads(ended.out)["results"]
    assert (found["method"], found["unit"]) == ("symbolic", [16, 16])
    assert found["growth"] == "linear in pixels"
    form = parse(found["macs_unit"])
    assert value(form, {"B": 2, "h": 14, "w": 14}) == 2 * 3_151_505_408
