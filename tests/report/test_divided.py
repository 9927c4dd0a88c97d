"""A count by block, as a reader sees it."""

from __future__ import annotations

import pytest

from vtbench.data.record import Block, ModuleMemory
from vtbench.report import CountsRendering, counts_document

BLOCKS = (Block(path="body.0", class_name="M"), Block(path="body.1", class_name="M"))
MEMORY = {
    "stem.conv": ModuleMemory(weights=900, written=80),
    "body.0.fc": ModuleMemory(weights=1400, written=8192),
    "body.1.fc": ModuleMemory(weights=1400, written=8192),
    "head": ModuleMemory(weights=328),
}


@pytest.fixture
def record(make_record):
    return make_record(blocks=BLOCKS, module_memory=MEMORY, stages=("stem", "body", "drop", "head"))


def _shown(record, view, **asked):
    return counts_document([record], CountsRendering(view=view, width=120, **asked))


def test_blocks_that_are_equal_share_a_row_and_bytes_sum_exactly(record):
    text = _shown(record, "block")
    (row,) = [line.split() for line in text.splitlines() if line.startswith("body.0-1")]
    # each 256·8·8 MACs
    assert row[:8] == ["body.0-1", "M", "2", "16.384", "K", "32.768", "K", row[7]]
    assert "1,400 " not in text
    assert "4,028 bytes of weights and 16,464 bytes written" in " ".join(text.split())


def test_an_unknown_operator_keeps_a_block_apart(make_record):
    record = make_record(unknown=True, blocks=BLOCKS, module_memory=MEMORY)
    text = _shown(record, "block")
    assert any(line.startswith("body.0 ") for line in text.splitlines())
    assert any(line.startswith("body.1 ") and "≥" in line for line in text.splitlines())


def test_rows_of_nothing_are_hidden_and_counted(record):
    text = _shown(record, "stage")
    assert not any(line.startswith("drop") for line in text.splitlines())
    assert "neither MACs nor bytes" in text


def test_a_record_without_blocks_says_why(make_record):
    assert "kept without its blocks" in _shown(make_record(), "block")
    text = " ".join(_shown(make_record(module_memory=MEMORY), "block").split())
    assert "No class of modules is repeated" in text


def test_the_name_of_a_block_stays_whole_at_80_columns(make_record):
    long = "encoder.layers.encoder_layer_0"
    record = make_record(blocks=(Block(path=long, class_name="EncoderBlock"),))
    rows = [row for row in record.rows if row.module != "body.0.fc"]
    moved = next(row for row in record.rows if row.module == "body.0.fc")
    from msgspec.structs import replace

    record = replace(record, rows=(*rows, replace(moved, module=f"{long}.fc")))
    text = counts_document([record], CountsRendering(view="block", width=80))
    assert long in text
    assert "Share" in text
