"""Every row of every paper, found by listing the folders: it resolves, counts and is cited once.

Nothing here names a paper, so a new folder is tested as soon as it is there.
"""

from __future__ import annotations

import ast
import importlib
from collections import Counter
from pathlib import Path

import pytest

from vtbench import papers
from vtbench.claims.suite.files import find
from vtbench.count.count_workload import count_workload
from vtbench.data import catalog, libraries, paper_folders
from vtbench.data.closed_form import parse, value
from vtbench.data.cost import cost_models
from vtbench.data.cost.closed import costed
from vtbench.data.workload import Workload
from vtbench.models import build, resolve

FOLDER = Path(papers.__path__[0])
ROWS = {row.name: (folder, row) for folder in paper_folders.modules("rows") for row in folder.ROWS}
EVERY = pytest.mark.parametrize("name", ROWS)


def written() -> Counter[tuple[str, str]]:
    """Every string in the code of the papers, with the file that it stands in."""
    return Counter(
        (node.value, path.name)
        for path in FOLDER.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def test_every_paper_has_rows_and_a_row_for_each_name():
    folders = {each.name for each in FOLDER.iterdir() if (each / "__init__.py").exists()}
    assert {module.__name__.split(".")[-2] for module, _ in ROWS.values()} == folders
    assert [row.name for row in catalog.CATALOG] == list(ROWS)


@EVERY
def test_a_target_imports(name):
    _, row = ROWS[name]
    source, _, target = row.target.partition(":")
    assert resolve(name).entry == row
    if source in libraries.LISTED:
        assert target in libraries.LISTED[source]()
    else:
        assert callable(getattr(importlib.import_module(source), target))


@EVERY
def test_a_row_counts_on_meta_and_is_what_its_formula_gives(name):
    """Exactly, and where a cost model has its name, through the text of the formula as well."""
    record = count_workload(Workload(model=name))
    assert record.error is None
    assert record.complete
    assert record.road == "meta"
    assert type(record.macs) is int
    if name == "sparse_feature_sampling":  # it reads, and multiplies no matrices
        assert (record.macs, record.classes()["interpolation"]) == (0, 49 * 36 * 96)
        return
    assert record.macs > 0
    if name in cost_models():
        cost = costed(cost_models()[name], {})
        sizes = {symbol: at for symbol, at in cost.values.items() if isinstance(at, int)}
        # pairwise distances are counted, and stand beside the total of a cost model
        beside = 0 if cost.reduced is None else cost.reduced.distances
        assert (cost.total + beside, cost.weights) == (record.macs, record.parameters.weights)
        assert value(parse(str(cost.formula)), sizes) + beside == record.macs


@EVERY
def test_stages_and_head_of_a_row_are_parts_of_its_model(name):
    _, row = ROWS[name]
    parts = {path for path, _ in build(Workload(model=name)).module.named_modules()}
    assert set(row.head or ()) <= parts
    assert set(row.stages or ()) <= parts


def test_a_citation_stands_once_in_the_code_and_in_rows():
    """A cost model imports it, and a paper that quotes another's model imports it too."""
    strings = written()
    for citation in {row.paper for _, row in ROWS.values()}:
        found = {file: times for (text, file), times in strings.items() if text == citation}
        assert found == {"rows.py": 1}, citation


def test_a_cost_model_is_of_a_paper_that_has_rows():
    cited = {row.paper for _, row in ROWS.values()}
    assert {model.paper for model in cost_models().values()} <= cited


def test_every_model_that_a_suite_names_resolves():
    works = {
        part.workload.model
        for suite in find([])
        for part in (*suite.claims, *suite.quantities)
        if part.workload is not None
    }
    assert works
    for model in works:
        resolve(model)
