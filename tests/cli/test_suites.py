"""``vtbench suites``, and the schema that editors read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vtbench.claims.suite.files import find, shipped
from vtbench.claims.suite.schema import suite_schema

ROOT = Path(__file__).parents[2]


def test_every_suite_that_ships_is_listed_with_its_claims(vtbench):
    listed = json.loads(vtbench("suites", "--format", "json").out)["results"]
    assert [each["name"] for each in listed] == list(shipped())
    for each, suite in zip(listed, find([]), strict=True):
        assert each["claims"] == len(suite.claims) == sum(each["kinds"].values())
        assert set(each) == {"name", "title", "source", "claims", "kinds", "models", "fitted"}


@pytest.mark.parametrize("shape", ["table", "csv", "markdown"])
def test_the_list_has_a_line_for_each(vtbench, shape):
    ended = vtbench("suites", "--format", shape)
    assert ended.status == 0
    said = ended.out.replace("\\", "")  # markdown marks the underscore
    assert all(name in said for name in shipped())


def test_listing_imports_no_torch(process):
    code = (
        "import sys\nfrom vtbench.cli import main\n"
        "try:\n    main(['suites'])\nexcept SystemExit:\n    pass\n"
        "print([n for n in ('torch', 'timm') if n in sys.modules])"
    )
    assert process("-c", code).out.endswith("[]\n")


def test_the_shipped_schema_is_the_one_that_the_types_give(vtbench):
    """When this fails: vtbench suites --schema --output docs/suite.schema.json."""
    kept = json.loads((ROOT / "docs" / "suite.schema.json").read_text(encoding="utf-8"))
    assert kept == suite_schema()
    assert json.loads(vtbench("suites", "--schema").out) == kept


def _allowed(schema, path):
    """The part of the schema that speaks of a path of keys."""
    node = schema
    for key in path:
        while "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
        node = node["items"] if key == 0 else node["properties"][key]
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return node


def test_the_schema_knows_the_keys_of_a_suite():
    schema = suite_schema()
    assert set(schema["properties"]) >= {"suite", "search", "fitted", "table", "claim"}
    assert schema["additionalProperties"] is False
    row = _allowed(schema, ["table", 0, "row", 0])
    assert set(row["properties"]) >= {"id", "where", "workload", "needs"}
    plain, cell = row["additionalProperties"]["anyOf"]
    assert (plain["type"], cell["$ref"]) == ("string", "#/$defs/Cell")
    assert _allowed(schema, ["claim", 0])["properties"]["unit"]["enum"][:4] == ["", "K", "M", "G"]


def test_every_reference_of_the_schema_leads_somewhere():
    schema = suite_schema()

    def references(node):
        if isinstance(node, dict):
            if "$ref" in node:
                yield node["$ref"]
            for value in node.values():
                yield from references(value)
        if isinstance(node, list):
            for value in node:
                yield from references(value)

    found = set(references(schema))
    assert len(found) > 5
    assert found <= {f"#/$defs/{name}" for name in schema["$defs"]}


def test_an_output_that_cannot_be_written_is_refused(vtbench):
    ended = vtbench("suites", "--output", "nowhere/x.json")
    assert (ended.status, ended.out) == (2, "")
