"""A user's own function as a model: where it is found, what it may return, what it is given."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

import pytest
import torch
from typing_extensions import Unpack

from vtbench import errors
from vtbench.count.count_workload import count_workload
from vtbench.data.notice import Notice
from vtbench.data.workload import InputSpec, Workload
from vtbench.models import build
from vtbench.models.options import parameters_of, takes_anything

SOURCE = """
import torch
from torch import nn


class Scaled(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Linear(8, width)
        self.second = nn.Linear(8, width)
        self.second.weight = self.first.weight
        self.steps = torch.linspace(0, 1, 3)

    def forward(self, x, gain=None):
        return self.first(x) + self.second(x)


def plain(width: int = 4, *, bias: bool = True):
    return nn.Conv2d(3, width, 3, bias=bias)

def sized(resolution=64, batch_size: int = 1):
    return nn.Conv2d(3, 2, 3), torch.randn(batch_size, 3, resolution, resolution)

def shaped(resolution: tuple = (32, 48)):
    return nn.Conv2d(3, 2, 3), (torch.randn(1, 3, *resolution),)

def with_dict():
    return Scaled(4), {"x": torch.randn(5, 8), "gain": None}

def reads_values(width: int = 4):
    rates = torch.linspace(0, 1, 3).tolist()
    model = Scaled(width)
    model.rates = rates
    return model

def halved():
    return nn.Conv2d(3, 2, 3).to(torch.bfloat16)

def of_two():
    return nn.Bilinear(2, 2, 2)

def traced():
    return torch.jit.trace(nn.Conv2d(3, 2, 3), torch.zeros(1, 3, 8, 8))

def exported():
    image = torch.zeros(1, 3, 8, 8)
    return torch.export.export(nn.Conv2d(3, 2, 3).eval(), (image,)).module(), image

kept = None

def cached():
    global kept
    if kept is None:
        with torch.device("cpu"):
            kept = Scaled(4)
    return kept

def fails():
    raise ValueError("no such luck\\nsecond line")

def leaves():
    raise SystemExit(3)

def talks():
    print("hello from the constructor")
    return nn.Conv2d(3, 2, 3)

def number():
    return 7

def pair():
    return nn.Linear(2, 2), "inputs"

def imaged(image_size: int = 48, *, img_size=(16, 24)):
    return nn.Conv2d(3, 2, 3) if image_size == 48 else nn.Conv2d(3, image_size, 3)

def channelled(input_size=(3, 40, 56)):
    assert len(input_size) == 3
    return nn.Linear(input_size[2], input_size[1])

def unknown_kind(img_size):
    return nn.Linear(img_size, 2)
"""

Named = Callable[[str], str]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Named:
    """Names of functions of a module in the current directory, which is on no path."""
    module = f"own_{abs(hash(str(tmp_path)))}"
    (tmp_path / f"{module}.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each not in ("", str(tmp_path))])
    return lambda function: f"{module}:{function}"


def test_a_function_is_found_from_the_current_directory_and_the_path_restored(own: Named) -> None:
    """It gets an image of 224 × 224 where it returns a module alone."""
    before = list(sys.path)
    built = build(Workload(model=own("plain"), options=(("width", 7),), batch_size=2))
    assert sys.path == before
    assert built.module.get_parameter("weight").shape == (7, 3, 3, 3)
    assert built.args[0].shape == (2, 3, 224, 224)
    assert built.workload.resolution == (224, 224)
    assert built.args[0].is_meta
    assert built.module.get_parameter("weight").is_meta


def test_options_are_checked_against_the_functions_signature(own: Named) -> None:
    """Unknown ones with the nearest, and types by annotation."""
    with pytest.raises(errors.BadOption, match=r"Did you mean width\? It takes: bias, width"):
        build(Workload(model=own("plain"), options=(("widht", 7),)))
    with pytest.raises(errors.BadOption, match="a whole number"):
        build(Workload(model=own("plain"), options=(("width", "wide"),)))
    with pytest.raises(errors.BadOption, match="True or False"):
        build(Workload(model=own("plain"), options=(("bias", 1),)))


def test_an_image_has_the_precision_of_the_weights_and_is_not_all_that_a_model_may_need(
    own: Named,
) -> None:
    """A second input that forward requires is asked for by its name."""
    assert build(Workload(model=own("halved"))).args[0].dtype == torch.bfloat16
    with pytest.raises(errors.BadInput, match="needs the input 'input2'; give all its inputs as"):
        build(Workload(model=own("of_two")))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("function", "size"), [("traced", 224), ("exported", 8)])
def test_a_function_may_return_a_traced_module_or_an_exported_program(
    own: Named, function: str, size: int
) -> None:
    """Though neither has all that a module has: attributes, a signature, a mode to switch."""
    record = count_workload(Workload(model=own(function)))
    assert record.macs == 3 * 2 * 3 * 3 * (size - 2) * (size - 2)


def test_a_function_that_asks_for_the_resolution_and_the_batch_gets_them(own: Named) -> None:
    """One number where its default is one; height and width where it is a pair."""
    built = build(Workload(model=own("sized"), resolution=(96, 96), batch_size=3))
    assert built.args[0].shape == (3, 3, 96, 96)
    assert (built.workload.resolution, built.workload.batch_size) == ((96, 96), 3)
    built = build(Workload(model=own("sized")))
    assert built.workload.resolution == (64, 64)
    built = build(Workload(model=own("shaped"), resolution=(16, 24)))
    assert built.args[0].shape == (1, 3, 16, 24)
    with pytest.raises(errors.BadResolution, match="96x96, 80x80"):
        build(Workload(model=own("sized"), resolution=(96, 80)))


def test_a_size_goes_to_the_first_parameter_that_names_one(own: Named) -> None:
    """Its default is the model's own size; which of several is taken is said."""
    assert build(Workload(model=own("imaged"))).workload.resolution == (16, 24)
    with pytest.warns(Notice, match="the resolution is given to img_size. .* -o image_size=..."):
        built = build(Workload(model=own("imaged"), resolution=(96, 80)))
    assert built.args[0].shape == (1, 3, 96, 80)
    assert built.module.get_parameter("weight").shape[0] == 2
    built = build(Workload(model=own("channelled"), resolution=(7, 9)))
    assert built.module.get_parameter("weight").shape == (7, 9)
    assert build(Workload(model=own("channelled"))).workload.resolution == (40, 56)
    built = build(Workload(model=own("unknown_kind"), resolution=(7, 7)))
    assert built.module.get_parameter("weight").shape == (2, 7)
    with pytest.raises(errors.BadOption, match=r"needs `img_size`, .* give --resolution N"):
        build(Workload(model=own("unknown_kind")))


def test_any_name_of_the_size_is_the_resolution_and_two_must_agree(own: Named) -> None:
    """As an option of a function that calls it otherwise, or that takes none."""
    for name in ("resolution", "img_size", "image_size", "input_size"):
        built = build(Workload(model=own("plain"), options=((name, 32),)))
        assert built.args[0].shape == (1, 3, 32, 32)
        assert built.workload == Workload(
            model=own("plain"), options=((name, 32),), resolution=(32, 32)
        )
        assert build(built.workload).workload == built.workload
    built = build(Workload(model=own("sized"), options=(("input_size", 32),)))
    assert built.args[0].shape == (1, 3, 32, 32)
    for options, resolution in (
        ((("image_size", 32), ("img_size", 48)), None),
        ((("image_size", 32),), (48, 48)),
        ((("resolution", 32),), (48, 48)),
    ):
        with pytest.raises(errors.BadOption, match="disagree; give one of them"):
            build(Workload(model=own("sized"), options=options, resolution=resolution))
    for value in ("big", 1.5, (1, 2, 3, 4), True, None):
        with pytest.raises(errors.BadOption, match="takes a size, such as 224"):
            build(Workload(model=own("plain"), options=(("img_size", value),)))
    with pytest.raises(errors.BadResolution, match="at least 1"):
        build(Workload(model=own("plain"), options=(("img_size", 0),)))


def test_inputs_of_its_own_are_used_and_nothing_asked_is_ignored(own: Named) -> None:
    """A resolution, a batch or an input that could not reach it is refused."""
    built = build(Workload(model=own("with_dict")))
    assert built.args == ()
    assert built.kwargs["x"].shape == (5, 8)
    assert built.kwargs["x"].is_meta
    assert built.kwargs["gain"] is None
    with torch.inference_mode():
        assert built.module(**built.kwargs).shape == (5, 4)
    with pytest.raises(
        errors.BadResolution, match="parameter named resolution, img_size, image_size or input_size"
    ):
        build(Workload(model=own("with_dict"), resolution=(64, 64)))
    with pytest.raises(errors.BadInput, match="parameter named batch_size"):
        build(Workload(model=own("with_dict"), batch_size=2))
    with pytest.raises(errors.BadInput, match="--input"):
        build(Workload(model=own("with_dict"), inputs=(InputSpec(name="x", shape=(1, 8)),)))


def test_a_constructor_that_reads_values_is_built_on_the_cpu_and_brought_to_meta(
    own: Named,
) -> None:
    """Its values are right, its tied weights still tied, its plain tensors moved too."""
    built = build(Workload(model=own("reads_values"), inputs=(InputSpec(name="x", shape=(2, 8)),)))
    module = built.module
    assert module.rates == [0.0, 0.5, 1.0]
    assert all(each.is_meta for each in (*module.parameters(), module.steps))  # type: ignore[misc]
    assert module.get_parameter("first.weight") is module.get_parameter("second.weight")
    assert sum(each.numel() for each in module.parameters()) == 4 * 8 + 4 + 4
    with torch.inference_mode():
        assert built.module(**built.kwargs).shape == (2, 4)


def test_a_model_that_the_user_still_holds_keeps_its_values(own: Named) -> None:
    """The function hands out its own model: what goes to meta is a copy."""
    name = own("cached")
    spec = (InputSpec(name="x", shape=(2, 8)),)
    built = build(Workload(model=name, inputs=spec))
    kept = sys.modules[name.partition(":")[0]].kept
    assert built.module.get_parameter("first.weight").is_meta
    assert not kept.first.weight.is_meta
    assert kept.first.weight.abs().sum() > 0
    assert kept.steps.tolist() == [0.0, 0.5, 1.0]


def test_real_values_are_the_functions_own(own: Named) -> None:
    """Seeded, so that two builds agree."""
    first, second = (build(Workload(model=own("sized")), real=True) for _ in range(2))
    assert torch.equal(first.args[0], second.args[0])
    assert torch.equal(first.module.get_parameter("weight"), second.module.get_parameter("weight"))


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        ("fails", errors.ModelError, "ValueError: no such luck$"),
        ("leaves", errors.ModelError, "SystemExit: 3"),
        ("number", errors.ModelError, "a value of type int; it must return a module"),
        ("pair", errors.ModelError, "a module and a value of type str"),
        ("absent", errors.UnknownModel, "has no 'absent'"),
    ],
)
def test_a_function_that_fails_or_returns_something_else_is_one_sentence(
    own: Named, function: str, error: type[Exception], message: str
) -> None:
    """The first line of what it raised, and the original chained for a traceback."""
    with pytest.raises(error, match=message) as refused:
        build(Workload(model=own(function)))
    assert "\n" not in str(refused.value)
    if function == "fails":
        assert isinstance(refused.value.__cause__, ValueError)


def test_what_a_function_prints_goes_to_stderr(
    own: Named, capsys: pytest.CaptureFixture[str]
) -> None:
    """Standard output holds only the document."""
    build(Workload(model=own("talks")))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "hello from the constructor" in printed.err


def test_a_module_that_cannot_be_imported_is_told_from_one_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing dependency of the user's module is named, not the module."""
    (tmp_path / "imports_nothing_good.py").write_text("import surely_not_installed\n")
    (tmp_path / "does_not_parse.py").write_text("def (:\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.ModelError, match="surely_not_installed"):
        build(Workload(model="imports_nothing_good:f"))
    with pytest.raises(errors.ModelError, match="SyntaxError"):
        build(Workload(model="does_not_parse:f"))
    with pytest.raises(errors.UnknownModel, match="The module 'surely_not_there' of the model"):
        build(Workload(model="surely_not_there:f"))


class Shared(TypedDict, total=False):
    """What both of two classes take."""

    width: int


class Wide(torch.nn.Linear):
    """A class whose constructor takes more than those that derive from it hand on."""

    def __init__(self, *, width: int = 8, depth: int = 1) -> None:
        super().__init__(width, depth)


class HandsOn(Wide):
    """Hands on what a TypedDict names, and nothing else."""

    def __init__(self, *, height: int = 3, **shared: Unpack[Shared]) -> None:
        super().__init__(**shared)
        self.height = height


def test_a_constructor_has_the_options_that_its_typed_dict_names() -> None:
    """With the type and the default of the class that takes them."""
    found = parameters_of(HandsOn)
    assert sorted(found) == ["height", "width"]
    assert (found["width"].annotation, found["width"].default) == (int, 8)
    assert not takes_anything(HandsOn)
    assert takes_anything(lambda **options: options)
