"""Classes of transformers, cut down, give one count on shapes beside known inputs and on values.

Joined models of vision and language find the places of an image among their tokens, so their inputs
hold as many image tokens as the image has features, and their own checks of that are on.
"""

from __future__ import annotations

import pytest
import torch

from vtbench.count.count_module import CountSettings, count_module

T = pytest.importorskip("transformers", reason="the extra [models] is not installed")

IMAGE, VIDEO, START, END = 99, 98, 97, 96
WIDTHS = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
SMALL = {**WIDTHS, "num_attention_heads": 4}
TEXT = {**SMALL, "vocab_size": 100}
GROUPED = {**TEXT, "num_key_value_heads": 2}
PIXELS = {**SMALL, "image_size": 28, "patch_size": 14}
PINPOINTS = [[28, 56], [56, 28], [56, 56]]
ROPE = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 1e4}
QWEN_TOKENS = {"image_token_id": IMAGE, "video_token_id": VIDEO,
               "vision_start_token_id": START, "vision_end_token_id": END}  # fmt: skip
QWEN_VISION = {"depth": 2, "num_heads": 4, "patch_size": 4, "spatial_merge_size": 2,
               "temporal_patch_size": 2, "hidden_size": 32}  # fmt: skip
SEQ2SEQ = {"d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
           "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64}  # fmt: skip


def words(rows, length, low=5):
    return torch.randint(low, 90, (rows, length))


def sentence(length, features, token=IMAGE, at=2):
    """A text with as many tokens for an image as that has features."""
    ids = torch.randint(5, 80, (1, length))
    ids[0, at : at + features] = token
    return ids


def image(size=28):
    return torch.randn(1, 3, size, size)


def padded(rows, length, real, *, left=False):
    mask = torch.ones(rows, length, dtype=torch.int64)
    mask[0, : length - real] = 0 if left else 1
    mask[0, real:] = mask[0, real:] if left else 0
    return mask


def _grid(merged):
    """An image of 4 x 6 patches for the family of Qwen, whose merger makes 6 tokens of them."""
    ids = sentence(20, merged)
    ids[0, 1] = START
    return {"input_ids": ids, "pixel_values": torch.randn(24, 3 * 2 * 16),
            "image_grid_thw": torch.tensor([[1, 4, 6]]),
            "mm_token_type_ids": (ids == IMAGE).long()}  # fmt: skip


def llava():
    config = T.LlavaConfig(vision_config=T.CLIPVisionConfig(**PIXELS),
                           text_config=T.LlamaConfig(**TEXT), image_token_id=IMAGE)  # fmt: skip
    return T.LlavaForConditionalGeneration(config), {
        "input_ids": sentence(20, 4), "pixel_values": image()}  # fmt: skip


def llava_next():
    config = T.LlavaNextConfig(vision_config=T.CLIPVisionConfig(**PIXELS),
                               text_config=T.LlamaConfig(**TEXT), image_token_id=IMAGE,
                               image_grid_pinpoints=PINPOINTS)  # fmt: skip
    return T.LlavaNextForConditionalGeneration(config), {
        "input_ids": sentence(40, 4 + 4 * 5), "pixel_values": torch.randn(1, 5, 3, 28, 28),
        "image_sizes": torch.tensor([[56, 56]])}  # fmt: skip


def llava_onevision():
    vision = T.SiglipVisionConfig(**PIXELS, vision_use_head=False)
    config = T.LlavaOnevisionConfig(vision_config=vision, text_config=T.Qwen2Config(**GROUPED),
                                    image_token_id=IMAGE, video_token_id=VIDEO,
                                    image_grid_pinpoints=PINPOINTS)  # fmt: skip
    return T.LlavaOnevisionForConditionalGeneration(config), {
        "input_ids": sentence(40, 4 + 4 * 5), "pixel_values": torch.randn(1, 5, 3, 28, 28),
        "image_sizes": torch.tensor([[56, 56]])}  # fmt: skip


def qwen2_vl():
    vision = {**QWEN_VISION, "embed_dim": 32, "mlp_ratio": 2}
    config = T.Qwen2VLConfig(text_config={**GROUPED, "rope_parameters": ROPE},
                             vision_config=vision, **QWEN_TOKENS)  # fmt: skip
    return T.Qwen2VLForConditionalGeneration(config), _grid(6)


def qwen2_5_vl():
    vision = {**QWEN_VISION, "out_hidden_size": 32, "intermediate_size": 64, "window_size": 16,
              "fullatt_block_indexes": [1]}  # fmt: skip
    config = T.Qwen2_5_VLConfig(text_config={**GROUPED, "rope_parameters": ROPE},
                                vision_config=vision, **QWEN_TOKENS)  # fmt: skip
    return T.Qwen2_5_VLForConditionalGeneration(config), _grid(6)


def qwen3_vl():
    vision = {**QWEN_VISION, "out_hidden_size": 32, "intermediate_size": 64,
              "num_position_embeddings": 16, "deepstack_visual_indexes": [0]}  # fmt: skip
    config = T.Qwen3VLConfig(text_config={**GROUPED, "head_dim": 8, "rope_parameters": ROPE},
                             vision_config=vision, **QWEN_TOKENS)  # fmt: skip
    return T.Qwen3VLForConditionalGeneration(config), _grid(6)


def internvl():
    vision = {**SMALL, "image_size": [28, 28], "patch_size": [7, 7]}
    config = T.InternVLConfig(vision_config=vision, text_config=T.Qwen2Config(**GROUPED),
                              image_token_id=IMAGE, downsample_ratio=0.5)  # fmt: skip
    return T.InternVLForConditionalGeneration(config), {
        "input_ids": sentence(20, 4), "pixel_values": image()}  # fmt: skip


def paligemma():
    vision = T.SiglipVisionConfig(**PIXELS, projection_dim=32)
    config = T.PaliGemmaConfig(vision_config=vision, image_token_id=IMAGE, projection_dim=32,
                               text_config=T.GemmaConfig(**GROUPED, head_dim=8))  # fmt: skip
    return T.PaliGemmaForConditionalGeneration(config), {
        "input_ids": sentence(20, 4, at=0), "pixel_values": image()}  # fmt: skip


def gemma3():
    vision = T.SiglipVisionConfig(**{**PIXELS, "patch_size": 7}, vision_use_head=False)
    config = T.Gemma3Config(vision_config=vision, image_token_index=IMAGE, mm_tokens_per_image=4,
                            text_config=T.Gemma3TextConfig(**GROUPED, head_dim=8))  # fmt: skip
    ids = sentence(20, 4)
    return T.Gemma3ForConditionalGeneration(config), {
        "input_ids": ids,
        "pixel_values": image(),
        "token_type_ids": (ids == IMAGE).long(),
    }


def video_llava():
    config = T.VideoLlavaConfig(vision_config=T.CLIPVisionConfig(**PIXELS),
                                text_config=T.LlamaConfig(**TEXT), image_token_index=IMAGE,
                                video_token_index=VIDEO)  # fmt: skip
    return T.VideoLlavaForConditionalGeneration(config), {
        "input_ids": sentence(60, 40, VIDEO),
        "pixel_values_videos": torch.randn(1, 8, 3, 28, 28)}  # fmt: skip


def idefics3():
    """Asks its pixels whether an image is there at all."""
    config = T.Idefics3Config(vision_config={**PIXELS, "patch_size": 7}, scale_factor=2,
                              text_config=T.LlamaConfig(**TEXT, pad_token_id=0),
                              image_token_id=IMAGE)  # fmt: skip
    return T.Idefics3ForConditionalGeneration(config), {
        "input_ids": sentence(20, 4), "pixel_values": torch.randn(1, 1, 3, 28, 28)}  # fmt: skip


def blip2():
    text = T.OPTConfig(hidden_size=32, ffn_dim=64, num_hidden_layers=2, num_attention_heads=4,
                       vocab_size=100, word_embed_proj_dim=32)  # fmt: skip
    config = T.Blip2Config(
        vision_config=PIXELS,
        qformer_config={**TEXT, "encoder_hidden_size": 32},
        text_config=text,
        num_query_tokens=4,
        image_token_index=IMAGE,
    )
    return T.Blip2ForConditionalGeneration(config), {
        "input_ids": sentence(20, 4), "pixel_values": image()}  # fmt: skip


def qwen2_audio():
    audio = {"d_model": 32, "encoder_layers": 2, "encoder_attention_heads": 4,
             "encoder_ffn_dim": 64, "num_mel_bins": 8, "max_source_positions": 20}  # fmt: skip
    config = T.Qwen2AudioConfig(audio_config=audio, text_config=T.Qwen2Config(**GROUPED),
                                audio_token_index=IMAGE)  # fmt: skip
    return T.Qwen2AudioForConditionalGeneration(config), {
        "input_ids": sentence(20, 10),
        "attention_mask": padded(1, 20, 20),
        "input_features": torch.randn(1, 8, 40),
        "feature_attention_mask": padded(1, 40, 40),
    }


def clip():
    config = T.CLIPConfig(text_config={**TEXT, "eos_token_id": 7}, vision_config=PIXELS,
                          projection_dim=32)  # fmt: skip
    return T.CLIPModel(config), {
        "input_ids": words(1, 10),
        "pixel_values": image(),
        "attention_mask": padded(1, 10, 8),
    }


def bert():
    return T.BertForSequenceClassification(T.BertConfig(**TEXT)), {
        "input_ids": words(2, 10), "attention_mask": padded(2, 10, 6)}  # fmt: skip


def gpt2():
    config = T.GPT2Config(n_embd=32, n_layer=2, n_head=4, vocab_size=100)
    return T.GPT2LMHeadModel(config), {
        "input_ids": words(2, 10), "attention_mask": padded(2, 10, 6, left=True)}  # fmt: skip


def bart():
    ids = words(1, 10)
    ids[0, 9] = 2  # the end of the sentence, where the classifier reads
    return T.BartForSequenceClassification(T.BartConfig(**SEQ2SEQ, vocab_size=100)), {
        "input_ids": ids}  # fmt: skip


def xlm():
    config = T.XLMConfig(emb_dim=32, n_layers=2, n_heads=4, vocab_size=100, n_langs=2)
    return T.XLMModel(config), {"input_ids": words(1, 10), "lengths": torch.tensor([7])}


def mixtral():
    return T.MixtralForCausalLM(T.MixtralConfig(**GROUPED, num_local_experts=4)), {
        "input_ids": words(1, 10), "attention_mask": padded(1, 10, 10)}  # fmt: skip


def longformer():
    config = T.LongformerConfig(**TEXT, attention_window=4, max_position_embeddings=64)
    return T.LongformerModel(config), {
        "input_ids": words(1, 16),
        "global_attention_mask": torch.tensor([[1] + [0] * 15]),
    }


def tapas():
    config = T.TapasConfig(**TEXT, type_vocab_sizes=[3, 10, 10, 2, 10, 10, 10])
    return T.TapasModel(config), {
        "input_ids": words(1, 16),
        "token_type_ids": torch.zeros(1, 16, 7, dtype=torch.int64),
    }


def layoutlm():
    boxes = torch.randint(0, 50, (1, 10, 4))
    boxes[..., 2:] += 60
    return T.LayoutLMModel(T.LayoutLMConfig(**TEXT, max_2d_position_embeddings=200)), {
        "input_ids": words(1, 10), "bbox": boxes}  # fmt: skip


def detr():
    backbone = T.ResNetConfig(embedding_size=8, hidden_sizes=[8] * 4, depths=[1] * 4,
                              out_features=["stage4"])  # fmt: skip
    config = T.DetrConfig(**SEQ2SEQ, num_queries=5, use_timm_backbone=False,
                          use_pretrained_backbone=False, backbone_config=backbone)  # fmt: skip
    return T.DetrForObjectDetection(config), {
        "pixel_values": image(64),
        "pixel_mask": torch.ones(1, 64, 64, dtype=torch.int64),
    }


def wav2vec2():
    config = T.Wav2Vec2Config(**TEXT, conv_dim=(8, 8, 8), conv_stride=(5, 2, 2),
                              conv_kernel=(10, 3, 3), num_conv_pos_embeddings=16,
                              num_conv_pos_embedding_groups=2)  # fmt: skip
    return T.Wav2Vec2ForCTC(config), {
        "input_values": torch.randn(2, 1600), "attention_mask": padded(2, 1600, 900)}  # fmt: skip


FAMILIES = (
    *(llava, llava_next, llava_onevision, qwen2_vl, qwen2_5_vl, qwen3_vl, internvl, paligemma),
    *(gemma3, video_llava, idefics3, blip2, qwen2_audio, clip),
    *(bert, gpt2, bart, xlm, mixtral, longformer, tapas, layoutlm, detr, wav2vec2),
)


def made(family):
    torch.manual_seed(0)
    try:
        model, inputs = family()
    except (AttributeError, TypeError, ValueError, ImportError) as error:
        pytest.skip(f"this version of transformers does not build it so: {error}")
    return model.eval(), inputs


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_shapes_beside_known_inputs_and_values_give_one_count(family):
    model, inputs = made(family)
    found = {
        road: count_module(model, ((), inputs), CountSettings(road=road))
        for road in ("known", "real")
    }
    sums = {road: sum(row.macs for row in each.rows) for road, each in found.items()}
    assert sums["known"] == sums["real"] > 0
    assert found["known"].readers == found["real"].readers
    assert all(row.status != "unknown" for row in found["known"].rows)
    assert not any(parameter.is_meta for parameter in model.parameters())
