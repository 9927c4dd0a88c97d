"""Counts over many inputs: the distribution, worked out by hand, and what is refused."""

from __future__ import annotations

import json
import math
import sys

import numpy as np
import pytest
import torch
import value_models
from torch import nn
from value_models import SHAPE, Prune, Scans, macs, with_positive

import vtbench
from vtbench.count.count_workload import RunSettings, count_workload
from vtbench.data.distribution import InputSet
from vtbench.data.files import line_of, read_results
from vtbench.data.workload import Workload
from vtbench.errors import BadInput, BadOption, UsageError
from vtbench.models import input_sets

PRUNED = Workload(model="value_models:make")


def over(source=None, seeds=None, model="value_models:make", **fields):
    settings = RunSettings(over=InputSet(source=source, seeds=seeds))
    return count_workload(Workload(model=model, **fields), settings=settings)


def drawn(seed):
    """The input that a seed stands for, drawn as the documentation says."""
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


def tokens_of(x):
    return sum(1 for row in x[0].tolist() if sum(row) > 0)


def test_without_a_question_a_function_s_own_input_is_counted():
    record = count_workload(PRUNED)
    assert record.macs == macs(5)
    assert record.distribution is None
    assert record.by_values.operators == ("aten.index.Tensor",)
    assert record.by_values.counted_on == (
        "the input that value_models:make returns, whatever the weights"
    )


def test_every_figure_of_a_distribution_is_that_of_the_counts():
    record = over("value_models:several")
    found = record.distribution
    assert found.values == (32, 160, 288, 544) == tuple(map(macs, (0, 2, 4, 8)))
    assert (found.n, found.mean, found.median, found.min, found.max) == (4, 256, 224, 32, 544)
    # places 0.15 and 2.85 of the four in order
    assert found.p5 == pytest.approx(32 + 0.15 * 128)
    assert found.p95 == pytest.approx(288 + 0.85 * 256)
    # squares about the mean: 224² + 96² + 32² + 288²; t of 3 degrees of freedom is 3.18245
    half = 3.182446 * math.sqrt((224**2 + 96**2 + 32**2 + 288**2) / 3 / 4)
    assert found.half_width == pytest.approx(half, rel=1e-5)
    assert found.low == 0, "no count is below nothing"
    assert found.high == pytest.approx(256 + half, rel=1e-5)
    (linear,) = found.varying
    assert (linear.op, linear.min, linear.max) == ("aten.linear.default", 32, 544)
    assert (linear.min_calls, linear.max_calls) == (2, 2)
    assert record.macs == 32, "the record is of the first input"
    assert record.by_values.counted_on.startswith("the first input of value_models:several")


def test_seeds_draw_inputs_and_the_first_is_that_of_seed_0():
    record = over(seeds=7)
    expected = tuple(macs(tokens_of(drawn(seed))) for seed in range(7))
    assert len(set(expected)) > 2
    assert record.distribution.values == expected
    assert record.macs == expected[0]


def test_memory_varies_with_the_same_inputs():
    record = over("value_models:several")
    parameters = 4 * (4 * 16 + 16 + 16 * 2 + 2)
    assert record.memory.weights == parameters
    held = record.memory_distribution
    assert held.n == 4
    assert held.values[0] == parameters + record.memory.activations_peak
    # with more tokens, 16 numbers of 4 bytes for each are alive as they are summed
    assert held.values[3] - held.values[2] == (8 - 4) * (16 + 4) * 4


def test_what_follows_from_shapes_is_constant_and_counted_once(monkeypatch):
    runs = []
    forward = nn.Linear.forward
    monkeypatch.setattr(nn.Linear, "forward", lambda *a: runs.append(1) or forward(*a))
    found = over(seeds=50, model="value_models:fixed").distribution
    assert found.constant
    assert (found.n, found.mean, found.low, found.high) == (50, 512, 512, 512)
    assert found.varying == ()
    assert len(runs) == 1


def test_one_input_has_no_interval():
    found = over(seeds=1).distribution
    assert (found.n, found.low, found.high) == (1, None, None)
    assert found.mean == found.median == found.p5 == found.min


def test_random_numbers_of_the_model_have_the_seed_of_the_input():
    expected = []
    for seed in range(8):
        torch.manual_seed(seed)
        expected.append(8 * 4 * 16 if torch.rand(1).item() < 0.5 else 0)
    assert set(expected) == {0, 512}
    record = over(seeds=8, model="value_models:draws")
    assert record.road == "meta"
    assert record.distribution.values == tuple(expected)
    assert record.by_values.counted_on == "random numbers of seed 0, which the model draws"
    (linear,) = record.distribution.varying
    assert (linear.min_calls, linear.max_calls) == (0, 1)


def test_an_unknown_operator_makes_the_values_lower_bounds(vtbench):
    record = over(seeds=3, model="value_models:scans")
    assert not record.complete
    assert not record.distribution.complete
    ended = vtbench("macs", "value_models:scans", "--seeds", "3")
    (row,) = [line for line in ended.out.splitlines() if line.startswith("value_models:scans ")]
    assert row.count("≥ ") == 6
    assert "lower bounds, because an operator is unknown" in " ".join(ended.out.split())


def test_whole_numbers_of_the_user_s_own_are_not_drawn_again():
    with pytest.raises(BadInput, match="these inputs hold none"):
        over(seeds=2, model="value_models:whole")


def test_a_file_and_a_module_name_the_same_function(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "import torch\n\ndef inputs():\n"
        "    return [torch.ones(1, 8, 4), (-torch.ones(1, 8, 4),), {'x': torch.ones(1, 8, 4)}]\n"
    )
    monkeypatch.chdir(tmp_path)
    assert over("./mine.py:inputs").distribution.values == (macs(8), macs(0), macs(8))
    assert over("mine:inputs").distribution.values == (macs(8), macs(0), macs(8))


def test_an_array_gives_an_input_for_each_entry(tmp_path):
    path = tmp_path / "inputs.npy"
    rows = [with_positive(n)[0].numpy() for n in (1, 3, 8)]
    np.save(path, np.stack(rows).astype(">f8"))
    assert over(str(path)).distribution.values == (macs(1), macs(3), macs(8))


@pytest.fixture
def photos(tmp_path):
    """A picture with 2 of 16 patches of 8×8 in white, one all white, one all black; and a text."""
    from PIL import Image

    folder = tmp_path / "photos"
    folder.mkdir()
    pixels = np.zeros((32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "c.png")
    Image.fromarray(pixels + 255).resize((100, 60)).save(folder / "b.jpg", quality=100)
    pixels[:8, :16] = 255
    Image.fromarray(pixels).save(folder / "a.png")
    (folder / "notes.txt").write_text("no image")
    return folder


def test_images_are_resized_and_taken_by_name(photos):
    found = over(str(photos), model="value_models:image", resolution=(32, 32)).distribution
    embed = 16 * 3 * 8 * 8 * 4
    assert found.values == tuple(embed + patches * 4 * 10 for patches in (2, 16, 0))


def test_a_batch_takes_as_many_images(photos):
    with pytest.raises(BadInput, match=r"the 3 entries of .* do not fill batches of 2"):
        over(str(photos), model="value_models:image", resolution=(32, 32), batch_size=2)


def test_live_modules_take_lists_and_seeds():
    net = Prune()
    count = vtbench.count(net, inputs=[with_positive(n) for n in (8, 1)])
    assert count.distribution.values == (macs(8), macs(1))
    assert (count.macs, count.to_dict()["distribution"]["mean"]) == (
        macs(8),
        (macs(8) + macs(1)) / 2,
    )
    count = vtbench.count(net, with_positive(8), seeds=3)
    assert count.distribution.values == tuple(macs(tokens_of(drawn(k))) for k in range(3))
    assert vtbench.count("value_models:make", seeds=2).distribution.n == 2
    assert vtbench.count("value_models:make", inputs="value_models:several").distribution.n == 4


def test_a_forward_with_such_a_parameter_gets_it():
    class Squares(nn.Module):
        def forward(self, inputs):
            return inputs @ inputs

    count = vtbench.count(Squares(), inputs=torch.zeros(3, 3))
    assert (count.macs, count.distribution) == (27, None)


@pytest.mark.parametrize(
    ("given", "keywords", "error", "said"),
    [
        ((), {"seeds": 2}, UsageError, "seeds: give an input of Prune too"),
        ((with_positive(1),), {"seeds": 0}, BadOption, "seeds: expected a number of inputs from 1"),
        ((with_positive(1),), {"seeds": True}, UsageError, "seeds: expected a positive whole"),
        ((), {"inputs": []}, BadInput, "inputs: the list that was given yields no input"),
        ((), {"inputs": with_positive(1)}, UsageError, "got one value of type Tensor"),
        ((), {"inputs": 3}, UsageError, "got a value of type int"),
        ((), {"inputs": [with_positive(1), torch.ones(1, 9, 4)]}, BadInput,
         "expected the shape 1×8×4 for Prune, and input 2 of the list that was given has 1×9×4"),
        ((with_positive(1),), {"inputs": [], "seeds": 1}, UsageError, "give one of the two"),
    ],
)  # fmt: skip
def test_what_python_cannot_do_is_said_in_its_own_words(given, keywords, error, said):
    with pytest.raises(error) as raised:
        vtbench.count(Prune(), *given, **keywords)
    assert said in str(raised.value)
    assert "--" not in str(raised.value)


def test_other_counters_are_compared_on_one_input():
    with pytest.raises(UsageError, match="leave out counters"):
        vtbench.count("value_models:make", seeds=2, counters="torch")


SOURCES = {
    "nodir": "expected a folder of images, a .npy file, package.module:function",
    "x=1x2": "--input gives an input by its shape",
    "value_models:nothing": "value_models:nothing yields no input",
    "value_models:one_tensor": "returned a value of type Tensor",
    "value_models:words": "input 1 of value_models:words is a value of type str",
    "value_models:longer": "input 2 of value_models:longer has 1×9×4",
    "value_models:raising": "value_models:raising raised KeyError: 'lost'.",
    "value_models:absent": "value_models has no function 'absent'",
    "value_models:SHAPE": "value_models has no function 'SHAPE'",
    "no_such_module:inputs": "the module 'no_such_module' of 'no_such_module:inputs'",
    "./absent.py:inputs": "there is no file './absent.py'",
    "value_models:not a name": "expected a folder of images",
    "absent.npy": "there is no file 'absent.npy'",
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_that_gives_no_inputs_is_refused(vtbench, in_one_process, source):
    ended = vtbench("macs", "value_models:make", "--inputs", source)
    assert (ended.status, ended.out) == (2, "")
    assert SOURCES[source] in ended.err
    assert "Traceback" not in ended.err


def test_a_source_without_end_is_left_after_as_many_inputs_as_seeds_may_draw(
    vtbench, in_one_process, monkeypatch
):
    """Each is counted before the next is asked for: 10,000 counts would take minutes."""
    assert input_sets.MANY == 10_000
    monkeypatch.setattr(input_sets, "MANY", 40)
    ended = vtbench("macs", "value_models:make", "--inputs", "value_models:without_end")
    assert (ended.status, ended.out) == (2, "")
    assert "value_models:without_end yields more than 40 inputs" in ended.err


ARRAYS = {
    "wrong shape": (np.zeros((2, 9, 4)), "expected an array of N×8×4 for value_models:make"),
    "no inputs": (np.zeros((0, 8, 4)), "is empty: its shape is (0, 8, 4)"),
    "no axis": (np.array(1.0), "holds no array with an axis of inputs"),
    "words": (np.array(["a"]), "expected an array of numbers"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_that_does_not_fit_is_refused(vtbench, in_one_process, tmp_path, name):
    array, said = ARRAYS[name]
    path = tmp_path / "a.npy"
    np.save(path, array)
    ended = vtbench("macs", "value_models:make", "--inputs", str(path))
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err


def test_what_is_no_array_no_image_and_no_folder_of_images_is_refused(
    vtbench, in_one_process, tmp_path, monkeypatch
):
    (tmp_path / "junk.npy").write_text("no array")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_text("no image")
    monkeypatch.chdir(tmp_path)

    def refused(source, model="value_models:image"):
        ended = vtbench("macs", model, "--inputs", source)
        assert (ended.status, ended.out) == (2, "")
        return ended.err

    assert "'junk.npy' cannot be read as an array" in refused("junk.npy")
    assert "the folder 'empty' holds no image" in refused("empty")
    assert "'broken/a.png' cannot be read as an image" in refused("broken")
    assert "value_models:make does not take one image" in refused("broken", "value_models:make")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install pillow" in refused("broken")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--seeds", "0"), "--seeds: expected a number of inputs from 1 to 10,000, got 0."),
        (("--seeds", "-3"), "--seeds: expected a number of inputs from 1 to 10,000, got -3."),
        (("--seeds", "2", "--inputs", "value_models:several"), "give one of the two."),
        (("--seeds", "2", "--counters", "torch"), "leave out --counters."),
        (("--seeds", "2", "--relative-to", "resnet18"), "leave out --relative-to."),
    ],
)
def test_options_that_contradict_are_refused(vtbench, options, said):
    for command in (
        ("macs",) if len(options) > 3 and "--inputs" not in options else ("macs", "memory")
    ):
        ended = vtbench(command, "value_models:make", *options)
        assert (ended.status, ended.out) == (2, "")
        assert said in ended.err


@pytest.fixture
def in_one_process(monkeypatch):
    """Counting in this process, which has imported everything."""
    from vtbench.cli import counting
    from vtbench.measure.workers import in_turn

    monkeypatch.setattr(counting, "in_processes", lambda task, todo, _: in_turn(task, todo))


def test_the_table_has_a_row_for_each_model_and_the_operators_that_vary(vtbench, in_one_process):
    ended = vtbench(
        "macs", "value_models:make", "value_models:fixed", "--inputs", "value_models:several"
    )
    assert (ended.status, ended.err) == (0, "")
    lines = [line.rstrip() for line in ended.out.splitlines()]
    assert lines[0] == "Multiply-accumulates over 4 inputs of value_models:several"
    assert "value_models:fixed: constant. Each of 4 inputs gives 512 MACs." in lines
    assert "value_models:make: aten.index.Tensor reads values of the input." in lines
    (row,) = [line.split() for line in lines if line.startswith("value_models:make ")]
    assert row[1:] == ["260", "±", "350", "224", "51", "506", "32", "544"]
    assert lines[-4:] == [
        "value_models:make: operators that vary",
        "Operator             Calls  MACs, min  MACs, max",
        "────────────────────────────────────────────────",
        "aten.linear.default      2         32        544",
    ]


def test_json_has_the_distribution_and_every_other_key(vtbench, in_one_process):
    text = vtbench("macs", "value_models:make", "--inputs", "value_models:several",
                   "--format", "json").out  # fmt: skip
    (found,) = json.loads(text)["results"]
    plain = json.loads(vtbench("macs", "value_models:make", "--format", "json").out)["results"][0]
    assert set(found) == set(plain)
    assert plain["distribution"] is None
    assert set(found["distribution"]) == {
        "n", "mean", "low", "high", "median", "p5", "p95", "min", "max", "varying",
    }  # fmt: skip
    assert found["distribution"]["mean"] == 256
    assert found["distribution"]["varying"] == ["aten.linear.default"]
    assert found["by_values"]["operators"] == ["aten.index.Tensor"]


def test_a_kept_distribution_serves_the_same_seeds_and_nothing_else(
    vtbench, in_one_process, tmp_path, monkeypatch
):
    from vtbench.cli import counting

    file, asked = tmp_path / "counts.jsonl", []
    count_one = counting.count_one

    def counted(workload, *, settings):
        asked.append(settings.get("over"))
        return count_one(workload, settings=settings)

    monkeypatch.setattr(counting, "count_one", counted)
    for seeds in (3, 3, 4, None, None):
        given = () if seeds is None else ("--seeds", str(seeds))
        assert vtbench("macs", "value_models:make", *given, "--save", str(file)).status == 0
    assert asked == [InputSet(seeds=3), InputSet(seeds=4), None]


def test_a_record_of_a_file_is_the_one_that_was_written(tmp_path):
    record = over("value_models:several")
    path = tmp_path / "counts.jsonl"
    path.write_text(line_of(record))
    (read,) = read_results([path]).records.values()
    assert read == record
    assert read.distribution.to_dict() == record.distribution.to_dict()


def test_memory_over_inputs_is_predicted_in_the_process_of_the_model(vtbench):
    ended = vtbench("memory", "value_models:make", "--seeds", "5", "--format", "json")
    (found,) = json.loads(ended.out)["results"]
    expected = over(seeds=5).memory_distribution
    assert found["distribution"] == expected.to_dict()
    assert found["memory"]["predicted"] == expected.values[0]
    assert found["by_values"]["operators"] == ["aten.index.Tensor"]


def test_scans_are_prune_and_one_operator_more():
    assert vtbench.count(Scans(), with_positive(5)).macs == macs(5)
    assert value_models.SHAPE == SHAPE


def test_what_a_function_prints_and_where_it_stops_leave_the_process_alone(tmp_path, monkeypatch):
    (tmp_path / "talks.py").write_text(
        "import torch\n\ndef inputs():\n    print('talking')\n    yield torch.ones(1, 8, 4)\n"
        "    yield torch.ones(1, 9, 4)\n"
    )
    monkeypatch.chdir(tmp_path)
    stdout, path = sys.stdout, list(sys.path)
    with pytest.raises(BadInput, match=r"input 2 of ./talks\.py:inputs has 1×9×4"):
        over("./talks.py:inputs")
    assert (sys.stdout, sys.path) == (stdout, path)
