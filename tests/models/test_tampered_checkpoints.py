"""Checkpoints that were tampered with: headers of safetensors, and torch's own files."""

from __future__ import annotations

import json
import struct

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from tampered import DEEP, EDGES, edited, mutated, outcome, tried

from vtbench.errors import UsageError
from vtbench.models.checkpoints import load, read

WEIGHTS = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.tensor([0.5, -1.0])}
HEADER = {
    "__metadata__": {"format": "pt"},
    "bias": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
    "weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [8, 32]},
}


def file_of(header: bytes, data=bytes(32), length=None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def taken(path, whole: bytes):
    path.write_bytes(whole)
    load(torch.nn.Linear(3, 2), path, "a layer")
    return read(path).tensors


@pytest.mark.parametrize("ending", [".safetensors", ".pt"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_weights_that_are_written_are_read_again(tmp_path, ending, dtype):
    kept = {name: tensor.to(dtype) for name, tensor in WEIGHTS.items()}
    path = tmp_path / f"weights{ending}"
    save_file(kept, path) if ending == ".safetensors" else torch.save({"model": kept}, path)
    found = read(path).tensors
    assert found.keys() == kept.keys()
    assert all(torch.equal(found[name], kept[name]) for name in kept)
    load(torch.nn.Linear(3, 2), path, "a layer")


def test_headers_that_were_tampered_with_are_refused_or_read(tmp_path):
    path = tmp_path / "weights.safetensors"
    whole = json.dumps(HEADER)
    assert taken(path, file_of(whole.encode())).keys() == WEIGHTS.keys()

    @tried(120)
    @given(
        header=st.one_of(mutated(HEADER), edited(whole), st.sampled_from(EDGES)),
        length=st.sampled_from([None, None, None, 0, 1, 2**31, 2**63, 2**64 - 1]),
        data=st.sampled_from([32, 0, 31, 33]),
    )
    def tampered(header, length, data):
        text = header.encode("utf-8", "surrogatepass")
        outcome(UsageError, taken, path, file_of(text, bytes(data), length))

    tampered()


def test_a_header_that_is_nested_deeply_is_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    with pytest.raises(UsageError, match=r"weights\.safetensors' cannot be read"):
        taken(path, file_of(b'{"a":' * DEEP + b"1" + b"}" * DEEP))


def test_torch_files_that_were_tampered_with_are_refused_or_read(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save(WEIGHTS, path)
    whole = path.read_bytes()

    @tried(60)
    @given(
        place=st.integers(0, len(whole) - 1),
        new=st.binary(max_size=6),
        cut=st.one_of(st.none(), st.integers(0, len(whole))),
    )
    def tampered(place, new, cut):
        changed = (whole[:place] + new + whole[place + len(new) :])[:cut]
        outcome(UsageError, taken, path, changed)

    tampered()
