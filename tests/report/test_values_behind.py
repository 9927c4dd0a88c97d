"""Figures that can change with values say so wherever they stand, and bounds are bounds."""

from __future__ import annotations

import csv
import io
import json
import re

import msgspec
import pytest

from vtbench.claims.judge import judge
from vtbench.claims.suite import read_suite
from vtbench.data.distribution import Distribution, InputSet
from vtbench.data.measurement import MeasuredMemory, Measurement
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.record import ByValues
from vtbench.data.workload import Workload
from vtbench.report import VIEWS, CountsRendering, counts_document
from vtbench.report.certificate import SHARES_SAID
from vtbench.report.checking import check_document
from vtbench.report.claims_by_values import claims_by_values
from vtbench.report.document import Rendering
from vtbench.report.measured import MeasuredRendering, measured_document
from vtbench.report.units import bound_of, bounded

READ = ByValues(operators=("aten.nonzero.default",), counted_on="one random input of seed 0")
SENTENCE = (
    "figure can depend on the values of the input, which aten.nonzero.default reads. It is for "
    "one random input of seed 0."
)
WIDE = {"width": 300}


def said(text):
    return " ".join(text.split())


@pytest.fixture
def valued(make_record):
    return make_record("valued", by_values=READ, road="real (it raised)")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("shape", ["table", "markdown", "latex"])
def test_every_view_of_one_model_has_the_mark_and_the_sentence(valued, make_record, view, shape):
    mark = r"$\dagger$" if shape == "latex" else "†"
    text = counts_document([valued], CountsRendering(view=view, format=shape, **WIDE))
    assert re.search(rf"\d{re.escape(mark)} &" if shape == "latex" else f"MACs{mark}", text)
    assert f"{mark} The {SENTENCE}" in said(text)
    plain = counts_document([make_record()], CountsRendering(view=view, format=shape, **WIDE))
    assert mark not in plain
    assert "values of the input" not in plain


def test_a_certificate_marks_all_that_follows_from_shapes(valued):
    lines = counts_document([valued], CountsRendering(**WIDE)).splitlines()
    marked = [line.split("  ")[0] for line in lines if line.count("†") == 1 and "  " in line]
    assert marked == [
        "MACs", "FLOPs (2 × MACs)", "Activations (elements)", "Peak of activations (bytes)",
        "Operator", "Other arithmetic",
    ]  # fmt: skip
    assert "Road: real, because a shape or a decision depends on values." in lines


def test_models_side_by_side_are_marked_one_by_one(valued, make_record):
    asked = CountsRendering(relative_to="toy", view="stage", **WIDE)
    text = counts_document([make_record(), valued], asked)
    toy, row = (line for line in text.splitlines() if line.startswith(("toy  ", "valued  ")))
    assert toy.count("†") == 0
    assert row.count("†") == 5, "MACs, activations, their peak, the ratio and the difference"
    assert f"† valued: the {SENTENCE}" in text
    assert "valued†" in text, "the heading of its column by stage"


def test_programs_read_the_operators_and_what_was_counted(valued, make_record):
    records = [valued, make_record()]
    found, plain = json.loads(counts_document(records, CountsRendering(format="json")))["results"]
    assert found["by_values"] == {
        "operators": ["aten.nonzero.default"],
        "counted_on": "one random input of seed 0",
    }
    assert plain["by_values"] is None
    for view in ("total", "op"):
        text = counts_document(records, CountsRendering(format="csv", view=view))
        lines = list(csv.DictReader(io.StringIO(text)))
        assert {line["by_values"] for line in lines if line["model"] == "valued"} == {
            "aten.nonzero.default"
        }
        assert {line["by_values"] for line in lines if line["model"] == "toy"} == {""}


def test_a_footnote_for_a_paper_says_it(valued):
    text = counts_document([valued], CountsRendering(cite=True, **WIDE))
    assert "The count of valued can depend on the values of the input." in said(text)


def test_the_counters_table_says_it(make_record):
    record = make_record("valued", by_values=READ, counters=True)
    text = counts_document([record, make_record(counters=True)], CountsRendering(**WIDE))
    assert said(text).count(f"the {SENTENCE}") == 2
    assert said(text).count(f"† The {SENTENCE}") == 1


def measured(protocol, **fields):
    work = Workload(model="valued", resolution=(8, 8))
    return Measurement(workload=work, protocol=PROTOCOLS[protocol].id, by_values=READ, **fields)


def test_sweeps_and_memory_say_it_in_rows_and_along_an_axis():
    counts = [
        msgspec.structs.replace(
            measured("macs", macs=1000 * size, params=5, activations=7),
            workload=Workload(model="valued", resolution=(size, size)),
        )
        for size in (8, 16, 24)
    ]
    for by, marks in ((None, 2 * 3), ("resolution", 3)):
        text = measured_document(counts, (), MeasuredRendering(by=by, **WIDE))
        rows = [line for line in text.splitlines() if line.startswith("valued  ")]
        assert sum(row.count("†") for row in rows) == marks
        assert f": the {SENTENCE}" in text
    held = MeasuredMemory(weights=4, peak_resident=40, predicted=20, ratio=2.0)
    text = measured_document([measured("memory", memory=held)], (), MeasuredRendering(**WIDE))
    (row,) = [line for line in text.splitlines() if line.startswith("valued")]
    assert row.split() == ["valued", "4", "40†", "20†", "2.000×"]
    assert f"† valued: the {SENTENCE}" in text


def test_a_measurement_says_it_to_programs():
    found = Distribution(over=InputSet(seeds=2), values=(10, 20))
    record = measured("memory", memory=MeasuredMemory(predicted=10), distribution=found)
    (data,) = json.loads(measured_document([record], (), MeasuredRendering(format="json")))[
        "results"
    ]
    assert data["by_values"]["operators"] == ["aten.nonzero.default"]
    assert data["distribution"] == found.to_dict()
    text = measured_document([record], (), MeasuredRendering(format="csv"))
    (line,) = csv.DictReader(io.StringIO(text))
    assert line["by_values"] == "aten.nonzero.default"
    assert (line["distribution_mean"], line["distribution_max"]) == ("15", "20")


SUITE = """
[suite]
title = "A paper"
source = "a file"

[[claim]]
id = "net"
where = "Table 1"
metric = "macs"
printed = "1"
unit = "K"
workload = {{ model = "{0}" }}

[[claim]]
id = "size"
where = "Table 1"
metric = "params"
printed = "1000"
workload = {{ model = "{0}" }}

[[claim]]
id = "other"
where = "Table 1"
metric = "macs"
printed = "1"
unit = "K"
workload = {{ model = "{1}" }}

[[claim]]
id = "half"
where = "text"
kind = "ratio"
metric = "macs"
printed = "1.00"
of = "other / net"
"""


def test_a_check_says_it_of_the_counts_and_of_what_follows_from_them(tmp_path, make_record):
    suite = suite_in(tmp_path)
    works = {claim.workload.model: claim.workload for claim in suite.claims if claim.workload}
    records = {
        works["resnet18"]: make_record("resnet18", by_values=READ),
        works["resnet34"]: make_record("resnet34"),
    }
    verdicts = judge([suite], records)
    found = claims_by_values([suite], records, verdicts)
    assert set(found) == {"page.net", "page.half"}, "not parameters, and not the other model"
    text = check_document(verdicts, Rendering(width=300), by_values=found)
    rows = {line.split()[0]: line.count("†") for line in text.splitlines() if line.startswith(
        ("net ", "size ", "other ", "half "))}  # fmt: skip
    assert rows == {"net": 1, "size": 0, "other": 0, "half": 1}
    assert f"† page.net and page.half: the {SENTENCE}" in text
    data = json.loads(check_document(verdicts, Rendering(format="json"), by_values=found))
    assert [each["id"] for each in data["results"] if each["by_values"]] == list(found)
    lines = csv.DictReader(
        io.StringIO(check_document(verdicts, Rendering(format="csv"), by_values=found))
    )
    assert {line["id"]: line["by_values"] for line in lines} == {
        "page.net": "aten.nonzero.default", "page.size": "", "page.other": "",
        "page.half": "aten.nonzero.default", "page.half.printed": "",
    }  # fmt: skip


def suite_in(folder):
    path = folder / "page.toml"
    path.write_text(SUITE.format("resnet18", "resnet34"))
    return read_suite(path)


def test_a_bound_follows_from_which_count_misses_something():
    assert bound_of(complete=True, base_complete=True) is None
    assert bound_of(complete=False, base_complete=True) == "at least"
    assert bound_of(complete=True, base_complete=False) == "at most"
    assert bound_of(complete=False, base_complete=False) == "unknown"
    assert bounded("0.922×", "at least") == "≥ 0.922×"
    assert bounded("0.922×", "at most") == "≤ 0.922×"
    assert bounded("0.922×", "unknown") == "unknown"
    assert bounded("0.922×", None) == "0.922×"
    assert bounded("—", "at least") == "—"


def ratios(records, to, **how):
    """The document, and the rows of its first table by model: ratio and difference end them."""
    text = counts_document(records, CountsRendering(relative_to=to, **WIDE, **how))
    first = text.partition("relative to")[0]
    return text, {line.split()[0]: line for line in first.splitlines() if line.strip()}


def test_a_ratio_to_or_of_a_lower_bound_is_a_bound(make_record):
    toy, part = make_record(), make_record("part", unknown=True)
    text, rows = ratios([toy, part], "toy")
    assert rows["part"].endswith("≥ 1.000×             ≥ 0")
    assert rows["toy"].endswith("1.000×               0")
    text, rows = ratios([toy, part], "part")
    assert rows["toy"].endswith("≤ 1.000×             ≤ 0")
    assert rows["part"].endswith("1.000×               0"), "one and the same count"
    other = make_record("other", unknown=True, width=16)
    text, rows = ratios([part, other], "part")
    assert rows["other"].endswith("unknown         unknown")
    assert "A ratio of two lower bounds is not known." in text


def test_a_ratio_by_stage_is_a_bound_of_the_stages_that_miss_something(make_record):
    toy, part = make_record(), make_record("part", unknown=True)
    text, _ = ratios([toy, part], "toy", view="stage")
    table = text.partition("part relative to toy, by stage")[2].partition("\n\n")[0]
    found = {line.split()[0]: line for line in table.splitlines() if line.strip()}
    assert "≥" not in found["stem"]
    assert found["body"].count("≥") == 3, "its count, the ratio and the difference"
    assert "≥" not in found["head"]
    assert f"The sums are at least {part.macs:,} and {toy.macs:,} MACs." in text


def test_a_stage_of_unknown_operators_alone_keeps_its_place(make_record):
    """Its count of 0 is a lower bound, so that it is no reason to leave the stage out."""
    toy = make_record()
    rows = tuple(row for row in toy.rows if not row.module.startswith("body"))
    unknown = make_record(unknown=True).rows[-1]
    part = make_record("part", rows=(*rows, unknown))
    data = json.loads(
        counts_document([toy, part], CountsRendering(relative_to="toy", format="json"))
    )["results"][1]["relative"]
    body = next(each for each in data["stages"] if each["name"] == "body")
    assert (body["macs"], body["ratio"], body["ratio_bound"]) == (0, 0.0, "at least")


def test_json_and_csv_have_the_bound(make_record):
    toy, part = make_record(), make_record("part", unknown=True)
    other = make_record("other", unknown=True, width=16)

    def relative(records, to, of):
        asked = CountsRendering(relative_to=to, format="json")
        found = json.loads(counts_document(records, asked))["results"]
        return next(each for each in found if each["workload"]["model"] == of)["relative"]

    assert relative([toy, part], "toy", "part")["ratio_bound"] == "at least"
    assert relative([toy, part], "toy", "toy")["ratio_bound"] is None
    assert relative([toy, part], "part", "toy")["ratio_bound"] == "at most"
    assert relative([toy, part], "part", "part")["ratio_bound"] is None
    neither = relative([part, other], "part", "other")
    assert (neither["ratio"], neither["difference"], neither["ratio_bound"]) == (
        None, None, "unknown",
    )  # fmt: skip
    stages = {each["name"]: each for each in neither["stages"]}
    assert stages["stem"]["ratio"] == 2.0
    assert stages["stem"]["ratio_bound"] is None
    assert stages["body"]["ratio_bound"] == "unknown"
    text = counts_document([toy, part], CountsRendering(relative_to="toy", format="csv"))
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["ratio_bound"] for line in lines] == ["", "at least"]


def test_other_counters_are_at_most_so_far_from_a_lower_bound(make_record):
    records = [make_record(unknown=True, counters=True), make_record("whole", counters=True)]
    text = counts_document(records, CountsRendering(**WIDE))
    overview = text.partition("Other counters: difference")[2].partition("\n\n")[0]
    lines = {line.split()[0]: line for line in overview.splitlines()[1:] if line.strip()}
    assert lines["toy"].count("≤") == 2, "fvcore and torch; thop did not run"
    assert "≤" not in lines["whole"]


def test_shares_of_a_lower_bound_are_said_to_be_of_what_was_counted(make_record):
    asked = CountsRendering(view="stage", **WIDE)
    text = counts_document([make_record(unknown=True)], asked)
    assert SHARES_SAID in text
    assert SHARES_SAID not in counts_document([make_record()], asked)
    (body,) = [line for line in text.splitlines() if line.startswith("body")]
    assert "≥" in body
