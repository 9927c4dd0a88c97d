"""Stages: which module belongs to which, and what each has to do at least."""

from __future__ import annotations

import msgspec

from vtbench.data.stages import OTHER, stage_of, stage_work, stages_of, whole_work
from vtbench.report import breakdown


def test_a_module_belongs_to_the_deepest_stage_that_holds_it():
    stages = ("layers", "layers.1", "head")
    assert stage_of("layers.1.fc", stages) == "layers.1"
    assert stage_of("layers.10", stages) == "layers"
    assert stage_of("head", stages) == "head"
    assert stage_of("header", stages) == OTHER
    assert stage_of("", stages) == OTHER


def test_stages_are_the_children_where_none_are_named(make_record):
    assert stages_of(make_record()) == ("stem", "body", "head")
    assert stages_of(make_record(stages=())) == ("stem", "body", "head")


def test_the_work_of_stages_is_that_of_their_rows_and_parameters(make_record):
    stem, body, head = stage_work(make_record())
    assert (stem.macs, stem.weights, stem.written) == (3 * 3 * 3 * 8 * 16 * 16, 216, 8 * 256)
    assert (body.macs, body.weights) == (2 * 256 * 8 * 8 + 100, 4 + 350 + 350)
    assert body.written == 2048 + 2048 + 10
    assert (head.macs, head.weights, head.written) == (8 * 10, 80, 10)


def test_what_belongs_to_no_stage_stands_apart_and_the_whole_is_the_sum(make_record):
    record = make_record(stages=("stem", "head"))
    stem, head, other = stage_work(record)
    assert other.stage == OTHER
    assert other.macs == 2 * 256 * 8 * 8 + 100
    whole = whole_work(record)
    assert whole.macs == stem.macs + head.macs + other.macs == record.macs
    assert whole.weights == 216 + 80 + 704
    assert whole.written == stem.written + head.written + other.written


def test_the_least_bytes_read_weights_once_and_move_what_is_written_twice(make_record):
    stem = stage_work(make_record())[0]
    assert stem.least_bytes(4, 4) == 216 * 4 + 2 * 8 * 256 * 4
    assert stem.least_bytes(4, 2) == 216 * 4 + 2 * 8 * 256 * 2


def test_the_view_by_stage_divides_alike(make_record):
    for stages in (("stem", "body", "head"), ("stem",), ("body.0", "body"), ()):
        record = msgspec.structs.replace(make_record(), stages=stages)
        shown = [(part.name, part.macs) for part in breakdown(record, "stage") if part.macs]
        assert shown == [(each.stage, each.macs) for each in stage_work(record) if each.macs]
