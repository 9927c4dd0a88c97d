"""Attention under all its names: scores q·kᵀ and their product with v, dense by shape."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  # torch's own name for it

from vtbench.count.cases.micro_case import (
    Case,
    D,
    Given,
    H,
    N,
    applied,
    called,
    does,
    image,
    layer,
    tokens,
)

QKV = (1, H, N, 64)

MHA = 4 * N * D * D + 2 * N * N * D
"""Projections of q, k, v and out; scores and their product with v over all heads."""
FFN = 2 * N * D * (4 * D)
LENGTHS = (50, 100, 196)


def _by_hand(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    return ((q * 0.125) @ k.transpose(-2, -1)).softmax(-1) @ v


def _sdpa(
    q: tuple[int, ...] = QKV, k: tuple[int, ...] = QKV, v: tuple[int, ...] = QKV, **options: Any
) -> Given:
    return applied(
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **options),
        image(*q),
        image(*k),
        image(*v),
    )


def _flex() -> Given:
    from torch.nn.attention.flex_attention import flex_attention

    return applied(flex_attention, image(*QKV), image(*QKV), image(*QKV))


def _jagged() -> Given:
    def attend(self: Any, x: Any) -> Any:
        q, k, v = (f(x).unflatten(-1, (H, 64)).transpose(1, 2) for f in (self.q, self.k, self.v))
        return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(-2).values()

    rows = [image(length, D) for length in LENGTHS]
    nested = torch.nested.nested_tensor(rows, layout=torch.jagged)
    parts = {name: nn.Linear(D, D) for name in "qkv"}
    return does(attend, nested, **parts)


def _mha(call: Any, *inputs: torch.Tensor, **options: Any) -> Given:
    return does(call, *inputs, a=nn.MultiheadAttention(D, H, batch_first=True, **options))


def _encoder(**options: Any) -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(D, H, 4 * D, batch_first=True, **options)


def _masked() -> torch.Tensor:
    mask = torch.zeros(1, N, dtype=torch.bool)
    mask[:, 150:] = True
    return mask


ATTENTION_CASES = (
    Case(
        "attention by hand",
        2 * H * N * N * 64,
        lambda: applied(_by_hand, image(*QKV), image(*QKV), image(*QKV)),
    ),
    Case("sdpa", 2 * H * N * N * 64, _sdpa),
    Case("sdpa, causal", 2 * H * N * N * 64, lambda: _sdpa(is_causal=True)),
    Case(
        "sdpa, masked",
        2 * H * N * N * 64,
        lambda: called(
            "nn.functional.scaled_dot_product_attention",
            image(*QKV),
            image(*QKV),
            image(*QKV),
            torch.zeros(N, N),
        ),
    ),
    Case("sdpa, 3 axes", 2 * H * N * N * 64, lambda: _sdpa(*[(H, N, 64)] * 3)),
    Case(
        "sdpa, grouped heads",
        2 * H * N * N * 64,  # every query head attends, whoever's keys
        lambda: _sdpa(k=(1, 2, N, 64), v=(1, 2, N, 64), enable_gqa=True),
    ),
    Case("sdpa, value width", H * N * N * (64 + 32), lambda: _sdpa(v=(1, H, N, 32))),
    Case("sdpa, 49 keys", 2 * H * N * 49 * 64, lambda: _sdpa(k=(1, H, 49, 64), v=(1, H, 49, 64))),
    # torch runs it on real devices alone
    Case("flex attention", 2 * H * N * N * 64, _flex, needs_values=True),
    # the lengths of its sequences are values
    Case(
        "jagged attention",
        3 * sum(LENGTHS) * D * D + 2 * D * sum(n * n for n in LENGTHS),
        _jagged,
        needs_values=True,
    ),
    Case("MHA, weights", MHA, lambda: _mha(lambda self, x: self.a(x, x, x)[0], tokens())),
    Case(
        "MHA, no weights",
        MHA,
        lambda: _mha(lambda self, x: self.a(x, x, x, need_weights=False)[0], tokens()),
    ),
    # 49 keys of width 256: q and out D x D, k and v 256 x D
    Case(
        "MHA, other keys",
        2 * N * D * D + 2 * 49 * 256 * D + 2 * N * 49 * D,
        lambda: _mha(
            lambda self, x, y: self.a(x, y, y)[0], tokens(), tokens(1, 49, 256), kdim=256, vdim=256
        ),
    ),
    Case("encoder layer", MHA + FFN, lambda: layer(_encoder(), tokens())),
    Case(
        "encoder, norm first",
        MHA + FFN,
        lambda: layer(_encoder(norm_first=True, activation="gelu"), tokens()),
    ),
    Case(
        "encoder, padded",
        2 * (MHA + FFN),  # padding positions are computed by shape
        lambda: layer(
            nn.TransformerEncoder(_encoder(), 2, enable_nested_tensor=False),
            tokens(),
            src_key_padding_mask=_masked(),
        ),
    ),
    # self-attention of 10 queries, their attention to N tokens, and the FFN
    Case(
        "decoder layer",
        (4 * 10 * D * D + 2 * 10 * 10 * D)
        + (2 * 10 * D * D + 2 * N * D * D + 2 * 10 * N * D)
        + 2 * 10 * D * 4 * D,
        lambda: layer(
            nn.TransformerDecoderLayer(D, H, 4 * D, batch_first=True), tokens(1, 10), tokens()
        ),
    ),
)
