"""Rows of the operator table for fused operators: attention, encoder layers, recurrent layers.

Torch runs attention through one of many kernels, by device, precision and mask; each has a row,
so that the count is the same whichever is chosen.
"""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Any

import torch

from vtbench.count.operators import formulas
from vtbench.count.operators.formulas import Cost
from vtbench.count.operators.table import Call, Rule, sequence_shapes


def _causal_at(position: int | None) -> Call:
    """Attention of q, k, v [..., H, L, E] whose causal flag is the argument at a position."""

    def cost(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
        given = position is not None and len(args) > position
        causal = bool(args[position]) if given and position is not None else False
        causal = bool(kwargs.get("is_causal", causal))
        q, k, v = args[:3]
        if q.is_nested:
            return _nested(q, k, v, causal)
        # a batch or heads that only k and v have are broadcast: the result has all of them
        result = out[0] if isinstance(out, list | tuple) else out
        return formulas.attention((*result.shape[:-1], q.shape[-1]), k.shape, v.shape, causal)

    return cost


def sequence_lengths(x: Any) -> list[int]:
    """Length of each sequence of a nested tensor [B, ..., j, D], whichever its layout."""
    return [int(shape[-2]) for shape in sequence_shapes(x)]


def _nested(q: Any, k: Any, v: Any, causal: bool) -> Cost:
    lengths = list(zip(sequence_lengths(q), sequence_lengths(k), strict=True))
    return formulas.jagged_attention(lengths, q.size(1), (q.size(-1), v.size(-1)), causal)


def _packed_lengths(queries: Any, keys: Any) -> list[tuple[int, int]]:
    """(queries, keys) of each sequence, from the offsets at which the sequences start."""
    ends = zip(pairwise(queries.tolist()), pairwise(keys.tolist()), strict=True)
    return [(q[1] - q[0], k[1] - k[0]) for q, k in ends]


def _flash_forward(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    return _packed_or_dense(args[:3], args[3], args[4], causal=bool(args[8]))


def _efficient_forward(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    # mask type 1 and 2 are causal
    return _packed_or_dense(args[:3], args[4], args[5], causal=args[9] > 0)


def _packed_or_dense(qkv: tuple[Any, ...], starts_q: Any, starts_k: Any, *, causal: bool) -> Cost:
    # q [B, L, H, E]; packed [sum L, H, E] or [1, sum L, H, E], with the offsets of the sequences
    q, k, v = (x.shape for x in qkv)
    if starts_q is None:
        return formulas.attention(_heads_first(q), _heads_first(k), _heads_first(v), causal)
    lengths = _packed_lengths(starts_q, starts_k)
    return formulas.jagged_attention(lengths, q[-2], (q[-1], v[-1]), causal)


def _heads_first(shape: Any) -> tuple[int, ...]:
    return (*shape[:-3], shape[-2], shape[-3], shape[-1])


def _backward_at(first: int, *, heads_first: bool = True) -> Call:
    """Gradients of the attention whose q, k and v are the arguments from a position on."""

    def cost(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
        q, k, v = (x.shape for x in args[first : first + 3])
        if not heads_first:
            q, k, v = _heads_first(q), _heads_first(k), _heads_first(v)
        return formulas.attention_backward(q, k, v)

    return cost


def _positions(x: Any) -> list[tuple[int, int]]:
    """(batch, length) of the sequences of a dense or nested [B, L, D]."""
    if x.is_nested:
        return [(1, length) for length in sequence_lengths(x)]
    return [(prod(x.shape[:-2]), x.shape[-2])]


def _native_attention(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    # query, key, value [B, L, D], width D, heads, qkv weight [3D, D], bias, projection
    q, k, v, width, heads = args[:5]
    if q is k and k is v:
        return _layer(q, width, heads, 0)
    positions = prod(q.shape[:-1]) * 2 * width * width
    positions += (prod(k.shape[:-1]) + prod(v.shape[:-1])) * width * width
    head, batch = width // heads, q.shape[0]
    queries, keys = (batch, heads, q.shape[-2], head), (batch, heads, k.shape[-2], head)
    inner = formulas.attention(queries, keys, keys)
    macs = inner.macs + positions
    return Cost(macs, macs, inner.written, inner.softmax)


def _layer(x: Any, width: int, heads: int, hidden: int) -> Cost:
    macs = written = scores = 0
    for batch, length in _positions(x):
        one = formulas.self_attention_layer((batch, length, width), width, heads)
        macs += one.macs + batch * length * 2 * width * hidden
        written += one.written + batch * length * (hidden + (width if hidden else 0))
        scores += one.softmax
    return Cost(macs, macs, written, scores)


def _encoder_layer(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    # src [B, L, D], width, heads, then ..., the first FFN weight [F, D] at 14
    return _layer(args[0], args[1], args[2], args[14].shape[0])


def _recurrent(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    # (input [T, B, I], state or states, weights, ...); packed: (data [sum of steps, I], ...)
    # states have three axes and biases one, so the matrices among the lists are the weights
    x = args[0]
    tensors = [t for a in args[1:] if isinstance(a, list | tuple) for t in a]
    weights = [t.shape for t in tensors if getattr(t, "ndim", 0) == 2]
    return formulas.recurrent(prod(x.shape[:-1]), weights, out[0].shape[-1])


def _mkldnn_rnn(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    weights = [w.shape for w in args[1:3]]
    return formulas.recurrent(prod(args[0].shape[:-1]), weights, out[0].shape[-1])


def _mkldnn_rnn_backward(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
    # The products that autograd takes where the layer is made of single steps: of the weights at
    # every step, of each state but the first, and of the first and the input where they are asked
    # for. The kernel may do more; the count is that of every other road.
    steps, batch = args[0].shape[0], prod(args[0].shape[1:-1])
    by_input, by_state = (prod(w.shape) for w in args[1:3])  # [G·h, in], [G·h, h]
    states = steps if args[5].requires_grad else steps - 1
    inputs = steps if args[0].requires_grad else 0
    macs = batch * ((steps + inputs) * by_input + (steps + states) * by_state)
    return formulas.dense(macs, prod(args[0].shape[:-1]) * args[0].shape[-1])


def _packed_layers(gates: int) -> Call:
    """A quantised LSTM or GRU: its weights are inside objects, so that other arguments say all."""

    def cost(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
        # (input, states, weights, biases, layers, dropout, train, directions, ...); packed inputs
        # have the sizes of the steps after the data
        states = args[1] if isinstance(args[1], list | tuple) else args[1:2]
        packed = not isinstance(args[1], list | tuple) and isinstance(args[2], list | tuple)
        packed = packed and isinstance(args[2][0], torch.Tensor)
        packed = packed or isinstance(args[2], torch.Tensor)
        if packed:
            states = args[2] if isinstance(args[2], list | tuple) else args[2:3]
        depth, directions = args[4 + packed], 2 if args[7 + packed] else 1
        x, hidden = args[0], states[0].shape[-1]
        widths = (x.shape[-1], hidden)
        return formulas.packed_recurrent(prod(x.shape[:-1]), widths, gates, (depth, directions))

    return cost


def _packed_cell(gates: int) -> Call:
    """One step of a quantised cell: input [B, I], state [B, H] or (state, cell)."""

    def cost(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
        state = args[1][0] if isinstance(args[1], list | tuple) else args[1]
        widths = (args[0].shape[-1], state.shape[-1])
        return formulas.packed_recurrent(prod(args[0].shape[:-1]), widths, gates, (1, 1))

    return cost


_VARIABLE = ("query", "key", "value", "cu_seq_q", "cu_seq_k", "max_q", "max_k", "is_causal")


def _variable_lengths(first: int, *, before: tuple[str, ...] = ()) -> Call:
    """Attention of packed q, k, v [sum L, H, E]; offsets say where each sequence starts.

    ``before`` names the arguments between the values and the offsets. The gradients are four
    products for the two of the forward pass.
    """
    names = (*_VARIABLE[:3], *before, *_VARIABLE[3:])

    def cost(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Cost:
        given = {**dict(zip(names, args[first:], strict=False)), **kwargs}
        q, v = given["query"].shape, given["value"].shape
        queries = given["cu_seq_q"].diff().tolist()
        starts: Any = given.get("cu_seq_k")
        used: Any = given.get("seqused_k")
        keys = used.tolist() if used is not None else starts.diff().tolist()
        lengths, causal = list(zip(queries, keys, strict=True)), bool(given.get("is_causal"))
        one = formulas.jagged_attention(lengths, q[-2], (q[-1], v[-1]), causal)
        return formulas.dense(2 * one.macs, one.written) if before else one

    return cost


_GRADIENTS = Rule("attention", _backward_at(1))
_PACKED_GRADIENTS = Rule("attention", _backward_at(1, heads_first=False))

ATTENTION: dict[str, Rule] = {
    "aten::scaled_dot_product_attention": Rule("attention", _causal_at(5)),
    "aten::_scaled_dot_product_flash_attention": Rule("attention", _causal_at(4)),
    "aten::_scaled_dot_product_flash_attention_for_cpu": Rule("attention", _causal_at(4)),
    "aten::_scaled_dot_product_efficient_attention": Rule("attention", _causal_at(6)),
    "aten::_scaled_dot_product_cudnn_attention": Rule("attention", _causal_at(6)),
    "aten::_scaled_dot_product_fused_attention_overrideable": Rule("attention", _causal_at(5)),
    "aten::_flash_attention_forward": Rule("attention", _flash_forward),
    "aten::_efficient_attention_forward": Rule("attention", _efficient_forward),
    "aten::_scaled_dot_product_flash_attention_backward": _GRADIENTS,
    "aten::_scaled_dot_product_flash_attention_for_cpu_backward": _GRADIENTS,
    "aten::_scaled_dot_product_efficient_attention_backward": _GRADIENTS,
    "aten::_scaled_dot_product_cudnn_attention_backward": _GRADIENTS,
    "aten::_scaled_dot_product_fused_attention_overrideable_backward": _GRADIENTS,
    "aten::_flash_attention_backward": _PACKED_GRADIENTS,
    "aten::_efficient_attention_backward": _PACKED_GRADIENTS,
    "torch_attn::_varlen_attn": Rule("attention", _variable_lengths(0)),
    "torch_attn::_varlen_attn_out": Rule("attention", _variable_lengths(1)),
    "torch_attn::_varlen_attn_backward": Rule(
        "attention", _variable_lengths(1, before=("out", "lse"))
    ),
    "aten::_native_multi_head_attention": Rule("attention", _native_attention),
    "aten::_transformer_encoder_layer_fwd": Rule("attention", _encoder_layer),
    "higher_order::flex_attention": Rule("attention", _causal_at(None)),
    "higher_order::flex_attention_backward": Rule("attention", _backward_at(0)),
}

RECURRENT: dict[str, Rule] = {
    "aten::lstm": Rule("recurrent", _recurrent),
    "aten::gru": Rule("recurrent", _recurrent),
    "aten::rnn_tanh": Rule("recurrent", _recurrent),
    "aten::rnn_relu": Rule("recurrent", _recurrent),
    "aten::_cudnn_rnn": Rule("recurrent", _recurrent),
    "aten::miopen_rnn": Rule("recurrent", _recurrent),
    "aten::quantized_lstm": Rule("recurrent", _packed_layers(4)),
    "aten::quantized_gru": Rule("recurrent", _packed_layers(3)),
    "quantized::quantized_lstm_cell_dynamic": Rule("recurrent", _packed_cell(4)),
    "quantized::quantized_gru_cell_dynamic": Rule("recurrent", _packed_cell(3)),
    "quantized::quantized_rnn_relu_cell_dynamic": Rule("recurrent", _packed_cell(1)),
    "quantized::quantized_rnn_tanh_cell_dynamic": Rule("recurrent", _packed_cell(1)),
    "aten::mkldnn_rnn_layer": Rule("recurrent", _mkldnn_rnn),
    "aten::mkldnn_rnn_layer_backward": Rule("recurrent", _mkldnn_rnn_backward),
}
