"""Files of records: condensed ones judge alike, and what cannot be read is refused."""

import msgspec
import pytest

from vtbench.claims.judge.conventions import MACS, measured
from vtbench.count.count_workload import count_workload
from vtbench.data.condensed import condensed, lines_of
from vtbench.data.files import read_records
from vtbench.data.workload import Workload
from vtbench.errors import BadInput


@pytest.fixture(scope="module")
def record():
    return count_workload(
        Workload(model="timm:swin_tiny_patch4_window7_224", resolution=(224, 224))
    )


def test_a_condensed_record_is_the_same_in_every_convention(record):
    small = condensed(record)
    assert len(small.rows) < len(record.rows) / 4
    for name, convention in MACS.items():
        assert convention(small.rows) == convention(record.rows), name
    assert small.activations == record.activations
    assert small.classes() == record.classes()
    assert sum(small.module_parameters.values()) == record.parameters.total


def test_a_condensed_record_keeps_its_stages(record):
    small = condensed(record)
    for stage in record.stages:
        whole = sum(r.macs for r in record.rows if r.module.split(".")[0] == stage.split(".")[0])
        kept = sum(r.macs for r in small.rows if r.module.split(".")[0] == stage.split(".")[0])
        assert kept == whole


def test_parts_that_claims_speak_of_stay_apart(record):
    """A part inside a stage keeps its own sum, and the stage that holds it keeps the whole."""
    part = "layers.0.blocks.0.attn"
    small = condensed(record, (part,))
    for stage in (part, "layers"):
        for metric, convention in (("macs", "full"), ("params", "all")):
            found = measured(small, metric, convention, (stage,))
            assert found == measured(record, metric, convention, (stage,)) > 0
    assert condensed(small) == small
    (line,) = lines_of({record.workload: record}, {record.workload: (part,)}).splitlines()
    assert f'"module":"{part}"' in line


def test_of_a_part_that_was_not_kept_a_condensed_record_says_nothing(record):
    """Neither less than the part, though one of its own parts was kept, nor zero."""
    small = condensed(record, ("layers.0.blocks.0.attn",))
    assert measured(record, "macs", "full", ("layers.0.blocks.0",)) > 0
    assert measured(small, "macs", "full", ("layers.0.blocks.0",)) is None
    assert measured(small, "params", "all", ("layers.0.blocks.0",)) is None
    assert measured(condensed(record), "macs", "full", ("layers.0.blocks.0.attn",)) is None


def test_records_come_back_as_they_were_written(record, tmp_path):
    asked = Workload(model="swin_t", resolution=(224, 224))
    path = tmp_path / "records.jsonl"
    path.write_text(lines_of({asked: record}))
    (back,) = read_records(path).items()
    assert back == (asked, msgspec.structs.replace(condensed(record), workload=asked))
    assert lines_of(read_records(path)) == path.read_text()


def test_records_of_another_convention_are_refused(record, tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text(lines_of({record.workload: record}).replace("vtbench-macs/1", "vtbench-macs/0"))
    with pytest.raises(BadInput, match=r"records.jsonl:1: this record has the convention vtb"):
        read_records(path)


@pytest.mark.parametrize("text", ["{", '{"workload": 3}', "[]"])
def test_what_is_no_record_is_refused_with_its_line(tmp_path, text):
    path = tmp_path / "records.jsonl"
    path.write_text(f"\n{text}\n")
    with pytest.raises(BadInput, match=r"records.jsonl:2: this is not a record"):
        read_records(path)
    with pytest.raises(BadInput, match="cannot be read"):
        read_records(tmp_path / "absent.jsonl")
