"""Models that join images and text are counted by name, and each image has its places in a text."""

import pytest

import vtbench
from vtbench.cli import main
from vtbench.errors import VtbenchError

pytest.importorskip("transformers", reason="the extra [models] is not installed")

LLAVA = "transformers:LlavaForConditionalGeneration"
QWEN = "transformers:Qwen2_5_VLForConditionalGeneration"
TEXT = 128
"""Tokens that are made up beside those of the image."""


def clip_large(side):
    """24 layers of width 1024 over patches of 14 and a class token."""
    patches = (side // 14) ** 2
    n, d = patches + 1, 1024
    return patches * 3 * 14**2 * d + 24 * (4 * n * d**2 + 2 * n**2 * d + 8 * n * d**2)


def llama_7b(n):
    """32 layers of width 4096, gated to 11008, and 32000 words at every position."""
    d = 4096
    return 32 * (4 * n * d**2 + 2 * n**2 * d + 3 * n * d * 11008) + n * d * 32000


def llava(side, text=TEXT):
    v = (side // 14) ** 2
    projector = v * (1024 * 4096 + 4096**2)
    return clip_large(side) + projector + llama_7b(v + text)


@pytest.mark.parametrize("side", [336, 112])
def test_llava_is_counted_by_name_as_its_closed_form_says(side):
    counted = vtbench.count(LLAVA, resolution=side)
    assert counted.macs == llava(side)
    assert counted.complete


def test_every_image_of_a_batch_has_a_text_of_its_own():
    assert vtbench.count(LLAVA, batch_size=3).macs == 3 * llava(336)


def test_ids_that_were_asked_for_by_shape_hold_the_image_too(capfdbinary):
    ids, pixels = "input_ids=1x622:int64", "pixel_values=1x3x336x336"
    with pytest.raises(SystemExit) as end:
        main(["macs", LLAVA, "--input", ids, "--input", pixels, "--format", "csv"])
    assert end.value.code == 0
    assert str(llava(336, text=46)).encode() in capfdbinary.readouterr().out


def test_a_text_with_fewer_tokens_than_its_image_is_refused_by_the_model(capfd):
    ids, pixels = "input_ids=1x400:int64", "pixel_values=1x3x336x336"
    with pytest.raises(SystemExit) as end:
        main(["macs", LLAVA, "--input", ids, "--input", pixels])
    out, said = capfd.readouterr()
    assert (end.value.code, out) == (2, "")
    assert "Image features and image tokens do not match" in said


def test_an_image_in_a_grid_of_patches_has_a_token_for_each_merged_square():
    small = {
        "text_config": {
            "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "vocab_size": 100,
            "num_attention_heads": 4, "num_key_value_heads": 4, "rope_parameters":
            {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 1e4},
        },
        "vision_config": {"depth": 1, "hidden_size": 16, "num_heads": 2, "intermediate_size": 24,
                          "out_hidden_size": 32, "fullatt_block_indexes": [0]},
        "image_token_id": 99, "video_token_id": 98, "vision_start_token_id": 97,
    }  # fmt: skip
    counted = vtbench.count(QWEN, options=small, resolution=56)
    patches, d = 16, 16  # 4 x 4 patches of 14, of two frames
    merged = patches // 4
    tower = patches * 3 * 2 * 14**2 * d + patches * (4 * d**2 + 3 * d * 24) + 2 * patches**2 * d
    merger = merged * ((4 * d) ** 2 + 4 * d * 32)
    n, d = merged + TEXT, 32
    text = 2 * (4 * n * d**2 + 2 * n**2 * d + 3 * n * d * 64) + n * d * 100
    assert counted.macs == tower + merger + text


def test_a_size_that_merged_patches_do_not_divide_is_refused_with_the_nearest():
    options = {"vision_config": {"out_hidden_size": 8192}}
    with pytest.raises(VtbenchError, match=r"28x28 do not divide 230x230.*224x224"):
        vtbench.count(QWEN, options=options, resolution=230)


def test_defaults_that_were_not_made_for_each_other_are_named():
    with pytest.raises(VtbenchError, match=r"have 3584 numbers, the words of the text 8192"):
        vtbench.count(QWEN)


@pytest.mark.parametrize(
    ("name", "resolution"),
    [
        ("LlavaNext", None),
        ("LlavaNextVideo", None),
        ("LlavaOnevision", None),
        ("VipLlava", None),
        ("VideoLlava", None),
        ("PaliGemma", None),
        ("Gemma3", 896),
        ("InternVL", None),
        ("Mistral3", None),
        ("Idefics2", None),
        ("Idefics3", 384),
        ("SmolVLM", 384),
    ],
)
def test_further_families_are_counted_by_name(name, resolution):
    model = f"transformers:{name}ForConditionalGeneration"
    try:
        counted = vtbench.count(model, resolution=resolution)
    except VtbenchError as error:
        if "has no model class" in str(error):
            pytest.skip("this version of transformers does not have it")
        raise
    assert counted.complete
    assert counted.record.road.startswith("known")
