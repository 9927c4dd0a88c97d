"""Files of results: kinds from lines, torn and wrong lines, and what a command goes on from."""

import msgspec
import pytest

from vtbench.data.closed_form import Formula
from vtbench.data.files import ResultFile, kind_of, line_of, read_measurements, read_results
from vtbench.data.measurement import Measurement
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.record import Record
from vtbench.data.workload import Workload
from vtbench.errors import BadInput

RECORD = Record(workload=Workload(model="toy"))
MEASUREMENT = Measurement(workload=Workload(model="toy"), protocol=PROTOCOLS["latency"].id)
FORM = Formula(model="toy", macs="7*B")
BASELINE = '{"kind":"baseline","convention":"vtbench-macs/1","torch":"2"}\n'


@pytest.fixture
def file(tmp_path):
    return tmp_path / "kept.jsonl"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (line_of(RECORD), "records"),
        (line_of(MEASUREMENT), "measurements"),
        (line_of(FORM), "forms"),
        (BASELINE, "baseline"),
        ("\n\n" + line_of(FORM), "forms"),
        (line_of(FORM)[:-1], "forms"),
        (line_of(MEASUREMENT) + line_of(RECORD), "measurements"),
    ],
)
def test_the_kind_of_a_file_is_that_of_its_first_line(file, text, kind):
    file.write_text(text)
    assert kind_of(file) == kind


@pytest.mark.parametrize("text", ["", "hello", "{}\n", "[]\n", '{"model":"a"}\n', "{" * 10**5])
def test_a_file_of_something_else_has_no_kind(file, text):
    file.write_text(text)
    with pytest.raises(BadInput, match=r"kept\.jsonl"):
        kind_of(file)


def test_files_that_cannot_be_read_are_sentences(file, tmp_path):
    for path, said in ((file, "no such file"), (tmp_path, "is a directory")):
        with pytest.raises(BadInput, match=said):
            kind_of(path)
        with pytest.raises(BadInput, match=said):
            read_results([path])
    file.write_bytes(b"\x89PNG\n\xff")
    with pytest.raises(BadInput, match="it is not text"):
        kind_of(file)


def test_each_line_is_recognised_by_its_own_shape(file, tmp_path):
    file.write_text(line_of(RECORD) + line_of(MEASUREMENT))
    more = tmp_path / "more.jsonl"
    more.write_text(line_of(FORM) + line_of(MEASUREMENT))
    found = read_results([file, more])
    assert found.records == {RECORD.workload: RECORD}
    assert found.measurements == [MEASUREMENT, MEASUREMENT]
    assert found.forms == [FORM]


def test_a_file_of_the_wrong_kind_is_said_with_where_it_belongs(file):
    file.write_text(line_of(RECORD) + line_of(MEASUREMENT))
    belongs = r"kept\.jsonl:2: .*holds measurements. Give the file to `vtbench report`"
    with pytest.raises(BadInput, match=belongs):
        read_results([file], ["records"])
    file.write_text(BASELINE)
    with pytest.raises(BadInput, match=r"holds a baseline\. Give .* `vtbench check --against`"):
        read_results([file])


@pytest.mark.parametrize("result", [RECORD, MEASUREMENT, FORM])
@pytest.mark.parametrize("cut", [1, 9, -2])
def test_a_torn_last_line_is_ignored_and_cut_off_by_the_next_writer(file, result, cut):
    whole, torn = line_of(result), line_of(result)[:cut]
    file.write_text(whole + torn)
    found = read_results([file])
    assert len([*found.records, *found.measurements, *found.forms]) == 1
    with ResultFile(file) as kept:
        assert f"its {len(torn)} bytes were removed" in kept.said[0]
        kept.append(FORM)
    assert file.read_text() == whole + line_of(FORM)


def test_a_letter_that_was_cut_in_half_is_torn(file):
    torn = line_of(Formula(model="é", macs="1")).encode()[:11]
    file.write_bytes(line_of(FORM).encode() + torn)
    assert read_results([file]).forms == [FORM]


@pytest.mark.parametrize(
    "line",
    [
        '{"schema":"vtbench-measurement/2}\n',
        "hello",
        '{"schema":"vtbench-measurement/2"}',
        '{"schema":"vtbench-measurement/2","workload":' + "[" * 10**5 + "]" * 10**5 + "}",
        line_of(MEASUREMENT).replace("}\n", ',"samples":[1e999]}\n'),
        line_of(MEASUREMENT).replace("}\n", ',"macs":' + "9" * 400 + "}\n"),
        line_of(MEASUREMENT).replace("}\n", ',"macs":true}\n'),
        line_of(MEASUREMENT).replace("}\n", ',"median":false}\n'),
        line_of(MEASUREMENT).replace("}\n", ',"median":NaN}\n'),
        line_of(MEASUREMENT).replace("}\n", ',"session":"\\ud800"}\n'),
    ],
)
def test_a_wrong_line_is_refused_with_its_number_and_nothing_is_touched(file, line):
    file.write_text(line_of(MEASUREMENT) + line)
    with pytest.raises(BadInput, match=r"kept\.jsonl:2: this is not a measurement"):
        ResultFile(file, ["measurements"])
    with pytest.raises(BadInput, match=r"kept\.jsonl:2: this is not a measurement"):
        read_measurements(file)
    assert file.read_text() == line_of(MEASUREMENT) + line


def test_line_separators_inside_of_texts_end_no_line(file):
    failed = msgspec.structs.replace(FORM, error="one\u2028two\x85three")
    file.write_text(line_of(failed), encoding="utf-8")
    assert read_results([file]).forms == [failed]


def test_results_of_several_kinds_are_appended_and_found_again(file):
    with ResultFile(file) as kept:
        for result in (RECORD, MEASUREMENT, FORM):
            kept.append(result)
        with ResultFile(file, ["records", "measurements", "forms"]) as other:
            assert other.results == kept.results
    assert read_results([file]) == kept.results
    with ResultFile(None) as nowhere:
        nowhere.append(RECORD)
        assert nowhere.results.records == {RECORD.workload: RECORD}


def test_a_store_refuses_kinds_that_its_command_does_not_make(file):
    file.write_text(line_of(FORM))
    with pytest.raises(BadInput, match=r"holds closed forms. Give the file to `vtbench formula"):
        ResultFile(file, ["records"])
    assert file.read_text() == line_of(FORM)
