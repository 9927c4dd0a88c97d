"""Recurrent layers and cells: every weight matrix once for each step and sequence."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from vtbench.count.cases.micro_case import Case, Given, does, image, layer

I, T, B = 32, 20, 2  # noqa: E741  # the letters of the formulas
HIDDEN = 48
LENGTHS = (20, 13, 5)


def _packed() -> Given:
    rows = [image(length, I) for length in LENGTHS]

    def run(self: Any, data: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.rnn(PackedSequence(data, sizes))[0].data
        return out

    packed = pack_sequence(rows)
    return does(run, packed.data, packed.batch_sizes, rnn=nn.LSTM(I, HIDDEN))


RECURRENT_CASES = (
    # one gate in an RNN, three in a GRU, four in an LSTM; each sees the input and the state
    Case("RNN", T * B * HIDDEN * (I + HIDDEN), lambda: layer(nn.RNN(I, HIDDEN), image(T, B, I))),
    Case(
        "GRU",
        T * B * 3 * HIDDEN * (I + HIDDEN),
        lambda: layer(nn.GRU(I, HIDDEN, batch_first=True), image(B, T, I)),
    ),
    Case(
        "LSTM", T * B * 4 * HIDDEN * (I + HIDDEN), lambda: layer(nn.LSTM(I, HIDDEN), image(T, B, I))
    ),
    Case(
        "LSTM, 2 layers, 2 ways",  # the second layer sees both directions of the first
        T * B * 2 * 4 * HIDDEN * (I + HIDDEN) + T * B * 2 * 4 * HIDDEN * (2 * HIDDEN + HIDDEN),
        lambda: layer(nn.LSTM(I, HIDDEN, num_layers=2, bidirectional=True), image(T, B, I)),
    ),
    Case(
        "LSTM, projected",
        T * B * (4 * HIDDEN * (I + 16) + 16 * HIDDEN),
        lambda: layer(nn.LSTM(I, HIDDEN, proj_size=16), image(T, B, I)),
    ),
    # the lengths of its sequences are values
    Case("LSTM, packed", sum(LENGTHS) * 4 * HIDDEN * (I + HIDDEN), _packed, needs_values=True),
    Case("RNN cell", B * HIDDEN * (I + HIDDEN), lambda: layer(nn.RNNCell(I, HIDDEN), image(B, I))),
    Case(
        "GRU cell", B * 3 * HIDDEN * (I + HIDDEN), lambda: layer(nn.GRUCell(I, HIDDEN), image(B, I))
    ),
    Case(
        "LSTM cell",
        B * 4 * HIDDEN * (I + HIDDEN),
        lambda: layer(nn.LSTMCell(I, HIDDEN), image(B, I)),
    ),
)
