"""What every document has in common: its formats, and the object that its JSON is."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from vtbench import __version__
from vtbench.errors import BadOption
from vtbench.report.document import (
    PLAIN,
    Document,
    DocumentKind,
    Format,
    Rendering,
    formats_of,
    refuse_format,
    written,
)
from vtbench.report.table import Table, name_column, values_table

TABLE = Table(title="Names", columns=(name_column("Name"),), rows=(("a",),))


def made(**parts):
    known = {"kind": "models", "results": lambda: [{"name": "a"}], "tables": lambda: [TABLE]}
    return Document(**known | parts)


def test_json_is_an_object_with_its_schema_and_version():
    text = written(made(more=lambda: {"totals": 1}), Rendering(format="json"))
    assert json.loads(text) == {
        "schema": "vtbench.models/1",
        "vtbench": __version__,
        "results": [{"name": "a"}],
        "totals": 1,
    }


@pytest.mark.parametrize("name", PLAIN)
def test_a_document_ends_in_one_line_break(name):
    text = written(made(), Rendering(format=name))
    assert "a" in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_csv_has_values_in_full_if_there_are_some():
    values = values_table(("name", "known", "count"), [("a", True, None)])
    text = written(made(values=lambda: [values]), Rendering(format="csv"))
    assert text == "name,known,count\na,true,\n"
    assert written(made(), Rendering(format="csv")) == "Name\na\n"


def test_a_format_that_a_document_lacks_is_refused_by_name():
    said = "`vtbench env` has no format csv; it has table, json, markdown, latex."
    with pytest.raises(BadOption) as caught:
        refuse_format("env", Rendering(format="csv", command="vtbench env"))
    assert str(caught.value) == said
    with pytest.raises(BadOption, match="`vtbench models` has no format junit; it has table, "):
        written(made(), Rendering(format="junit", command="vtbench models"))


def test_each_format_belongs_to_some_document():
    kinds = get_args(DocumentKind)
    assert {name for kind in kinds for name in formats_of(kind)} == set(get_args(Format))
