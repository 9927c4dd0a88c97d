"""docs/json.md holds: every key of the JSON is in the contract."""

from __future__ import annotations

import json

from pages import ROOT

CONTRACT = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")


def _keys(data):
    if isinstance(data, dict):
        for key, value in data.items():
            yield key
            if key not in ("options", "classes", "counters"):
                yield from _keys(value)
            if key == "counters":
                yield from (each for peer in value.values() for each in _keys(peer))
    if isinstance(data, list):
        for item in data:
            yield from _keys(item)


def test_every_key_of_the_json_is_in_the_contract(make_record, failed_record):
    from vtbench.report import VIEWS, CountsRendering, counts_document

    records = [make_record(unknown=True, counters=True), make_record("wide"), failed_record]
    keys = set()
    for view in VIEWS:
        asked = CountsRendering(format="json", view=view, relative_to="toy", cite=True)
        keys |= set(_keys(json.loads(counts_document(records, asked))))
    assert len(keys) > 40
    missing = sorted(key for key in keys if f"`{key}`" not in CONTRACT)
    assert missing == []


def test_every_key_of_the_list_of_models_is_in_the_contract(vtbench):
    listed = json.loads(vtbench("models", "--format", "json").out)
    section = CONTRACT.partition("## `vtbench models")[2]
    assert all(f"`{key}`" in section for key in listed["results"][0])


def test_every_key_of_an_audit_is_in_the_contract(vtbench):
    """One that has findings and figures that were left over."""
    (one, *_) = json.loads(vtbench("audit", "vt_v3", "--format", "json").out)["results"]
    section = CONTRACT.partition("## `vtbench audit")[2].partition("\n## ")[0]
    keys = {key for key in _keys(one) if key not in one["zeros_of"]}
    assert {"stands_for", "not_compared", "reason"} <= keys
    assert sorted(key for key in keys if f"`{key}`" not in section) == []
