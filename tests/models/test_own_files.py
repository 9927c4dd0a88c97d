"""A user's own model by its file: neighbours, packages, names that are taken, built modules."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from vtbench import errors
from vtbench.data.workload import Workload
from vtbench.models import build

NET = """\
import torch
from torch import nn
from layers import WIDTH


class Net(nn.Module):
    def __init__(self, depth: int, *, widths: tuple[int, ...] = (4, 4), kinds: list[int] = [1]):
        super().__init__()
        assert isinstance(kinds, list)
        self.first = nn.Conv2d(3, WIDTH, 1)
        self.rest = nn.Sequential(*(nn.Conv2d(WIDTH, WIDTH, 1) for _ in range(depth)))

    def forward(self, x):
        return self.rest(self.first(x))


class zoo:
    inner = nn.Conv2d(3, 2, 1)


built = nn.Conv2d(3, 8, 1)
fed = (nn.Linear(5, 7), torch.zeros(2, 5))
short = lambda: nn.Conv2d(3, 4, 1)
figures = {"a": 1}


def positional(x, /):
    return built
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current directory that no module is found from, with a file that has a neighbour."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each not in ("", str(tmp_path))])
    one(tmp_path / "one", width=8)
    return tmp_path


def one(folder: Path, width: int) -> None:
    """A folder with ``own_net.py`` and its neighbour ``layers.py``."""
    folder.mkdir()
    (folder / "own_net.py").write_text(NET)
    (folder / "layers.py").write_text(f"WIDTH = {width}\n")


def shape(name: str, parameter: str, **options: object) -> tuple[int, ...]:
    """The shape of a parameter of a model by name."""
    built = build(Workload(model=name, options=tuple(sorted(options.items()))))  # type: ignore[arg-type]
    return tuple(built.module.get_parameter(parameter).shape)


def test_a_file_is_named_by_its_path_and_finds_its_neighbours(here: Path) -> None:
    before = list(sys.path)
    assert shape("one/own_net.py:Net", "rest.1.weight", depth=2) == (8, 8, 1, 1)
    assert shape(f"{here}/one/own_net.py:Net", "rest.0.weight", depth=1) == (8, 8, 1, 1)
    assert sys.path == before


def test_files_of_one_name_in_two_folders_have_neighbours_of_their_own(here: Path) -> None:
    one(here / "two", width=16)
    for _ in range(2):
        assert shape("one/own_net.py:Net", "first.weight", depth=1) == (8, 3, 1, 1)
        assert shape("two/own_net.py:Net", "first.weight", depth=1) == (16, 3, 1, 1)


@pytest.mark.parametrize("file", ["torch.py", "json.py", "timm.py", "my-net.py", "warnings.py"])
def test_a_file_may_have_the_name_of_a_library_and_hides_it_from_nobody(
    here: Path, file: str
) -> None:
    source = (
        "import json, timm, warnings\nfrom torch import nn\nassert json.loads and timm.is_model\n"
    )
    (here / "one" / file).write_text(source + "def make():\n    return nn.Conv2d(3, 5, 1)\n")
    assert shape(f"one/{file}:make", "weight") == (5, 3, 1, 1)


def test_a_file_of_a_package_names_its_neighbours_relatively(here: Path) -> None:
    package = here / "src" / "own_package" / "models"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package.parent / "__init__.py").write_text("")
    (package.parent / "sizes.py").write_text("WIDTH = 6\n")
    (package / "net.py").write_text(
        "from torch import nn\nfrom ..sizes import WIDTH\n\ndef make():\n"
        "    return nn.Conv2d(3, WIDTH, 1)\n"
    )
    assert shape("src/own_package/models/net.py:make", "weight") == (6, 3, 1, 1)


@pytest.mark.parametrize(
    ("name", "weight"),
    [("built", (8, 3, 1, 1)), ("zoo.inner", (2, 3, 1, 1)), ("short", (4, 3, 1, 1)),
     ("fed", (7, 5))],
)  # fmt: skip
def test_what_is_built_already_is_counted_as_a_copy(
    here: Path, name: str, weight: tuple[int, ...]
) -> None:
    """It stays where it is, with its values and in its mode."""
    for real in (False, True):
        built = build(Workload(model=f"one/own_net.py:{name}"), real=real)
        assert tuple(built.module.get_parameter("weight").shape) == weight
        assert not built.module.training
    own = sys.modules["own_net"].built
    assert own.training
    assert not own.weight.is_meta
    assert own.weight.abs().sum() > 0
    if name == "fed":
        assert built.args[0].shape == (2, 5)
        assert not sys.modules["own_net"].fed[1].is_meta


def test_real_values_of_a_built_module_are_its_own(here: Path) -> None:
    built = build(Workload(model="one/own_net.py:built"), real=True)
    assert torch.equal(built.module.get_parameter("weight"), sys.modules["own_net"].built.weight)


def test_options_have_the_type_that_is_annotated(here: Path) -> None:
    """What is annotated as a list is one, and a list is asked for in brackets."""
    name = "one/own_net.py:Net"
    assert shape(name, "first.weight", depth=1, kinds=(1, 2)) == (8, 3, 1, 1)
    how = r"A list stands in brackets, and in quotes for the shell: -o 'widths=\[4,4\]'"
    with pytest.raises(errors.BadOption, match=rf"a list of whole numbers .* not 2\. {how}"):
        shape(name, "first.weight", depth=1, widths=2)
    with pytest.raises(errors.BadOption, match="a whole number, not 'two'"):
        shape(name, "first.weight", depth="two")


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("one/own_net.py:Net", {}, errors.BadOption,
         r"Net\(\) needs `depth`, which has no default: give -o depth=VALUE\.$"),
        ("one/own_net.py:built", {"width": 3}, errors.BadOption, "built already, so it has no opt"),
        ("one/own_net.py:positional", {}, errors.BadOption, "takes `x` by its position alone"),
        ("one/own_net.py:figures", {}, errors.ModelError, "of type dict, not a function"),
        ("one/own_net.py:ne", {}, errors.UnknownModel, r"has no 'ne'\. Did you mean Net\? It has"),
        ("one/own_net.py", {}, errors.UnknownModel, "NAME. It has: Net, zoo, positional"),
        ("one/own_net.py:", {}, errors.UnknownModel, "names a file alone"),
        ("one/own_nett.py:Net", {}, errors.UnknownModel, r"mean one/own_net\.py:Net\?"),
        ("one/own_net:Net", {}, errors.UnknownModel, r"mean one/own_net\.py:Net\?"),
        ("none/at/all.py:Net", {}, errors.UnknownModel, "There is no file 'none/at/all.py'"),
        ("one:Net", {}, errors.UnknownModel, "has no 'Net'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_sentence_that_names_it(
    here: Path, name: str, options: dict[str, int], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as refused:
        build(Workload(model=name, options=tuple(options.items())))
    assert "\n" not in str(refused.value)


def test_a_file_that_fails_says_so_and_is_run_anew(here: Path) -> None:
    """A module that raised while it was imported is not kept half made."""
    file = here / "one" / "broken-net.py"
    file.write_text("import surely_not_installed\n")
    with pytest.raises(errors.ModelError, match="surely_not_installed"):
        build(Workload(model="one/broken-net.py:make"))
    file.write_text("from torch import nn\nmake = nn.Identity\n")
    assert build(Workload(model="one/broken-net.py:make")).args[0].shape == (1, 3, 224, 224)


def test_a_list_cut_apart_that_a_function_chokes_on_is_said(here):
    (here / "cut.py").write_text(
        "from torch import nn\ndef net(dims=(4, 4)):\n    return nn.Conv2d(3, dims[0], 1)\n"
    )
    with pytest.raises(errors.ModelError, match=r"subscriptable\. The default of dims is the list"
                       r" \(4, 4\), and it was given 8\. .*-o 'dims=\[4,4\]'"):  # fmt: skip
        build(Workload(model="./cut.py:net", options=(("dims", 8),)))
