"""The names of the authors' checkpoints, and what each is here.

Two codes of theirs have written files: the one that the paper's models were trained with, v1, and
the library that followed. Both number their layers through: 0 is the focusing transformer, 1 the
bridge, and the rest stand after it. A name that neither has stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

Rules = Sequence[tuple[str, str]]
"""Beginnings of names, and what stands for them here; ``{b}`` is the number of the block."""

_LAYER = re.compile(r"layers\.(\d+)\.(.+)")
_END = r"(?=\.|$)"

# v1's name and the library's side by side, where they differ.
_OUTSIDE: Rules = (
    (r"feat_extractor\.conv1", "stem.conv"),
    (r"(?:head\.norm|norm|ln_post)", "head.norm"),
    (r"(?:head\.classifier|proj|cls_head)", "head.fc"),
    (r"(?:initial_roi|token_roi)\.weight", "initial.rois"),
)
_BLOCK: Rules = (
    (r"(?:ln_attn|norm1)", "attention.{b}.norm"),
    (r"attn\.(?:in_proj_|qkv\.)", "attention.{b}.qkv."),
    (r"attn\.(?:out_proj|proj)", "attention.{b}.out"),
    (r"(?:ffn\.0|norm2)", "feed_forward.{b}.norm"),
    (r"(?:ffn\.1|mlp\.fc1)", "feed_forward.{b}.widen"),
    (r"(?:ffn\.3|mlp\.fc2)", "feed_forward.{b}.narrow"),
)
_SAMPLING: Rules = (
    (r"roi_adjust_module\.0", "sampling.adjustment.norm"),
    (r"roi_adjust_module\.1", "sampling.adjustment.linear"),
    (r"roi_offset_module\.0", "sampling.points.norm"),
    (r"roi_offset_module\.1", "sampling.points.linear"),
    (r"roi_offset_bias", "sampling.points.linear.bias"),
    (r"adaptive_mixing\.parameter_generator\.0", "decoding.generator.norm"),
    (r"adaptive_mixing\.parameter_generator\.1", "decoding.generator.reduce"),
    (r"adaptive_mixing\.parameter_generator\.2", "decoding.generator.expand"),
    (r"adaptive_mixing\.m_beta", "decoding.mixing.channel_bias"),
    (r"adaptive_mixing\.s_beta", "decoding.mixing.point_bias"),
    (r"adaptive_mixing\.(?:out_proj|tuo_proj)", "decoding.output"),
)
_LOOKING: Rules = (
    (r"roi_adjust_module\.0", "roi.norm"),
    (r"roi_adjust_module\.1", "roi.hidden"),
    (r"roi_adjust_module\.3", "roi.deltas"),
    (r"roi_offset_module\.0", "sampling.norm"),
    (r"roi_offset_module\.1", "sampling.linear"),
    (r"roi_offset_bias", "sampling.linear.bias"),
    (r"adaptive_mixing\.parameter_generator\.0", "generator.norm"),
    (r"adaptive_mixing\.parameter_generator\.1", "generator.reduce"),
    (r"adaptive_mixing\.parameter_generator\.2", "generator.expand"),
    (r"adaptive_mixing\.out_proj", "output"),
    (r"pe_transition\.0", "position.norm"),
    (r"pe_transition\.1", "position.linear"),
    (r"stage_embedding\.weight", "repeats"),
)
_FOCUSING_BLOCK: Rules = tuple((old, new.replace(".{b}", "")) for old, new in _BLOCK)


def sparseformer_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of a SparseFormer's checkpoint, of either code, under the names of its model here."""
    tokens = (r"(?:initial_embedding|token_embedding)\.weight", "initial.embeddings")
    return {
        _renamed(name, (tokens, *_OUTSIDE), _sparseformer_layer): tensor
        for name, tensor in tensors.items()
    }


def _sparseformer_layer(index: int) -> tuple[str, Rules]:
    if index == 1:
        return "bridge", ((r"0", "linear"), (r"1", "norm"))
    part, block = ("focusing", 0) if index == 0 else ("cortex", index - 2)
    return part, _numbered((*_SAMPLING, *_BLOCK), block)


def bootstrapped_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of a bootstrapped SparseFormer's checkpoint under the names of its model here."""
    rules = (
        (r"initial_embedding\.weight", "initial.embedding"),
        (r"cls_embedding\.weight", "initial.class_token"),
        *_OUTSIDE,
    )
    return {_renamed(name, rules, _bootstrapped_layer): tensor for name, tensor in tensors.items()}


def _bootstrapped_layer(index: int) -> tuple[str, Rules]:
    if index == 0:
        return "focusing", (*_LOOKING, *_FOCUSING_BLOCK)
    if index == 1:
        return "bridge", ((r"0\.", ""),)
    if index == 2:  # noqa: PLR2004 - the look at full width
        return "lifting", _LOOKING
    return "inherited", _numbered(_BLOCK, index - 3)


def _numbered(rules: Rules, block: int) -> Rules:
    return tuple((old, new.replace("{b}", str(block))) for old, new in rules)


def _renamed(name: str, outside: Rules, layer: Callable[[int], tuple[str, Rules]]) -> str:
    """The name here of one tensor; its own where no rule knows it."""
    matched = _LAYER.fullmatch(name)
    if matched is None:
        return _by_rule(name, outside) or name
    part, rules = layer(int(matched[1]))
    found = _by_rule(matched[2], rules)
    return name if found is None else f"{part}.{found}"


def _by_rule(name: str, rules: Rules) -> str | None:
    for old, new in rules:
        ends = "" if new.endswith(".") or not new else _END
        matched = re.match(old + ends, name)
        if matched is not None:
            return new + name[matched.end() :]
    return None
